// Which models there are, which one answers, and what is known of them.

import { count, find, get, make, percent, post, say } from "./api.js";

let visible = false;
let poll = () => {};

export function start(onChange) {
  poll = onChange;
}

export function show(now) {
  if (now && !visible) changed();
  visible = now;
}

export function stands(state) {
  find("logout").hidden = !state.asks_token;
}

export async function changed() {
  try {
    draw((await get("/api/models")).models);
  } catch (refused) {
    failed(refused);
  }
}

function draw(models) {
  const open = new Set([...document.querySelectorAll("#model-list details[open]")].map((one) => one.dataset.key));
  find("model-list").replaceChildren(...models.map((model) => card(model, open)));
}

function card(model, open) {
  const { accuracy = {}, held_out: held = null } = model.card;
  const head = make("div", { className: "head" }, make("h2", {}, model.name));
  if (model.in_service) head.append(make("span", { className: "badge" }, "answers now"));
  const found = make("article", { className: model.in_service ? "model now" : "model" }, head);
  found.append(
    make("p", { className: "accuracy" }, model.accuracy === null ? "no accuracy known" : percent(model.accuracy, 2)),
    make("p", { className: "quiet" }, measured(accuracy)),
  );
  if (held) found.append(make("p", { className: "quiet begins" }, heldOut(held)));
  if (accuracy.per_class) found.append(perClass(model, accuracy.per_class, open));
  found.append(more(model, open));
  if (!model.in_service) {
    const button = make("button", { type: "button" }, `Use ${model.name}`);
    button.addEventListener("click", () => use(model.name, button));
    found.append(button);
  }
  return found;
}

function measured(accuracy) {
  if (typeof accuracy.images !== "number") return "Its file says nothing of how it was measured.";
  const parts = [`${count(accuracy.images, "picture")} of ${accuracy.data ?? "a test set"}`];
  if (typeof accuracy.float === "number") parts.push(`as float ${percent(accuracy.float, 2)}`);
  if (typeof accuracy.agreement === "number") parts.push(`both agree on ${percent(accuracy.agreement, 2)}`);
  return `${parts.join("; ")}.`;
}

function heldOut(held) {
  const parts = [];
  if (typeof held.pictures === "number") parts.push(count(held.pictures, "picture"));
  if (typeof held.unknown === "number") parts.push(`${percent(held.unknown)} called unknown`);
  if (typeof held.score === "number") parts.push(`mean score ${percent(held.score)}`);
  return `${held.data ?? "held out"}: ${parts.join(", ")}.`;
}

function details(model, what, open, ...content) {
  const key = `${model.name} ${what}`;
  return make("details", { "data-key": key, open: open.has(key) }, make("summary", {}, what), ...content);
}

function perClass(model, shares, open) {
  const rows = Object.entries(shares).map(([label, share]) => {
    const bar = make("span", { className: "bar", "aria-hidden": "true" });
    bar.style.setProperty("--share", share);
    return make("li", {}, make("span", { className: "name" }, label), make("span", { className: "share" }, percent(share, 1)), bar);
  });
  return details(model, "By class", open, make("ul", { className: "bars" }, ...rows));
}

// All that the file says, as it says it.
function more(model, open) {
  const rows = [["sha256", model.sha256], ...flat(model.card)];
  const list = rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);
  return details(model, "Card", open, make("dl", { className: "card" }, ...list));
}

function flat(value, path = "") {
  if (Array.isArray(value) && value.every((one) => typeof one !== "object")) return [[path, value.join(", ")]];
  if (value === null || typeof value !== "object") return [[path, String(value)]];
  return Object.entries(value).flatMap(([name, one]) => flat(one, path ? `${path} ${name}` : name));
}

async function use(name, button) {
  button.disabled = true;
  say("models-said", `${name} is checked …`);
  try {
    draw((await post("/api/model", { name })).models);
    say("models-said", `${name} answers now.`);
    poll();
  } catch (refused) {
    failed(refused);
  } finally {
    button.disabled = false;
  }
}

function failed(refused) {
  say("models-said", [refused.message, refused.hint].filter(Boolean).join(" – "));
}
