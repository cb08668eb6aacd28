// Frames that the network was not sure of, sorted into classes by a person.

import { count, find, get, make, percent, post, say } from "./api.js";
import { Picking } from "./picking.js";

const AT_ONCE = 60;
const KEYS = "1234567890";
const GUESSES = { unknown: "unknown", no_garment: "no garment" };

let poll = () => {};
let visible = false;
let known = null; // the newest listing: counts, and what frames can be moved to
let newest = ""; // the newest id that was shown
let busy = Promise.resolve();
let picking = null;

const addressOf = (id) => `/api/label/${encodeURIComponent(id)}.jpg`;

export function start(onChange) {
  poll = onChange;
  picking = new Picking(find("grid"), option, picked);
  find("several").addEventListener("click", () => {
    picking.several = !picking.several;
    find("several").setAttribute("aria-pressed", String(picking.several));
    if (!picking.several && picking.picked.length > 1) picking.pick((id) => id === picking.picked[0]);
  });
  find("newer").addEventListener("click", () => load());
  find("older").addEventListener("click", older);
  find("undo").addEventListener("click", undo);
  find("zip").addEventListener("click", (event) => {
    if (!known?.classes.some((one) => one.count) && !known?.unknown) {
      event.preventDefault();
      say("label-said", "Nothing is sorted yet: there is nothing to download.");
    }
  });
  find("grid").addEventListener("keydown", shortcut);
}

export function show(now) {
  if (now && !visible) load();
  visible = now;
}

// The state says how many frames wait: new ones are announced, not pushed under a finger.
export function stands(state) {
  if (!visible || !state.label || !known) return;
  const news = state.label.waiting - known.waiting;
  find("newer").disabled = news <= 0;
  say("newer", news > 0 ? `Show ${news} new` : "Nothing new");
}

async function load(picked) {
  try {
    const found = await get(`/api/label?limit=${AT_ONCE}`);
    picking.show(found.frames, picked);
    newest = found.frames[0]?.id ?? newest;
    counted(found);
  } catch (refused) {
    if (refused.status === 404) withoutFolder();
    else failed(refused);
  }
}

async function older() {
  try {
    const found = await get(`/api/label?limit=${AT_ONCE}&before=${encodeURIComponent(picking.ids.at(-1) ?? newest)}`);
    picking.append(found.frames);
    counted(found);
  } catch (refused) {
    failed(refused);
  }
}

function counted(found) {
  known = { ...known, ...found };
  find("label-empty").hidden = true;
  find("label-work").hidden = false;
  const here = picking.ids.length;
  find("older").hidden = here >= known.waiting;
  find("grid").hidden = here === 0;
  find("label-done").hidden = known.waiting > 0;
  if (known.waiting === 0) done();
  find("undo").disabled = known.can_undo === 0;
  find("newer").disabled = true;
  say("newer", "Nothing new");
  say("label-count", `${known.waiting.toLocaleString("en")} to sort`);
  classes();
  picked();
}

function done() {
  find("label-done").replaceChildren(
    make("h2", {}, "Nothing to sort"),
    make("p", {}, "Frames that the network is not sure of come here by themselves, one a second at most."),
  );
}

function withoutFolder() {
  find("label-work").hidden = true;
  find("label-empty").hidden = false;
  find("label-empty").replaceChildren(
    make("h2", {}, "No frames are kept"),
    make("p", {}, "Start with a folder for the frames that the network is not sure of. They appear here, to be sorted:"),
    make("pre", { tabIndex: 0 }, make("code", {}, "fmnist-edge serve --camera 0 --keep doubtful")),
    make("p", {}, "Ten a class are enough to teach the model what your garments look like:"),
    make("pre", { tabIndex: 0 }, make("code", {}, "fmnist-train adapt --photos doubtful")),
  );
}

