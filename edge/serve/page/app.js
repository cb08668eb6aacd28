// The page: which view is shown, how the run stands, and what happens in it.

import { find, get, say } from "./api.js";
import * as label from "./label.js";
import * as live from "./live.js";
import * as models from "./models.js";

const VIEWS = { live, label, models };
const POLL_MS = 2000;
const EVENTS = ["camera_lost", "camera_back", "backend_changed", "model_changed", "drift", "stopped"];

let shown = "live";
let state = null;
let feed = null;
let timer = 0;
let asked = 0;

function route(moved) {
  const wanted = location.hash.slice(1);
  shown = wanted in VIEWS ? wanted : "live";
  for (const name of Object.keys(VIEWS)) {
    find(`${name}-view`).hidden = name !== shown;
    const link = document.querySelector(`nav a[href="#${name}"]`);
    if (name === shown) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${find(`${shown}-title`).textContent} – fmnist-edge`;
  if (moved) {
    find(`${shown}-title`).focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  wake();
}

// A page in the background asks for nothing: a Pi's processor and a browser's six connections are for who looks.
function wake() {
  const looks = document.visibilityState === "visible";
  for (const [name, view] of Object.entries(VIEWS)) view.show?.(looks && name === shown);
  if (looks) {
    listen();
    poll();
  } else {
    clearTimeout(timer);
    feed?.close();
    feed = null;
  }
}

async function poll() {
  clearTimeout(timer);
  const mine = ++asked;
  try {
    const found = await get("/api/state");
    if (mine !== asked) return;
    const back = find("link").dataset.state === "gone";
    state = found;
    linked("ok", "connected");
    for (const view of Object.values(VIEWS)) view.stands?.(state);
    say("tab-waiting", state.label?.waiting ? ` ${Math.min(state.label.waiting, 999)}` : "");
    if (back) live.again();
    listen();
  } catch (refused) {
    if (mine !== asked) return;
    linked("gone", "no connection");
    live.gone(refused);
  }
  if (document.visibilityState === "visible") timer = setTimeout(poll, POLL_MS);
}

function linked(how, words) {
  find("link").dataset.state = how;
  say("link-words", words);
}

function listen() {
  if (feed && feed.readyState !== EventSource.CLOSED) return;
  feed = new EventSource("/api/events");
  feed.addEventListener("prediction", (event) => live.answered(JSON.parse(event.data)));
  for (const name of EVENTS) {
    feed.addEventListener(name, () => {
      poll();
      if (name === "camera_back") live.again();
      if (name === "model_changed") models.changed();
    });
  }
}

addEventListener("hashchange", () => route(true));
document.addEventListener("visibilitychange", wake);
label.start(poll);
models.start(poll);
live.start();
route(false);
