// What is written is kept: two seconds after the last key it goes to the server, and after a failure again and again.
// The state stands quietly beside Send. Somebody else's newer version is never overwritten without a choice.

import { ask, quiet } from "../ask.js";

const AFTER_TYPING = 2000;
const RETRIES = [5, 15, 30, 60]; // seconds
const NOT_SAVED_WITH_DRAFT = ["files", "csrfmiddlewaretoken", "known", "seen", "despite", "later"];

export function startDraft(desk) {
  const { form, words } = desk;
  const spot = form.querySelector("[data-saved]");
  const state = { isDirty: false, isLeaving: false, saving: null, failures: 0, conflict: false };
  const pk = () => form.elements.draft.value;

  const tell = (text, tone = "") => { spot.textContent = text; spot.dataset.tone = tone; };
  const mark = isDirty => { state.isDirty = isDirty; spot.toggleAttribute("data-unsaved", isDirty); }; // paler until it is true again

  const later = quiet(() => save(), AFTER_TYPING);
  const again = quiet(() => save(), 0);

  // One at a time; what changes meanwhile is saved afterwards.
  function save() {
    if (state.saving) return state.saving.then(() => (state.isDirty ? save() : undefined));
    later.stop();
    state.isDirty = false; // what changes from here on is not in it
    state.saving = desk.waitFor(ask(desk.urls.drafts, { form: fieldsOf(desk) }).then(settle))
      .finally(() => { state.saving = null; });
    return state.saving;
  }

  function settle({ ok, status, data }) {
    if (ok) {
      state.failures = 0;
      mark(state.isDirty);
      remember(data);
      return tell(data.draft ? words.saved.replace("{time}", data.saved) : "");
    }
    mark(true);
    if (status === 409) return conflict(data);
    tell(words.notSaved.replace("{why}", data.text), "warn");
    retry();
  }

  function remember({ draft, revision }) {
    form.elements.draft.value = draft ?? "";
    form.elements.revision.value = revision ?? "";
    form.querySelector("[data-discard]")?.toggleAttribute("hidden", !draft);
    const discard = desk.section.querySelector("[data-discard-form]");
    if (draft) discard.action = `${desk.urls.drafts}${draft}/removal/`;
    discard.onsubmit = () => draftApi.leave();
  }

  function retry() {
    const seconds = RETRIES[Math.min(state.failures++, RETRIES.length - 1)];
    setTimeout(() => { if (state.isDirty && !state.isLeaving && !state.conflict) again(); }, seconds * 1000);
  }

  // ---- somebody saved the same draft in another window -------------------------------
  function conflict(data) {
    state.conflict = true;
    tell(data.text, "warn");
    const dialog = desk.section.querySelector("[data-conflict]");
    dialog.querySelector("[data-why]").textContent = data.text;
    dialog.querySelector("[data-theirs]").textContent = textOf(data.html);
    // sent or discarded in another window: there is no other version to take
    for (const part of dialog.querySelectorAll("[data-their-version], [data-take-theirs]")) part.hidden = !data.revision;
    dialog.onclose = () => {
      state.conflict = false;
      form.elements.draft.value = data.draft ?? "";
      form.elements.revision.value = data.revision ?? "";
      if (dialog.returnValue === "theirs") take(data);
      else save();
    };
    if (!dialog.open) dialog.showModal();
  }

  // The whole of it: their text to our recipients would be a mail that nobody wrote.
  function take({ html = "", ...fields }) {
    if (desk.editor) desk.editor.setHtml(html); else form.elements.text.value = textOf(html);
    for (const name of ["to", "cc", "bcc", "subject"]) {
      const input = form.elements[name];
      if (!input || fields[name] === undefined) continue;
      input.value = fields[name];
      input.dispatchEvent(new Event("recipients:set"));
    }
    later.stop();
    mark(false);
    tell("");
  }

  function change(event) {
    if (event.target.closest?.("[data-conflict]") || event.target.type === "file") return;
    mark(true);
    if (!state.conflict) later();
  }
  form.addEventListener("input", change);
  form.addEventListener("change", change);

  // ---- leaving -----------------------------------------------------------------------
  addEventListener("beforeunload", event => { if (state.isDirty && !state.isLeaving) event.preventDefault(); });
  addEventListener("visibilitychange", () => {
    if (document.hidden && state.isDirty && !state.isLeaving && !state.saving && !state.conflict) {
      ask(desk.urls.drafts, { form: fieldsOf(desk), keepalive: true }).then(answer => { state.isDirty = false; settle(answer); });
    }
  });
  addEventListener("pageshow", () => { state.isLeaving = false; });

  const draftApi = {
    tell,
    leave() { state.isLeaving = true; later.stop(); },
    changed() { mark(true); later(); },
    // Files need a draft that exists: even an empty one is made then.
    async pk() {
      if (!pk()) {
        if (state.saving) await state.saving;
        if (!pk()) await make();
      }
      return pk();
    },
  };
  function make() {
    const fields = fieldsOf(desk);
    fields.set("keep", "1");
    return desk.waitFor(ask(desk.urls.drafts, { form: fields }).then(answer => { state.isDirty = false; return settle(answer); }));
  }
  saveOnLinks(desk, state, save);
  return draftApi;
}

// "Answer all", "Forward" … lead to the same page: what was typed here is saved first.
function saveOnLinks(desk, state, save) {
  desk.section.addEventListener("click", async event => {
    const link = event.target.closest("a[data-kind-link]");
    if (!link || !state.isDirty || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    await save();
    if (!state.isDirty) location.href = link.href;
  });
}

export function fieldsOf(desk) {
  const fields = new FormData(desk.form);
  for (const name of NOT_SAVED_WITH_DRAFT) fields.delete(name);
  fields.set("ticket", desk.section.dataset.ticket ?? "");
  return fields;
}

function textOf(html) {
  return new DOMParser().parseFromString((html ?? "").replace(/\sstyle\s*=/gi, " data-css="), "text/html").body.innerText;
}
