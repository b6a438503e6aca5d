import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { makeNode, makePage } from "./stubs.mjs";

const SETTING = "TAP.Calibrations";
const noted = makePage({ name: "flux" });
const { menuOf, readPresets } = await import("../../web/menus.js");
const { attachStrip } = await import("../../web/live/attach.js");
const { attachText, showText } = await import("../../web/text/attach.js");

const source = readFileSync(new URL("../../web/presets.json", import.meta.url), "utf-8");
globalThis.fetch = async () => ({ json: async () => JSON.parse(source) });
await readPresets();
const close = JSON.parse(source).presets.find(({ name }) => name === "Close");
const values = { ...JSON.parse(source).shared.ours, ...close.values };

/** TAP Accelerate in a graph, and what its strip says. */
function accelerate(sources = {}, widgets = {}) {
  const node = makeNode("TapAccelerate", { ...values, ...widgets }, sources);
  let root = null;
  node.addDOMWidget = (name, type, element) => { root = element; return { name, element }; };
  attachStrip(node);
  node.onAdded();
  return { node, said: () => root.lastChild.textContent };
}

function calibrate(...text) {
  const node = makeNode("TapCalibrate");
  attachText(node);
  if (text.length) showText(node, { text });
  return node;
}

/** Chooses an entry by the start of its words, in any submenu. */
async function choose(node, ...path) {
  let entries = menuOf(node), found;
  for (const words of path) {
    found = entries.find(({ content }) => content.startsWith(words));
    entries = found.submenu?.options;
  }
  await found.callback();
}

/** Saves from the menu; returns what is saved then, and the notice. */
async function save(node) {
  noted.settings = {};
  await choose(node, "Save this calibration");
  return [noted.settings[SETTING]?.flux, noted.notices.at(-1)];
}

test("a saved calibration takes the place of what is connected to text", async () => {
  noted.settings = { [SETTING]: { flux: "saved" } };
  const placement = makeNode("TapPlacement", { text: "old", budget: "10" }, { text: calibrate() });
  const { node, said } = accelerate({ schedule: placement });
  await choose(node, "TAP presets", "Calibration: flux");
  assert.equal(placement.widgets[0].value, "saved");
  assert.equal(placement.inputs.find(({ name }) => name === "text").link, null);
  assert.equal(said(), "Calibration flux is set in the node connected to schedule. "
    + "It takes the place of what was connected to text.");
  await choose(node, "TAP presets", "Calibration: flux");
  assert.equal(said(), "Calibration flux is set in the node connected to schedule.");
});

test("so it does in the menu of TAP Placement, which says so", async () => {
  noted.settings = { [SETTING]: { flux: "saved" } };
  const placement = makeNode("TapPlacement", { text: "old", budget: "10" }, { text: calibrate() });
  await choose(placement, "Saved calibrations", "flux");
  assert.deepEqual([placement.widgets[0].value, placement.inputs[0].link], ["saved", null]);
  assert.equal(noted.notices.at(-1), "flux is set. It takes the place of what was connected to text.");
  const before = noted.notices.length;
  await choose(placement, "Saved calibrations", "flux");
  assert.equal(noted.notices.length, before);
});

test("the calibration that is saved is the one that the run uses", async () => {
  const own = makeNode("TapPlacement", { text: "own" });
  assert.equal((await save(own))[0], "own");
  const linked = (from) => makeNode("TapPlacement", { text: "old" }, { text: from });
  assert.equal((await save(linked(calibrate("expected", "made"))))[0], "made");
  assert.equal((await save(linked(makeNode("PrimitiveStringMultiline", { value: "typed" }))))[0], "typed");
});

test("where the run's calibration is not known, nothing is saved, and it says where to save it", async () => {
  const linked = (from) => makeNode("TapPlacement", { text: "old" }, { text: from });
  assert.deepEqual(await save(linked(calibrate())), [undefined,
    "Nothing was saved: the text comes from TAP Calibrate, which shows none yet. Run it, then save again."]);
  assert.deepEqual(await save(linked(makeNode("TextJoin"))), [undefined,
    "Nothing was saved: the text comes from TextJoin. Save it in the menu of the TAP Calibrate that made it."]);
  assert.match((await save(linked(null)))[1], /comes from outside\. Save it in the menu/);
});

test("a preset does not claim what a connected input decides", async () => {
  const ticked = (node) => menuOf(node)[0].submenu.options.filter(({ content }) => content.includes("\u2713")).length;
  const free = accelerate({ model: makeNode("Loader") });
  assert.equal(ticked(free.node), 1);
  const before = noted.notices.length;
  await choose(free.node, "TAP presets", "Close");
  assert.equal(free.said(), "Close is set. Queue to use it.");
  assert.equal(noted.notices.length, before);
  for (const input of ["quality", "target", "trust", "schedule", "predictors"]) {
    const { node, said } = accelerate({ model: makeNode("Loader"), [input]: makeNode("PrimitiveNode") });
    assert.equal(ticked(node), 0, input);
    await choose(node, "TAP presets", "Close");
    assert.match(said(), new RegExp(`^Close is set, but what is connected to ${input} replaces `), input);
    assert.equal(noted.notices.at(-1), said());
  }
  const other = accelerate({ memory_limit: makeNode("PrimitiveNode") }, { memory_limit: 0 });
  assert.equal(ticked(other.node), 1);
});
