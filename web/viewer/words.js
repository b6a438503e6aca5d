/** What the viewer says in words. */

export const EMPTY = "Queue the workflow: the map of its run appears here.";
export const LOADING = "Loading the map";
export const BEFORE = "Map of the run before";
export const HINT = "Point at a token to read what it chose. Arrow keys move through the steps, space plays them.";
/** On a step without the only entry to show. */
export const NONE = "No token chose this at this step";

/**
 * A token in words, such as "Row 3, column 5: follows the line (taylor 1). Easy to forecast (loss 1.2e-05)."
 * @param {{row: number, column: number, frame: number | null}} token all from 0; frame null for a still picture
 * @param {Record<string, string>} labels layer name -> the label of this token's class
 */
export function tokenWords(token, labels) {
  const where = [`row ${token.row + 1}`, `column ${token.column + 1}`];
  if (token.frame !== null) where.unshift(`frame ${token.frame + 1}`);
  const parts = [capital(where.join(", ")) + (labels.predictor ? `: ${labels.predictor}` : "")];
  if (labels.loss) parts.push(capital(labels.loss));
  return parts.map((part) => `${part}.`).join(" ");
}

/** The words in the middle of a map that shows no token, or none. @param {number} alone the only entry, -1 for all */
export function plateWords({ classes, entries, status }, alone) {
  if (!classes) return status;
  return alone < 0 || classes.some((index) => entries[index] === alone) ? "" : NONE;
}

/** A step in words, such as "Step 7 of 50: forecast step, sigma 0.8312, 4.2 ms". */
export function stepWords(step, count) {
  return `Step ${step.number} of ${count}: ${step.words}, sigma ${step.sigma}, ${step.ms} ms`;
}

/** A share as the legend shows it. @param {number | undefined} percent whole @param {number | undefined} share exact */
export function shareWords(percent, share) {
  if (percent === null || percent === undefined) return "–";
  return percent === 0 && share > 0 ? "<1 %" : `${percent} %`;
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
