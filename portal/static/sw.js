// Keeps the shell at hand, and what was written in the ledger of visits until it is delivered.
// An entry has the id it was written with: however often it is sent, it is one. And it rings: a notice
// that comes twice is shown again, as it must be, but is heard once.
"use strict";
const SHELL = "shell-{version}", PAGES = "pages", RUNG = "rung", RUNG_MAX = 200;
const FILES = ["/static/portal.css", "/static/portal.js", "/static/icon.svg"];
const OFFLINE_PAGE = "/visits";

addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((one) => one.addAll(FILES)).then(() => skipWaiting()));
});
addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (![SHELL, PAGES, RUNG].includes(name)) await caches.delete(name);
    await clients.claim();
  })());
});
addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== location.origin) return;
  if (event.request.method === "POST") {
    if (url.pathname === "/visits") event.respondWith(visit(event.request));
    if (url.pathname === "/sign-out") event.waitUntil(caches.delete(PAGES));
    return;
  }
  if (FILES.includes(url.pathname)) event.respondWith(fromShell(event.request));
  else if (event.request.mode === "navigate" && url.pathname === OFFLINE_PAGE) event.respondWith(page(event.request));
});
addEventListener("sync", (event) => { if (event.tag === "visits") event.waitUntil(flush()); });
addEventListener("message", (event) => { if (event.data === "flush") event.waitUntil(flush()); });

let ringing = Promise.resolve();
addEventListener("push", (event) => {
  const said = event.data.json();
  ringing = ringing.catch(() => {}).then(() => ring(said));
  event.waitUntil(ringing);
});
addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data.link));
});

const ring = async (said) => {
  const cache = await caches.open(RUNG), key = "/rung/" + encodeURIComponent(said.id);
  const again = Boolean(await cache.match(key));
  await registration.showNotification(said.title, {
    body: said.body, lang: said.lang, tag: said.id, timestamp: said.at, data: { link: said.link },
    icon: "/static/icon-192.png", requireInteraction: said.grave, silent: again, renotify: false,
    ...(again ? {} : { vibrate: said.grave ? [400, 200, 400, 200, 400] : [200] }),
  });
  if (again) return;
  await cache.put(key, new Response(String(said.at)));
  for (const old of (await cache.keys()).slice(0, -RUNG_MAX)) await cache.delete(old);
};
// A link of ours is a path; whatever it says, no other site is opened. A window that only shows how
// things stand goes there; one in which somebody may be writing is left alone.
const SHOWS = ["/family", "/tasks", "/community", "/board"];
const open = async (link) => {
  const url = new URL(link, location.origin);
  const to = url.origin === location.origin ? url.href : location.origin;
  const windows = await clients.matchAll({ type: "window" });
  const here = windows.find((one) => SHOWS.includes(new URL(one.url).pathname));
  if (!here) return clients.openWindow(to);
  await here.focus().catch(() => {});
  return here.navigate(to);
};

const fromShell = async (request) => {
  try {
    const answer = await fetch(request);
    if (answer.ok) (await caches.open(SHELL)).put(request, answer.clone());
    return answer;
  } catch { return caches.match(request); }
};
const page = async (request) => {
  try {
    const answer = await fetch(request);
    if (answer.ok && !answer.redirected) (await caches.open(PAGES)).put(OFFLINE_PAGE, answer.clone());
    flush();
    return answer;
  } catch (error) {
    const kept = await caches.match(OFFLINE_PAGE);
    if (!kept) throw error;
    return kept;
  }
};
const visit = async (request) => {
  const body = await request.clone().text();
  try { return await fetch(request); } catch {
    const id = new URLSearchParams(body).get("id");
    await stored("readwrite", (store) => store.put(body, id));
    if (registration.sync) await registration.sync.register("visits").catch(() => {});
    await count();
    return Response.redirect(OFFLINE_PAGE, 303);
  }
};
let flushing = null;
const flush = () => (flushing ??= deliver().finally(() => { flushing = null; }));
const deliver = async () => {
  for (const id of await stored("readonly", (store) => store.getAllKeys())) {
    const body = await stored("readonly", (store) => store.get(id));
    try {
      const answer = await fetch("/visits", { method: "POST", body, redirect: "manual", credentials: "same-origin",
        headers: { "content-type": "application/x-www-form-urlencoded", "x-part": "queued" } });
      // Whoever is signed out signs in first; what the portal cannot take is taken out by nobody but it.
      if (answer.status === 201 || answer.status === 200) await stored("readwrite", (store) => store.delete(id));
    } catch { break; }
  }
  await count();
};
const count = async () => {
  const n = (await stored("readonly", (store) => store.getAllKeys())).length;
  for (const one of await clients.matchAll()) one.postMessage({ queued: n });
};
const stored = (mode, ask) => new Promise((done, failed) => {
  const opening = indexedDB.open("weinao", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("visits");
  opening.onerror = () => failed(opening.error);
  opening.onsuccess = () => {
    const db = opening.result, asked = ask(db.transaction("visits", mode).objectStore("visits"));
    asked.onsuccess = () => { done(asked.result); db.close(); };
    asked.onerror = () => { failed(asked.error); db.close(); };
  };
});
