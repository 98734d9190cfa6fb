// The composer: recipients, files, drafts, templates and preview around an editor. Entry of the pages that have one; each
// part is a module of its own in composer/. Without this file the form is a form: fields, a textarea, files, Send.
//
// The parts know each other only by this `desk`: {section, form, editor, words, urls, draft, waitFor, say}.

import { editorOf } from "./editor.js";
import { startDraft } from "./composer/draft.js";
import { startFiles } from "./composer/files.js";
import { startGuards } from "./composer/guards.js";
import { startHints } from "./composer/hints.js";
import { startPictures } from "./composer/pictures.js";
import { startPreview } from "./composer/preview.js";
import { startRecipients } from "./composer/recipients.js";
import { startTemplates } from "./composer/templates.js";

const started = new WeakSet();
const startAll = () => document.querySelectorAll("[data-composer]").forEach(start);
startAll();
document.addEventListener("htmx:load", startAll); // the ticket page brings it a moment later

function start(section) {
  if (started.has(section)) return;
  started.add(section);
  for (const form of section.querySelectorAll("form[data-mail]")) startMail(deskOf(section, form));
  for (const form of section.querySelectorAll("form[data-note]")) startNote(deskOf(section, form));
  showButtons(section);
}

function deskOf(section, form) {
  const textarea = form.querySelector("textarea[data-editor]");
  return {
    section, form,
    editor: textarea && editorOf(textarea),
    words: JSON.parse(section.dataset.words),
    urls: JSON.parse(section.dataset.urls),
    ...waiting(),
  };
}

function startNote(desk) {
  desk.draft = startDraft(desk);
  sendWhenReady(desk);
}

function startMail(desk) {
  startRecipients(desk);
  startHints(desk);
  startGuards(desk);
  if (desk.editor) {
    desk.draft = startDraft(desk);
    desk.files = startFiles(desk);
    startPictures(desk);
    startPreview(desk);
    startTemplates(desk);
  }
  sendWhenReady(desk);
}

// What only works with this file is hidden until it runs.
function showButtons(section) {
  section.querySelectorAll("[data-with-script]").forEach(part => { part.hidden = false; });
  section.querySelectorAll("[data-without-script]").forEach(part => { part.remove(); });
}

// ---- Send waits for what is on its way: an upload, a draft being saved ---------------------------

function waiting() {
  const busy = new Set();
  return {
    waitFor(promise) {
      busy.add(promise);
      promise.finally(() => busy.delete(promise));
      return promise;
    },
    isBusy: () => busy.size > 0,
    async allDone() {
      while (busy.size) await Promise.allSettled([...busy]);
    },
  };
}

function sendWhenReady(desk) {
  desk.form.addEventListener("submit", async event => {
    if (event.defaultPrevented) return;
    if (!desk.isBusy()) return desk.draft?.leave();
    event.preventDefault();
    event.stopImmediatePropagation(); // app.js would take this for the one time a form goes out
    const { submitter } = event;
    desk.draft?.tell(desk.words.waits);
    await desk.allDone();
    desk.form.requestSubmit(submitter);
  }, true);
}
