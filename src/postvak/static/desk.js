// The desk: frames as high as their mail, tabs of the composer, names of chosen files.

// ---- the newest message is what one wants to see, also when mails above it grow while they load ------
let untouched = !location.hash;
for (const touch of ["wheel", "touchmove", "pointerdown", "keydown"]) {
  addEventListener(touch, () => { untouched = false; }, { once: true, passive: true });
}
function showNewest() {
  const last = untouched && [...document.querySelectorAll("#conversation .msg")].slice(1).at(-1);
  if (!last) return;
  const pane = last.parentElement; // on a phone the page itself scrolls
  if (pane.scrollHeight > pane.clientHeight) pane.scrollTop = last.offsetTop - 12;
  else last.scrollIntoView({ block: "start" });
}

// ---- mail frames: no scripts run inside (sandbox), so the page measures them ----------
function fit(frame) {
  const inside = frame.contentDocument?.documentElement;
  if (inside) frame.style.blockSize = `${Math.max(48, inside.scrollHeight)}px`;
}
function watch(frame) {
  const start = () => {
    fit(frame);
    if (frame.contentDocument?.body) new ResizeObserver(() => fit(frame)).observe(frame.contentDocument.body);
  };
  frame.addEventListener("load", start);
  frame.addEventListener("load", showNewest, { once: true });
  if (frame.contentDocument?.readyState === "complete") start();
}
document.querySelectorAll("iframe.mail-frame").forEach(watch);
showNewest();
const conversation = document.getElementById("conversation"); // grows smaller when the composer becomes an editor
if (conversation) new ResizeObserver(showNewest).observe(conversation);

// ---- composer: answer or note; on a phone it covers the page while open ---------------
function compose(kind) {
  const composer = document.getElementById("composer");
  if (!kind) return composer.removeAttribute("data-raised");
  composer.dataset.open = kind;
  composer.dataset.raised = "";
  composer.querySelectorAll("[role=tab]").forEach(tab => tab.setAttribute("aria-selected", tab.dataset.compose === kind));
  const form = composer.querySelector(`#compose-${kind}`);
  (form.querySelector(".rich-text") ?? form.querySelector("textarea, input:not([type=hidden])")).focus();
}
document.addEventListener("click", event => {
  const button = event.target.closest?.("[data-compose]");
  if (button) compose(button.dataset.compose);
});
document.addEventListener("keydown", event => {
  if (event.target.role === "tab" && ["ArrowLeft", "ArrowRight"].includes(event.key)) {
    const tabs = [...event.target.parentElement.querySelectorAll("[role=tab]")];
    tabs.at((tabs.indexOf(event.target) + 1) % tabs.length).click();
  }
});
if (document.getElementById("compose-error") || location.hash === "#composer") document.getElementById("composer")?.setAttribute("data-raised", "");

// ---- attachments: say what will go out -------------------------------------------------
document.addEventListener("change", event => {
  const input = event.target;
  if (!input.dataset.files) return;
  const spot = document.getElementById(input.dataset.files); // gone where composer.js lists them
  if (spot) spot.textContent = [...input.files].map(file => file.name).join(", ");
});

document.querySelector(".row[aria-current]")?.scrollIntoView({ block: "nearest" });

// ---- data-look="20": htmx asks again every 20 seconds, while somebody looks ---------------
for (const part of document.querySelectorAll("[data-look]")) {
  const look = () => document.visibilityState === "visible" && part.dispatchEvent(new Event("look"));
  setInterval(look, part.dataset.look * 1000);
  document.addEventListener("visibilitychange", look);
}
