// Requests to the server, and elements made of text: nothing that comes from a file is ever read as HTML.

export class Refused extends Error {
  // An answer that is a problem (RFC 9457), or none at all; `hint` says what to do.
  constructor(message, hint = "", status = 0) {
    super(message);
    this.hint = hint;
    this.status = status;
  }
}

export async function get(path) {
  return answer(() => fetch(path, { headers: { accept: "application/json" }, cache: "no-store" }));
}

export async function post(path, content) {
  return answer(() =>
    fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(content) }),
  );
}

async function answer(ask) {
  let response;
  let content;
  try {
    response = await ask();
    content = await response.json();
  } catch {
    throw new Refused("the server does not answer", "it is asked again by itself", response?.status ?? 0);
  }
  if (response.status === 401) location.assign("/login");
  if (!response.ok) throw new Refused(content.detail ?? content.title ?? "refused", content.hint ?? "", response.status);
  return content;
}

export const find = (id) => document.getElementById(id);

// An element with these properties (data- and aria- ones as attributes), and children that are elements or text.
export function make(tag, properties = {}, ...children) {
  const found = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in found) found[name] = value;
    else found.setAttribute(name, value);
  }
  found.append(...children);
  return found;
}

export function svg(tag, attributes, ...children) {
  const found = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) found.setAttribute(name, value);
  found.append(...children);
  return found;
}

// Sets a text only where it changes: a screen reader hears nothing twice, a selection stays.
export function say(where, text) {
  const place = typeof where === "string" ? find(where) : where;
  if (place.textContent !== text) place.textContent = text;
}

export const percent = (share, digits = 0) => `${(share * 100).toFixed(digits)}\u00a0%`;
export const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
