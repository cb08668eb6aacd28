// What the camera sees, and what the network says of it.

import { find, make, percent, say } from "./api.js";
import * as history from "./history.js";

const WORDS = { unknown: "Unknown", no_garment: "No garment" };
const CAMERA = { ok: "seeing", lost: "lost", starting: "starting", ended: "ended" };
const SPOKEN_MS = 1500;
const STALE_S = 5;

const frame = find("frame");
let shows = false;
let paused = false;
let waits = 0;
let newest = null;
let drawn = 0;
let speaking = 0;
let asks = 0;

export function start() {
  for (const line of find("bars").children) {
    line.append(make("span", { className: "name" }), make("span", { className: "share" }), make("span", { className: "bar", "aria-hidden": "true" }));
  }
  find("views").addEventListener("change", (event) => {
    frame.dataset.view = event.target.value;
    look();
  });
  find("pause").addEventListener("click", () => {
    paused = !paused;
    find("pause").setAttribute("aria-pressed", String(paused));
    look();
  });
  frame.addEventListener("error", () => {
    if (frame.getAttribute("src")) {
      clearTimeout(waits);
      waits = setTimeout(look, 2000);
    }
  });
  history.start();
}

export function show(visible) {
  history.show(visible);
  if (visible === shows) return;
  shows = visible;
  look();
}

// The picture anew, after the connection was away.
export const again = () => look();

function look() {
  clearTimeout(waits);
  if (!shows) frame.removeAttribute("src");
  else {
    const kind = paused ? "frame.jpg" : "stream.mjpg";
    frame.src = `/api/${kind}?view=${frame.dataset.view}&again=${++asks}`;
  }
}

export function stands(state) {
  const { camera, answer } = state;
  banner("lost", camera.state === "lost" || camera.state === "ended" ? camera.message || "the camera is lost" : "", camera.hint);
  banner("drift", state.drift.map((one) => one.message).join(" "));
  find("picture").dataset.camera = camera.state;
  const late = state.answer_age_s ?? 0;
  say("fact-camera", camera.state === "ok" && camera.size ? `${camera.size.join(" × ")}` : CAMERA[camera.state] ?? camera.state);
  say("fact-rate", `${state.frames_per_s.toFixed(1)} per second`);
  say("fact-age", late > STALE_S ? `${Math.round(late)} s ago` : state.age_ms === null ? "–" : `${Math.round(state.age_ms)} ms`);
  say("fact-temperature", state.temperature_c === null ? "–" : `${Math.round(state.temperature_c)} °C`);
  say("fact-model", state.model.name);
  say("fact-backend", state.backend);
  const troubles = Object.entries(state.listeners).filter(([, one]) => one.problem);
  say("trouble", troubles.map(([name, one]) => `${name}: ${one.problem}`).join("; "));
  frame.alt = altOf(camera, answer);
  history.rows(state.labels);
  if (!answer) answered(null, camera.state);
  else if (newest === null) answered(answer);
}

export function gone(refused) {
  banner("lost", `No connection: ${refused.message}.`, refused.hint);
  find("picture").dataset.camera = "lost";
}

function altOf(camera, answer) {
  if (camera.state !== "ok") return `No picture: the camera is ${CAMERA[camera.state]}`;
  const seen = answer ? words(answer).toLowerCase() : "nothing yet";
  return { outline: `The camera's picture with the garment's outline: ${seen}`, plain: `The camera's picture: ${seen}` }[
    frame.dataset.view
  ] ?? `What the network sees: ${seen}`;
}

function banner(id, message, hint) {
  say(id, message ? [message, hint].filter(Boolean).join(" – ") : "");
}

const words = (answer) => WORDS[answer.decision] ?? answer.label ?? "";

// An answer, or none and why. Answers come faster than a screen shows them.
export function answered(answer, camera) {
  newest = answer;
  if (!drawn) {
    drawn = requestAnimationFrame(() => {
      drawn = 0;
      draw(newest, camera);
    });
  }
}

function draw(answer, camera) {
  const said = answer ? words(answer) : camera === "lost" ? "Camera lost" : camera === "ended" ? "Ended" : "Starting";
  say("decision", said);
  find("decision").dataset.decision = answer?.decision ?? "none";
  say("hint", answer?.hint ?? (answer?.decision === "garment" ? `${percent(answer.score)} sure` : ""));
  [...find("bars").children].forEach((line, place) => {
    const one = answer?.top[place];
    say(line.children[0], one?.label ?? "–");
    say(line.children[1], one ? percent(one.score) : "");
    line.children[2].style.setProperty("--share", one?.score ?? 0);
  });
  if (find("spoken").dataset.next !== said) {
    // Only what stays for a while is spoken.
    find("spoken").dataset.next = said;
    clearTimeout(speaking);
    speaking = setTimeout(() => say("spoken", said), SPOKEN_MS);
  }
}

