// Notices while a page is open: the number at the bell, a card, a sound, a notice of the system. The server tells of news by
// the event "live:notice" (live.js); without it this file asks now and then. Of several tabs one rings: the first that
// puts the notice's key down, and one that is looked at goes before one that isn't.

const spot = document.getElementById("notices");
const WAIT = 45; // seconds between two looks while nobody tells us
const HIDDEN_WAITS = 1200; // ms

if (spot) start();
for (const box of document.querySelectorAll("[data-desktop-notices]")) startAsking(box);

function start() {
  let newest = Number(spot.dataset.newest), running = null;

  async function look() {
    running ??= ask().finally(() => { running = null; });
    return running;
  }

  async function ask() {
    const page = await read(`${spot.dataset.url}?after=${newest}`);
    const state = page?.querySelector("[data-state]");
    if (!state) return;
    showNumber(state.dataset.label);
    const before = newest;
    newest = Math.max(newest, Number(state.dataset.newest));
    const cards = [...page.querySelectorAll(".notice")];
    if (newest > before && cards.length) await ring(newest, cards);
  }

  document.addEventListener("live:notice", look);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  setInterval(() => { if (!document.hidden && document.documentElement.dataset.live !== "on") look(); }, WAIT * 1000);
}

async function read(url) {
  try {
    const answer = await fetch(url, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return null; // logged out
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch { return null; }
}

function showNumber(label) {
  for (const bell of document.querySelectorAll("[data-bell]")) bell.toggleAttribute("data-unread", label !== "");
  for (const number of document.querySelectorAll("[data-bell-number]")) Object.assign(number, { textContent: label, hidden: label === "" });
}

// ---- one tab rings ---------------------------------------------------------------------

async function ring(key, cards) {
  if (document.hidden) await new Promise(done => setTimeout(done, HIDDEN_WAITS));
  if (!await isFirst(key)) return;
  if (document.hidden) tellSystem(cards[0]);
  else document.getElementById("toasts").append(...cards.reverse());
  if ("sound" in spot.dataset) beep();
}

function isFirst(key) {
  const put = () => {
    try {
      const name = `postvak-notice-${spot.dataset.agent}`;
      if (Number(localStorage.getItem(name)) >= key) return false;
      localStorage.setItem(name, String(key));
    } catch { /* the browser keeps nothing: each tab rings */ }
    return true;
  };
  return navigator.locks ? navigator.locks.request("postvak-notice", put) : put(); // locks need https
}

function tellSystem(card) {
  if (!("desktop" in spot.dataset) || globalThis.Notification?.permission !== "granted") return;
  const link = card.querySelector("a");
  const notice = new Notification(link.querySelector("b").textContent, { body: link.querySelector("small").textContent, tag: `postvak-${card.dataset.key}` });
  notice.addEventListener("click", () => { window.focus(); location.assign(link.href); notice.close(); });
}

// Two soft tones. Browsers let a page sound only after somebody has touched it.
function beep() {
  if (!globalThis.AudioContext || navigator.userActivation?.hasBeenActive === false) return;
  const audio = new AudioContext(), volume = audio.createGain();
  volume.connect(audio.destination);
  volume.gain.setValueAtTime(0.0001, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.08, audio.currentTime + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + 0.45);
  for (const [tone, at] of [[660, 0], [880, 0.12]]) {
    const sound = audio.createOscillator();
    sound.frequency.value = tone;
    sound.connect(volume);
    sound.start(audio.currentTime + at);
    sound.stop(audio.currentTime + 0.5);
  }
  setTimeout(() => audio.close(), 1000);
}

// ---- preferences: the browser has to allow notices of the system, and it asks only after a click ----------------

function startAsking(box) {
  const button = box.querySelector("button"), input = box.querySelector("input[type=checkbox]");
  const show = () => {
    const state = globalThis.Notification?.permission ?? "none";
    for (const part of box.querySelectorAll("[data-permission]")) part.hidden = part.dataset.permission !== state;
  };
  const allow = async () => {
    if (globalThis.Notification?.permission === "default") await Notification.requestPermission();
    show();
  };
  button?.addEventListener("click", allow);
  input?.addEventListener("change", () => { if (input.checked) allow(); });
  document.querySelector("[data-try-sound]")?.addEventListener("click", beep);
  show();
}
