/** Puts the viewer on its node, and keeps what it shows in the node's properties: these survive copies and reloads. */
import { addElement, fetchFile, followNode, growNode, kindOf, nodeAt, noteChange } from "../comfy_api.js";
import { Viewer } from "./view.js";

export const KIND = "TapChoiceMapViewer";
const KEPT = "tap_choice_map";
const LEAST_HEIGHT = 420;
const SIZE = [440, 720];

/** @type {WeakMap<object, Viewer>} */
const viewers = new WeakMap();

/** A node was made; if it is a viewer it gets its widget. */
export function attachViewer(node) {
  if (kindOf(node) !== KIND) return;
  const viewer = new Viewer(fetchFile, (view) => keep(node, { view }));
  viewers.set(node, viewer);
  addElement(node, "choice_map", viewer.root, () => ({ least: LEAST_HEIGHT }));
  followNode(node, {
    configured: () => showKept(node),
    added: () => viewer.listen(),
    removed: () => viewer.end(),
  });
  growNode(node, ...SIZE);
}

/** A node was executed; if it is a viewer it shows the new run. */
export function showExecuted({ node: id, display_node: shownAt, output }) {
  showOutput(shownAt || id, output);
}

/** Outputs of a workflow that was put away and is open again. */
export function showOutputs(outputs) {
  for (const [id, output] of Object.entries(outputs ?? {})) showOutput(id, output);
}

function showOutput(id, output) {
  const reference = output?.[KEPT]?.[0];
  const node = reference && nodeAt(id);
  if (!node || !viewers.has(node) || node.properties[KEPT]?.reference?.filename === reference.filename) return;
  keep(node, { reference });
  noteChange();
  showKept(node);
}

function showKept(node) {
  const { reference = null, view = {} } = node.properties[KEPT] ?? {};
  viewers.get(node).show(isReference(reference) ? reference : null, view);
}

/** A workflow may come from anyone: only files of our own folder are asked for. */
function isReference(found) {
  return typeof found?.filename === "string" && found.subfolder === "tap" && found.type === "temp";
}

function keep(node, part) {
  node.properties[KEPT] = { ...node.properties[KEPT], ...part };
}
