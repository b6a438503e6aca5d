/** Puts the strip of the run on TAP Accelerate. */
import {
  addElement, followNode, growNode, hostsOf, kindOf, nodeAt, settingOf, workflowId,
} from "../comfy_api.js";
import { addToSubgraph } from "../comfy_face.js";
import { ACCELERATE } from "../presets.js";
import { KnownRuns, readEvent } from "./run_state.js";
import { RunStrip } from "./run_strip.js";
import { cachedRuns, lastRuns, stoppedRuns, tellWanted } from "./server.js";

export const SETTING = "TAP.LiveStrip";
const HEIGHT = 147;
// Nodes 2.0 draws no node narrower than this.
const WIDTH = 225;

/** @type {Map<object, RunStrip>} nodes that are in a graph */
const strips = new Map();
const known = new KnownRuns();
let on = null;

/** Gives a new node its strip, if it is a TAP Accelerate. */
export function attachStrip(node) {
  if (kindOf(node) === ACCELERATE) putStrip(node);
}

function putStrip(node, add = addElement) {
  const strip = new RunStrip();
  strip.root.hidden = !isOn();
  const height = () => (isOn() ? HEIGHT : 0);
  add(node, "run", strip.root, () => ({ least: height(), most: height() }));
  followNode(node, {
    configured: () => growNode(node),
    added: () => { strips.set(node, strip); strip.listen(); },
    removed: () => { strips.delete(node); strip.end(); },
  });
  growNode(node, WIDTH);
  return strip;
}

/** Shows the state of a run on its node, and on the subgraphs that hold it. */
export function showRun(detail) {
  const state = readEvent(detail);
  if (!state || !isOn()) return;
  state.workflow ||= workflowId();
  known.add(state);
  if (state.workflow === workflowId()) showState(state);
}

/** Shows the runs whose results the prompt gets from ComfyUI's cache. */
export async function showCached({ nodes, prompt_id: prompt }) {
  if (!isOn() || !nodes?.length || !strips.size) return;
  for (const detail of await cachedRuns(prompt, nodes)) showRun(detail);
}

/** A prompt failed or was interrupted: the nodes that it did not come to show the run before, and say so. */
export async function showNotReached({ prompt_id: prompt }) {
  if (!isOn() || !strips.size) return;
  for (const detail of await stoppedRuns(prompt)) showRun(detail);
}

/** Shows the plan of a node that was not queued yet. */
export function showPlanned(node, { line, plan }, steps) {
  if (isOn()) strips.get(node)?.show({ marks: ".".repeat(steps), plan, line, reasons: {} });
}

/** Whether the strip of a node shows a plan, of any number of steps, and no run. */
export function showsPlan(node) {
  return /^\.*$/.test(strips.get(node)?.root.dataset.marks ?? "nothing");
}

function showState(state) {
  strips.get(nodeAt(state.node))?.show(state);
  for (const host of hostsOf(state.node)) stripOn(host).show(state);
}

/** The strip of a subgraph that holds a TAP Accelerate; it gets one when there is something to show. */
function stripOn(host) {
  if (!strips.has(host)) {
    const strip = putStrip(host, addToSubgraph);
    strips.set(host, strip);
    strip.listen();
  }
  return strips.get(host);
}

/** Shows the last runs of the open workflow, also those that this page has missed. */
export async function showLastRuns() {
  const workflow = workflowId();
  if (!isOn() || !workflow) return;
  for (const state of (await lastRuns(workflow)).map(readEvent)) if (state) known.add(state);
  if (workflow !== workflowId()) return;
  for (const state of known.of(workflow)) showState(state);
}

/** The server's queue has changed, or the server is back. */
export function followServer() {
  tellWanted(isOn());
  if (known.of(workflowId()).some(({ ended }) => !ended)) showLastRuns();
}

/** Shows words on the strip of a node. */
export function sayOn(node, words) {
  strips.get(node)?.say(words);
}

/** Shows or hides all strips: the setting was changed. */
export function showStrips(wanted) {
  on = wanted !== false;
  tellWanted(on);
  for (const [node, strip] of strips) {
    strip.root.hidden = !on;
    growNode(node);
    node.setDirtyCanvas(true, true);
  }
  if (strips.size) showLastRuns();
}

function isOn() {
  return on ?? settingOf(SETTING) !== false;
}
