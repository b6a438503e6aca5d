/** Patterns, so that no two entries of a legend differ only by colour. */

// Each draws lines on a tile of side s that meet at its edges; the first is plain.
const SHAPES = [
  () => {},
  (p, s) => line(p, [0, s, s, 0], [-s / 2, s / 2, s / 2, -s / 2], [s / 2, 1.5 * s, 1.5 * s, s / 2]),
  (p, s) => line(p, [0, 0, s, s], [-s / 2, s / 2, s / 2, 1.5 * s], [s / 2, -s / 2, 1.5 * s, s / 2]),
  (p, s) => line(p, [0, s / 2, s, s / 2]),
  (p, s) => line(p, [s / 2, 0, s / 2, s]),
  (p, s) => line(p, [0, s / 2, s, s / 2], [s / 2, 0, s / 2, s]),
  (p, s) => line(p, [0, 0, s, s], [s, 0, 0, s]),
  (p, s) => { p.moveTo(s / 2 + s / 5, s / 2); p.arc(s / 2, s / 2, s / 5, 0, 7); },
  (p, s) => line(p, [0, s * 0.75, s / 2, s * 0.25], [s / 2, s * 0.25, s, s * 0.75]),
  (p, s) => p.rect(s / 4, s / 4, s / 2, s / 2),
];
const SIDES = [8, 14];

function line(path, ...ends) {
  for (const [x, y, toX, toY] of ends) {
    path.moveTo(x, y);
    path.lineTo(toX, toY);
  }
}

/** How many entries have a pattern of their own. */
export const PATTERN_COUNT = SHAPES.length * SIDES.length - 1;

/**
 * The pattern of a legend entry as a fill, in CSS pixels, or null for the plain one.
 * @param {CanvasRenderingContext2D} context
 * @param {number} number of the entry
 * @param {string} ink
 */
export function patternOf(context, number, ink) {
  const shape = number % SHAPES.length;
  const side = SIDES[Math.floor(number / SHAPES.length) % SIDES.length];
  if (!shape) return null;
  const tile = document.createElement("canvas");
  const scale = context.getTransform().a || 1;
  tile.width = tile.height = Math.round(side * scale);
  const brush = tile.getContext("2d");
  brush.scale(tile.width / side, tile.width / side);
  brush.strokeStyle = ink;
  brush.lineWidth = 1;
  brush.beginPath();
  SHAPES[shape](brush, side);
  brush.stroke();
  const pattern = context.createPattern(tile, "repeat");
  pattern.setTransform(new DOMMatrix().scale(side / tile.width));
  return pattern;
}

/** Diagonal stripes: a step that was computed in full. */
export function hatchOf(context, ink) {
  return patternOf(context, 1, ink);
}
