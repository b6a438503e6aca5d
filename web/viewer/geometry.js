/** Where things are on the canvases, in CSS pixels. */

/** The largest rectangle of this shape in the middle of a box. */
export function fit(width, height, boxWidth, boxHeight) {
  const scale = Math.min(boxWidth / width, boxHeight / height);
  const [w, h] = [Math.max(Math.floor(width * scale), 1), Math.max(Math.floor(height * scale), 1)];
  return { x: Math.floor((boxWidth - w) / 2), y: Math.floor((boxHeight - h) / 2), width: w, height: h };
}

/** Height and width of the shown picture, in any unit: its own size, or that of the tokens that it fills. */
export function shapeOf(document) {
  if (document.size) return document.size;
  return [document.grid[2] * document.filled[1], document.grid[1] * document.filled[0]];
}

/** Width and height of a token on a map that takes `area`. filled: the share of rows and columns that is picture. */
export function cellOf(document, area) {
  const [, rows, columns] = document.grid;
  return { width: area.width / (columns * document.filled[1]), height: area.height / (rows * document.filled[0]) };
}

/** The token below a point, or null beside the map. */
export function tokenAt(document, area, x, y) {
  if (x < area.x || y < area.y || x >= area.x + area.width || y >= area.y + area.height) return null;
  const cell = cellOf(document, area);
  const [, rows, columns] = document.grid;
  return {
    row: Math.min(Math.floor((y - area.y) / cell.height), rows - 1),
    column: Math.min(Math.floor((x - area.x) / cell.width), columns - 1),
  };
}

/** Left end and width of a step's column on a strip. */
export function columnOf(step, count, width) {
  const pitch = width / count;
  const gap = pitch >= 8 ? 2 : pitch >= 3 ? 1 : 0;
  return { x: step * pitch, width: Math.max(pitch - gap, 1) };
}

/** The step whose column is below x. */
export function stepAt(x, count, width) {
  return Math.min(Math.max(Math.floor((x / width) * count), 0), count - 1);
}
