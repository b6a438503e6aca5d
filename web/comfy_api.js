/** What touches ComfyUI's browser side is here, in comfy_face.js and in comfy_links.js; all else goes through them. */
import { linksOf } from "./comfy_links.js";

const { app } = window.comfyAPI.app;
const { api } = window.comfyAPI.api;

/** Registers an extension with ComfyUI. */
export function register(extension) {
  app.registerExtension(extension);
}

/** Calls back with the detail of every event of this name from the server. */
export function onEvent(name, callback) {
  api.addEventListener(name, ({ detail }) => callback(detail));
}

/** What the user chose for a setting. */
export function settingOf(id) {
  return app.extensionManager.setting.get(id);
}

/** Changes a setting and saves it. */
export function changeSetting(id, value) {
  return app.extensionManager.setting.set(id, value);
}

/** The class of a node, as Python names it. */
export function kindOf(node) {
  return node.comfyClass ?? node.constructor.comfyClass;
}

/** The node with this id in a prompt, such as "7", or "12:7" for one inside subgraph node 12; null if it is gone. */
export function nodeAt(id) {
  let graph = app.rootGraph ?? app.graph;
  const path = String(id).split(":");
  for (const part of path.slice(0, -1)) graph = findIn(graph, part)?.subgraph;
  return findIn(graph, path.at(-1));
}

function findIn(graph, id) {
  return graph?.getNodeById(id) ?? graph?.getNodeById(Number(id)) ?? null;
}

/** The nodes of subgraphs that hold the node with this id in a prompt, such as "12" for "12:7". */
export function hostsOf(id) {
  const path = String(id).split(":");
  return path.slice(1).map((_, depth) => nodeAt(path.slice(0, depth + 1).join(":"))).filter(Boolean);
}

/** An id of the open workflow that stays the same when it is loaded again; "" if it has none. */
export function workflowId() {
  const id = String((app.rootGraph ?? app.graph)?.id ?? "");
  return /^[0-]*$/.test(id) ? "" : id;
}

let elements = 0;

/**
 * Puts an element of ours on a node, below its widgets. Neither workflow nor prompt holds a value for it.
 * @param {object} node @param {string} name @param {HTMLElement} element
 * @param {() => {least: number, most?: number}} height in CSS pixels, margins included
 */
export function addElement(node, name, element, height) {
  // Nodes 2.0 keeps the element of an earlier node with equal id, name and type, such as the one before an undo.
  const widget = node.addDOMWidget(name, `tap_${name}_${++elements}`, element, {
    serialize: false,
    hideOnZoom: false,
    hideInPanel: true,
    margin: 6,
    getMinHeight: () => height().least,
    getMaxHeight: () => height().most,
  });
  // The option above keeps it out of the prompt, this one out of the workflow.
  widget.serialize = false;
  passToCanvas(element);
  return widget;
}

/** Whether a node is in the graph that is open now, not in a subgraph or around it. */
export function isInOpenGraph(node) {
  return Boolean(node.graph) && node.graph === app.canvas?.graph;
}

/** Whether Nodes 2.0 draws the nodes, not the classic renderer. */
export function isNodes2() {
  return Boolean(window.LiteGraph?.vueNodesMode);
}

/** Lets people pan and zoom the classic graph over the element too; Nodes 2.0 does this itself. */
function passToCanvas(element) {
  const passed = (handler, wanted) => (event) => {
    if (isNodes2() || !wanted(event)) return;
    app.canvas[handler](event);
    event.preventDefault();
  };
  const middle = (event) => event.button === 1 || (event.buttons & 4) !== 0;
  const scrolls = ({ target }) => {
    const part = target.closest?.(".tap-legend, .tap-text-words");
    return part?.matches(":hover") && part.scrollHeight > part.clientHeight;
  };
  element.addEventListener("wheel", passed("processMouseWheel", (event) => !scrolls(event)), { passive: false });
  element.addEventListener("pointerdown", passed("processMouseDown", middle));
  element.addEventListener("pointermove", passed("processMouseMove", middle));
  element.addEventListener("pointerup", passed("processMouseUp", middle));
}

/** Makes a node at least as large as its widgets need, and at least as large as asked. */
export function growNode(node, width = 0, height = 0) {
  const [leastWidth, leastHeight] = node.computeSize();
  const size = [Math.max(node.size[0], width, leastWidth), Math.max(node.size[1], height, leastHeight)];
  if (size[0] !== node.size[0] || size[1] !== node.size[1]) node.setSize(size);
}

/**
 * Calls back when a workflow or a copy has given the node its values, when it enters a graph, and when it leaves.
 * `linked`: when a link of it is made or cut.
 */
export function followNode(node, { configured, added, removed, linked }) {
  chain(node, "onConfigure", configured);
  chain(node, "onAdded", added);
  chain(node, "onRemoved", removed);
  chain(node, "onConnectionsChange", linked);
}

