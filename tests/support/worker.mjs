// Runs the interface's service worker with everything around it made up: what browsers only do for a finger on a
// notification, or when a push service moves. Reads a scene as JSON from its argument, prints what the worker did.
import { readFileSync } from "node:fs";
import vm from "node:vm";

const scene = JSON.parse(process.argv[3]);
const did = [];
const listeners = {};
const window = (url) => ({
  url,
  focus() {
    did.push(`focus ${this.url}`);
    return Promise.resolve(this);
  },
  navigate(to) {
    did.push(`navigate ${to}`);
    return Promise.resolve(this);
  },
});
const subscription = (endpoint) => ({ endpoint, toJSON: () => ({ endpoint, keys: { p256dh: "p", auth: "a" }, expirationTime: null }) });
const self = {
  location: new URL(scene.origin),
  addEventListener: (name, listener) => (listeners[name] = listener),
  skipWaiting: () => {},
  clients: {
    claim: () => Promise.resolve(),
    matchAll: () => Promise.resolve((scene.windows ?? []).map(window)),
    openWindow: (url) => Promise.resolve(did.push(`open ${url}`)),
  },
  registration: {
    showNotification: (title, options) => Promise.resolve(did.push(`show ${title} ${JSON.stringify(options.data)}`)),
    getNotifications: () => Promise.resolve([]),
    pushManager: { subscribe: ({ applicationServerKey }) => Promise.resolve(subscription(`new by ${applicationServerKey}`)) },
  },
};
const answers = { "/api/push/key": { key: "KEY" }, "/api/push/subscriptions": { items: [{ endpoint: "old", label: "Mine" }] } };
const fetch = (path, { method = "GET", body = "" } = {}) => {
  did.push(`${method} ${path} ${body}`.trim());
  return Promise.resolve({ ok: true, json: () => Promise.resolve(answers[path]) });
};

vm.runInNewContext(readFileSync(process.argv[2], "utf8"), { self, fetch, URL, setTimeout, Promise, Boolean });
let under = Promise.resolve();
const event = {
  waitUntil: (promise) => (under = promise),
  action: scene.action ?? "",
  notification: scene.click && { data: scene.click, close: () => did.push("close") },
  data: scene.push && { json: () => JSON.parse(scene.push) },
  oldSubscription: scene.moved && { endpoint: "old" },
};
listeners[scene.event](event);
await under;
console.log(JSON.stringify(did));
