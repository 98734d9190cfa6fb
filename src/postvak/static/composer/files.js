// Files that go along: chosen, dropped on the composer, or brought by a template. Each is uploaded at once into the draft and
// stands in the list with its size; what went wrong stands beside it. The total is held against the channel's limit.

import { upload, ask } from "../ask.js";

export function startFiles(desk) {
  const list = desk.section.querySelector("[data-file-list]");
  const input = desk.form.querySelector("input[type=file][name=files]");
  const part = document.getElementById("file-part").content.firstElementChild;
  const files = { attach: chosen => [...chosen].forEach(file => desk.waitFor(send(file))), show, total, put };

  input.removeAttribute("name"); // they are in the draft already
  input.addEventListener("change", () => { files.attach(input.files); input.value = ""; });
  list.querySelectorAll("[data-file]").forEach(onRemove);
  dropOn(desk, files);

  // One row from the choice to the end: a click on its button must not fall between two of them.
  async function send(file) {
    const row = rowOf({ name: file.name });
    const bar = row.querySelector("progress");
    list.append(row);
    bar.hidden = false;
    const { ok, data } = await put(file, { onProgress: share => { bar.value = share; } });
    bar.hidden = true;
    if (!ok) return fail(row, data.text);
    if (!row.isConnected) return total((await desk.waitFor(removeThere(data.id))).data);
    fill(row, data);
    total(data);
  }

  // -> the answer of the server; also for pictures in the text
  async function put(file, { isInline = false, onProgress } = {}) {
    return desk.waitFor((async () => {
      const pk = await desk.draft.pk();
      if (!pk) return { ok: false, status: 0, data: { text: desk.words.noDraft } };
      const form = new FormData();
      form.set("file", file, file.name || `${desk.words.picture}.${file.type.split("/")[1] ?? "png"}`);
      if (isInline) form.set("inline", "1");
      return upload(`${desk.urls.drafts}${pk}/files/`, form, { onProgress });
    })());
  }

  function show(data) {
    list.append(rowOf(data));
  }

  function rowOf(data) {
    const row = part.cloneNode(true);
    onRemove(row);
    fill(row, data);
    return row;
  }

  function fill(row, { id, name, size_text: size, url }) {
    const link = row.querySelector("a");
    link.textContent = name;
    if (url) link.href = url;
    if (id) row.dataset.file = id;
    row.querySelector("small").textContent = size ?? "";
    row.querySelector("button .sr").textContent = desk.words.remove.replace("{name}", name);
  }

  function onRemove(row) {
    row.querySelector("button").addEventListener("click", async event => {
      event.preventDefault();
      const id = row.dataset.file;
      if (!id) return row.remove(); // on its way, or failed; what the server has by then is taken away there when it answers
      row.setAttribute("aria-busy", "true");
      const { ok, data } = await desk.waitFor(removeThere(id));
      row.removeAttribute("aria-busy");
      if (!ok) return fail(row, data.text);
      row.remove();
      total(data);
      input.focus();
    });
  }

  const removeThere = id => ask(`${desk.urls.drafts}${desk.form.elements.draft.value}/files/${id}/removal/`, { form: new FormData() });

  function fail(row, text) {
    row.dataset.bad = "";
    row.querySelector("small").textContent = text;
    row.role = "alert";
  }

  function total({ total: sum, limit }) {
    const spot = desk.section.querySelector("[data-total]");
    if (sum === undefined) return;
    const words = limit ? desk.words.totalOf : desk.words.total;
    spot.textContent = sum ? words.replace("{size}", bytes(sum)).replace("{limit}", bytes(limit)) : "";
    spot.dataset.tone = limit && sum > limit * 0.85 ? "warn" : "";
  }
  return files;
}

// ---- dropping on the composer; on the text, pictures go into it (pictures.js) -----------------------

function dropOn(desk, files) {
  const { section } = desk;
  const hasFiles = event => [...event.dataTransfer?.types ?? []].includes("Files");
  let depth = 0;
  const mark = () => section.toggleAttribute("data-drop", depth > 0);
  section.addEventListener("dragenter", event => { if (hasFiles(event)) { depth += 1; mark(); } });
  section.addEventListener("dragleave", event => { if (hasFiles(event)) { depth = Math.max(0, depth - 1); mark(); } });
  section.addEventListener("dragover", event => { if (hasFiles(event)) event.preventDefault(); });
  section.addEventListener("drop", event => {
    depth = 0;
    mark();
    if (!hasFiles(event) || event.defaultPrevented) return;
    event.preventDefault();
    files.attach(event.dataTransfer.files);
  });
  // the editor swallows its drops (capture): the mark must go all the same
  section.addEventListener("editor:file", () => { depth = 0; mark(); });
}

export function bytes(number) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(number, 1)) / 3));
  const format = { style: "unit", unit: units[power], unitDisplay: "short", maximumFractionDigits: power > 1 ? 1 : 0 };
  return new Intl.NumberFormat(document.documentElement.lang, format).format(number / 1000 ** power);
}
