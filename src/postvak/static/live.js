// Pages that follow what happens. Each part with data-look="20" looks every 20 seconds by an event "look", which htmx or a script
// answers. While a stream of events comes from the server, parts with data-live look when they have a reason to, and otherwise
// seldom. A page that nobody sees asks nothing; it catches up when somebody looks at it.
//
// data-live="list" (its address in hx-get, rows with data-number), "navigation", "ticket" and "presence" (with data-ticket).
// <html data-live="on"> while the stream comes; the event "live:notice" tells of a notice for this agent.

import { listen } from "./live/stream.js";

const own = document.getElementById("live");
const SELDOM = 6; // times longer between two looks while the stream comes
const SOON = 1000, LATER = 3000; // ms; at most one look in this time and part
const READ_NOW = 3000, MUCH_LATER = 20_000; // opening a ticket changes it: it is read
const AFTER_RELEASE = 50; // ms until the click has come
const now = () => performance.now();

let isLive = false, isPressed = false;
const states = new WeakMap(); // part -> { looked, due }: when it looked last, when it shall again at the latest

function stateOf(part) {
  if (!states.has(part)) states.set(part, { looked: now(), due: Infinity });
  return states.get(part);
}

// ---- when a part looks ----------------------------------------------------------------

const isSeen = part => !["list", "navigation"].includes(part.dataset.live) || part.checkVisibility();
const pause = part => part.dataset.look * 1000 * (isLive && part.dataset.live ? SELDOM : 1);

function lookAround() {
  if (document.hidden || isPressed) return;
  for (const part of document.querySelectorAll("[data-look]")) {
    const state = stateOf(part);
    if (now() < Math.min(state.due, state.looked + pause(part)) || !isSeen(part)) continue;
    Object.assign(state, { looked: now(), due: Infinity });
    part.dispatchEvent(new Event("look"));
  }
}

function wake(part, wait) {
  const state = stateOf(part), soonest = Math.max(now(), state.looked + wait);
  state.due = Math.min(state.due, wait > SOON ? soonest + Math.random() * SOON : soonest);
}

setInterval(lookAround, 250);

// Between press and release nothing is put elsewhere under the finger: the click would be lost.
addEventListener("pointerdown", () => { isPressed = true; }, true);
for (const name of ["pointerup", "pointercancel", "dragend"]) {
  addEventListener(name, () => setTimeout(() => { isPressed = false; }, AFTER_RELEASE), true);
}
document.addEventListener("htmx:beforeSwap", event => {
  const part = event.detail.elt.closest("[data-look]");
  if (!isPressed || !part || event.detail.requestConfig.triggeringEvent?.type !== "look") return;
  event.detail.shouldSwap = false;
  stateOf(part).due = 0;
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  if (!isLive) document.querySelectorAll("[data-look]").forEach(part => { stateOf(part).due = 0; });
  lookAround();
});

// ---- what wakes it: ms to wait since its last look, or nothing -------------------------------

const reasons = {
  list(part, name, { ticket, kind, queue, mine }) {
    const row = part.querySelector(`.row[data-number="${ticket}"]`);
    if (row) return kind === "changed" && row.ariaCurrent && now() < READ_NOW ? MUCH_LATER : SOON;
    const list = part.getAttribute("hx-get").split("/")[2] ?? "";
    if (name === "presence") return list === "progress" ? LATER : 0;
    if (kind === "gone") return 0;
    if (list === "mine") return mine ? SOON : 0;
    if (/^queue-\d+$/.test(list)) return list === `queue-${queue}` ? LATER : 0;
    return LATER;
  },
  navigation: (part, name) => name === "change" ? LATER : 0,
  ticket: (part, name, { ticket }) => name === "change" && ticket === part.dataset.ticket ? SOON : 0,
  presence: (part, name, { ticket }) => name === "presence" && ticket === part.dataset.ticket ? SOON / 2 : 0,
};

function hear(name, values) {
  if (name === "hello" || name === "down") setLive(name === "hello");
  if (name === "notice" || name === "reload") document.dispatchEvent(new Event("live:notice"));
  for (const part of document.querySelectorAll("[data-look][data-live]")) {
    const wait = name === "reload" ? LATER : ["change", "presence"].includes(name) && reasons[part.dataset.live]?.(part, name, values);
    if (wait) wake(part, wait);
  }
  lookAround();
}

function setLive(value) {
  isLive = value;
  document.documentElement.dataset.live = value ? "on" : "off";
}

// ---- the stream: one for all tabs where the browser can share it, else one while the page is seen ----------

function share() {
  const worker = new SharedWorker(`${own.dataset.worker}?stream=${encodeURIComponent(own.dataset.stream)}`, { type: "module", name: `postvak-${own.dataset.agent}` });
  worker.port.addEventListener("message", ({ data }) => hear(data.name, data.values));
  worker.addEventListener("error", alone, { once: true });
  worker.port.start();
  addEventListener("pagehide", () => worker.port.postMessage("bye"), { once: true });
  addEventListener("pageshow", event => { if (event.persisted) share(); }, { once: true });
}

function alone() {
  let stream = null;
  const follow = () => {
    if (document.hidden) stream?.close();
    else if (stream) stream.open();
    else stream = listen(own.dataset.stream, hear);
  };
  document.addEventListener("visibilitychange", follow);
  addEventListener("pagehide", () => stream?.close());
  follow();
}

if (own?.dataset.stream && globalThis.EventSource) {
  if (globalThis.SharedWorker) share();
  else alone();
}
