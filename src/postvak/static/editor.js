// <textarea data-editor>: a rich-text editor in its place. `data-editor="small"`: few buttons, no pictures (signatures).
//
// Where the HTML goes: into the field named by data-html-name (made here; starts with data-html) while the textarea keeps
// the plain words – or, without data-html-name, the textarea itself holds the HTML.
// Without this file the textarea is a textarea. Words, icons and buttons: templates/_editor.html.
//
// Other modules: `editorOf(textarea)` gives {box, squire, html, setHtml, insert, isEmpty, focus, caret, on}; the box sends
// "editor:file" (detail: {files}) for pictures pasted, dropped or chosen, and the textarea an "input" event on changes.

import Squire from "./vendor/squire/squire.mjs";
import { OURS, toFragment, toHtml } from "./editor/clean.js";
import { keys } from "./editor/commands.js";
import { showStyles } from "./editor/styles.js";
import { showUnfilled } from "./editor/placeholders.js";
import { addToolbar } from "./editor/toolbar.js";

const editors = new WeakMap();

export function editorOf(textarea) {
  if (!editors.has(textarea)) editors.set(textarea, makeEditor(textarea));
  return editors.get(textarea);
}

export function enhance(root) {
  root.querySelectorAll("textarea[data-editor]").forEach(editorOf);
}

function makeEditor(textarea) {
  const box = makeBox(textarea);
  const field = fieldFor(textarea);
  const squire = makeSquire(box);
  const editor = {
    textarea, box, squire,
    isSmall: textarea.dataset.editor === "small",
    html: () => toHtml(squire.getHTML()),
    isEmpty: () => !toHtml(squire.getHTML()),
    setHtml: html => { squire.setHTML(html); changed(); },
    insert: html => { squire.insertHTML(html); },
    focus: () => squire.focus(),
    caret: () => squire.getCursorPosition(),
  };
  const changed = () => mirror(editor, field);
  squire.setHTML(startHtml(textarea));
  mirror(editor, field, { isQuiet: true });
  squire.addEventListener("input", changed);
  addToolbar(editor);
  listen(editor);
  if (textarea.autofocus || document.activeElement === textarea) squire.focus();
  textarea.hidden = true;
  return editor;
}

function makeSquire(box) {
  let isPasted = false;
  const squire = new Squire(box, {
    sanitizeToDOMFragment: html => toFragment(html, { isPasted }),
    willCutCopy: html => OURS + showStyles(html),
    didError: error => console.error(error),
  });
  // Squire's handles at pictures are made with style attributes, which our CSP refuses: no handles.
  squire._imageResizer.destroy();
  for (const [key, act] of Object.entries(keys)) squire.setKeyHandler(key, act);
  box.addEventListener("paste", () => { isPasted = true; }, true);
  box.addEventListener("drop", () => { isPasted = true; setTimeout(() => { isPasted = false; }); }, true);
  for (const end of ["willPaste", "pasteImage"]) squire.addEventListener(end, () => { isPasted = false; });
  return squire;
}

// ---- what stands in the page ----------------------------------------------------------

function makeBox(textarea) {
  const frame = document.createElement("div");
  frame.className = "editor";
  const box = document.createElement("div");
  box.className = "rich-text";
  Object.assign(box, { role: "textbox", ariaMultiLine: "true", spellcheck: true, lang: textarea.lang || document.documentElement.lang });
  box.dataset.placeholder = textarea.placeholder;
  name(box, textarea);
  frame.append(box);
  textarea.before(frame);
  return box;
}

function name(box, textarea) {
  const label = textarea.labels[0];
  if (!label) return box.setAttribute("aria-label", textarea.getAttribute("aria-label") ?? textarea.placeholder);
  label.id ||= `${textarea.id}-label`;
  box.setAttribute("aria-labelledby", label.id);
  label.addEventListener("click", () => box.focus());
  for (const state of ["aria-invalid", "aria-describedby"]) {
    if (textarea.hasAttribute(state)) box.setAttribute(state, textarea.getAttribute(state));
  }
  if (textarea.required) {
    box.ariaRequired = "true";
    textarea.required = false; // a hidden field that is required could not be sent, and would not say why
  }
}

function fieldFor(textarea) {
  if (!textarea.dataset.htmlName) return textarea;
  const field = Object.assign(document.createElement("input"), { type: "hidden", name: textarea.dataset.htmlName });
  textarea.after(field);
  return field;
}

function startHtml(textarea) {
  if (!textarea.dataset.htmlName) return looksLikeHtml(textarea.value) ? textarea.value : linesOf(textarea.value);
  return textarea.dataset.html || linesOf(textarea.value);
}

const looksLikeHtml = text => /<(p|div|br|ul|ol|b|i|a|table|blockquote|h[1-3]|span|pre)\b/i.test(text);

function linesOf(text) {
  const probe = document.createElement("span");
  return text.split(/\r?\n/).map(line => {
    probe.textContent = line;
    return `<div>${probe.innerHTML || "<br>"}</div>`;
  }).join("");
}

function mirror(editor, field, { isQuiet = false } = {}) {
  const html = editor.html();
  editor.box.toggleAttribute("data-empty", !html && !editor.box.querySelector("li, blockquote, pre, h2"));
  if (!editor.textarea.matches("[data-fillable]")) showUnfilled(editor.box); // in a template they belong there
  const isSame = field.value === html;
  field.value = html;
  if (field !== editor.textarea) editor.textarea.value = html ? editor.box.innerText : "";
  if (!isQuiet && !isSame) editor.textarea.dispatchEvent(new Event("input", { bubbles: true }));
}

// ---- pictures and files that come by paste or drop; keys that leave ------------------------

function listen(editor) {
  const { box, squire } = editor;
  const offer = files => box.dispatchEvent(new CustomEvent("editor:file", { bubbles: true, detail: { files } }));
  squire.addEventListener("pasteImage", event => {
    const files = [...event.detail.clipboardData.items].filter(item => item.kind === "file").map(item => item.getAsFile());
    offer(files.filter(Boolean));
  });
  box.addEventListener("drop", event => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    placeCaret(squire, event);
    offer([...event.dataTransfer.files]);
  }, true);
  // Ctrl+Enter belongs to the form (app.js); Squire would split the line, too
  box.addEventListener("beforeinput", event => { if (editor.isSending) event.preventDefault(); }, true);
  box.addEventListener("keydown", event => {
    editor.isSending = event.key === "Enter" && (event.ctrlKey || event.metaKey);
    if (event.key === "Escape" && !event.defaultPrevented) box.blur();
  });
}

function placeCaret(squire, event) {
  const at = document.caretPositionFromPoint?.(event.clientX, event.clientY);
  if (!at) return;
  const range = document.createRange();
  range.setStart(at.offsetNode, at.offset);
  squire.setSelection(range);
}

enhance(document);
document.addEventListener("htmx:load", event => enhance(event.detail.elt.parentElement ?? document));
