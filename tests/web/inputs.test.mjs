import assert from "node:assert/strict";
import { test } from "node:test";
import { makeNode, makePage, settle } from "./stubs.mjs";

const told = [];
makePage({ answer: (path, { values, steps }) => { told.push(values); return { line: `${steps} planned`, plan: "f".repeat(steps) }; } });
const { attachStrip } = await import("../../web/live/attach.js");
const { attachInputs } = await import("../../web/live/inputs.js");

const WIDGETS = {
  quality: "fixed", interval: 5, orders: "0,1,2", warmup_steps: 3, placement: "change", target: "auto",
  start_percent: 0, end_percent: 1,
};

/** TAP Accelerate in front of a sampler, after a change of a widget: what its strip says, and what was asked. */
async function planned(sources, sampler = makeNode("KSampler", { steps: 20 })) {
  const node = makeNode("TapAccelerate", WIDGETS, sources, { getOutputNodes: () => [sampler] });
  let root = null;
  node.addDOMWidget = (name, type, element) => { root = element; return { name, element }; };
  attachInputs(node);
  attachStrip(node);
  node.onAdded();
  const change = async () => {
    told.length = 0;
    node.widgets[0].callback?.();
    await settle(120);
    return { line: root.lastChild.textContent, marks: root.dataset.marks, asked: [...told] };
  };
  node.shown = () => root.lastChild.textContent;
  return { node, change };
}

const primitive = () => makeNode("PrimitiveInt", { value: 2 });

test("the plan follows from the widgets", async () => {
  const { change } = await planned({ target: primitive(), predictors: makeNode("TapPredictorPool") });
  const { line, marks, asked } = await change();
  assert.deepEqual([line, marks.length, asked.length], ["20 planned", 20, 1]);
  const { orders, target, interval } = asked[0];
  assert.deepEqual([orders, target, interval], [undefined, undefined, 5]);
});

test("there is no plan where something connected decides it, until it is cut", async () => {
  for (const input of ["quality", "interval", "warmup_steps", "placement", "start_percent", "end_percent"]) {
    const { node, change } = await planned({ [input]: primitive() });
    const { line, asked } = await change();
    assert.equal(line, `The plan depends on what is connected to ${input}, and shows when the run starts.`);
    assert.deepEqual(asked, []);
    node.disconnectInput(node.inputs.findIndex(({ name }) => name === input));
    await settle(120);
    assert.equal((await change()).line, "20 planned");
  }
});

test("a plan goes when the number of steps is not known any more", async () => {
  const sampler = makeNode("KSampler", { steps: 20 }, { steps: primitive() });
  const { change } = await planned({}, sampler);
  assert.equal((await change()).marks, undefined);
  sampler.inputs[0].link = null;
  assert.equal((await change()).line, "20 planned");
  sampler.inputs[0].link = 1;
  const { line, marks } = await change();
  assert.deepEqual([line, marks], ["The plan shows when the run starts.", ""]);
});

test("a plan comes back when the sampler is connected again", async () => {
  const sampler = makeNode("KSampler", { steps: 20 }, { steps: primitive() });
  const { node, change } = await planned({}, sampler);
  sampler.inputs[0].link = null;
  assert.equal((await change()).line, "20 planned");
  sampler.inputs[0].link = 1;
  assert.equal((await change()).marks, "");
  sampler.inputs[0].link = null;
  node.onConnectionsChange();
  await settle(120);
  assert.equal(node.shown(), "20 planned");
});

test("a quality has no use for the number of first steps", async () => {
  const { node, change } = await planned({ warmup_steps: primitive() });
  node.widgets.find(({ name }) => name === "quality").value = "close";
  assert.equal((await change()).line, "20 planned");
});

test("a plan follows the steps of the sampler", async () => {
  const sampler = makeNode("KSampler", { steps: 20 });
  const { node, change } = await planned({}, sampler);
  assert.equal((await change()).line, "20 planned");
  sampler.widgets[0].value = 50;
  sampler.widgets[0].callback();
  await settle(120);
  assert.equal(node.shown(), "50 planned");
});

test("there is no plan where a sampler does a part of its steps", async () => {
  const sampler = makeNode("KSamplerAdvanced", { steps: 20, start_at_step: 0, end_at_step: 10000 });
  const { node, change } = await planned({}, sampler);
  assert.equal((await change()).line, "20 planned");
  for (const [place, value] of [[2, 10], [1, 4]]) {
    const before = sampler.widgets[place].value;
    sampler.widgets[place].value = value;
    sampler.widgets[place].callback();
    await settle(120);
    assert.equal(node.shown(), "The plan shows when the run starts.");
    sampler.widgets[place].value = before;
    sampler.widgets[place].callback();
    await settle(120);
    assert.equal(node.shown(), "20 planned");
  }
});

test("a plan goes at once when something is connected to the sampler's steps, and comes back when it is cut", async () => {
  const sampler = makeNode("KSampler", { steps: 20 });
  const { node, change } = await planned({}, sampler);
  assert.equal((await change()).line, "20 planned");
  sampler.inputs[0].link = 1;
  sampler.onConnectionsChange();
  await settle(120);
  assert.equal(node.shown(), "The plan shows when the run starts.");
  sampler.disconnectInput(0);
  await settle(120);
  assert.equal(node.shown(), "20 planned");
});
