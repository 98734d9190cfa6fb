// A placeholder goes where one wrote last: into a plain field or a rich text. Without it placeholders are typed.

import { editorOf } from "./editor.js";

let last = null; // the field or rich text where one wrote last
document.addEventListener("focusin", event => {
  const field = event.target.closest?.("[data-fillable], .rich-text");
  if (field) last = field;
});

document.addEventListener("click", event => {
  const insert = event.target.closest?.("[data-insert]");
  if (insert) put(insert.dataset.insert);
});

function put(word) {
  const field = last?.isConnected ? last : document.querySelector("textarea[data-fillable]");
  const area = field.matches("textarea") ? field : field.closest(".field")?.querySelector("textarea[data-editor]");
  if (!area) return putPlain(field, word);
  const editor = editorOf(area);
  editor.focus();
  editor.insert(word);
}

function putPlain(field, word) {
  field.setRangeText(word, field.selectionStart, field.selectionEnd, "end");
  field.focus();
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
