// The editor of answer templates: placeholders go where one wrote last, a language can be taken out, the preview shows
// itself. Without it everything works by plain forms.

import { editorOf } from "./editor.js";

let last = null; // the field or rich text where one wrote last
document.addEventListener("focusin", event => {
  const field = event.target.closest?.("[data-fillable], .rich-text");
  if (field) last = field;
});

document.addEventListener("click", event => {
  const insert = event.target.closest?.("[data-insert]");
  const remove = event.target.closest?.("[data-remove-variant]");
  const preview = event.target.closest?.("[name=preview]");
  if (insert) put(insert.dataset.insert);
  if (remove) takeOut(remove.closest(".variant"));
  if (preview) document.querySelector("iframe[name=preview]").hidden = false;
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

// The language can be chosen again below.
function takeOut(variant) {
  const code = variant.querySelector("[name=language]").value || "all";
  const select = document.getElementById("new-language");
  select.add(new Option(variant.querySelector("legend").textContent.trim(), code), 0);
  select.value = code;
  variant.remove();
  select.focus();
}
