// Pictures in the text: pasted, dropped into it or chosen. They stand there at once, pale until they are uploaded; in the mail
// they are parts of it (cid), never links to us. Other files that land on the text become attachments.

const WIDEST = 640; // pixels; what mail programs show without scrolling

export function startPictures(desk) {
  desk.section.addEventListener("editor:file", event => {
    const { files } = event.detail;
    const pictures = files.filter(isPicture);
    desk.files.attach(files.filter(file => !isPicture(file)));
    for (const file of pictures) place(desk, file);
  });
  desk.editor.squire.addEventListener("input", () => sendEmbedded(desk));
}

const isPicture = file => /^image\/(png|jpe?g|gif|webp)$/.test(file.type);

async function place(desk, file) {
  const picture = desk.editor.squire.insertImage(await dataUrl(file), { alt: file.name?.replace(/\.\w+$/, "") ?? "" });
  await send(desk, picture, file);
}

const onTheirWay = new WeakSet();

async function send(desk, picture, file) {
  const { squire } = desk.editor;
  onTheirWay.add(picture);
  await picture.decode().catch(() => {});
  if (picture.naturalWidth > WIDEST) picture.width = WIDEST;
  const { ok, data } = await desk.files.put(file, { isInline: true });
  if (!picture.isConnected) return;
  if (!ok) {
    picture.remove();
    return desk.draft.tell(data.text, "warn");
  }
  squire.modifyDocument(() => {
    picture.dataset.cid = data.content_id;
    picture.src = data.url;
  });
  desk.files.total(data);
  squire.fireEvent("input");
}

// What was pasted with its pictures inside – and what Undo brings back from before they were uploaded.
function sendEmbedded(desk) {
  for (const picture of desk.editor.box.querySelectorAll("img[src^='data:']")) {
    if (!onTheirWay.has(picture)) send(desk, picture, fileOf(picture.src));
  }
}

function fileOf(url) {
  const [, type, content] = /^data:(image\/\w+);base64,(.*)$/.exec(url) ?? [];
  const bytes = Uint8Array.from(atob(content ?? ""), letter => letter.charCodeAt(0));
  return new File([bytes], "", { type: type ?? "image/png" });
}

// img-src allows data:, but not blob:
function dataUrl(file) {
  return new Promise(resolve => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.readAsDataURL(file);
  });
}
