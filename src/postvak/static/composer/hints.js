// What there is to say about the recipients while they are typed: own addresses, a domain that is new here, mail that comes
// back. Sentences of the server; quiet for those who see, polite for those who listen.

import { ask, quiet } from "../ask.js";

const TONES = { invalid: "alert", comes_back: "warn", new_domain: "warn", ours: "", unfilled: "warn" };
const ICONS = { invalid: "warn", comes_back: "mailx", new_domain: "info", ours: "info", unfilled: "warn" };

export function startHints(desk) {
  const spot = desk.section.querySelector("[data-hints]");
  if (!spot) return;
  let running = null;
  const look = quiet(async () => {
    running?.abort();
    running = new AbortController();
    const form = new FormData();
    for (const name of ["to", "cc", "bcc"]) form.set(name, desk.form.elements[name]?.value ?? "");
    form.set("ticket", desk.section.dataset.ticket ?? "");
    const { ok, data } = await ask(desk.urls.hints, { form, signal: running.signal });
    if (ok) show(desk, spot, data.hints ?? []);
  }, 300);
  for (const { real } of desk.recipients) real.addEventListener("change", look);
  if (!spot.children.length && desk.recipients.some(field => field.people.length)) look();
}

function show(desk, spot, hints) {
  const part = document.getElementById("hint-part").content.firstElementChild;
  spot.replaceChildren(...hints.map(hint => {
    const row = part.cloneNode(true);
    row.dataset.tone = TONES[hint.kind] ?? "";
    row.querySelector("use").setAttribute("href", row.querySelector("use").getAttribute("href").replace(/#.*/, `#i-${ICONS[hint.kind] ?? "info"}`));
    row.querySelector("span").textContent = hint.text;
    return row;
  }));
  const bad = new Set(hints.filter(hint => hint.kind === "invalid").map(hint => hint.address?.toLowerCase()));
  for (const field of desk.recipients) {
    for (const chip of field.box.querySelectorAll(".chip")) {
      const email = chip.querySelector("span").textContent.toLowerCase();
      chip.toggleAttribute("data-bad", bad.has(email) || !email.includes("@"));
    }
  }
}
