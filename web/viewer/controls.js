/** The viewer's controls: layers, opacity, marks, frames, prompts and pictures. They hold no state of the run. */
import { make } from "../dom.js";
import { placeInGroup } from "./keys.js";

/** A row of buttons; one of them is pressed. It is one stop of the tab key, and arrow keys move within it. */
export class Choice {
  /** @param {string} label @param {(name: string) => void} onChoose */
  constructor(label, onChoose) {
    this.root = make("div.tap-choice", { role: "radiogroup", "aria-label": label });
    this.root.addEventListener("keydown", (event) => this.#onKey(event));
    this.#onChoose = onChoose;
  }

  #onChoose;

  /** @param {{name: string, label: string}[]} found */
  list(found) {
    this.root.replaceChildren(...found.map(({ name, label }) => {
      const button = make("button", { type: "button", role: "radio", textContent: label, value: name });
      button.addEventListener("click", () => this.#onChoose(name));
      return button;
    }));
  }

  show(chosen) {
    for (const button of this.root.children) {
      button.setAttribute("aria-checked", String(button.value === chosen));
      button.tabIndex = button.value === chosen ? 0 : -1;
    }
  }

  #onKey(event) {
    const buttons = [...this.root.children];
    const next = placeInGroup(event, buttons.indexOf(event.target), buttons.length);
    if (next === null) return;
    event.preventDefault();
    event.stopPropagation();
    buttons[next].focus();
    this.#onChoose(buttons[next].value);
  }
}

/** A slider with its name in front; it is hidden while it has only one place. */
export class Slider {
  /** @param {string} label @param {{max: number, step: number}} range @param {(value: number) => void} onMove */
  constructor(label, { max, step }, onMove) {
    this.input = make("input", { type: "range", "aria-label": label });
    Object.assign(this.input, { min: 0, max, step });
    this.words = make("output");
    this.root = make("label.tap-slider", {}, make("span", { textContent: label }), this.input, this.words);
    this.input.addEventListener("input", () => onMove(Number(this.input.value)));
  }

  /** @param {number} value @param {string} words */
  show(value, words) {
    this.input.value = value;
    this.words.textContent = words;
  }

  /** @param {number} max the highest place */
  reach(max) {
    this.input.max = max;
    this.root.hidden = max < 1;
  }
}

/** A box to tick. */
export class Tick {
  /** @param {string} label @param {string} title @param {(on: boolean) => void} onChange */
  constructor(label, title, onChange) {
    this.input = make("input", { type: "checkbox" });
    this.root = make("label.tap-tick", { title }, this.input, make("span", { textContent: label }));
    this.input.addEventListener("change", () => onChange(this.input.checked));
  }

  show(on) {
    this.input.checked = on;
  }
}

/** A list to pick from; it is hidden while it has only one entry. */
export class Pick {
  /** @param {string} label @param {(number: number) => void} onPick */
  constructor(label, onPick) {
    this.root = make("select.tap-pick", { "aria-label": label, title: label });
    this.root.addEventListener("change", () => onPick(this.root.selectedIndex));
  }

  /** @param {string[]} names */
  list(names) {
    this.root.replaceChildren(...names.map((name) => make("option", { textContent: name })));
    this.root.hidden = names.length < 2;
  }

  show(number) {
    this.root.selectedIndex = number;
  }
}
