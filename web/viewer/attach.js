/** Puts the viewer on its node, and keeps what it shows in the node's properties: these survive copies and reloads. */
import { addElement, fetchFile, followNode, growNode, kindOf, nodeAt, setQuietly, workflowId } from "../comfy_api.js";
import { originOf } from "../comfy_links.js";
import { Viewer } from "./view.js";

export const KIND = "TapChoiceMapViewer";
const KEPT = "tap_choice_map";
const LEAST_HEIGHT = 350;
const SIZE = [440, 720];

/** @type {WeakMap<object, Viewer>} */
const viewers = new WeakMap();
/** @type {Set<object>} viewers that are in a graph */
const placed = new Set();

/** Gives a new node its widget, if it is a viewer. */
export function attachViewer(node) {
  if (kindOf(node) !== KIND) return;
  const viewer = new Viewer(fetchFile, (view) => keep(node, { view }));
  viewers.set(node, viewer);
  addElement(node, "choice_map", viewer.root, () => ({ least: LEAST_HEIGHT }));
  followNode(node, {
    configured: () => showKept(node),
    added: () => { placed.add(node); viewer.listen(); },
    removed: () => { placed.delete(node); viewer.end(); },
  });
  growNode(node, ...SIZE);
}

/**
 * Shows the run that a node has put out. `before`: another one failed since. Returns whether the node is a viewer and
 * there was a run.
 */
export function showMap(node, output) {
  const reference = output[KEPT]?.[0];
  if (!reference || !viewers.has(node)) return false;
  if (node.properties[KEPT]?.reference?.filename !== reference.filename) {
    // Undo must not bring back the map of an older run.
    setQuietly(node, KEPT, (kept) => ({ ...kept, reference }));
    showKept(node);
  }
  viewers.get(node).isOfRunBefore(Boolean(output.before));
  return true;
}

/** A run goes on: the maps of its node are of the run before. @param {{node: string, workflow: string}} state */
export function outdateMaps({ node: id, workflow, ended }) {
  if (ended || (workflow || workflowId()) !== workflowId()) return;
  const running = nodeAt(id);
  for (const node of placed)
    if (running && originOf(node, "record") === running) viewers.get(node).isOfRunBefore(true);
}

function showKept(node) {
  const { reference = null, view = {} } = node.properties[KEPT] ?? {};
  viewers.get(node).show(isReference(reference) ? reference : null, view);
}

/** A workflow may come from anyone: only files of our own folder are fetched. */
function isReference(found) {
  return typeof found?.filename === "string" && found.subfolder === "tap" && found.type === "temp";
}

function keep(node, part) {
  node.properties[KEPT] = { ...node.properties[KEPT], ...part };
}
