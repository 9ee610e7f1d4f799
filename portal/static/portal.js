// Pages work without this. With it they are live, their clocks run, and visits survive no network.
"use strict";
(() => {
  const $ = (query) => document.querySelector(query);
  const news = $("#news");
  const tell = (text) => { if (news) news.textContent = text; };

  // A clock that is due: the server says how in words, here it goes on by the second.
  const skew = Date.now() - Number($("#main")?.dataset.now || Date.now());
  const pad = (n) => String(n).padStart(2, "0");
  const tick = () => {
    const now = Date.now() - skew;
    for (const one of document.querySelectorAll("[data-due]")) {
      const left = Number(one.dataset.due) - now;
      const s = Math.floor(Math.abs(left) / 1000);
      if (s >= 86400) continue;
      const text = (s >= 3600 ? Math.floor(s / 3600) + ":" : "") + pad(Math.floor(s / 60) % 60) + ":" + pad(s % 60);
      one.textContent = (left >= 0 ? news.dataset.left : news.dataset.late).replace("…", text);
      one.classList.toggle("late", left < 0);
    }
  };
  setInterval(tick, 1000);
  tick();

  // Somebody who is writing is not disturbed: the page waits until they are done.
  let held = false;
  const busy = () => {
    if (held) return true;
    const here = document.activeElement;
    const writes = here && here.matches("main textarea, main input:not([type=hidden]), main select");
    const open = $("main details[open]");
    const typed = [...document.querySelectorAll("main textarea, main input[type=file]")].some((one) => one.value);
    return writes || open || typed;
  };
  let asking = false, again = false;
  const renew = async () => {
    if (busy()) { tell(news.dataset.changed); return; }
    if (asking) { again = true; return; }
    asking = true;
    try {
      const answer = await fetch(location.pathname + location.search, { headers: { "x-part": "main", accept: "text/html" }, credentials: "same-origin" });
      if (answer.redirected) { location.reload(); return; }
      if (!answer.ok) return;
      const made = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      if (made && !busy()) {
        $("#main").replaceWith(made);
        tick();
        ring();
        passkeys();
        tell(news.dataset.changed);
        setTimeout(() => tell(""), 4000);
      }
    } finally {
      asking = false;
      if (again) { again = false; renew(); }
    }
  };
  const method = document.querySelector("main form.sheet[enctype]") && location.pathname === "/report";
  if (document.body.hasAttribute("data-live") && !method) {
    const source = new EventSource("/events");
    let lost = false, shown = Number(document.body.dataset.live);
    // What changed after this page was made and before we listened is told to nobody again.
    source.addEventListener("hello", ({ data }) => {
      const { told } = JSON.parse(data);
      if (lost) tell("");
      if (lost || told !== shown) renew();
      lost = false;
      shown = told;
    });
    source.addEventListener("change", renew);
    source.onerror = () => { lost = true; tell(news.dataset.lost); };
    addEventListener("pagehide", () => source.close());
  }

  // One press is one answer.
  addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-queue]")) {
      form.elements.namedItem("id").value = crypto.randomUUID();
      form.elements.namedItem("at").value = Date.now();
    }
    setTimeout(() => { for (const one of form.querySelectorAll("button")) one.disabled = true; }, 0);
    setTimeout(() => { for (const one of form.querySelectorAll("button")) one.disabled = false; }, 5000);
  });

  // Notices on this device: somebody presses a button, the browser asks, the portal keeps where to ring.
  const can = "serviceWorker" in navigator && isSecureContext;
  const send = async (form, path, subscription) => {
    const body = new URLSearchParams(new FormData(form));
    const { endpoint, keys } = subscription.toJSON();
    for (const [name, value] of Object.entries({ endpoint, ...keys })) body.set(name, value);
    const answer = await fetch(path, { method: "POST", body, credentials: "same-origin" });
    if (!answer.ok) throw new Error(answer.status);
    return (await answer.json()).rings;
  };
  const subscribed = async (key) => {
    const manager = (await navigator.serviceWorker.ready).pushManager;
    const wanted = Uint8Array.from(atob(key.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
    const kept = await manager.getSubscription();
    const same = kept && new Uint8Array(kept.options.applicationServerKey || []).join() === wanted.join();
    if (same) return kept;
    if (kept) await kept.unsubscribe();
    return manager.subscribe({ userVisibleOnly: true, applicationServerKey: wanted });
  };
  let rings = "";
  const ring = async () => {
    const box = $("#push");
    if (!box) return;
    const show = (state) => {
      rings = state;
      for (const one of box.querySelectorAll("[data-when]")) one.hidden = !one.dataset.when.split(" ").includes(state);
      // Where somebody looks for how she is, it only stands as long as there is something to press.
      box.hidden = box.dataset.where === "home" && ["on", "unsupported"].includes(state);
      box.dataset.state = state;
    };
    const form = box.querySelector("form[data-when]");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        if (await Notification.requestPermission() !== "granted") return show("blocked");
        await send(form, "/push", await subscribed(box.dataset.key));
        localStorage.setItem("rings", "yes");
        if (box.dataset.where === "account") location.reload(); else { show("on"); tell(box.querySelector("[data-when=on]").textContent); setTimeout(() => tell(""), 4000); }
      } catch { show("failed"); }
    });
    for (const one of box.querySelectorAll("[data-browser]")) one.addEventListener("submit", () => localStorage.removeItem("rings"));
    if (rings) return show(rings);
    if (!can || !("PushManager" in window) || !("Notification" in window)) return show("unsupported");
    if (Notification.permission === "denied") return show("blocked");
    try {
      const manager = (await navigator.serviceWorker.ready).pushManager;
      const kept = await manager.getSubscription();
      if (kept && await send(form, "/push/seen", kept)) return show("on");
      // The browser changed its address, or we our key: it was allowed, so it is allowed still.
      if (!kept && localStorage.getItem("rings") && Notification.permission === "granted" && await send(form, "/push", await subscribed(box.dataset.key))) return show("on");
    } catch { /* Asked again, it may say why not. */ }
    show("off");
  };
  ring();

  // Passkeys: the form asks what to sign, the device signs it, and the form takes it along.
  const passkeys = () => {
    for (const box of document.querySelectorAll("[data-passkey]")) {
      const works = box.dataset.passkey === location.origin && window.PublicKeyCredential?.parseCreationOptionsFromJSON;
      box.hidden = !works;
      const elsewhere = box.parentElement.querySelector("[data-elsewhere]");
      if (elsewhere) elsewhere.hidden = Boolean(works);
    }
  };
  addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.dataset.ask) return;
    event.preventDefault();
    const cancelled = form.parentElement.querySelector("[data-cancelled]");
    held = true;
    try {
      const asked = await fetch(form.dataset.ask, { method: "POST", body: new URLSearchParams(new FormData(form)), credentials: "same-origin" });
      if (asked.ok) {
        const options = await asked.json(), { PublicKeyCredential: key } = window;
        const made = options.user
          ? await navigator.credentials.create({ publicKey: key.parseCreationOptionsFromJSON(options) })
          : await navigator.credentials.get({ publicKey: key.parseRequestOptionsFromJSON(options) });
        form.elements.namedItem("credential").value = JSON.stringify(made.toJSON());
      }
      form.submit(); // Where nothing was asked, the page says why.
    } catch { held = false; cancelled.hidden = false; }
  });
  passkeys();

  if (can) {
    navigator.serviceWorker.register("/sw.js");
    navigator.serviceWorker.addEventListener("message", (event) => {
      if (event.data.queued !== undefined) tell(event.data.queued ? news.dataset.queued.replace("{n}", event.data.queued) : "");
    });
    const flush = () => navigator.serviceWorker.ready.then((one) => one.active.postMessage("flush"));
    addEventListener("online", flush);
    flush();
  }
})();
