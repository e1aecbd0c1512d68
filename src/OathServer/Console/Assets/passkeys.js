// Asks a security key for forms that say data-passkey: "create" makes a passkey, "get" signs in with one (WebAuthn).
// Without script, or where the browser has no passkeys, such a form stays hidden and the password is there.
(() => {
  "use strict";
  if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) { return; }
  document.querySelectorAll("form[data-passkey]").forEach(form => {
    form.hidden = false;
    const say = name => form.querySelectorAll("[data-if]").forEach(text => { text.hidden = text.dataset.if !== name; });
    form.addEventListener("submit", async event => {
      event.preventDefault();
      say("none");
      try {
        const body = new FormData(), token = "__RequestVerificationToken";
        body.set(token, form.elements[token].value);
        const reply = await fetch(form.dataset.question, { method: "POST", body });
        if (!reply.ok) { throw new Error(reply.status); }
        const question = await reply.json();
        const options = JSON.parse(question.options);
        const answer = form.dataset.passkey === "create"
          ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
          : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
        form.elements.answer.value = JSON.stringify(answer);
        form.elements.state.value = question.state;
        form.submit();
      } catch (fault) {
        say([...form.querySelectorAll("[data-if]")].some(text => text.dataset.if === fault.name) ? fault.name : "");
      }
    });
  });
})();
