// The switches "sign" and "encrypt": asked anew when a recipient, the sender or a switch changes. The server says what is usual,
// what is demanded and for whom it is possible; without this file it says so when the mail is sent.

import { quiet } from "../ask.js";

const SENT = ["to", "cc", "bcc", "kind", "about", "address", "queue", "sign", "sign_usual", "encrypt", "encrypt_usual"];

export function startGuards(desk) {
  const spot = desk.form.querySelector("[data-guards]");
  if (!spot) return;
  let running = null;
  const look = quiet(async () => {
    running?.abort();
    running = new AbortController();
    const answer = await fetched(desk, running.signal);
    if (answer !== null) show(spot, answer);
  }, 250);
  for (const { real } of desk.recipients) real.addEventListener("change", look);
  for (const name of ["address", "queue"]) desk.form.elements[name]?.addEventListener?.("change", look);
  spot.addEventListener("change", look);
}

async function fetched(desk, signal) {
  const all = new FormData(desk.form), form = new FormData();
  for (const name of [...SENT, "csrfmiddlewaretoken"]) if (all.has(name)) form.set(name, all.get(name));
  form.set("ticket", desk.section.dataset.ticket ?? "");
  try {
    const response = await fetch(desk.urls.guards, { method: "POST", body: form, signal });
    return response.ok ? await response.text() : null;
  } catch {
    return null; // the network, or a newer question: what stands there stays
  }
}

// Only what changed is put in, so that the keyboard stays where it is.
function show(spot, html) {
  const focused = spot.contains(document.activeElement) ? document.activeElement.name : "";
  spot.innerHTML = html;
  delete spot.dataset.bad;
  if (focused) spot.querySelector(`[name="${focused}"]`)?.focus();
}
