/** A stand-in for what a page of ComfyUI has, as far as the modules that are tested use it. */

class Element {
  constructor(tag) {
    Object.assign(this, { tag, children: [], dataset: {}, attributes: new Map(), heard: new Map(), textContent: "" });
    this.classList = { add() {}, toggle() {} };
    this.style = { setProperty() {} };
  }
  get firstChild() { return this.children[0]; }
  get lastChild() { return this.children.at(-1); }
  append(...added) { this.children.push(...added); }
  setAttribute(name, value) { this.attributes.set(name, String(value)); }
  getAttribute(name) { return this.attributes.get(name) ?? null; }
  removeAttribute(name) { this.attributes.delete(name); }
  addEventListener(name, callback) { this.heard.set(name, callback); }
  /** A key that a person presses on it. */
  press(key) {
    this.heard.get("keydown")({ key, preventDefault() {}, stopPropagation() {} });
  }
}

/**
 * Makes the page. Returns what it notes: `notices`, what the server was `asked`, and a box of settings.
 * @param {{answer?: (path: string, told: object) => object, name?: string}} given name: what a person types when asked
 */
export function makePage({ answer = () => ({}), name = "a name" } = {}) {
  const noted = { notices: [], asked: [], settings: {} };
  const setting = { get: (id) => noted.settings[id], set: async (id, value) => { noted.settings[id] = value; } };
  const app = {
    extensionManager: {
      setting, dialog: { prompt: async () => name }, toast: { add: ({ detail }) => noted.notices.push(detail) },
    },
  };
  const fetchApi = async (path, { body } = {}) => {
    noted.asked.push(path);
    return { ok: true, json: async () => answer(path, JSON.parse(body ?? "{}")) };
  };
  const kinds = { TapAccelerate: 1, TapPlacement: 1 };
  globalThis.window = { comfyAPI: { app: { app }, api: { api: { fetchApi } } }, LiteGraph: { registered_node_types: kinds } };
  globalThis.document = { createElement: (tag) => new Element(tag) };
  globalThis.requestAnimationFrame = () => 1;
  globalThis.ResizeObserver = class { observe() {} disconnect() {} };
  globalThis.MutationObserver = class { observe() {} disconnect() {} };
  return noted;
}

/**
 * A node. widgets: name -> value; each has an input, as in ComfyUI. sources: name of an input -> the node that is
 * connected to it.
 */
export function makeNode(kind, widgets = {}, sources = {}, more = {}) {
  const names = [...new Set([...Object.keys(sources), ...Object.keys(widgets)])];
  return {
    comfyClass: kind, title: kind.replace(/^Tap/, "TAP "), graph: {}, size: [300, 300], properties: {},
    widgets: Object.entries(widgets).map(([name, value]) => ({ name, value })),
    inputs: names.map((name) => ({ name, link: name in sources ? 1 : null, source: sources[name] ?? null })),
    getInputNode(place) { return this.inputs[place].link === null ? null : this.inputs[place].source; },
    disconnectInput(place) { this.inputs[place].link = null; this.onConnectionsChange?.(); },
    computeSize: () => [300, 300], setSize() {}, setDirtyCanvas() {},
    addDOMWidget(name, type, element) { return { name, element }; },
    addWidget(type, name) { const widget = { name }; this.widgets.push(widget); return widget; },
    ...more,
  };
}

/** Waits for everything that has been begun. */
export function settle(milliseconds = 0) {
  return new Promise((done) => { setTimeout(done, milliseconds); });
}
