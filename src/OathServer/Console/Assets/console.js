// Comforts only: every page does its work without this file.
(() => {
  "use strict";
  // Times as the reader's own clock tells them, with the zone.
  const local = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });
  const zone = new Intl.DateTimeFormat(document.documentElement.lang, { timeZoneName: "short" });
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

  document.querySelectorAll("[data-print]").forEach(button => { button.hidden = false; button.addEventListener("click", () => print()); });
})();
