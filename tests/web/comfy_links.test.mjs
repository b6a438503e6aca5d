import assert from "node:assert/strict";
import { test } from "node:test";
import { COUNTING, originOf, stepsOf } from "../../web/comfy_links.js";

/** A graph with these nodes and links; each link is [from node, its output, to node, its input]. */
function graphOf(nodes, links, rootGraph = null) {
  const graph = { nodes, getNodeById: (id) => nodes.find((node) => node.id === id) ?? null, subgraphs: new Map() };
  graph.rootGraph = rootGraph ?? graph;
  graph.getLink = (id) => links[id] && { origin_id: links[id][0], origin_slot: links[id][1] };
  for (const node of nodes) {
    node.graph = graph;
    node.inputs ??= [{ name: "record", link: null }];
    node.getInputNode = (place) => graph.getNodeById(graph.getLink(node.inputs[place].link)?.origin_id);
  }
  links.forEach(([, , to, place], id) => { const node = graph.getNodeById(to); if (node) node.inputs[place].link = id; });
  return graph;
}

const reroute = (id) => ({ id, type: "Reroute", isVirtualNode: true, inputs: [{ name: "", link: null }] });

test("a node that is connected to an input is its origin", () => {
  const tap = { id: 1 }, view = { id: 2 };
  graphOf([tap, view], [[1, 0, 2, 0]]);
  assert.equal(originOf(view, "record"), tap);
  assert.equal(originOf(tap, "record"), null);
  assert.equal(originOf(view, "other"), null);
});

test("reroutes are passed, and one without a source gives none", () => {
  const tap = { id: 1 }, view = { id: 2 }, first = reroute(3), second = reroute(4);
  graphOf([tap, view, first, second], [[1, 0, 3, 0], [3, 0, 4, 0], [4, 0, 2, 0]]);
  assert.equal(originOf(view, "record"), tap);
  first.inputs[0].link = null;
  assert.equal(originOf(view, "record"), null);
});

test("a loop of reroutes ends", () => {
  const view = { id: 2 }, first = reroute(3), second = reroute(4);
  graphOf([view, first, second], [[4, 0, 3, 0], [3, 0, 4, 0], [4, 0, 2, 0]]);
  assert.equal(originOf(view, "record"), null);
});

/** A subgraph with TAP in it, whose output goes to a view outside; and a view in it, whose record comes from outside. */
function nested() {
  const outer = { id: 1 }, view = { id: 2 }, host = { id: 5, inputs: [{ name: "record", link: null }] };
  const root = graphOf([outer, view, host], [[5, 0, 2, 0], [1, 0, 5, 0]]);
  const inner = { id: 7 }, innerView = { id: 8 };
  const subgraph = graphOf([inner, innerView], [[7, 1, -20, 0], [-10, 0, 8, 0]], root);
  subgraph.outputs = [{ linkIds: [0] }];
  host.subgraph = subgraph;
  root.subgraphs.set("a", subgraph);
  return { root, host, outer, view, inner, innerView, subgraph };
}

test("out of a subgraph the node in it is the origin", () => {
  const { view, inner } = nested();
  assert.equal(originOf(view, "record"), inner);
});

test("into a subgraph the node outside is the origin, where the subgraph is there once", () => {
  const { root, host, outer, innerView } = nested();
  assert.equal(originOf(innerView, "record"), outer);
  root.nodes.push({ ...host, id: 6 });
  assert.equal(originOf(innerView, "record"), null);
});

test("a sampler does all of its steps unless it begins later, ends before, or is told by a link", () => {
  const sampler = (steps, first, last, linked = "") => ({
    widgets: [steps, first, last].map((value, place) => ({ name: COUNTING[place], value })),
    inputs: COUNTING.map((name) => ({ name, link: name === linked ? 1 : null })),
  });
  assert.equal(stepsOf(sampler(20, 0, 10000)), 20);
  assert.equal(stepsOf(sampler(20, 0, 20)), 20);
  for (const partly of [sampler(20, 0, 10), sampler(20, 4, 10000), sampler(20, 0, 10000, "end_at_step")])
    assert.equal(stepsOf(partly), null);
});
