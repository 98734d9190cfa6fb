// The bulk bar: which rows are ticked, and how many. The form itself works without this file, see desk/_bulk.html.

const form = document.getElementById("bulk");
const rows = document.getElementById("rows");
const ticked = new Set(); // numbers; they stay ticked when the rows come anew
let anchor = null; // where a range with Shift begins

const boxes = () => [...rows.querySelectorAll('input[name="ticket"]')];
const field = name => form.querySelector(`input[type="hidden"][name="${name}"]`);

function show() {
  const all = boxes(), is_all = field("all").value === "1";
  for (const box of all) {
    box.setAttribute("form", "bulk");
    box.closest("[data-number]")?.toggleAttribute("data-ticked", box.checked);
  }
  const words = form.querySelector(".bulk-count");
  const text = is_all ? words.dataset.all : words.dataset.words.replace("#", ticked.size);
  if (words.textContent !== text) words.textContent = text;
  rows.toggleAttribute("data-ticking", ticked.size > 0);
  form.toggleAttribute("data-open", ticked.size > 0);
  form.querySelector('[data-bulk="page"]').hidden = ticked.size === all.length;
  const whole = form.querySelector('[data-bulk="list"]'); // not of what a search found
  if (whole) whole.hidden = is_all || ticked.size < all.length || !rows.querySelector(".older");
  form.querySelector('[data-bulk="none"]').hidden = false;
  if (ticked.size) form.querySelector(".bulk-menus").dispatchEvent(new Event("ticked"));
}

function set(box, is_ticked) {
  box.checked = is_ticked;
  ticked[is_ticked ? "add" : "delete"](box.value);
}

function tickAll(is_ticked) {
  field("all").value = "";
  boxes().forEach(box => set(box, is_ticked));
  if (!is_ticked) ticked.clear();
  show();
}

// ---- ticking ------------------------------------------------------------
rows?.addEventListener("click", event => {
  const box = event.target.closest?.('input[name="ticket"]');
  if (!box || !form) return;
  const all = boxes(), from = all.indexOf(anchor), to = all.indexOf(box);
  const range = event.shiftKey && from >= 0 ? all.slice(Math.min(from, to), Math.max(from, to) + 1) : [box];
  range.forEach(one => set(one, box.checked));
  anchor = box;
  field("all").value = "";
  show();
});

form?.addEventListener("click", event => {
  const button = event.target.closest?.("[data-bulk]");
  if (!button) return;
  if (button.dataset.bulk === "list") { field("all").value = "1"; show(); return; }
  tickAll(button.dataset.bulk === "page");
  if (button.dataset.bulk === "none") rows.focus();
});

// Enter on a tick box would press the form's first button, in the field for tags it adds them.
rows?.addEventListener("keydown", event => {
  if (event.key === "Enter" && event.target.matches?.('input[name="ticket"]')) event.preventDefault();
});
form?.addEventListener("keydown", event => {
  if (event.key !== "Enter" || event.target.name !== "tags") return;
  event.preventDefault();
  form.querySelector('button[value="tag"]').click();
});

document.addEventListener("keydown", event => {
  if (event.key !== "Escape" || !ticked.size || document.querySelector("[popover]:popover-open, dialog[open]")) return;
  if (event.target.closest?.("#rows, #bulk")) { tickAll(false); rows.focus(); }
});

// ---- rows that come anew ------------------------------------------------------------
// While somebody ticks, the list waits: nothing moves under the pointer. What has changed the server looks at itself.
document.addEventListener("htmx:beforeRequest", event => {
  if (ticked.size && event.detail.elt === rows) event.preventDefault();
});

function adopt() {
  const here = new Set(boxes().map(box => box.value));
  for (const number of ticked) if (!here.has(number)) ticked.delete(number); // nobody changes what he doesn't see
  for (const box of boxes()) {
    if (box.checked) ticked.add(box.value); // the browser kept it when the page was reloaded
    else if (ticked.has(box.value)) box.checked = true;
  }
  show();
}
if (form && rows) {
  new MutationObserver(adopt).observe(rows, { childList: true, subtree: true });
  addEventListener("pageshow", adopt);
  adopt();
}
