// Asks our own server and always comes back with an answer: {ok, status, data}. `data.text` is the sentence for the
// user when something went wrong – the server's own, or, when there is none, the page's (body data-failed, data-refused).

const csrfToken = () => JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";

export async function ask(url, { form, signal, keepalive } = {}) {
  try {
    const response = await fetch(url, {
      method: form ? "POST" : "GET",
      body: form,
      headers: { Accept: "application/json", ...(form && { "X-CSRFToken": csrfToken() }) },
      credentials: "same-origin",
      signal,
      keepalive,
    });
    return answerOf(response.status, await response.text(), response.headers.get("Content-Type"));
  } catch (error) {
    if (error.name === "AbortError") return { ok: false, status: -1, data: {} };
    return { ok: false, status: 0, data: { text: document.body.dataset.failed } };
  }
}

// Uploads say how far they are, which fetch can't.
export function upload(url, form, { onProgress, signal } = {}) {
  return new Promise(resolve => {
    const request = new XMLHttpRequest();
    request.upload.onprogress = event => event.lengthComputable && onProgress?.(event.loaded / event.total);
    request.onload = () => resolve(answerOf(request.status, request.responseText, request.getResponseHeader("Content-Type")));
    request.onerror = () => resolve({ ok: false, status: 0, data: { text: document.body.dataset.failed } });
    request.onabort = () => resolve({ ok: false, status: -1, data: {} });
    request.open("POST", url);
    request.setRequestHeader("X-CSRFToken", csrfToken());
    request.setRequestHeader("Accept", "application/json");
    signal?.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

// Whoever was logged out meanwhile gets the log-in page instead of JSON: that is no success, whatever the status says.
function answerOf(status, body, type) {
  const isJson = type?.includes("json");
  const data = isJson ? JSON.parse(body || "{}") : {};
  const ok = status >= 200 && status < 300 && (isJson || status === 204);
  if (!ok && !data.text) data.text = document.body.dataset.refused;
  return { ok, status, data };
}

// Calls `act` when nothing happened for `ms`; `.now()` at once if something is waiting, `.stop()` forgets it.
export function quiet(act, ms) {
  let timer = 0;
  const later = () => { clearTimeout(timer); timer = setTimeout(() => { timer = 0; act(); }, ms); };
  later.stop = () => { clearTimeout(timer); timer = 0; };
  later.isWaiting = () => timer !== 0;
  later.now = () => { if (timer) { later.stop(); act(); } };
  return later;
}
