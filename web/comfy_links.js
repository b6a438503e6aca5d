/** What is connected to what in ComfyUI's graph, also through reroutes and into and out of subgraphs. */

/** More nodes than one after another in a sound graph. */
const MOST = 100;
/** The id of a subgraph's inputs as the origin of a link. */
const SUBGRAPH_INPUTS = -10;
/** The widgets of a sampler that say which steps it does. */
export const COUNTING = ["steps", "start_at_step", "end_at_step"];

/** Names of the connected inputs of a node. */
export function linkedInputs(node) {
  return (node.inputs ?? []).filter((input) => input.link !== null && input.link !== undefined).map(({ name }) => name);
}

/** The node that is connected to an input, or null. */
function sourceOf(node, inputName) {
  const place = node.inputs?.findIndex((input) => input.name === inputName) ?? -1;
  // While a subgraph is made, its nodes are in no graph.
  return place < 0 || !node.graph ? null : node.getInputNode(place);
}

/** Cuts the link into an input, if there is one; returns whether there was. */
export function cutLink(node, inputName) {
  const linked = linkedInputs(node).includes(inputName);
  if (linked) node.disconnectInput(node.inputs.findIndex(({ name }) => name === inputName));
  return linked;
}

/** The node whose output reaches an input, or null where that is not known. */
export function originOf(node, inputName) {
  const source = sourceOf(node, inputName);
  if (source && !passes(source)) return source;
  let { graph } = node, link = linkInto(graph, node.inputs?.find((input) => input.name === inputName));
  for (let turn = 0; link && turn < MOST; turn++) {
    const found = graph.getNodeById?.(link.origin_id);
    if (found && !passes(found)) return found;
    [graph, link] = found ? before(graph, found, link) : outside(graph, link);
  }
  return null;
}

/** Whether a node only hands on what another one puts out. */
function passes(node) {
  return Boolean(node.subgraph) || (node.isVirtualNode === true && node.inputs?.length === 1);
}

/** The link behind a node that only hands on: inside a subgraph, or on the other side of a reroute. */
function before(graph, node, link) {
  if (!node.subgraph) return [graph, linkInto(graph, node.inputs[0])];
  const [inner] = node.subgraph.outputs?.[link.origin_slot]?.linkIds ?? [];
  return [node.subgraph, linkAt(node.subgraph, inner)];
}

/** The link into the one node that a subgraph is in; a subgraph may be in several, then it is not known which one. */
function outside(graph, link) {
  const all = [graph.rootGraph, ...(graph.rootGraph?.subgraphs?.values() ?? [])].filter(Boolean);
  const hosts = all.flatMap(({ nodes }) => nodes.filter(({ subgraph }) => subgraph === graph));
  if (link.origin_id !== SUBGRAPH_INPUTS || hosts.length !== 1) return [graph, null];
  return [hosts[0].graph, linkInto(hosts[0].graph, hosts[0].inputs[link.origin_slot])];
}

function linkInto(graph, input) {
  return linkAt(graph, input?.link);
}

function linkAt(graph, id) {
  return id === null || id === undefined ? null : graph?.getLink?.(id) ?? graph?.links?.get?.(id) ?? null;
}

/** The first node behind this one's model that has a number of steps, or null. */
export function samplerBehind(node) {
  const waiting = [...(node.getOutputNodes?.(0) ?? [])], seen = new Set();
  for (let found; (found = waiting.shift()) && seen.size < MOST;) {
    if (seen.has(found)) continue;
    seen.add(found);
    if (valueOf(found, "steps") !== undefined) return found;
    for (const [slot, { type }] of (found.outputs ?? []).entries())
      if (type === "MODEL" || type === "GUIDER") waiting.push(...(found.getOutputNodes(slot) ?? []));
  }
  return null;
}

/** The steps that a sampler does, or null where it does a part of them, or a connected value says how many. */
export function stepsOf(sampler) {
  const [steps, first, last] = COUNTING.map((name) => valueOf(sampler, name));
  const linked = linkedInputs(sampler).some((name) => COUNTING.includes(name));
  return linked || !(steps > 0) || first > 0 || last < steps ? null : steps;
}

function valueOf(node, name) {
  const { value } = node.widgets?.find((widget) => widget.name === name) ?? {};
  return typeof value === "number" ? value : undefined;
}

/** The first link from a node's model output: {source, output, target, input}, or null. */
export function modelGiven(node) {
  const output = node.outputs?.findIndex(({ type }) => type === "MODEL") ?? -1;
  return output < 0 ? null : linksOf(node, output)[0] ?? null;
}

/** The link into a node's model input, in the same form, or null. */
export function modelTaken(node) {
  const input = node.inputs?.findIndex(({ type }) => type === "MODEL") ?? -1;
  const source = input < 0 ? null : node.getInputNode(input);
  return source ? { source, output: node.getInputLink(input).origin_slot, target: node, input } : null;
}

/** The links from an output, in the same form. */
export function linksOf(source, output) {
  const { graph } = source;
  return (source.outputs[output].links ?? [])
    .map((id) => linkAt(graph, id))
    .map((link) => ({ source, output, target: graph.getNodeById(link?.target_id), input: link?.target_slot }))
    .filter(({ target }) => target);
}
