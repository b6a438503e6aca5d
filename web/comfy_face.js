/** How nodes look in both renderers: inputs out of sight, inputs that something else decides, elements on subgraphs. */
import { addElement, followNode, isInOpenGraph, isNodes2, noteChange } from "./comfy_api.js";
import { linkedInputs } from "./comfy_links.js";

// Milliseconds between two looks whether Nodes 2.0 has made a node's element anew; it tells nobody.
const LOOK = 300;

/** @type {WeakMap<object, {label: string}>} widgets that something else decides, and what they are called */
const greyed = new WeakMap();

/**
 * Lets inputs that are marked as advanced take no room until they are asked for. Nodes 2.0 has a button for this; the
 * classic renderer gets one from us. ComfyUI saves with the workflow whether they are shown.
 * @param {object} node @param {(shown: boolean) => string} words on the button
 */
export function foldAdvanced(node, words) {
  const folded = (node.widgets ?? []).filter(({ options }) => options?.advanced);
  if (!folded.length || !node.getLayoutWidgets) return;
  const { getLayoutWidgets, toggleAdvanced } = node;
  node.getLayoutWidgets = function () {
    return getLayoutWidgets.call(this).filter(({ advanced }) => !advanced || this.showAdvanced);
  };
  node.toggleAdvanced = function () {
    const [height, needed] = [this.size[1], this.computeSize()[1]];
    toggleAdvanced.call(this);
    this.setSize([this.size[0], Math.max(height - needed, 0) + this.computeSize()[1]]);
  };
  const more = node.addWidget("button", "more", null, () => { node.toggleAdvanced(); noteChange(); },
    { canvasOnly: true, serialize: false, hideInPanel: true });
  more.serialize = false;
  more.computeSize = () => [0, isNodes2() ? -4 : window.LiteGraph.NODE_WIDGET_HEIGHT];
  Object.defineProperty(more, "label", { get: () => words(Boolean(node.showAdvanced)), set() {} });
  node.widgets.filter((widget) => folded.includes(widget)).forEach((widget) => { widget.advanced = true; });
  fitHeight(node);
}

/** Makes a node as tall as its widgets need, and no taller. */
export function fitHeight(node) {
  node.setSize([node.size[0], node.computeSize()[1]]);
}

/** Shows that something else decides these widgets. @param {Map<string, string>} by name of a widget -> what decides */
export function greyWidgets(node, by) {
  const linked = linkedInputs(node);
  for (const widget of node.widgets ?? []) {
    const words = by.get(widget.name);
    // Nodes 2.0 shows an advanced widget that something is connected to.
    if (widget.options?.advanced) widget.advanced = !linked.includes(widget.name);
    if (words && !greyed.has(widget)) greyed.set(widget, { label: widget.label });
    if (!greyed.has(widget)) continue;
    const { label } = greyed.get(widget);
    widget.disabled = Boolean(words);
    widget.label = words ? `${label ?? widget.name}: ${words}` : label;
    if (!words) greyed.delete(widget);
  }
  node.setDirtyCanvas?.(true, true);
}

/** Puts an element of ours on a subgraph's node, which may make its list of widgets anew from its inputs each time. */
export function addToSubgraph(node, name, element, height) {
  const widgets = Object.getOwnPropertyDescriptor(node, "widgets");
  const added = addElement(node, name, element, height);
  const withOurs = (found) => (found.includes(added) ? found : [...found, added]);
  if (widgets?.get)
    Object.defineProperty(node, "widgets", { ...widgets, get: () => withOurs(widgets.get.call(node)) });
  const look = () => {
    const body = isNodes2() && isInOpenGraph(node) && document.querySelector(`[data-testid="node-body-${node.id}"]`);
    if (body && !body.contains(element)) body.append(element);
  };
  const looking = setInterval(look, LOOK);
  followNode(node, { removed: () => clearInterval(looking) });
  look();
}
