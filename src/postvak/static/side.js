// The right side of a ticket and the pages of customers: folded parts stay folded, people and names are offered while one types.

const KEY = "postvak-folds";

// ---- folds: remembered by name in this browser --------------------------------------------------
const folds = () => { try { return JSON.parse(localStorage.getItem(KEY)) ?? {}; } catch { return {}; } };

// `lazy`: parts that htmx fills when they open; it listens only after they are on the page.
function foldAsBefore(root, lazy = false) {
  const known = folds();
  for (const part of root.querySelectorAll(`details[data-fold]${lazy ? "[hx-get]" : ":not([hx-get])"}`)) {
    if (part.dataset.fold in known) part.open = known[part.dataset.fold];
    if (part.querySelector("[aria-invalid]")) part.open = true;
  }
}

// By the click and not by the toggle: only what a person did is kept.
document.addEventListener("click", event => {
  const part = event.target.closest?.("details[data-fold] > summary")?.parentElement;
  if (!part) return;
  try { localStorage.setItem(KEY, JSON.stringify({ ...folds(), [part.dataset.fold]: !part.open })); } catch { /* full or forbidden */ }
});

// ---- the focus stays in the part where it was when the side comes anew ---------------------------------
let place = "";
document.addEventListener("htmx:beforeSwap", event => {
  if (event.detail.target.id !== "side") return;
  place = document.activeElement?.closest("#side details[data-fold]")?.dataset.fold ?? "";
});
document.addEventListener("htmx:afterSettle", event => {
  if (event.detail.target.id !== "side") return;
  const lost = !document.activeElement || document.activeElement === document.body;
  const bad = event.detail.target.querySelector("[aria-invalid]");
  if (bad) bad.focus();
  else if (place && lost) event.detail.target.querySelector(`details[data-fold="${CSS.escape(place)}"] > summary`)?.focus();
  place = "";
  foldAsBefore(event.detail.target, true);
});
document.addEventListener("htmx:beforeSwap", event => {
  if (event.detail.target.id !== "side") return;
  const holder = document.createElement("template");
  holder.innerHTML = event.detail.serverResponse; // our own server's escaped fragment, looked at here only
  foldAsBefore(holder.content);
  event.detail.serverResponse = holder.innerHTML;
});

// ---- data-offers="address": names are offered while one types (a datalist) -------------------------------
let timer, asked;
document.addEventListener("input", event => {
  const input = event.target;
  if (!input.dataset?.offers) return;
  const taken = [...(input.list?.options ?? [])].find(option => option.value === input.value);
  if (taken) return take(input, taken);
  clearTimeout(timer);
  timer = setTimeout(() => offer(input), 150);
});

// data-offers-name="id": who was taken gives that field his name.
function take(input, option) {
  const name = document.getElementById(input.dataset.offersName);
  if (name && option.dataset.name) name.value = option.dataset.name;
}

async function offer(input) {
  if (input.value.trim().length < 2) return;
  asked?.abort();
  asked = new AbortController();
  const url = new URL(input.dataset.offers, location.href);
  url.searchParams.set("q", input.value);
  try {
    const answer = await fetch(url, { signal: asked.signal, headers: { Accept: "application/json" } });
    if (answer.ok && !answer.redirected) show(input, (await answer.json()).people);
  } catch { /* the next key asks again */ }
}

// A field for addresses offers only what has the typed letters in its value, so it is a text field from now on.
function show(input, people) {
  if (input.type === "email") Object.assign(input, { type: "text", inputMode: "email" });
  let list = input.list;
  if (!list) {
    list = Object.assign(document.createElement("datalist"), { id: `offers-${Math.random().toString(36).slice(2)}` });
    input.after(list);
    input.setAttribute("list", list.id);
  }
  list.replaceChildren(...people.map(one => {
    const option = Object.assign(document.createElement("option"), { value: one.email, label: [one.name, one.email].filter(Boolean).join(" – ") });
    option.dataset.name = one.name;
    return option;
  }));
}

foldAsBefore(document);
