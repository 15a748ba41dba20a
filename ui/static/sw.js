// Shows what the desk pushes, opens what a notification is about, and takes it away when its request has ended. It keeps
// nothing and stands between no page and the server. What comes is the shape of server/src/notify/push/payload.rs.
"use strict";

/** How long "Already approved by ..." stays: a browser wants each push to show something. */
const CLOSES_AFTER_MS = 3000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("push", (event) => event.waitUntil(show(read(event))));
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(address(event)));
});
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(signUpAgain(event)));

/** The notification that was pushed. A browser that reads the declarative shape itself hands it over as one. */
function read(event) {
  if (event.notification) {
    return event.notification;
  }
  try {
    return event.data.json().notification;
  } catch {
    return { title: "Countersign", body: "Open it to see what is new.", tag: "unread", navigate: "/requests" };
  }
}

async function show(said) {
  const { kind } = said.data ?? {};
  const actions = (said.actions ?? []).map(({ action, title }) => ({ action, title }));
  const denied = (said.actions ?? []).find(({ action }) => action === "deny");
  await self.registration.showNotification(said.title, {
    body: said.body,
    lang: said.lang,
    tag: said.tag,
    silent: said.silent ?? false,
    renotify: Boolean(said.renotify && said.tag && !said.silent),
    timestamp: said.timestamp,
    icon: "/icon-192.png",
    badge: "/badge-96.png",
    actions,
    data: { kind, review: said.navigate, deny: denied?.navigate },
  });
  if (kind === "ended") {
    await new Promise((wake) => setTimeout(wake, CLOSES_AFTER_MS));
    const shown = await self.registration.getNotifications({ tag: said.tag });
    shown.filter((one) => one.data?.kind === "ended").forEach((one) => one.close());
  }
}

/** Where a click leads. Nothing is decided here: "Deny" opens the page with its reason to be written. */
function address(event) {
  const { review, deny } = event.notification.data ?? {};
  const wanted = new URL((event.action === "deny" && deny) || review || "/requests", self.location.origin);
  return wanted.origin === self.location.origin ? wanted.href : self.location.origin;
}

/** Goes to the window that shows the same page, else opens one: no other page is taken from under whoever reads it. */
async function open(url) {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const path = new URL(url).pathname;
  const same = windows.find((one) => new URL(one.url).pathname === path);
  if (!same) {
    return self.clients.openWindow(url);
  }
  const focused = await same.focus();
  return focused.url === url ? focused : focused.navigate(url).catch(() => self.clients.openWindow(url));
}

/** The push service gave the browser another address; the desk is told, as whoever is signed in. */
async function signUpAgain(event) {
  const call = { credentials: "same-origin", headers: { Accept: "application/json" } };
  const known = await fetch("/api/push/key", call);
  if (!known.ok) {
    return;
  }
  const { key } = await known.json();
  const wanted = { userVisibleOnly: true, applicationServerKey: key };
  const { endpoint, keys } = (event.newSubscription ?? (await self.registration.pushManager.subscribe(wanted))).toJSON();
  const list = await (await fetch("/api/push/subscriptions", call)).json();
  const before = list.items.find((one) => one.endpoint === event.oldSubscription?.endpoint);
  await fetch("/api/push/subscriptions", {
    ...call,
    method: "POST",
    headers: { ...call.headers, "Content-Type": "application/json" },
    body: JSON.stringify({ endpoint, keys, label: before?.label }),
  });
}
