// A listbox of frames, of which one or several are picked: by tap, with Shift and Ctrl, by keyboard.

export class Picking {
  // `root` is the listbox, `make` an option's element from a frame; `changed` hears of what is picked.
  constructor(root, make, changed) {
    this.root = root;
    this.make = make;
    this.changed = changed;
    this.several = false; // a tap adds: for thumbs, which have no Shift
    this.anchor = null; // where a range begins
    root.addEventListener("click", (event) => this.#tapped(event));
    root.addEventListener("keydown", (event) => this.#pressed(event));
  }

  get options() {
    return [...this.root.children];
  }

  get picked() {
    return this.options.filter((one) => this.isPicked(one)).map((one) => one.dataset.id);
  }

  get ids() {
    return this.options.map((one) => one.dataset.id);
  }

  isPicked(option) {
    return option.getAttribute("aria-selected") === "true";
  }

  // Other frames; what was picked stays so where it is still there, else the first is picked.
  show(frames, picked = this.picked) {
    const wanted = new Set(picked);
    this.root.replaceChildren(...frames.map((frame) => this.#option(frame)));
    this.pick((id) => wanted.has(id));
    this.#pickOne(this.options[0], false);
  }

  append(frames) {
    const known = new Set(this.ids);
    this.root.append(...frames.filter((frame) => !known.has(frame.id)).map((frame) => this.#option(frame)));
    this.#pickOne(this.options[0], false);
  }

  // Takes frames out; the one that comes after the first of them is picked then.
  remove(ids) {
    const gone = new Set(ids);
    const focused = this.root.contains(document.activeElement);
    const first = this.options.findIndex((one) => gone.has(one.dataset.id));
    for (const one of this.options) if (gone.has(one.dataset.id)) one.remove();
    const left = this.options;
    const next = left[Math.min(Math.max(first, 0), left.length - 1)];
    this.#pickOne(next, focused);
    this.changed();
  }

  pick(isWanted) {
    for (const one of this.options) one.setAttribute("aria-selected", String(isWanted(one.dataset.id)));
    this.changed();
  }

  #option(frame) {
    const option = this.make(frame);
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    option.tabIndex = -1;
    option.dataset.id = frame.id;
    return option;
  }

  // There is always one picked, so that one tap on a class is enough; and one that Tab leads to.
  #pickOne(option, focus) {
    if (!option) return;
    if (!this.picked.length) {
      option.setAttribute("aria-selected", "true");
      this.anchor = option;
    }
    this.#lead(this.options.find((one) => this.isPicked(one)), focus);
    this.changed();
  }

  #lead(option, focus = true) {
    for (const one of this.options) one.tabIndex = one === option ? 0 : -1;
    if (focus) {
      option.focus();
      option.scrollIntoView({ block: "nearest" });
    }
  }

  #tapped(event) {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    if (event.shiftKey) this.#range(option);
    else if (this.several || event.ctrlKey || event.metaKey) this.#toggle(option);
    else this.#only(option);
    this.#lead(option);
  }

  #pressed(event) {
    const options = this.options;
    const at = options.indexOf(event.target.closest("[role=option]"));
    if (at < 0 || event.altKey) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a") this.pick(() => true);
    else if (event.ctrlKey || event.metaKey) return;
    else if (event.key === " " || event.key === "Enter") this.#toggle(options[at]);
    else if (event.key === "Escape") this.#only(options[at]);
    else {
      const to = options[at + this.#step(event.key, at, options)];
      if (!to) return;
      if (event.shiftKey) this.#range(to);
      else if (!this.several) this.#only(to);
      this.#lead(to);
    }
    event.preventDefault();
  }

  // How many options further a key leads; NaN for another key.
  #step(key, at, options) {
    const across = options.findIndex((one) => one.offsetTop > options[0].offsetTop);
    const line = across < 0 ? options.length : across;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -line, ArrowDown: line, Home: -at, End: options.length - 1 - at };
    return steps[key] ?? NaN;
  }

  #only(option) {
    this.anchor = option;
    this.pick((id) => id === option.dataset.id);
  }

  #toggle(option) {
    this.anchor = option;
    option.setAttribute("aria-selected", String(!this.isPicked(option)));
    this.changed();
  }

  #range(option) {
    const ids = this.ids;
    const ends = [ids.indexOf(this.anchor?.dataset.id), ids.indexOf(option.dataset.id)].sort((a, b) => a - b);
    const wanted = new Set(ids.slice(Math.max(ends[0], 0), ends[1] + 1));
    this.pick((id) => wanted.has(id));
  }
}
