// One stream for all tabs of a browser: over HTTP/1.1 it opens six connections to a server, and each stream takes one.

import { listen } from "./stream.js";

const MOMENT = 5000; // ms; a page that has just loaded hears again what was said while it did
const ports = new Set();
let state = "down", recent = [];

listen(new URL(location.href).searchParams.get("stream"), (name, values) => {
  if (name === "beat") return;
  const now = Date.now(), message = { name, values };
  if (name === "hello" || name === "down") state = name;
  else recent = [...recent.filter(one => one.at > now - MOMENT), { at: now, message }].slice(-50);
  for (const port of ports) port.postMessage(message);
});

addEventListener("connect", event => {
  const [port] = event.ports;
  ports.add(port);
  port.addEventListener("message", () => ports.delete(port)); // it says one thing: that it leaves
  port.start();
  port.postMessage({ name: state, values: {} });
  for (const { at, message } of recent) if (at > Date.now() - MOMENT) port.postMessage(message);
});
