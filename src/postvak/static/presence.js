// Who is on a ticket: this page says that its agent is here, or writes, and shows the colleagues who say the same.

const spot = document.getElementById("present");
const FIRST = 700; // ms; who only leafs through isn't here
const AGAIN = 25_000, TYPING = 20_000;
const ASLEEP = 5 * 60_000; // nobody touched the page for so long: he isn't here, though it is open

if (spot) start();

function start() {
  let isSaid = false, typed = -Infinity, saidTyping = -Infinity, touched = now();

  async function say(doing) {
    isSaid = true;
    if (doing === "typing") saidTyping = now();
    await fetchPeople({ method: "POST", body: new URLSearchParams({ doing }), headers: { "X-CSRFToken": token() } });
  }
  const sayAgain = () => {
    if (!document.hidden && now() - touched < ASLEEP) say(now() - typed < AGAIN ? "typing" : "viewing");
  };

  setTimeout(sayAgain, FIRST);
  setInterval(sayAgain, AGAIN);
  spot.addEventListener("look", () => fetchPeople({}));
  document.addEventListener("visibilitychange", () => { touched = now(); sayAgain(); });
  for (const touch of ["pointerdown", "pointermove", "keydown", "wheel"]) {
    addEventListener(touch, () => {
      const slept = now() - touched >= ASLEEP;
      touched = now();
      if (slept) sayAgain();
    }, { passive: true });
  }
  document.addEventListener("input", event => {
    if (!event.target.closest?.("#composer")) return;
    typed = now();
    if (now() - saidTyping > TYPING) say("typing");
  });
  addEventListener("pagehide", () => {
    const form = new FormData();
    form.set("doing", "gone");
    form.set("csrfmiddlewaretoken", token());
    if (isSaid) navigator.sendBeacon(spot.dataset.url, form);
  });
  addEventListener("pageshow", event => { if (event.persisted) sayAgain(); });
  document.addEventListener("htmx:load", event => { if (event.detail.elt.id === "composer") show(newest); });

  let newest = null;
  async function fetchPeople(how) {
    try {
      const answer = await fetch(spot.dataset.url, how);
      if (!answer.ok || answer.redirected) return; // logged out, or out of sight by now
      newest = new DOMParser().parseFromString(await answer.text(), "text/html");
      show(newest);
    } catch { /* not reached; the next time */ }
  }
}

// Only what is another than before is put there: it is read aloud.
function show(page) {
  for (const part of page?.querySelectorAll("[data-for]") ?? []) {
    const place = document.getElementById(part.dataset.for);
    if (place && place.innerHTML.trim() !== part.innerHTML.trim()) place.replaceChildren(...part.cloneNode(true).childNodes);
  }
}

function now() { return performance.now(); }
function token() { return JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"]; }
