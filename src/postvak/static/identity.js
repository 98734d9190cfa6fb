// Beside the form of a brand, address or signature the finished mail shows itself, a moment after each change.
// Placeholders go where one wrote last. Without it the button "Show" fills the frame, and placeholders are typed.

import "./placing.js";

const form = document.getElementById("identity-form");
const button = document.querySelector("[data-preview-button]");
const PAUSE = 500;
let timer = 0;

function later() {
  clearTimeout(timer);
  timer = setTimeout(() => form.requestSubmit(button), PAUSE);
}

form.addEventListener("input", later);
for (const field of form.elements) if (!form.contains(field)) field.addEventListener("input", later);
form.addEventListener("submit", event => { if (event.submitter !== button) clearTimeout(timer); });
if (getComputedStyle(button.closest(".mail-preview")).display !== "none") form.requestSubmit(button);
