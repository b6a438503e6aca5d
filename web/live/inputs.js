/** What stands on a node's face: the main inputs, and what decides in place of which. */
import {
  followNode, followWidgets, kindOf, linkedInputs, sourceOf, stepsBehind, widgetValues,
} from "../comfy_api.js";
import { fitHeight, foldAdvanced, greyWidgets } from "../comfy_face.js";
import { ACCELERATE, REPLACED } from "../presets.js";
import { showPlanned, showsPlan } from "./attach.js";
import { planFor } from "./server.js";

const OURS = /^Tap[A-Z]/;
// Milliseconds without a change, so that a slider that moves asks a few times only.
const REST = 80;

/** Gives a new node of ours its face, before anything is put below its widgets. */
export function attachInputs(node) {
  if (!OURS.test(kindOf(node) ?? "")) return;
  if (kindOf(node) === ACCELERATE) followChanges(node);
  foldAdvanced(node, (shown) => `${shown ? "Hide" : "Show"} advanced inputs`);
}

function followChanges(node) {
  let waits = 0;
  const planSoon = () => {
    clearTimeout(waits);
    waits = setTimeout(() => showPlan(node), REST);
  };
  const grey = () => greyWidgets(node, decidedElsewhere(node));
  followWidgets(node, planSoon);
  followNode(node, {
    // Nothing on it uses more height; in older workflows all inputs stood on the node.
    configured: () => { grey(); fitHeight(node); },
    linked: () => { grey(); if (showsPlan(node)) planSoon(); },
  });
}

/** Name of a widget -> what decides in its place. */
function decidedElsewhere(node) {
  const by = new Map();
  for (const input of linkedInputs(node))
    for (const name of REPLACED[input] ?? []) by.set(name, `from ${sourceOf(node, input)?.title ?? input}`);
  return by;
}

async function showPlan(node) {
  const steps = stepsBehind(node);
  if (linkedInputs(node).includes("schedule")) {
    const name = sourceOf(node, "schedule")?.title ?? "The connected schedule";
    const line = `${name} decides which steps are computed; the plan shows when the run starts.`;
    showPlanned(node, { line, plan: "" }, steps ?? 0);
    return;
  }
  const plan = steps && await planFor(widgetValues(node), steps);
  if (plan) showPlanned(node, plan, steps);
}
