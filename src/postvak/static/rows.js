// Rows of conditions and actions go at once. Without it they go by plain forms.

document.addEventListener("click", event => {
  const remove = event.target.closest?.("[data-remove]");
  if (!remove) return;
  event.preventDefault();
  const rules = remove.closest(".rules");
  remove.closest(".rule").remove();
  rules.querySelector("[data-add]").focus();
  rules.dispatchEvent(new Event("change", { bubbles: true }));
});
