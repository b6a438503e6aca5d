/** What the viewer says in words. */

/**
 * A token in words, such as
 * "Row 3, column 5: taylor 1, k-2. Order 1: line. Horizon k-2: 2 steps short. Loss about 1.2e-05."
 * @param {{row: number, column: number, frame: number | null}} token all from 0; frame null for a still picture
 * @param {Record<string, string>} labels layer name -> the label of this token's class
 */
export function tokenWords(token, labels) {
  const where = [`row ${token.row + 1}`, `column ${token.column + 1}`];
  if (token.frame !== null) where.unshift(`frame ${token.frame + 1}`);
  const parts = [capital(where.join(", ")) + (labels.predictor ? `: ${labels.predictor}` : "")];
  if (labels.order) parts.push(capital(labels.order));
  if (labels.horizon && !labels.horizon.startsWith("reuse")) parts.push(`Horizon ${labels.horizon}`);
  if (labels.loss) parts.push(/\d/.test(labels.loss) ? `Loss about ${labels.loss}` : `Loss ${labels.loss}`);
  return parts.map((part) => `${part}.`).join(" ");
}

/** A step in words, such as "Step 7 of 50: skipped step, sigma 0.8312, 4.2 ms". */
export function stepWords(step, count) {
  return `Step ${step.number} of ${count}: ${step.words}, sigma ${step.sigma}, ${step.ms} ms`;
}

/** A share as the legend shows it. */
export function shareWords(share) {
  if (share === null || share === undefined) return "–";
  return share > 0 && share < 0.005 ? "<1 %" : `${Math.round(100 * share)} %`;
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
