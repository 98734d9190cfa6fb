// To, Cc, Bcc as chips with proposals. The real input stays the form's value – addresses with commas between – and is what
// works without this file; it is only hidden.

import { ask, quiet } from "../ask.js";
import { optionsFor } from "./options.js";

const ADDRESS = /^[^\s@<>,;"]+@[^\s@<>,;"]+$/;
const WAIT = 150;

export function startRecipients(desk) {
  desk.recipients = [...desk.form.querySelectorAll("input[data-recipients]")].map(input => makeField(desk, input));
  // an address that was typed and not closed by a comma is meant, too (Ctrl+Enter leaves the caret in the field)
  desk.form.addEventListener("submit", () => desk.recipients.forEach(commit), true);
}

function makeField(desk, real) {
  const line = withoutLabel(real.closest(".env-line"));
  const box = Object.assign(document.createElement("span"), { className: "tokens" });
  const input = Object.assign(document.createElement("input"), { type: "text", spellcheck: false, inputMode: "email", enterKeyHint: "next" });
  input.setAttribute("aria-label", line.firstElementChild.textContent);
  for (const state of ["aria-invalid", "aria-describedby"]) {
    if (real.hasAttribute(state)) input.setAttribute(state, real.getAttribute(state));
  }
  real.type = "hidden";
  real.before(box);
  box.append(input);
  const field = { desk, real, box, input, people: [] };
  field.options = optionsFor(input, { label: desk.words.proposals, holder: line, onTake: person => add(field, [person]) });
  add(field, split(real.value), { isQuiet: true });
  listen(field);
  // whoever sets the real value from elsewhere (a draft, a hint's button) says so
  real.addEventListener("recipients:set", () => { field.people = []; add(field, split(real.value)); });
  return field;
}

// A <label> presses the first button inside it, which would be the one that takes the first recipient away.
function withoutLabel(label) {
  const line = document.createElement("div");
  line.className = label.className;
  if ("bad" in label.dataset) line.dataset.bad = "";
  line.append(...label.childNodes);
  line.addEventListener("click", event => { if (event.target === line.firstElementChild) line.querySelector(".tokens > input").focus(); });
  label.replaceWith(line);
  return line;
}

// ---- the list of people ----------------------------------------------------------------

function add(field, people, { isQuiet = false } = {}) {
  for (const person of people) {
    const known = field.people.some(one => one.email.toLowerCase() === person.email.toLowerCase());
    if (!known) field.people.push(person);
  }
  field.input.value = "";
  field.options.hide();
  draw(field, isQuiet);
}

function drop(field, person) {
  field.people = field.people.filter(one => one !== person);
  draw(field);
  field.input.focus();
}

function draw(field, isQuiet = false) {
  field.box.querySelectorAll(".chip").forEach(chip => chip.remove());
  field.input.before(...field.people.map(person => chipOf(field, person)));
  const value = field.people.map(person => person.email).join(", ");
  if (value === field.real.value) return;
  field.real.value = value;
  if (isQuiet) return;
  field.real.dispatchEvent(new Event("input", { bubbles: true }));
  field.real.dispatchEvent(new Event("change", { bubbles: true }));
}

function chipOf(field, person) {
  const chip = document.getElementById("chip-part").content.firstElementChild.cloneNode(true);
  const [name, email, button] = [chip.querySelector("b"), chip.querySelector("span"), chip.querySelector("button")];
  name.textContent = person.name && person.name !== person.email ? person.name : "";
  name.hidden = !name.textContent;
  email.textContent = person.email;
  chip.toggleAttribute("data-bad", !ADDRESS.test(person.email));
  button.querySelector(".sr").textContent = field.desk.words.remove.replace("{name}", person.email);
  button.addEventListener("click", event => { event.preventDefault(); drop(field, person); });
  chip.addEventListener("dblclick", () => { drop(field, person); field.input.value = person.email; });
  return chip;
}

