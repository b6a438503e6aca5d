/** Gives the outputs of nodes to the parts that show them, and restores them when a workflow is opened again. */
import { nodeAt, workflowId } from "./comfy_api.js";
import { showComparison } from "./compare/attach.js";
import { readEvent } from "./live/run_state.js";
import { remember, remembered } from "./shown.js";
import { showText } from "./text/attach.js";
import { outdateMaps, showMap } from "./viewer/attach.js";

/** Shows the output of a node that was executed. */
export function showExecuted({ node, display_node: shownAt, output }) {
  take(String(shownAt || node), output);
}

/** A run goes on: what is shown of its node is of the run before. */
export function noteRun(detail) {
  const state = readEvent(detail);
  if (state) outdateMaps(state);
}

/** Shows the outputs of a workflow that was closed and is open again. */
export function showOutputs(outputs) {
  for (const [id, output] of Object.entries(outputs ?? {})) take(id, output);
}

/** Restores what the open workflow showed before, also after a refresh of the page. */
export function restoreShown() {
  for (const { node, shown } of remembered(sessionStorage, workflowId())) show(node, shown);
}

function take(id, output) {
  if (!show(id, output)) return;
  const { text, tap_choice_map, tap_compare } = output;
  remember(sessionStorage, workflowId(), id, { text, tap_choice_map, tap_compare });
}

function show(id, output) {
  const node = output && nodeAt(id);
  return Boolean(node) && (showText(node, output) || showMap(node, output) || showComparison(node, output));
}
