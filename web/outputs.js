/** Hands what nodes put out to those that show it on the node, and brings it back when a workflow is opened again. */
import { nodeAt, workflowId } from "./comfy_api.js";
import { remember, remembered } from "./shown.js";
import { showText } from "./text/attach.js";
import { showMap } from "./viewer/attach.js";

/** A node was executed. */
export function showExecuted({ node, display_node: shownAt, output }) {
  take(String(shownAt || node), output);
}

/** Outputs of a workflow that was put away and is open again. */
export function showOutputs(outputs) {
  for (const [id, output] of Object.entries(outputs ?? {})) take(id, output);
}

/** A workflow is open, perhaps after a refresh of the page. */
export function bringBack() {
  for (const { node, shown } of remembered(sessionStorage, workflowId())) show(node, shown);
}

function take(id, output) {
  if (!show(id, output)) return;
  const { text, tap_choice_map } = output;
  remember(sessionStorage, workflowId(), id, { text, tap_choice_map });
}

function show(id, output) {
  const node = output && nodeAt(id);
  return Boolean(node) && (showText(node, output) || showMap(node, output));
}
