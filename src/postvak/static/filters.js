// The editor of filters: words of the mail are put where one wrote last. Without it everything
// works by plain forms.

import "./rows.js";

let last = null; // where one wrote last
document.addEventListener("focusin", event => {
  if (event.target.matches?.("[data-fillable]")) last = event.target;
});

document.addEventListener("click", event => {
  const insert = event.target.closest?.("[data-insert]");
  if (insert) put(insert.dataset.insert);
});

// Into the field that had the caret, or the last one that takes text.
function put(word) {
  const field = last?.isConnected ? last : [...document.querySelectorAll("[data-fillable]")].at(-1);
  if (!field) return;
  field.setRangeText(word, field.selectionStart, field.selectionEnd, "end");
  field.focus();
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
