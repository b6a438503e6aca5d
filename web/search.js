/** Puts TAP Accelerate first among nodes that the node search holds to be equally good answers. */

import { ACCELERATE } from "./presets.js";

/**
 * ComfyUI ranks answers by how well a name matches, then by how often people use a node, of which it has a fixed list,
 * then by the length of the name. Our nodes are not in the list, so a search for "tap" has the shortest name first, and
 * words of `search_aliases` rank no node. Here the pack's main node counts as used most.
 * @param {Record<string, object>} definitions of all nodes, as the server gave them
 */
export function liftInSearch(definitions) {
  const found = definitions[ACCELERATE];
  if (found) found.postProcessSearchScores = ([match, ...others]) => [match, -Number.MAX_VALUE, ...others];
}
