import assert from "node:assert/strict";
import { test } from "node:test";
import { makePage } from "./stubs.mjs";

const noted = makePage();
const { insertEntries } = await import("../../web/insert.js");

/** Nodes in a row, each with a model from the one before; the last one is a sampler, which gives none. */
function row(...kinds) {
  const nodes = [], links = new Map();
  const graph = { nodes, links, getNodeById: (id) => nodes[id], add: (node) => noted.added.push(node.kind) };
  kinds.forEach((kind, id) => {
    const last = id === kinds.length - 1;
    links.set(id, { target_id: id, target_slot: 0, origin_slot: 0 });
    nodes.push({
      comfyClass: kind, title: kind, graph, pos: [0, 0], size: [100, 100],
      inputs: id ? [{ type: "MODEL", link: id }] : [], outputs: last ? [] : [{ type: "MODEL", links: [id + 1] }],
      getInputNode: () => nodes[id - 1] ?? null, getInputLink: () => links.get(id), connect() {},
    });
  });
  return nodes;
}

window.LiteGraph.createNode = (kind) => ({ kind, size: [100, 100], inputs: [{ type: "MODEL" }], connect() {} });

/** What a click on the entry of each node does: "" where there is none. */
function clicks(nodes) {
  return nodes.map((node) => {
    Object.assign(noted, { added: [], notices: [] });
    insertEntries(node)[0]?.callback();
    return noted.notices[0] ?? noted.added[0] ?? "";
  });
}

test("it is put in front of the sampler", () => {
  assert.deepEqual(clicks(row("Loader", "Lora", "KSampler")), Array(3).fill("TapAccelerate"));
});

test("where it is in the model's way already, there is no entry", () => {
  assert.deepEqual(clicks(row("Loader", "TapAccelerate", "Lora", "KSampler")), Array(4).fill(""));
});

test("where the model is measured, it says why nothing is inserted", () => {
  const said = "Nothing was inserted: TapMeasureRun is on this model, "
    + "and TAP Accelerate would replace it. Take it out first.";
  for (const kinds of [["Loader", "TapMeasureRun", "Lora", "KSampler"], ["Loader", "Lora", "TapMeasureRun", "KSampler"]])
    assert.deepEqual(clicks(row(...kinds)), Array(4).fill(said));
});
