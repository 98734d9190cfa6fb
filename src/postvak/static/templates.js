// The editor of answer templates: placeholders go where one wrote last, a language can be taken out, the preview shows
// itself. Without it everything works by plain forms.

import "./placing.js";

document.addEventListener("click", event => {
  const remove = event.target.closest?.("[data-remove-variant]");
  const preview = event.target.closest?.("[name=preview]");
  if (remove) takeOut(remove.closest(".variant"));
  if (preview) document.querySelector("iframe[name=preview]").hidden = false;
});

// The language can be chosen again below.
function takeOut(variant) {
  const code = variant.querySelector("[name=language]").value || "all";
  const select = document.getElementById("new-language");
  select.add(new Option(variant.querySelector("legend").textContent.trim(), code), 0);
  select.value = code;
  variant.remove();
  select.focus();
}
