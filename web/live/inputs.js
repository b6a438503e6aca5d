/** What stands on a node's face: the main inputs, and what decides in place of which. */
import { followNode, followWidgets, kindOf, widgetValues } from "../comfy_api.js";
import { fitHeight, foldAdvanced, greyWidgets } from "../comfy_face.js";
import { COUNTING, linkedInputs, originOf, samplerBehind, stepsOf } from "../comfy_links.js";
import { ACCELERATE, REPLACED, withoutReplaced } from "../presets.js";
import { showPlanned, showsPlan } from "./attach.js";
import { planFor } from "./server.js";

const OURS = /^Tap[A-Z]/;
// Milliseconds without a change, so that a slider that moves asks a few times only.
const REST = 80;
// What the plan follows from: a value that is connected is not known before the run.
const PLANNED = ["schedule", "quality", "interval", "warmup_steps", "placement", "start_percent", "end_percent"];

/** @type {WeakMap<object, number>} timers of nodes whose plan is asked for soon */
const waits = new WeakMap();
/** @type {WeakMap<object, Set<object>>} samplers -> the nodes whose plan follows from their steps */
const waiting = new WeakMap();

/** Gives a new node of ours its face, before anything is put below its widgets. */
export function attachInputs(node) {
  if (!OURS.test(kindOf(node) ?? "")) return;
  if (kindOf(node) === ACCELERATE) followChanges(node);
  foldAdvanced(node, (shown) => `${shown ? "Hide" : "Show"} advanced inputs`);
}

function planSoon(node) {
  clearTimeout(waits.get(node));
  waits.set(node, setTimeout(() => showPlan(node), REST));
}

function followChanges(node) {
  const grey = () => greyWidgets(node, decidedElsewhere(node));
  followWidgets(node, () => planSoon(node));
  followNode(node, {
    // Nothing on it uses more height; in older workflows all inputs stood on the node.
    configured: () => { grey(); fitHeight(node); },
    linked: () => { grey(); if (showsPlan(node)) planSoon(node); },
  });
}

/** The steps of the sampler behind a node; from now on its plan follows them. */
function stepsBehind(node) {
  const sampler = samplerBehind(node);
  if (!sampler) return null;
  if (!waiting.has(sampler)) {
    waiting.set(sampler, new Set());
    const replan = () => waiting.get(sampler).forEach((other) => { if (showsPlan(other)) planSoon(other); });
    followWidgets(sampler, replan, COUNTING);
    followNode(sampler, { linked: replan });
  }
  waiting.get(sampler).add(node);
  return stepsOf(sampler);
}

/** Name of a widget -> what decides in its place. */
function decidedElsewhere(node) {
  const by = new Map();
  for (const input of linkedInputs(node))
    for (const name of REPLACED[input] ?? []) by.set(name, `from ${originOf(node, input)?.title ?? input}`);
  return by;
}

/** Whether an input counts for the plan: a quality has no use for the number of first steps. */
function counts(node, input) {
  return input !== "warmup_steps" || widgetValues(node).quality === "fixed" || linkedInputs(node).includes("quality");
}

async function showPlan(node) {
  const steps = stepsBehind(node), linked = linkedInputs(node), turn = waits.get(node);
  const decides = PLANNED.find((input) => linked.includes(input) && counts(node, input));
  if (decides) {
    const name = decides === "schedule" && originOf(node, decides)?.title;
    const line = name ? `${name} decides which steps are computed; the plan shows when the run starts.`
      : `The plan depends on what is connected to ${decides}, and shows when the run starts.`;
    showPlanned(node, { line, plan: "" }, steps ?? 0);
    return;
  }
  if (!steps && showsPlan(node)) showPlanned(node, { line: "The plan shows when the run starts.", plan: "" }, 0);
  const plan = steps && await planFor(withoutReplaced(widgetValues(node), linked), steps);
  // An answer that comes after a newer change says nothing any more.
  if (plan && waits.get(node) === turn) showPlanned(node, plan, steps);
}
