/** Gives the outputs of nodes to the parts that show them, and restores them when a workflow is opened again. */
import { nodeAt, workflowId } from "./comfy_api.js";
import { showComparison } from "./compare/attach.js";
import { readEvent } from "./live/run_state.js";
import { promptOf } from "./live/server.js";
import { remember, remembered } from "./shown.js";
import { showText } from "./text/attach.js";
import { outdateMaps, showMap } from "./viewer/attach.js";

/** Nodes whose results the last prompt got from ComfyUI's cache. */
let cached = { prompt: "", nodes: [] };

/** Shows the output of a node that was executed; that of another tab's workflow is kept until it is open again. */
export async function showExecuted({ node, display_node: shownAt, output, prompt_id: prompt }) {
  take(String(shownAt || node), output, (await promptOf(prompt)).workflow);
}

/** A prompt begins, and has these results already. */
export function noteCached({ nodes, prompt_id: prompt }) {
  cached = { prompt, nodes: nodes ?? [] };
}

/** A prompt failed or was interrupted: nodes that it did not come to say that what they show is of the run before. */
export async function outdateOutputs({ prompt_id: prompt, executed }) {
  const { workflow, nodes } = await promptOf(prompt);
  const done = [...(executed ?? []), ...(cached.prompt === prompt ? cached.nodes : [])];
  for (const { node, shown } of remembered(sessionStorage, workflow))
    if (nodes.includes(node) && !done.includes(node)) take(node, { ...shown, before: true }, workflow);
}

/** A run goes on: what is shown of its node is of the run before. */
export function noteRun(detail) {
  const state = readEvent(detail);
  if (state) outdateMaps(state);
}

/** Shows the outputs of a workflow that was closed and is open again. */
export function showOutputs(outputs) {
  const kept = new Map(remembered(sessionStorage, workflowId()).map(({ node, shown }) => [node, shown]));
  for (const [id, output] of Object.entries(outputs ?? {})) {
    const before = kept.get(id)?.before && isSame(kept.get(id), output);
    take(id, { ...output, before });
  }
}

/** Restores what the open workflow showed before, also after a refresh of the page. */
export function restoreShown() {
  for (const { node, shown } of remembered(sessionStorage, workflowId())) show(node, shown);
}

/** owner: the workflow that the output is of; "" for the open one. */
function take(id, output, owner = "") {
  const workflow = owner || workflowId();
  if (!output || (workflow === workflowId() && !show(id, output))) return;
  remember(sessionStorage, workflow, id, partsOf(output));
}

function partsOf({ text, tap_choice_map, tap_compare, before }) {
  return { text, tap_choice_map, tap_compare, before: before || undefined };
}

function isSame(one, other) {
  const [first, second] = [one, other].map((found) => JSON.stringify({ ...partsOf(found), before: false }));
  return first === second;
}

function show(id, output) {
  const node = output && nodeAt(id);
  return Boolean(node) && (showText(node, output) || showMap(node, output) || showComparison(node, output));
}