// "Ann Archer <ann@example.org>, bob@example.org; …" – a comma inside quotes belongs to the name.
export function split(text) {
  const parts = text.match(/(?:"[^"]*"|<[^>]*>|[^,;\n"<])+/g) ?? [];
  return parts.flatMap(part => {
    const [, name, email] = /^\s*"?([^"<]*?)"?\s*<\s*([^>]*?)\s*>\s*$/.exec(part) ?? [];
    if (email) return [{ name, email }];
    return part.split(/\s+/).filter(Boolean).map(one => ({ name: "", email: one }));
  });
}

// ---- typing ------------------------------------------------------------------------------

function listen(field) {
  const { input, box, options } = field;
  const find = quiet(() => propose(field), WAIT);
  input.addEventListener("input", event => { event.stopPropagation(); field.isEager = false; find(); });
  input.addEventListener("change", event => event.stopPropagation());
  input.addEventListener("keydown", event => { if (!options.key(event)) typed(field, event, find); });
  input.addEventListener("blur", () => { find.stop(); options.hide(); commit(field); Object.assign(field, { isAsking: false, isEager: false }); });
  input.addEventListener("paste", event => {
    const text = event.clipboardData.getData("text/plain");
    if (!/[,;\n]|@\S+\s+\S+@/.test(text)) return;
    event.preventDefault();
    add(field, split(text));
  });
  box.addEventListener("mousedown", event => { if (event.target === box) { event.preventDefault(); input.focus(); } });
  box.addEventListener("keydown", event => moveOnChips(field, event));
}

function typed(field, event, find) {
  const { input } = field;
  const text = input.value.trim();
  const ends = event.key === "Enter" || event.key === "," || event.key === ";" || (event.key === " " && ADDRESS.test(text));
  if (event.key === "Enter" && text && !ADDRESS.test(text) && (find.isWaiting() || field.isAsking)) {
    event.preventDefault();
    field.isEager = true; // faster than the server: the first proposal, as soon as it is there
  } else if (ends && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    find.stop();
    commit(field);
  } else if (event.key === "Tab" && text) {
    commit(field); // and goes on to the next field, as Tab does
  } else if (event.key === "Backspace" && !input.value && field.people.length) {
    event.preventDefault();
    drop(field, field.people.at(-1));
  }
}

function commit(field) {
  if (field.input.value.trim()) add(field, split(field.input.value));
}

function moveOnChips(field, event) {
  const buttons = [...field.box.querySelectorAll(".chip button")];
  const at = buttons.indexOf(document.activeElement);
  const fromInput = event.target === field.input && field.input.selectionStart === 0 && field.input.selectionEnd === 0;
  if (event.key === "ArrowLeft" && (at > 0 || fromInput)) buttons.at(fromInput ? -1 : at - 1)?.focus();
  else if (event.key === "ArrowRight" && at >= 0) (buttons[at + 1] ?? field.input).focus();
  else if (["Backspace", "Delete"].includes(event.key) && at >= 0) buttons[at].click();
  else return;
  if (event.target !== field.input || buttons.length) event.preventDefault();
}

let running = null;

async function propose(field) {
  const text = field.input.value.trim();
  running?.abort();
  if (text.length < 1) return field.options.hide();
  running = new AbortController();
  const query = new URLSearchParams({ q: text, ticket: field.desk.section.dataset.ticket ?? "" });
  field.isAsking = true;
  const { ok, status, data } = await ask(`${field.desk.urls.recipients}?${query}`, { signal: running.signal });
  if (status === -1) return;
  field.isAsking = false;
  if (!ok || field.input.value.trim() !== text || document.activeElement !== field.input) return;
  const there = new Set(field.people.map(person => person.email.toLowerCase()));
  const found = (data.people ?? []).filter(person => !there.has(person.email.toLowerCase()));
  // a whole address is taken as it stands; a proposal must be chosen with the arrows then
  field.options.show(found.map(person => ({ ...person, title: person.name || person.email, detail: person.name ? person.email : "", note: person.why })), { first: ADDRESS.test(text) ? -1 : 0 });
  if (field.isEager && found.length) field.options.takeFirst();
  else if (field.isEager) commit(field);
  field.isEager = false;
}
