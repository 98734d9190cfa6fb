// @name in an internal note: colleagues who may read the ticket are proposed while one types. Arrows choose, Enter or Tab
// takes, Escape closes. Without this file one writes the name oneself; the server finds it in the text either way.

import { ask, quiet } from "./ask.js";
import { place } from "./place.js";

const FIELD = "textarea[data-colleagues]";
const BEGUN = /(?:^|[^\p{L}\p{N}_.+\-@])@((?:[\p{L}\p{N}_.'’-]+ ?){0,3})$/u; // up to three words of a name
const MIRRORED = ["font", "letterSpacing", "lineHeight", "padding", "border", "textIndent", "wordSpacing", "tabSize", "boxSizing"];

const list = Object.assign(document.createElement("ul"), { id: "colleagues-list", className: "menu options-list", role: "listbox", popover: "manual" });
document.body.append(list);
let field = null, people = [], active = -1, nobody = null;

// ---- typing ------------------------------------------------------------------------------

document.addEventListener("input", event => {
  if (!event.target.matches?.(FIELD)) return;
  field = event.target;
  const typed = begun();
  if (typed === null || (nobody !== null && typed.startsWith(nobody))) { if (typed === null) nobody = null; find.stop(); return hide(); }
  find();
});
document.addEventListener("focusout", event => { if (event.target === field) { find.stop(); hide(); } });
document.addEventListener("keydown", event => { if (event.target === field && people.length) key(event); }, true);
document.addEventListener("selectionchange", () => { if (people.length && begun() === null) hide(); });

// What stands between the @ and the caret; null where no name is being written.
function begun() {
  if (field.selectionStart !== field.selectionEnd) return null;
  return BEGUN.exec(field.value.slice(0, field.selectionStart))?.[1] ?? null;
}

const find = quiet(async () => {
  const typed = begun(), asked = field;
  if (typed === null) return;
  const { ok, data } = await ask(`${asked.dataset.colleagues}?${new URLSearchParams({ q: typed })}`);
  if (!ok || asked !== field || document.activeElement !== field || begun() !== typed) return;
  nobody = data.people.length ? null : typed;
  show(data.people);
}, 100);

// ---- the list ----------------------------------------------------------------------------

function show(found) {
  people = found;
  if (!people.length) return hide();
  list.ariaLabel = field.dataset.colleaguesLabel;
  field.setAttribute("aria-controls", list.id);
  field.setAttribute("aria-autocomplete", "list");
  list.replaceChildren(...people.map(row));
  list.showPopover();
  place(list, caret());
  activate(0);
}

function row(person, index) {
  const option = Object.assign(document.createElement("li"), { role: "option", id: `${list.id}-${index}` });
  for (const [part, text] of [["b", person.name], ["span", person.email], ["small", person.note]]) {
    if (text) option.append(Object.assign(document.createElement(part), { textContent: text }));
  }
  option.addEventListener("mousedown", event => { event.preventDefault(); take(index); });
  return option;
}

function activate(index) {
  active = index;
  [...list.children].forEach((option, at) => {
    option.ariaSelected = String(at === active);
    option.toggleAttribute("data-active", at === active);
  });
  field.setAttribute("aria-activedescendant", list.children[active].id);
  list.children[active].scrollIntoView({ block: "nearest" });
}

function hide() {
  people = [];
  active = -1;
  if (list.matches(":popover-open")) list.hidePopover();
  field?.removeAttribute("aria-activedescendant");
}

function key(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) activate((active + step + people.length) % people.length);
  else if (["Enter", "Tab"].includes(event.key) && !event.ctrlKey && !event.metaKey && !event.shiftKey) take(active);
  else if (event.key === "Escape") { nobody = begun(); hide(); }
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function take(index) {
  const name = `@${people[index].name} `, typed = begun() ?? "", end = field.selectionStart;
  hide();
  field.setRangeText(name, end - typed.length - 1, end, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  hide();
  find.stop();
}

// Where the caret is: a box of the same text behind the field tells.
function caret() {
  const box = document.createElement("div"), mark = document.createElement("span"), look = getComputedStyle(field);
  for (const name of MIRRORED) box.style[name] = look[name];
  Object.assign(box.style, { position: "absolute", visibility: "hidden", whiteSpace: "pre-wrap", overflowWrap: "anywhere", inlineSize: `${field.offsetWidth}px`, insetBlockStart: "0", insetInlineStart: "0" });
  mark.textContent = "\u200b";
  box.append(field.value.slice(0, field.selectionStart), mark);
  document.body.append(box);
  const inBox = mark.getBoundingClientRect(), around = box.getBoundingClientRect(), at = field.getBoundingClientRect();
  box.remove();
  const top = Math.min(at.top + inBox.top - around.top - field.scrollTop, at.bottom - inBox.height);
  return new DOMRect(at.left + inBox.left - around.left, top, 0, inBox.height);
}
