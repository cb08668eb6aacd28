// The last hour: a row a class, a column a minute, and a line for how sure the answers were.

import { count, find, get, make, percent, svg } from "./api.js";

const MINUTES = 60;
const EVERY_MS = 10000;
const UNKNOWN = "unknown";
const NOTHING = "no garment";

let names = [];
let timer = 0;
let shows = false;
let buckets = [];

export function start() {
  find("history-details").addEventListener("toggle", table);
}

export function show(visible) {
  if (visible === shows) return;
  shows = visible;
  clearTimeout(timer);
  if (shows) poll();
}

// The rows are those of the model's labels; they are drawn once.
export function rows(labels) {
  const wanted = [...labels, UNKNOWN, NOTHING];
  if (wanted.join("\n") === names.join("\n")) return;
  names = wanted;
  find("history-names").replaceChildren(...names.map((name) => make("span", {}, name)));
  find("history").style.setProperty("--rows", names.length);
  find("history-cells").setAttribute("viewBox", `0 0 ${MINUTES} ${names.length}`);
  draw();
}

async function poll() {
  try {
    ({ buckets } = await get("/api/history"));
    draw();
  } catch {
    // What is drawn stays; the view says that there is no connection.
  }
  clearTimeout(timer);
  if (shows) timer = setTimeout(poll, EVERY_MS);
}

const answersOf = (bucket, name) =>
  name === UNKNOWN ? bucket.decisions.unknown ?? 0 : name === NOTHING ? bucket.decisions.no_garment ?? 0 : bucket.labels[name] ?? 0;

function draw() {
  const cells = [];
  names.forEach((name, row) => cells.push(svg("rect", { class: "row", x: 0, y: row + 0.06, width: MINUTES, height: 0.88 })));
  for (const bucket of buckets) {
    const x = MINUTES - bucket.ago_s / 60;
    names.forEach((name, row) => {
      const share = bucket.frames ? answersOf(bucket, name) / bucket.frames : 0;
      if (share === 0) return;
      const box = { class: "cell", x, y: row + 0.06, width: Math.max(bucket.seconds / 60, 0.3), height: 0.88 };
      cells.push(svg("rect", { ...box, "fill-opacity": (0.15 + 0.85 * share).toFixed(3) }, svg("title", {}, `${name}: ${percent(share)}`)));
    });
  }
  find("history-cells").replaceChildren(...cells);
  find("history-score").replaceChildren(...lines());
  find("history").setAttribute("aria-label", summary());
  table();
}

// A minute without answers parts the line; a single minute is a line as long as itself.
function lines() {
  const found = [];
  let points = [];
  for (const bucket of [...buckets, { score: null }]) {
    if (bucket.score === null) {
      if (points.length) found.push(svg("polyline", { points: points.join(" ") }));
      points = [];
    } else {
      const x = MINUTES - bucket.ago_s / 60;
      const y = (1 - bucket.score).toFixed(3);
      points.push(`${x.toFixed(2)},${y}`, `${(x + bucket.seconds / 60).toFixed(2)},${y}`);
    }
  }
  return found;
}

function summary() {
  const frames = buckets.reduce((sum, bucket) => sum + bucket.frames, 0);
  if (!frames) return "The last hour: no answers yet";
  const totals = names.map((name) => [name, buckets.reduce((sum, bucket) => sum + answersOf(bucket, name), 0)]);
  const most = totals.filter(([, sum]) => sum).sort((a, b) => b[1] - a[1]).slice(0, 3);
  const said = most.map(([name, sum]) => `${name} ${percent(sum / frames)}`).join(", ");
  return `The last hour: ${count(frames, "answer")}; most often ${said}`;
}

function table() {
  if (!find("history-details").open) return;
  const lines = buckets.filter((bucket) => bucket.frames).reverse();
  find("history-rows").replaceChildren(
    ...lines.map((bucket) => {
      const [best] = names.map((name) => [name, answersOf(bucket, name)]).sort((a, b) => b[1] - a[1]);
      const score = bucket.score === null ? "–" : percent(bucket.score);
      const cells = [best ? `${best[0]} (${percent(best[1] / bucket.frames)})` : "–", String(bucket.frames), score];
      const ago = make("th", { scope: "row" }, String(Math.floor(bucket.ago_s / 60)));
      return make("tr", {}, ago, ...cells.map((text) => make("td", {}, text)));
    }),
  );
}
