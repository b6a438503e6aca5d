/** "Insert TAP Accelerate" in the menu of a node that gives or takes a model: one click wires it in. */
import { addBetween, kindOf, knowsKind, modelGiven, modelTaken } from "./comfy_api.js";
import { ACCELERATE } from "./presets.js";

/** The entry for a node that a model goes through, in ComfyUI's form; none where TAP Accelerate is there already. */
export function insertEntries(node) {
  const chain = knowsKind(ACCELERATE) ? linksFrom(node) : [];
  const ends = chain.flatMap(({ source, target }) => [source, target]);
  if (!chain.length || ends.some((end) => kindOf(end) === ACCELERATE)) return [];
  const given = modelGiven(node) !== null;
  const insert = () => addBetween(chain.at(-1), ACCELERATE, given ? "all" : "one");
  return [{ content: "Insert TAP Accelerate", callback: insert }];
}

/** The links that a model takes from a node up to the sampler; of a sampler, the link into it. */
function linksFrom(node) {
  const chain = [];
  for (let link = modelGiven(node); link && chain.length < 100; link = modelGiven(link.target)) chain.push(link);
  const taken = chain.length ? null : modelTaken(node);
  return taken ? [taken] : chain;
}
