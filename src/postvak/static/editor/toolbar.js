// The buttons of an editor: one tab stop, arrows inside (ARIA toolbar), pressed where the caret is.
// Buttons, words and icons are in templates/_editor.html.

import { INKS, commands, setInk } from "./commands.js";
import { addLinkForm } from "./link.js";
import { lookOf } from "./styles.js";

export function addToolbar(editor) {
  const template = document.getElementById("editor-parts");
  if (!template) return;
  const bar = template.content.querySelector("[role=toolbar]").cloneNode(true);
  if (editor.isSmall) bar.querySelectorAll("[data-large]").forEach(part => part.remove());
  bar.setAttribute("aria-controls", (editor.box.id ||= `${editor.textarea.id || "text"}-editor`));
  editor.box.parentElement.append(bar);
  editor.bar = bar;
  const buttons = [...bar.querySelectorAll(":scope > button")];
  const openLink = addLinkForm(editor, template);
  bar.addEventListener("mousedown", event => event.preventDefault()); // the caret stays where it is
  bar.addEventListener("click", event => {
    const button = event.target.closest("button");
    if (button) press(editor, button, openLink);
  });
  rove(bar, buttons);
  watchState(editor, buttons);
  addInks(editor, bar);
  addPictures(editor, bar);
}

function press(editor, button, openLink) {
  const { command } = button.dataset;
  if (commands[command]) {
    commands[command].act(editor.squire);
    if (command !== "undo" && command !== "redo") editor.squire.saveUndoState(); // Undo takes one step back, not two
  }
  else if (command === "link") openLink();
}

// ---- one tab stop ------------------------------------------------------------

function rove(bar, buttons) {
  const choose = button => {
    for (const one of buttons) one.tabIndex = one === button ? 0 : -1;
    button.focus();
  };
  buttons.forEach((button, index) => { button.tabIndex = index ? -1 : 0; });
  bar.addEventListener("keydown", event => {
    const seen = buttons.filter(button => button.offsetParent);
    const now = seen.indexOf(document.activeElement);
    const next = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: -1 }[event.key];
    if (next === undefined || now < 0) return;
    event.preventDefault();
    choose(seen.at(next % seen.length));
  });
  bar.addEventListener("focusin", event => {
    const button = event.target.closest("button");
    if (button) for (const one of buttons) one.tabIndex = one === button ? 0 : -1;
  });
}

// ---- what is on -----------------------------------------------------------------

function watchState({ squire, box }, buttons) {
  const show = () => {
    for (const button of buttons) {
      const command = commands[button.dataset.command];
      if (command?.isOn) button.setAttribute("aria-pressed", document.activeElement === box && command.isOn(squire));
    }
  };
  for (const event of ["pathChange", "cursor", "select", "focus", "blur"]) squire.addEventListener(event, show);
  squire.addEventListener("undoStateChange", event => {
    for (const [name, can] of [["undo", event.detail.canUndo], ["redo", event.detail.canRedo]]) {
      buttons.find(button => button.dataset.command === name)?.setAttribute("aria-disabled", !can);
    }
  });
  show();
}

// ---- inks and pictures ------------------------------------------------------------

function addInks(editor, bar) {
  const menu = bar.querySelector(".ink-menu");
  if (!menu) return;
  menu.id = `${editor.box.id}-inks`;
  menu.previousElementSibling.setAttribute("popovertarget", menu.id);
  menu.addEventListener("click", event => {
    const button = event.target.closest("[data-ink]");
    if (!button) return;
    const colour = INKS[button.dataset.ink];
    menu.hidePopover();
    setInk(editor.squire, colour ? lookOf(`color: ${colour}`) : "");
  });
}

function addPictures(editor, bar) {
  const button = bar.querySelector("[data-command=picture]");
  const input = bar.querySelector("input[type=file]");
  if (!button) return;
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    const detail = { files: [...input.files] };
    editor.box.dispatchEvent(new CustomEvent("editor:file", { bubbles: true, detail }));
    input.value = "";
  });
}
