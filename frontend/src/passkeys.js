// Makes and uses passkeys: what the server asks for goes to the browser, and its answer into the form.
const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

function descriptors(list) {
  return (list || []).map((each) => ({ ...each, id: bytes(each.id) }));
}

async function made(options) {
  const asked = options.publicKey;
  return navigator.credentials.create({
    publicKey: {
      ...asked,
      challenge: bytes(asked.challenge),
      user: { ...asked.user, id: bytes(asked.user.id) },
      excludeCredentials: descriptors(asked.excludeCredentials),
      // Kept by the device and opened by its holder alone: with less it could not be the whole of a sign-in.
      authenticatorSelection: {
        ...asked.authenticatorSelection,
        residentKey: "required",
        requireResidentKey: true,
        userVerification: "required",
      },
    },
  });
}

async function used(options) {
  const asked = options.publicKey;
  return navigator.credentials.get({
    publicKey: { ...asked, challenge: bytes(asked.challenge), allowCredentials: descriptors(asked.allowCredentials) },
  });
}

function written(credential) {
  const held = credential.response;
  const response = { clientDataJSON: text(held.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (held[name]) {
      response[name] = text(held[name]);
    }
  }
  if (held.getTransports) {
    response.transports = held.getTransports();
  }
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: credential.getClientExtensionResults(),
  });
}

async function asked(form) {
  if (form.dataset.options) {
    return JSON.parse(form.dataset.options);
  }
  const answer = await fetch(form.dataset.optionsFrom, { headers: { Accept: "application/json" } });
  if (!answer.ok) {
    throw new Error("The server did not say what to sign.");
  }
  return (await answer.json()).request_options;
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) {
    continue;
  }
  form.hidden = false;
  const problem = form.querySelector("[data-passkey-problem]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    try {
      const options = await asked(form);
      const credential = await (form.dataset.passkey === "create" ? made(options) : used(options));
      form.elements.credential.value = written(credential);
      form.submit();
    } catch {
      // Refused, or waited too long: the browser has said so in its own words.
      problem.hidden = false;
    }
  });
}
