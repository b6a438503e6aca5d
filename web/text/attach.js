/** Puts the text that a node has made on its face: this ComfyUI shows text on nodes of its own alone. */
import { addElement, followNode, growNode, kindOf } from "../comfy_api.js";
import { make } from "../dom.js";

const IDLE = {
  TapReport: "Queue: what the run did shows here.",
  TapCalibrate: "Queue: the calibration shows here.",
  TapPlacement: "Queue: how near the picture will be shows here.",
  TapFitTables: "Queue: the fitted numbers show here.",
};
const LEAST_HEIGHT = 72;
const WIDTH = 300;

/** @type {WeakMap<object, HTMLElement>} */
const faces = new WeakMap();
/** @type {WeakMap<object, string[]>} */
const texts = new WeakMap();

/** A node was made; if it makes text it gets a place for it. */
export function attachText(node) {
  const idle = IDLE[kindOf(node)];
  if (!idle) return;
  const face = make("div.tap-text-words", {
    role: "region", "aria-label": node.title, tabIndex: 0, textContent: idle, "data-capture-wheel": "true",
  });
  faces.set(node, face);
  // The frame takes the room that the node has, and the text scrolls within: a long one must not stretch the node.
  addElement(node, "words", make("div.tap-text", {}, face), () => ({ least: LEAST_HEIGHT }));
  followNode(node, { configured: () => growNode(node) });
  growNode(node, WIDTH);
}

/** Shows what a node has put out; whether it was text for its face. */
export function showText(node, { text }) {
  const face = faces.get(node);
  if (!face || !Array.isArray(text)) return false;
  texts.set(node, text.map(String));
  face.textContent = textOf(node).join("\n\n");
  return true;
}

/** The parts of the text that a node shows; none before it was executed. */
export function textOf(node) {
  return texts.get(node) ?? [];
}
