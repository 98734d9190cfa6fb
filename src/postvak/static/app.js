// Behaviour of all pages. Everything is found by data attributes and works on what htmx brings later, too.
// Without this file pages still work: forms submit, menus (popover) and folds (details) open.

const closest = (event, selector) => event.target instanceof Element ? event.target.closest(selector) : null;

// ---- clicks ------------------------------------------------------------
const clicks = {
  "[data-show]": button => {
    const input = document.getElementById(button.dataset.show);
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", shown);
    input.focus();
  },
  "[data-copy]": async button => {
    await navigator.clipboard?.writeText(button.dataset.copy);
    toast(document.body.dataset.copied, 2);
  },
  "[data-fill]": button => fill(button.closest("form"), JSON.parse(button.dataset.fill)),
  "[data-dismiss]": button => button.closest(".toast").remove(),
  "[data-dialog]": button => document.getElementById(button.dataset.dialog)?.showModal(),
  "[data-close]": button => button.closest("dialog")?.close(),
  "[data-print]": () => print(),
};

document.addEventListener("click", event => {
  for (const [selector, act] of Object.entries(clicks)) {
    const found = closest(event, selector);
    if (found) return act(found);
  }
  if (event.target instanceof HTMLDialogElement) event.target.close(); // the backdrop
});

// ---- menus: popovers beside the button that opened them ----------------------------
document.addEventListener("toggle", event => {
  const menu = event.target;
  if (event.newState === "open" && menu.matches?.(".menu[popover]")) place(menu);
  if (event.newState === "closed" && document.activeElement === document.body) { // what had the focus was replaced
    document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`)?.focus({ preventScroll: true });
  }
}, true);
document.addEventListener("htmx:afterSwap", event => { // its choices came when it was opened
  if (event.target.matches?.(".menu[popover]:popover-open")) place(event.target);
});

function place(menu) {
  const button = document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`);
  if (!button) return; // a script opened and placed it
  const at = button.getBoundingClientRect(), size = menu.getBoundingClientRect(), edge = 8;
  const below = at.bottom + 4 + size.height < innerHeight;
  const left = at.left + size.width + edge < innerWidth ? at.left : at.right - size.width;
  Object.assign(menu.style, {
    margin: 0, inset: "auto",
    left: `${Math.max(edge, left)}px`,
    top: `${Math.max(edge, below ? at.bottom + 4 : at.top - size.height - 4)}px`,
  });
  (menu.querySelector("[aria-current]") ?? menu.querySelector("a, button, input:not([type=hidden])"))?.focus({ preventScroll: true });
}

document.addEventListener("keydown", event => {
  const menu = closest(event, ".menu[popover]");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!menu || !step) return;
  const items = [...menu.querySelectorAll("a, button")];
  items.at((items.indexOf(document.activeElement) + step) % items.length)?.focus();
  event.preventDefault();
});

// ---- forms ------------------------------------------------------------
document.addEventListener("keydown", event => {
  const form = closest(event, "form[data-ctrl-enter]");
  if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  }
});

// A form goes out once: a second click while the answer is on its way does nothing.
document.addEventListener("submit", event => {
  const form = event.target;
  if (form.matches("[hx-post], [hx-put], [hx-delete]") || event.submitter?.matches("[hx-post], [formtarget]")) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "1";
  setTimeout(() => delete form.dataset.sent, 8000);
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(form => delete form.dataset.sent));

const valueOf = (form, name) => {
  const control = form.elements.namedItem(name);
  return control?.type === "checkbox" ? String(control.checked) : control?.value ?? "";
};

// data-when="kind=imap|pop3": the field is there only for these values of another; several conditions with a space.
function showFitting(form) {
  for (const part of form.querySelectorAll("[data-when]")) {
    part.hidden = !part.dataset.when.split(" ").every(condition => {
      const [name, values] = condition.split("=");
      return values.split("|").includes(valueOf(form, name));
    });
    const choice = part.matches("label") && part.querySelector("input[type=radio]:checked");
    if (part.hidden && choice) form.querySelector(`[name="${choice.name}"]`).click();
  }
}

// data-fill='{"host": "imap.example.org", …}': puts these values into the fields of the form.
function fill(form, values) {
  for (const [name, value] of Object.entries(values)) {
    const control = form.elements.namedItem(name);
    if (control) control.value = value;
  }
  showFitting(form);
}

// <form data-ports='{"imap/tls": 993, …}'>: the port follows kind and encryption until someone writes another.
function followPort(form) {
  const ports = JSON.parse(form.dataset.ports), port = form.elements.namedItem("port");
  const usual = Object.values(ports).map(String).includes(port.value) || !port.value;
  const wanted = ports[`${valueOf(form, "kind")}/${valueOf(form, "security")}`];
  if (usual && wanted) port.value = wanted;
}

document.addEventListener("change", event => {
  const form = event.target.form;
  if (!form) return;
  if (form.dataset.ports && ["kind", "security"].includes(event.target.name)) followPort(form);
  showFitting(form);
});

// ---- toasts ------------------------------------------------------------
function toast(text, seconds = 7) {
  const box = document.createElement("div");
  box.className = "toast";
  box.append(Object.assign(document.createElement("span"), { textContent: text }));
  box.dataset.hideAfter = seconds;
  document.getElementById("toasts").append(box);
}

function hideLater(box) {
  if (box.dataset.timed) return;
  box.dataset.timed = "1";
  let timer;
  const start = () => { timer = setTimeout(() => box.remove(), box.dataset.hideAfter * 1000); };
  box.addEventListener("pointerenter", () => clearTimeout(timer));
  box.addEventListener("focusin", () => clearTimeout(timer));
  box.addEventListener("pointerleave", start);
  start();
}

const spot = document.getElementById("toasts");
const watchToasts = () => spot.querySelectorAll(".toast[data-hide-after]").forEach(hideLater);
new MutationObserver(watchToasts).observe(spot, { childList: true });

for (const failure of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failure, () => toast(document.body.dataset.failed));
}
document.addEventListener("htmx:responseError", event => {
  if (!event.detail.xhr.getResponseHeader("HX-Redirect")) toast(document.body.dataset.refused, 12);
});

// ---- polling: a page that nobody looks at asks nothing (htmx' own [condition] would need eval) -----------------
document.addEventListener("htmx:beforeRequest", event => {
  if (document.hidden && event.detail.elt.matches('[hx-trigger*="every"]')) event.preventDefault();
});

// ---- whatever is on the page now, and what htmx brings ---------------------------------
function prepare(root) {
  if (root.querySelector("textarea[data-editor]")) import("./editor.js"); // watches for further ones by itself
  root.querySelectorAll("form").forEach(showFitting);
  root.querySelector("[data-focus]")?.focus();
}
document.addEventListener("htmx:load", event => prepare(event.detail.elt.parentElement ?? document));
prepare(document);
watchToasts();

// ---- a field that looks for ticks in a long list -------------------------
for (const search of document.querySelectorAll("[data-pick]")) {
  search.hidden = false;
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLocaleLowerCase();
    for (const label of document.getElementById(search.dataset.pick).querySelectorAll("label"))
      label.hidden = !label.textContent.toLocaleLowerCase().includes(wanted);
  });
  search.addEventListener("keydown", event => event.key === "Enter" && event.preventDefault());
}
