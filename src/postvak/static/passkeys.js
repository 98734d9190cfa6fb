// Passkeys: form[data-passkey="get" or "create"] asks the server for a challenge (data-options), the browser for an answer to it,
// and goes out with the answer. Where the browser knows no passkeys the forms stay hidden.

const toBytes = text => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), letter => letter.charCodeAt(0));
const toText = buffer => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

// The options come as JSON, with bytes as URL-safe base 64.
function readOptions(options) {
  const ids = list => list?.map(one => ({ ...one, id: toBytes(one.id) }));
  return {
    ...options,
    challenge: toBytes(options.challenge),
    ...(options.user && { user: { ...options.user, id: toBytes(options.user.id) } }),
    ...(options.excludeCredentials && { excludeCredentials: ids(options.excludeCredentials) }),
    ...(options.allowCredentials && { allowCredentials: ids(options.allowCredentials) }),
  };
}

function written(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = toText(credential.response[name]);
  }
  return JSON.stringify({
    id: credential.id, rawId: toText(credential.rawId), type: credential.type, response,
    clientExtensionResults: credential.getClientExtensionResults(),
  });
}

async function answer(form) {
  const asked = await fetch(form.dataset.options, {
    method: "POST", headers: { "X-CSRFToken": form.elements.namedItem("csrfmiddlewaretoken").value },
  });
  if (asked.redirected) return location.assign(asked.url); // to confirm who it is, before the device makes anything
  if (!asked.ok) throw new Error("no challenge");
  const { publicKey } = await asked.json();
  return written(await navigator.credentials[form.dataset.passkey]({ publicKey: readOptions(publicKey) }));
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!globalThis.PublicKeyCredential) break;
  form.hidden = false;
  form.parentElement.querySelector("[data-no-passkeys]")?.remove();
  form.addEventListener("submit", async event => {
    event.preventDefault();
    event.stopPropagation(); // app.js lets a form out once; this one goes when it has its answer
    const problem = form.querySelector("[data-problem]"), button = form.querySelector("button");
    problem.hidden = true;
    button.disabled = true;
    try {
      const proof = await answer(form);
      if (!proof) return;
      form.elements.namedItem("answer").value = proof;
      form.submit();
    } catch {
      problem.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
}
