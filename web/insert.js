/** "Insert TAP Accelerate" in the menu of a node that gives or takes a model: one click wires it in. */
import { addBetween, kindOf, knowsKind, notify } from "./comfy_api.js";
import { modelGiven, modelTaken } from "./comfy_links.js";
import { ACCELERATE } from "./presets.js";

const MEASURE = "TapMeasureRun";
const MOST = 100;

/** The entry for a node that a model goes through, in ComfyUI's form; none where TAP Accelerate is there already. */
export function insertEntries(node) {
  const chain = knowsKind(ACCELERATE) ? linksFrom(node) : [];
  const ends = [...chain, ...linksTo(node)].flatMap(({ source, target }) => [source, target]);
  if (!chain.length || ends.some((end) => kindOf(end) === ACCELERATE)) return [];
  const given = modelGiven(node) !== null;
  const measures = ends.find((end) => kindOf(end) === MEASURE);
  const insert = () => addBetween(chain.at(-1), ACCELERATE, given ? "all" : "one");
  const refuse = () => notify("warn", refusal(measures));
  return [{ content: "Insert TAP Accelerate", callback: measures ? refuse : insert }];
}

function refusal({ title }) {
  return `Nothing was inserted: ${title} is on this model, and TAP Accelerate would replace it. Take it out first.`;
}

/** The links that a model takes from a node up to the sampler; of a sampler, the link into it. */
function linksFrom(node) {
  const chain = [];
  for (let link = modelGiven(node); link && chain.length < MOST; link = modelGiven(link.target)) chain.push(link);
  const taken = chain.length ? null : modelTaken(node);
  return taken ? [taken] : chain;
}

/** The links that the model of a node takes from its loader up to the node. */
function linksTo(node) {
  const chain = [];
  for (let link = modelTaken(node); link && chain.length < MOST; link = modelTaken(link.source)) chain.push(link);
  return chain;
}
