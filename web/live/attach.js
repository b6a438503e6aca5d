/** Puts the strip of the run on TAP Accelerate. */
import { addElement, followNode, growNode, kindOf, nodeAt, settingOf, workflowId } from "../comfy_api.js";
import { readEvent } from "./run_state.js";
import { RunStrip } from "./run_strip.js";

export const KIND = "TapAccelerate";
export const SETTING = "TAP.LiveStrip";
const HEIGHT = 76;

/** @type {Map<object, RunStrip>} nodes that are in a graph */
const strips = new Map();
// What the last run of each node told: the strip shows it again when its workflow is opened again.
const known = new Map();

/** A node was made; if it accelerates a model it gets its strip. */
export function attachStrip(node) {
  if (kindOf(node) !== KIND) return;
  const strip = new RunStrip();
  strip.root.hidden = !isOn();
  const height = () => (isOn() ? HEIGHT : 0);
  addElement(node, "run", strip.root, () => ({ least: height(), most: height() }));
  followNode(node, {
    configured: () => { growNode(node); recall(node, strip); },
    added: () => { strips.set(node, strip); strip.listen(); },
    removed: () => { strips.delete(node); strip.end(); },
  });
  growNode(node);
}

/** A run tells how far it is. */
export function showRun(detail) {
  const state = readEvent(detail);
  if (!state || !isOn()) return;
  known.set(keyOf(state.node), state);
  const node = nodeAt(state.node);
  strips.get(node)?.show(state);
}

/** Says something on the strip of a node. */
export function sayOn(node, words) {
  strips.get(node)?.say(words);
}

/** The setting was changed. */
export function showStrips(on) {
  for (const [node, strip] of strips) {
    strip.root.hidden = !on;
    growNode(node);
    node.setDirtyCanvas(true, true);
  }
}

function recall(node, strip) {
  const state = known.get(keyOf(node.id));
  if (state) strip.show(state);
}

function isOn() {
  return settingOf(SETTING) !== false;
}

function keyOf(id) {
  return `${workflowId()} ${id}`;
}
