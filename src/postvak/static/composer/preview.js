// The finished mail, as it would go out now: the form is sent to the preview's address and shown in a frame. A real
// navigation, not a fetch: the page in the frame has its own content security policy, mails need style attributes.

import { fieldsOf } from "./draft.js";

export function startPreview(desk) {
  const button = desk.section.querySelector("[data-preview]");
  const dialog = desk.section.querySelector("dialog[data-preview-dialog]");
  if (!button || !dialog) return;
  button.addEventListener("click", async event => {
    event.preventDefault();
    dialog.showModal();
    await desk.allDone();
    post(desk.urls.preview, fieldsOf(desk), desk.form.elements.csrfmiddlewaretoken.value, dialog.querySelector("iframe").name);
  });
}

function post(action, fields, token, target) {
  const form = Object.assign(document.createElement("form"), { method: "post", action, target, hidden: true });
  fields.set("csrfmiddlewaretoken", token);
  for (const [name, value] of fields) {
    if (typeof value === "string") form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  document.body.append(form);
  form.submit(); // no submit event: nobody counts it as the mail going out
  form.remove();
}
