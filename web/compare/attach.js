/** Puts the verdict and the wipe on TAP Compare. */
import { addElement, fetchFile, followNode, growNode, kindOf, setWidgets, widgetValues } from "../comfy_api.js";
import { linkedInputs, originOf } from "../comfy_links.js";
import { ACCELERATE } from "../presets.js";
import { RUN_BEFORE } from "../shown.js";
import { ComparisonView } from "./view.js";

export const KIND = "TapCompare";
const KEPT = "tap_compare";
const SETTING = "closer_than_told";
const LEAST_HEIGHT = 330;
const SIZE = [360, 700];
// ComfyUI puts the map below; the classic renderer makes no room for it.
const MAP = 210;

/** @type {WeakMap<object, ComparisonView>} */
const views = new WeakMap();

/** Gives a new node its verdict and its wipe, if it compares. */
export function attachComparison(node) {
  if (kindOf(node) !== KIND) return;
  const view = new ComparisonView(fetchFile);
  views.set(node, view);
  addElement(node, "comparison", view.root, () => ({ least: LEAST_HEIGHT }));
  followNode(node, { configured: () => growNode(node, 0, node.computeSize()[1] + MAP), removed: () => view.forget() });
  growNode(node, ...SIZE);
}

/** Shows what a node has compared. Returns whether the node compares and there was anything. */
export function showComparison(node, output) {
  const found = output[KEPT]?.[0];
  const whole = typeof found?.verdict === "string" && typeof found.figures === "string" && Array.isArray(found.pairs)
    && found.pairs.every((pair) => pair?.length === 2 && pair.every(isReference));
  if (!whole || !views.has(node)) return false;
  const offer = output.before ? null : offerOf(node, found[SETTING]);
  views.get(node).show({ ...found, offer, verdict: `${output.before ? `${RUN_BEFORE} ` : ""}${found.verdict}` });
  return true;
}

/** To set what pictures have shown on the TAP Accelerate that made them; null where there is nothing to set. */
function offerOf(node, value) {
  const source = originOf(node, "record");
  if (typeof value !== "number" || !source || kindOf(source) !== ACCELERATE) return null;
  const now = widgetValues(source)[SETTING];
  if (now === undefined || now === value || linkedInputs(source).includes(SETTING)) return null;
  return {
    words: `Set ${SETTING} to ${value}`,
    take() {
      if (originOf(node, "record") !== source) return "Nothing was set: another node is connected to record, or none.";
      setWidgets(source, { [SETTING]: value });
      return `${SETTING} is ${value}. Queue to use it.`;
    },
  };
}

/** Only files of our own folder are fetched. */
function isReference(found) {
  return typeof found?.filename === "string" && found.subfolder === "tap" && found.type === "temp";
}
