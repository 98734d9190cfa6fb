// Ready texts: "/" at the start of a line or after a blank – or the button – opens a palette beside the caret. One types to
// find, Enter inserts; files, status and tags of the template come along.

import { ask, quiet } from "../ask.js";
import { place } from "../place.js";
import { optionsFor } from "./options.js";

export function startTemplates(desk) {
  const { editor, section } = desk;
  const palette = section.querySelector("[data-palette]");
  if (!palette) return;
  const input = palette.querySelector("input");
  const state = { slash: null, running: null, isEager: false };
  const options = optionsFor(input, { label: desk.words.templates, holder: palette, isStatic: true, onTake: item => use(desk, item, close) });

  const find = quiet(async () => {
    state.running?.abort();
    state.running = new AbortController();
    const asked = input.value.trim();
    const query = new URLSearchParams({ q: asked, ticket: section.dataset.ticket ?? "" });
    state.isAsking = true;
    const { ok, status, data } = await ask(`${desk.urls.templates}?${query}`, { signal: state.running.signal });
    if (status === -1) return; // a newer question is on its way
    state.isAsking = false;
    if (input.value.trim() !== asked || !palette.matches(":popover-open")) return; // typed on meanwhile, or gone
    const found = ok ? data.templates ?? [] : [];
    palette.querySelector("[data-none]").textContent = found.length ? "" : ok ? desk.words.noTemplate : data.text ?? "";
    options.show(found.map(one => ({ ...one, title: one.name, detail: one.category?.replaceAll("::", " › "), note: one.beginning })));
    if (state.isEager) options.takeFirst();
    state.isEager = false;
  }, 120);

  function open(slash = null) {
    Object.assign(state, { slash, isEager: false });
    input.value = "";
    palette.showPopover();
    place(palette, slash ? editor.caret() : section.querySelector("[data-templates]").getBoundingClientRect());
    input.focus();
    find();
    find.now();
  }

  // The "/" that opened the palette goes, unless one closes it without a choice: then it was meant.
  function close({ isTaken = false } = {}) {
    if (!palette.matches(":popover-open")) return;
    palette.hidePopover();
    options.hide();
    editor.focus();
    if (isTaken && state.slash) removeSlash(editor.squire, state.slash);
    state.slash = null;
  }

  section.querySelector("[data-templates]")?.addEventListener("click", () => open());
  editor.box.addEventListener("input", event => {
    if (event.data === "/") { const slash = slashAt(editor.squire); if (slash) open(slash); }
  });
  input.addEventListener("input", event => { event.stopPropagation(); find(); });
  input.addEventListener("keydown", event => {
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); return close(); }
    if (event.key === "Backspace" && !input.value && state.slash) { event.preventDefault(); return close({ isTaken: true }); }
    if (find.isWaiting() || state.isAsking) state.isEager = event.key === "Enter"; // faster than the server: the first one, then
    if (state.isEager || (!options.key(event) && event.key === "Enter")) event.preventDefault();
  });
  input.addEventListener("blur", () => setTimeout(() => { if (document.activeElement === document.body) close(); }));
  document.addEventListener("mousedown", event => { if (!palette.contains(event.target) && palette.matches(":popover-open")) close(); });
}

// Where the "/" just typed stands, if a template may begin there: not inside a word, a path or an address.
function slashAt(squire) {
  const { startContainer: node, startOffset: offset } = squire.getSelection();
  if (node.nodeType !== Node.TEXT_NODE || node.data[offset - 1] !== "/") return null;
  const before = node.data.slice(0, offset - 1).replaceAll("\u200B", "");
  const isStart = before === "" ? !/\S$/.test(node.previousSibling?.textContent ?? "") : /\s$/.test(before);
  return isStart ? { node, offset: offset - 1 } : null;
}

function removeSlash(squire, { node, offset }) {
  if (!node.isConnected || node.data[offset] !== "/") return;
  node.deleteData(offset, 1);
  const range = document.createRange();
  range.setStart(node, offset);
  squire.setSelection(range);
}

async function use(desk, item, close) {
  close({ isTaken: true });
  const form = new FormData();
  form.set("ticket", desk.section.dataset.ticket ?? "");
  form.set("draft", (await desk.draft.pk()) ?? "");
  const { ok, data } = await desk.waitFor(ask(`${desk.urls.templates}${item.id}/uses/`, { form }));
  if (!ok) return desk.draft.tell(data.text, "warn");
  if (data.html) desk.editor.insert(data.html);
  for (const file of data.files ?? []) if (!file.is_inline && !file.inline) desk.files.show(file);
  if (data.files?.length) desk.files.total(data.files.at(-1));
  setStatus(desk.form, data.status);
  setSubject(desk.form, data.subject);
  addTags(desk.form, data.tags ?? []);
  const missing = data.missing ?? [];
  if (missing.length) desk.draft.tell(desk.words.missing.replace("{names}", missing.join(", ")), "warn");
  desk.draft.changed();
}

// The button that sends says what becomes of the ticket: the words are those of the menu beside it.
function setStatus(form, key) {
  const choice = key && form.querySelector(`button[name=then][value="${CSS.escape(key)}"]`);
  if (!choice) return;
  form.elements.status.value = key;
  form.querySelector("[data-send] .t").textContent = choice.querySelector("span").textContent;
}

// Only where a subject is asked for: an answer keeps that of its ticket.
function setSubject(form, subject) {
  const input = form.elements.subject;
  if (subject && input?.dataset.wants !== undefined && !input.value) input.value = subject;
}

function addTags(form, tags) {
  for (const tag of tags) {
    if ([...form.querySelectorAll("input[name=tags]")].some(input => input.value === tag)) continue;
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "tags", value: tag }));
  }
}
