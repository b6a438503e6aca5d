/** Paints one map over the picture. */
import { FRAME, inkOn, paintTokens } from "./colours.js";
import { cellOf } from "./geometry.js";
import { hatchOf, patternOf } from "./patterns.js";

// The smallest token, in CSS pixels, on which a letter can be read.
const LETTER_CELL = 16;
const PATTERN_STRENGTH = 0.45;

/**
 * @param {CanvasRenderingContext2D} context
 * @param {object} scene document, layer, entries, classes (null on a full step), picture, area, opacity, marks,
 *   alone, plate (words in the middle, or none), theme
 */
export function paintStage(context, scene) {
  const { area, picture, classes } = scene;
  context.save();
  context.beginPath();
  context.rect(area.x, area.y, area.width, area.height);
  context.clip();
  if (picture) paintPicture(context, scene);
  const strength = picture ? scene.opacity : 1;
  if (classes) {
    paintColours(context, scene, strength);
    if (scene.marks && strength > 0) paintMarks(context, scene, strength);
  } else paintFullStep(context, scene, strength);
  context.restore();
  if (scene.plate) paintPlate(context, scene);
}

/** An outline around one token. */
export function outlineToken(context, { document, area }, token) {
  const cell = cellOf(document, area);
  const [x, y] = [area.x + token.column * cell.width, area.y + token.row * cell.height];
  const width = Math.min(cell.width, area.x + area.width - x);
  const height = Math.min(cell.height, area.y + area.height - y);
  for (const [ink, thick] of FRAME) {
    context.strokeStyle = ink;
    context.lineWidth = thick;
    context.strokeRect(x, y, width, height);
  }
}

/** Fades the picture's colours as the map's get stronger, so that people do not mix them up. */
function paintPicture(context, { area, picture, opacity }) {
  context.filter = `grayscale(${Math.sqrt(opacity)})`;
  context.drawImage(picture, area.x, area.y, area.width, area.height);
  context.filter = "none";
}

function paintColours(context, scene, strength) {
  const [, rows, columns] = scene.document.grid;
  const { area, document: { filled } } = scene;
  const small = new OffscreenCanvas(columns, rows);
  const pixels = paintTokens(scene.classes, scene.layer.colours, scene.entries, scene.alone);
  small.getContext("2d").putImageData(new ImageData(pixels, columns, rows), 0, 0);
  context.imageSmoothingEnabled = false;
  context.globalAlpha = strength;
  context.drawImage(small, area.x, area.y, area.width / filled[1], area.height / filled[0]);
  context.globalAlpha = 1;
}

/** Letters where tokens are large enough for them, else patterns. */
function paintMarks(context, scene, strength) {
  const cell = cellOf(scene.document, scene.area);
  const letters = Math.min(cell.width, cell.height) >= LETTER_CELL;
  scene.layer.entries.forEach((entry, number) => {
    if (scene.alone >= 0 && scene.alone !== number) return;
    const tokens = tokensOf(scene, number);
    const ink = inkOn(entry.colour);
    if (letters) writeMarks(context, scene, tokens, cell, entry.mark, ink);
    else fillPattern(context, scene, tokens, cell, patternOf(context, number, ink), strength);
  });
}

function tokensOf({ classes, entries }, number) {
  const found = [];
  for (let i = 0; i < classes.length; i++) if (entries[classes[i]] === number) found.push(i);
  return found;
}

function writeMarks(context, { document, area }, tokens, cell, mark, ink) {
  const columns = document.grid[2];
  context.font = `600 ${Math.min(Math.round(0.5 * Math.min(cell.width, cell.height)), 18)}px sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = ink;
  // The picture shows through the colours: an edge keeps a letter readable on whatever is below it.
  context.strokeStyle = inkOn(ink);
  context.lineWidth = 3;
  context.lineJoin = "round";
  for (const i of tokens) {
    const x = area.x + ((i % columns) + 0.5) * cell.width;
    const y = area.y + (Math.floor(i / columns) + 0.5) * cell.height;
    context.strokeText(mark, x, y);
    context.fillText(mark, x, y);
  }
}

function fillPattern(context, { document, area }, tokens, cell, pattern, strength) {
  if (!pattern) return;
  const columns = document.grid[2];
  context.beginPath();
  for (const i of tokens)
    context.rect(area.x + (i % columns) * cell.width, area.y + Math.floor(i / columns) * cell.height,
      cell.width, cell.height);
  context.globalAlpha = PATTERN_STRENGTH * strength;
  context.fillStyle = pattern;
  context.fill();
  context.globalAlpha = 1;
}

function paintFullStep(context, { area, picture, theme }, strength) {
  if (!picture) {
    context.fillStyle = theme.back;
    context.fillRect(area.x, area.y, area.width, area.height);
  }
  context.globalAlpha = picture ? 0.5 * strength : 0.35;
  context.fillStyle = hatchOf(context, picture ? "#ffffff" : theme.text);
  context.fillRect(area.x, area.y, area.width, area.height);
  context.globalAlpha = 1;
}

/** Words on a plate in the middle. */
function paintPlate(context, { area, plate, theme }) {
  context.font = "13px sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  const width = Math.min(context.measureText(plate).width + 24, area.width);
  const [x, y] = [area.x + (area.width - width) / 2, area.y + area.height / 2 - 15];
  context.fillStyle = theme.back;
  context.beginPath();
  context.roundRect(x, y, width, 30, 6);
  context.fill();
  context.fillStyle = theme.text;
  context.fillText(plate, area.x + area.width / 2, y + 16, width - 12);
}
