// Comforts only: every page does its work without this file.
(() => {
  "use strict";
  // Times as the reader's own clock tells them, with the zone.
  const language = document.documentElement.lang;
  const region = navigator.languages.find(wanted => wanted.split("-")[0] === language) || language;
  const local = new Intl.DateTimeFormat(region, { dateStyle: "medium", timeStyle: "medium" });
  const zone = new Intl.DateTimeFormat(region, { timeZoneName: "short" });
  const show = root => root.querySelectorAll("time[datetime]").forEach(time => {
    const at = new Date(time.dateTime);
    const name = zone.formatToParts(at).find(part => part.type === "timeZoneName");
    time.textContent = local.format(at) + (name ? " " + name.value : "");
  });
  show(document);

  // "/" goes to the search box from anywhere; a barcode scanner needs nothing, it types and sends Enter.
  document.addEventListener("keydown", event => {
    const typing = event.target.closest("input, textarea, select");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const box = document.querySelector("input[name=q]");
      if (box) { event.preventDefault(); box.focus(); box.select(); }
      else { location.href = "/"; }
    }
  });

  // One press, one act: a second click while the answer is on its way does nothing.
  document.addEventListener("submit", event => {
    const form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.method === "post") { form.dataset.sent = "yes"; form.setAttribute("aria-busy", "true"); }
  });
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(form => { delete form.dataset.sent; form.removeAttribute("aria-busy"); }));

  // A page that says data-follow is read again while its work goes on.
  const follow = document.querySelector("[data-follow]");
  if (follow && window.EventSource) {
    const source = new EventSource(follow.dataset.follow);
    const again = async () => {
      const reply = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!reply.ok) { return; }
      const page = new DOMParser().parseFromString(await reply.text(), "text/html");
      const part = page.getElementById(follow.id);
      const here = document.getElementById(follow.id);
      if (part && here) { here.replaceChildren(...part.childNodes); show(here); }
    };
    source.addEventListener("step", again);
    source.addEventListener("end", () => { source.close(); again(); });
    source.onerror = () => { source.close(); again(); };
  }

  // What follows from a form is shown while it is filled in: the button marked data-live is pressed for the reader, quietly.
  document.querySelectorAll("button[data-live]").forEach(button => {
    const form = button.form, id = button.dataset.live;
    let wait, turn = 0;
    const look = async () => {
      const mine = ++turn, data = new FormData(form, button);
      const reply = form.method === "get"
        ? await fetch(form.action.split("?")[0] + "?" + new URLSearchParams(data))
        : await fetch(location.href, { method: "POST", body: data });
      const text = await reply.text();
      const part = new DOMParser().parseFromString(text, "text/html").getElementById(id);
      if (part && mine === turn) { document.getElementById(id).replaceChildren(...part.childNodes); show(document.getElementById(id)); }
    };
    form.addEventListener("input", event => {
      const said = form.querySelector(`output[for="${event.target.id}"]`);
      if (said) { said.value = event.target.value; }
      clearTimeout(wait);
      wait = setTimeout(look, 150);
    });
  });

  document.querySelectorAll("[data-print]").forEach(button => { button.hidden = false; button.addEventListener("click", () => print()); });
})();
