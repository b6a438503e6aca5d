/** The strip on TAP Accelerate: the steps of the current or the last run, and a line about it. */
import { freshContext, make, onThemeChange, pointIn, themeOf } from "../dom.js";
import { columnOf, stepAt } from "../viewer/geometry.js";
import { placeInGroup } from "../viewer/keys.js";
import { hatchOf } from "../viewer/patterns.js";
import { columnsOf, summaryOf, wordsOf } from "./run_state.js";

const IDLE = "Queue: the steps of the run show here.";
const READ = "Arrow keys read the steps.";
// Height of a forecast step's bar: colour must not be the only difference.
const LOW = 0.4;

export class RunStrip {
  constructor() {
    this.canvas = make("canvas.tap-run-steps", {
      tabIndex: 0, role: "slider", "aria-label": IDLE, "aria-readonly": true,
      "aria-valuemin": 0, "aria-valuemax": 0, "aria-valuenow": 0,
    });
    this.line = make("p.tap-run-line", { role: "status", textContent: IDLE });
    this.root = make("div.tap-run", {}, this.canvas, this.line);
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
    this.#state = state;
    this.say(state.line);
    this.root.dataset.marks = state.marks;
    this.canvas.setAttribute("aria-label", `${summaryOf(state)} ${READ}`);
    this.canvas.setAttribute("aria-valuemax", state.marks.length);
    // Several events between two frames cause one painting.
    if (!this.#asked) this.#asked = requestAnimationFrame(() => this.#paint());
  }

  /** A line below the strip. */
  say(words) {
    this.line.textContent = words;
    this.line.title = words;
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

  #paint() {
    this.#asked = 0;
    const fresh = freshContext(this.canvas);
    if (!fresh) return;
    const { context, width, height } = fresh;
    const theme = themeOf(this.root);
    const columns = this.#state ? columnsOf(this.#state) : [];
    const hatch = hatchOf(context, theme.back);
    columns.forEach(({ mark, done }, step) => {
      const column = columnOf(step, columns.length, width);
      const top = mark === "f" || mark === "r" ? 0 : height * (1 - LOW);
      context.globalAlpha = done ? 1 : 0.25;
      context.fillStyle = mark === "s" ? theme.accent : mark === "." ? theme.faint : theme.text;
      context.fillRect(column.x, top, column.width, height - top);
      if (mark === "r") {
        context.fillStyle = hatch;
        context.fillRect(column.x, top, column.width, height - top);
      }
    });
    context.globalAlpha = 1;
    if (columns.length) return;
    context.fillStyle = theme.faint;
    context.globalAlpha = 0.4;
    context.fillRect(0, height - 2, width, 2);
    context.globalAlpha = 1;
  }
}
