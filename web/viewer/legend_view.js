/** The legend: a button for each entry, with swatch, mark, label and share; a click shows only this entry. */
import { make } from "../dom.js";
import { inkOn } from "./colours.js";
import { patternOf } from "./patterns.js";
import { shareWords } from "./words.js";

const SWATCH = 18;

export class LegendView {
  /** @param {(entry: number) => void} onChoose a click on an entry */
  constructor(onChoose) {
    this.root = make("div.tap-legend", {
      role: "group", "aria-label": "Legend: press an entry to see only this one",
      // ComfyUI's sign for an element that scrolls by itself when it has the focus.
      "data-capture-wheel": true,
    });
    this.#onChoose = onChoose;
  }

  #onChoose;
  #buttons = [];

  /** Lists the entries of a layer. */
  list(layer) {
    this.#buttons = layer.entries.map((entry, number) => {
      const share = make("span.tap-share");
      const label = make("span.tap-label", {}, entry.label,
        ...(entry.technical ? [" ", make("small.tap-technical", { textContent: entry.technical })] : []));
      const title = `Show only: ${label.textContent}`;
      const button = make("button.tap-entry", { type: "button", title }, swatchOf(entry, number), label, share);
      button.addEventListener("click", () => this.#onChoose(number));
      return { button, share };
    });
    this.root.replaceChildren(...this.#buttons.map(({ button }) => button));
  }

  /** Shows the shares of one step, null on a full one, and the only entry to show, -1 for all. */
  show({ shares, percents, alone }) {
    this.#buttons.forEach(({ button, share }, number) => {
      share.textContent = shareWords(percents?.[number], shares?.[number]);
      button.setAttribute("aria-pressed", String(alone === number));
      button.classList.toggle("tap-unused", !shares?.[number]);
    });
  }
}

function swatchOf(entry, number) {
  const canvas = make("canvas.tap-swatch", { width: 2 * SWATCH, height: 2 * SWATCH, "aria-hidden": true });
  const context = canvas.getContext("2d");
  context.scale(2, 2);
  context.fillStyle = entry.colour;
  context.fillRect(0, 0, SWATCH, SWATCH);
  const ink = inkOn(entry.colour);
  const pattern = patternOf(context, number, ink);
  if (pattern) {
    context.globalAlpha = 0.45;
    context.fillStyle = pattern;
    context.fillRect(0, 0, SWATCH, SWATCH);
    context.globalAlpha = 1;
    // The letter needs a clear background.
    context.fillStyle = entry.colour;
    context.fillRect(4, 3, SWATCH - 8, SWATCH - 6);
  }
  context.fillStyle = ink;
  context.font = "600 11px sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(entry.mark, SWATCH / 2, SWATCH / 2 + 0.5);
  return canvas;
}
