/** Puts the text that a node has made on the node: this ComfyUI shows text only on its own nodes. */
import { addElement, followNode, growNode, kindOf } from "../comfy_api.js";
import { make } from "../dom.js";
import { RUN_BEFORE } from "../shown.js";

const IDLE = {
  TapReport: "Queue: the report of the run shows here.",
  TapCalibrate: "Queue: the calibration shows here.",
  TapPlacement: "Queue: the expected closeness shows here.",
  TapFitTables: "Queue: the fitted numbers show here.",
};
const LEAST_HEIGHT = 72;
const WIDTH = 300;

/** @type {WeakMap<object, HTMLElement>} */
const faces = new WeakMap();
/** @type {WeakMap<object, string[]>} */
const texts = new WeakMap();

/** Gives a new node a place for its text, if it makes text. */
export function attachText(node) {
  const idle = IDLE[kindOf(node)];
  if (!idle) return;
  const face = make("div.tap-text-words", {
    role: "region", "aria-label": node.title, tabIndex: 0, textContent: idle, "data-capture-wheel": "true",
  });
  faces.set(node, face);
  // The frame fills the node and the text scrolls in it: a long text must not stretch the node.
  addElement(node, "words", make("div.tap-text", {}, face), () => ({ least: LEAST_HEIGHT }));
  followNode(node, { configured: () => growNode(node) });
  growNode(node, WIDTH);
}

/** Shows the text that a node has put out. before: it is of the run before. Returns whether there was any. */
export function showText(node, { text, before }) {
  const face = faces.get(node);
  if (!face || !Array.isArray(text)) return false;
  texts.set(node, text.map(String));
  face.textContent = [...(before ? [RUN_BEFORE] : []), ...textOf(node)].join("\n\n");
  return true;
}

/** The parts of the text that a node shows; none before its first run. */
export function textOf(node) {
  return texts.get(node) ?? [];
}
