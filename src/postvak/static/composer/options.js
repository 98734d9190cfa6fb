// A list of proposals under an input (ARIA combobox with listbox): arrows choose, Enter or Tab takes, Escape closes.
// An item is {title, detail, note, …}; whoever asked gets it back.

import { place } from "../place.js";

let count = 0;

export function optionsFor(input, { label, onTake, holder = input.parentElement, isStatic = false }) {
  const list = document.createElement("ul");
  list.id = `options-${++count}`;
  list.className = isStatic ? "options-list" : "menu options-list";
  list.role = "listbox";
  list.ariaLabel = label;
  if (!isStatic) list.popover = "manual";
  holder.append(list);
  Object.assign(input, { role: "combobox", ariaAutoComplete: "list", ariaExpanded: "false", autocomplete: "off" });
  input.setAttribute("aria-controls", list.id);
  let items = [], active = -1;

  function show(found, { first = 0 } = {}) {
    items = found;
    if (!items.length) return hide();
    list.replaceChildren(...items.map(row));
    if (!isStatic) { list.showPopover(); place(list, input.getBoundingClientRect()); }
    input.ariaExpanded = "true";
    activate(first);
  }

  function row(item, index) {
    const option = document.createElement("li");
    Object.assign(option, { role: "option", id: `${list.id}-${index}` });
    for (const [part, text] of [["b", item.title], ["span", item.detail], ["small", item.note]]) {
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
    const option = list.children[active];
    if (option) input.setAttribute("aria-activedescendant", option.id); else input.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  function hide() {
    items = [];
    list.replaceChildren();
    if (!isStatic && list.matches(":popover-open")) list.hidePopover();
    input.ariaExpanded = "false";
    input.removeAttribute("aria-activedescendant");
    active = -1;
  }

  function take(index) {
    const item = items[index];
    hide();
    if (item) onTake(item);
  }

  // true: the key was meant for the list
  function key(event) {
    if (!items.length) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) activate((active + step + items.length) % items.length);
    else if (["Enter", "Tab"].includes(event.key) && active >= 0 && !event.ctrlKey && !event.metaKey) take(active);
    else if (event.key === "Escape") hide();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }
  return { show, hide, key, takeFirst: () => take(0) };
}