// An option of the grid: the frame, and what the network took it for.
function option(frame) {
  const guess = GUESSES[frame.decision] ?? frame.label ?? "";
  const score = frame.decision === "garment" || frame.top[0] === undefined ? frame.score : frame.top[0].score;
  const first = frame.decision === "unknown" && frame.top[0] ? `${frame.top[0].label}?` : guess || "frame";
  const image = make("img", { alt: "", src: addressOf(frame.id), loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => image.closest("[role=option]").classList.add("gone"));
  const words = make("span", { className: "words" }, make("span", {}, first), make("span", {}, score ? percent(score) : ""));
  return make("div", { className: "thumb", title: clock(frame.time) }, image, make("span", { className: "tick", "aria-hidden": "true" }), words);
}

function clock(time) {
  const when = new Date(time ?? "");
  return Number.isNaN(when.getTime()) ? "" : when.toLocaleString();
}

// The buttons are made once and changed then: a finger on its way finds the one it aims at.
function classes() {
  const places = [
    ...known.classes.map((one) => [one.label, one.label, one.count, one.needs]),
    ["_unknown", "None of these", known.unknown, null],
    ["delete", "Delete", null, null],
  ];
  const names = JSON.stringify(places.map(([to]) => to));
  if (find("classes").dataset.names !== names) {
    find("classes").dataset.names = names;
    find("classes").replaceChildren(
      ...places.map(([to, words], place) => {
        const key = to === "_unknown" ? "n" : to === "delete" ? "Del" : KEYS[place] ?? "";
        const button = make(
          "button",
          { type: "button", className: to === "delete" ? "class delete" : "class" },
          make("span", { className: "to" }, words),
          make("span", { className: "have" }),
          make("kbd", { "aria-hidden": "true" }, key),
        );
        button.addEventListener("click", () => move(to));
        return button;
      }),
    );
  }
  places.forEach(([, , have, needs], place) => {
    const button = find("classes").children[place];
    const words = have === null ? "" : needs === null ? `${have}` : needs > 0 ? `${have}, needs ${needs}` : `${have}, enough`;
    say(button.children[1], words);
    button.style.setProperty("--done", needs === null ? 0 : have / (have + needs));
  });
}

function picked() {
  const ids = picking?.picked ?? [];
  say("label-picked", ids.length ? `· ${ids.length} picked` : "· none picked");
  const large = find("large");
  large.hidden = ids.length === 0;
  if (ids.length && large.dataset.id !== ids.at(-1)) {
    large.dataset.id = ids.at(-1);
    large.src = addressOf(ids.at(-1));
  }
}

function shortcut(event) {
  if (event.ctrlKey || event.metaKey) {
    if (event.key.toLowerCase() !== "z") return;
    undo();
  } else if (event.altKey) return;
  else if (KEYS.includes(event.key) && known.classes[KEYS.indexOf(event.key)]) move(known.classes[KEYS.indexOf(event.key)].label);
  else if (event.key === "n") move("_unknown");
  else if (event.key === "Delete") move("delete");
  else if (event.key === "z") undo();
  else return;
  event.preventDefault();
}

// One after the other: two quick taps sort two frames.
function queued(work) {
  busy = busy.then(work).catch(failed);
}

function move(to) {
  queued(async () => {
    const ids = picking.picked;
    if (!ids.length) {
      say("label-said", "Pick a frame first.");
      return;
    }
    const found = await post("/api/label", { ids, to });
    picking.remove([...found.moved, ...found.failed.filter((one) => /not there/.test(one.reason)).map((one) => one.id)]);
    const where = to === "delete" ? "deleted" : to === "_unknown" ? "sorted: none of these" : `sorted: ${to}`;
    const lost = found.failed.length ? ` ${count(found.failed.length, "frame")} not moved: ${found.failed[0].reason}.` : "";
    say("label-said", `${count(found.moved.length, "frame")} ${where}.${lost}`);
    counted(found);
    if (!picking.ids.length && found.waiting) await older();
    poll();
  });
}

function undo() {
  queued(async () => {
    const found = await post("/api/label/undo", {});
    await load(found.moved);
    say("label-said", found.moved.length ? `${count(found.moved.length, "frame")} back to be sorted.` : "There is nothing to undo.");
    poll();
  });
}

function failed(refused) {
  say("label-said", [refused.message, refused.hint].filter(Boolean).join(" – "));
}