/** Calls back when a widget of the node, or one with one of these names, gets another value. */
export function followWidgets(node, callback, names = null) {
  for (const widget of node.widgets ?? [])
    if (names?.includes(widget.name) ?? true) chain(widget, "callback", callback);
}

function chain(node, name, callback) {
  if (!callback) return;
  const before = node[name];
  node[name] = function (...given) {
    const result = before?.apply(this, given);
    callback();
    return result;
  };
}

/** Fetches a file that a node has written to ComfyUI's folders. @returns {Promise<Response>} */
export function fetchFile({ filename, subfolder, type }) {
  return api.fetchApi(`/view?${new URLSearchParams({ filename, subfolder, type })}`);
}

/** The id of this page on the server; null until the server has given one. */
export function clientId() {
  return api.clientId || null;
}

/** Gets an answer from the pack's part of the server. @returns {Promise<Response>} */
export function askServer(path) {
  return api.fetchApi(path);
}

/** Posts something to the pack's part of the server. @returns {Promise<Response>} */
export function tellServer(path, told) {
  const headers = { "Content-Type": "application/json" };
  return api.fetchApi(path, { method: "POST", headers, body: JSON.stringify(told) });
}

/** The values of a node's widgets, by name. */
export function widgetValues(node) {
  return Object.fromEntries((node.widgets ?? []).map((widget) => [widget.name, widget.value]));
}

/** Sets widgets to values as a person would: the widgets show them, and one undo reverts them all. */
export function setWidgets(node, values) {
  for (const [name, value] of Object.entries(values)) {
    const widget = node.widgets?.find((found) => found.name === name);
    if (!widget) continue;
    widget.value = value;
    widget.callback?.(value, app.canvas, node);
  }
  node.setDirtyCanvas(true, true);
  noteChange();
}

/**
 * Sets a property of a node without a step for undo; a saved workflow still counts as saved.
 * @param {(before: unknown) => object} changed gives the new value from the old one, now and in each earlier state
 */
export function setQuietly(node, name, changed) {
  node.properties[name] = changed(node.properties[name]);
  const tracker = app.extensionManager.workflow?.activeWorkflow?.changeTracker ?? {};
  const { activeState, initialState, undoQueue = [], redoQueue = [] } = tracker;
  const states = new Set([activeState, initialState, ...undoQueue, ...redoQueue]);
  for (const kept of new Set([...states].map((state) => serialized(state, node))))
    if (kept) kept.properties = { ...kept.properties, [name]: { ...changed(kept.properties?.[name]) } };
}

/** A node in a state of the workflow, or null. */
function serialized(state, node) {
  const inner = state?.definitions?.subgraphs?.find(({ id }) => id === node.graph?.id);
  const nodes = (node.graph === (app.rootGraph ?? app.graph) ? state : inner)?.nodes;
  return nodes?.find(({ id, type }) => String(id) === String(node.id) && type === node.type) ?? null;
}

/** Tells ComfyUI that the workflow has changed: for undo, and for a reload of the page. */
export function noteChange() {
  app.extensionManager.workflow?.activeWorkflow?.changeTracker?.captureCanvasState?.();
}

/** Whether ComfyUI knows this class of nodes. */
export function knowsKind(kind) {
  return kind in (window.LiteGraph?.registered_node_types ?? {});
}

/** Adds a node left of another one and connects its first output to that one's input. */
export function addBefore(node, kind, inputName) {
  const made = window.LiteGraph.createNode(kind);
  made.pos = [node.pos[0] - made.size[0] - 60, node.pos[1]];
  node.graph.add(made);
  made.connect(0, node, node.inputs.findIndex((input) => input.name === inputName));
  return made;
}

/** Puts a new node into a link; "all": into every link of that output. It stands in free room below the source. */
export function addBetween(link, kind, which) {
  const { source, output } = link, cut = which === "all" ? linksOf(source, output) : [link];
  const made = window.LiteGraph.createNode(kind);
  source.graph.add(made);
  made.pos = roomBelow(source, made);
  for (const { target, input } of cut) made.connect(0, target, input);
  source.connect(output, made, made.inputs.findIndex(({ type }) => type === "MODEL"));
  noteChange();
  return made;
}

function roomBelow(node, made) {
  const title = 40, others = node.graph.nodes.filter((other) => other !== made);
  let [x, y] = [node.pos[0], node.pos[1] + node.size[1] + 2 * title];
  const taken = (y) => others.some(({ pos, size }) => pos[0] < x + made.size[0] && x < pos[0] + size[0]
    && pos[1] - title < y + made.size[1] && y - title < pos[1] + size[1]);
  while (taken(y)) y += title;
  return [x, y];
}

/** Asks for a line of text; null if the person closed the question. */
export function askFor(title, message, text = "") {
  return app.extensionManager.dialog.prompt({ title, message, defaultValue: text });
}

/** Shows a notice for a while. @param {"info" | "success" | "warn" | "error"} severity */
export function notify(severity, words) {
  app.extensionManager.toast.add({ severity, summary: "TAP", detail: words, life: 6000 });
}
