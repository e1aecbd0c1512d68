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

  // A part that says data-follow is read again whenever the server says that something moved. What was typed or chosen
  // in it stays, and so does the place of the keyboard.
  const renew = async part => {
    const reply = await fetch(part.dataset.from || location.href, { headers: { Accept: "text/html" } });
    if (reply.redirected) { location.href = reply.url; return false; }
    if (!reply.ok) { return false; }
    const fresh = new DOMParser().parseFromString(await reply.text(), "text/html").getElementById(part.id);
    if (!fresh) { return false; }
    const fields = [...part.querySelectorAll("input:not([type=hidden]), select, textarea")].filter(f => f.name);
    const focus = part.contains(document.activeElement) ? document.activeElement : null;
    const key = f => f.name + "=" + (f.type === "radio" || f.type === "checkbox" ? f.value : "");
    const kept = new Map(fields.map(f => [key(f), f.type === "radio" || f.type === "checkbox" ? f.checked : f.value]));
    const keepChoice = fields.some(f => f.type === "radio" && f.checked);
    part.replaceChildren(...fresh.childNodes);
    part.querySelectorAll("input:not([type=hidden]), select, textarea").forEach(f => {
      const was = kept.get(key(f));
      if (was === undefined) { return; }
      if (f.type === "radio") { if (keepChoice) { f.checked = was; } } else if (f.type === "checkbox") { f.checked = was; } else { f.value = was; }
    });
    if (focus) { (focus.id ? document.getElementById(focus.id) : [...part.querySelectorAll("a, button, input")].find(f => f.textContent === focus.textContent && f.name === focus.name))?.focus(); }
    show(part);
    if (fresh.dataset.follow === undefined) { delete part.dataset.follow; }
    return fresh.dataset.follow !== undefined;
  };
  const follow = part => {
    const source = new EventSource(part.dataset.follow);
    let busy = false, again = false;
    const moved = async () => {
      if (busy) { again = true; return; }
      busy = true;
      do { again = false; if (!await renew(part)) { source.close(); } } while (again);
      busy = false;
    };
    ["step", "batch", "progress", "readers", "end"].forEach(name => source.addEventListener(name, moved));
    source.onerror = async () => {
      source.close();
      await moved();
      if (part.dataset.follow !== undefined) { setTimeout(() => follow(part), 2000); }
    };
  };
  if (window.EventSource) { document.querySelectorAll("[data-follow]").forEach(follow); }

  // A file may be dropped anywhere on a form that takes one.
  document.querySelectorAll(".drop input[type=file]").forEach(box => {
    const form = box.form;
    form.addEventListener("dragover", event => { event.preventDefault(); form.classList.add("over"); });
    form.addEventListener("dragleave", () => form.classList.remove("over"));
    form.addEventListener("drop", event => {
      event.preventDefault();
      form.classList.remove("over");
      if (event.dataTransfer.files.length > 0) { box.files = event.dataTransfer.files; }
    });
  });

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
