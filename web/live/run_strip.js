/** The strip on TAP Accelerate: the steps of the current or the last run, a key, and a line about it. */
import { freshContext, make, onThemeChange, pointIn } from "../dom.js";
import { columnOf, stepAt } from "../viewer/geometry.js";
import { placeInGroup } from "../viewer/keys.js";
import { hatchOf } from "../viewer/patterns.js";
import { KEY, columnsOf, countsOf, summaryOf, wordsOf } from "./run_state.js";
import { coloursOn } from "./strip_colours.js";

const IDLE = "Queue: the steps of the run show here.";
const READ = "Arrow keys read the steps.";
// Height of a forecast step's bar: colour must not be the only difference.
const LOW = 0.4;
// A step that was computed in part: a forecast step's bar with a computed one on it.
const PART = 0.7;
const HEIGHTS = { s: LOW, p: PART };
// Most runs have no such step; the key takes one line without it.
const RARE = ["r", "p"];
// Narrower columns have no room for an outline.
const OUTLINED = 4;

export class RunStrip {
  constructor() {
    this.canvas = make("canvas.tap-run-steps", {
      tabIndex: 0, role: "slider", "aria-label": IDLE, "aria-readonly": true,
      "aria-valuemin": 0, "aria-valuemax": 0, "aria-valuenow": 0,
    });
    this.key = make("div.tap-run-key", {}, ...Object.keys(KEY).map(keyEntry));
    this.line = make("p.tap-run-line", { role: "status", textContent: IDLE });
    this.root = make("div.tap-run", {}, this.canvas, this.key, this.line);
    this.canvas.addEventListener("pointermove", (event) => this.#point(event));
    this.canvas.addEventListener("keydown", (event) => this.#onKey(event));
    // The slider reads the step itself; the line must not read it again.
    this.canvas.addEventListener("focus", () => this.line.setAttribute("aria-live", "off"));
    this.canvas.addEventListener("blur", () => {
      this.line.removeAttribute("aria-live");
      if (this.#state) this.say(this.#state.line);
    });
  }

  #ended = null;
  #state = null;
  #asked = 0;

  /** @param {ReturnType<typeof import("./run_state.js").readEvent>} state */
  show(state) {
    if (state.marks.length !== this.#state?.marks.length) this.#readAnew();
    this.#state = state;
    this.say(state.line);
    this.root.dataset.marks = state.marks;
    this.canvas.setAttribute("aria-label", `${summaryOf(state)} ${READ}`);
    this.canvas.setAttribute("aria-valuemax", state.marks.length);
    this.#count();
    // Several events between two frames cause one painting.
    if (!this.#asked) this.#asked = requestAnimationFrame(() => this.#paint());
  }

  /** A line below the strip; the pointer reads all of it. */
  say(words) {
    this.line.textContent = this.line.title = words;
  }

  /** Follows size and theme, until `end`. */
  listen() {
    this.end();
    this.#ended = new AbortController();
    const { signal } = this.#ended;
    const observer = new ResizeObserver(() => this.#paint());
    observer.observe(this.canvas);
    signal.addEventListener("abort", () => observer.disconnect());
    onThemeChange(() => this.#paint(), signal);
  }

  /** Ends all listening. */
  end() {
    this.#ended?.abort();
  }

  #point(event) {
    if (!this.#state?.marks) return;
    const step = stepAt(pointIn(this.canvas, event).x, this.#state.marks.length, this.canvas.clientWidth);
    this.canvas.title = wordsOf(this.#state, step);
  }

  /** Arrow keys read the steps one by one. */
  #onKey(event) {
    const before = Number(this.canvas.getAttribute("aria-valuenow")) - 1;
    const step = this.#state?.marks ? placeInGroup(event, before, this.#state.marks.length) : null;
    if (step === null) return;
    event.preventDefault();
    event.stopPropagation();
    const words = wordsOf(this.#state, step);
    this.canvas.setAttribute("aria-valuenow", step + 1);
    this.canvas.setAttribute("aria-valuetext", words);
    this.say(words);
  }

  /** The step that was read is none of the steps to be shown. */
  #readAnew() {
    this.canvas.setAttribute("aria-valuenow", 0);
    this.canvas.removeAttribute("aria-valuetext");
  }

  #count() {
    const counts = countsOf(this.#state);
    for (const entry of this.key.children) {
      const { mark } = entry.dataset;
      entry.lastChild.textContent = counts[mark] ? `${counts[mark]} ${KEY[mark]}` : KEY[mark];
      entry.classList.toggle("tap-run-none", !counts[mark]);
      entry.hidden = RARE.includes(mark) && !counts[mark];
    }
  }

  #paint() {
    this.#asked = 0;
    const fresh = freshContext(this.canvas);
    if (!fresh) return;
    const { context, width, height } = fresh;
    const colours = coloursOn(getComputedStyle(this.root).backgroundColor);
    for (const entry of this.key.children) this.#paintKey(entry, colours);
    const columns = this.#state ? columnsOf(this.#state) : [];
    columns.forEach(({ mark, done }, step) => {
      const column = columnOf(step, columns.length, width);
      const top = height * (1 - (HEIGHTS[mark] ?? (mark === "." ? LOW : 1)));
      paintBar(context, { x: column.x, y: top, width: column.width, height: height - top }, mark, done, colours);
    });
    if (columns.length) return;
    context.fillStyle = colours.planned;
    context.fillRect(0, height - 2, width, 2);
  }

  #paintKey(entry, colours) {
    const fresh = freshContext(entry.firstChild);
    if (!fresh) return;
    const top = fresh.height * (1 - (HEIGHTS[entry.dataset.mark] ?? 1));
    const bar = { x: 0, y: top, width: fresh.width, height: fresh.height - top };
    paintBar(fresh.context, bar, entry.dataset.mark, true, colours);
  }
}

function keyEntry(mark) {
  const swatch = make("canvas.tap-run-swatch", { "aria-hidden": "true" });
  const words = make("span", { textContent: KEY[mark] });
  return make("span.tap-run-entry", { "data-mark": mark, hidden: RARE.includes(mark) }, swatch, words);
}

/** A step that is done is filled; one that is planned is an outline. */
function paintBar(context, { x, y, width, height }, mark, done, colours) {
  const low = mark === "s";
  context.fillStyle = context.strokeStyle = done
    ? (low ? colours.forecast : colours.computed) : (low ? colours.plannedForecast : colours.planned);
  if (!done && width >= OUTLINED) context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
  else context.fillRect(x, y, width, height);
  if (mark === "p") {
    const least = height * LOW / PART;
    context.fillStyle = colours.forecast;
    context.fillRect(x, y + height - least, width, least);
  }
  if (mark !== "r") return;
  context.fillStyle = hatchOf(context, colours.hatch);
  context.fillRect(x, y, width, height);
}
