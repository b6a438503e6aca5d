/** The strip of all steps: full ones striped, forecast ones stacked from what their tokens chose. */
import { FRAME } from "./colours.js";
import { columnOf } from "./geometry.js";
import { hatchOf } from "./patterns.js";

const FOOT = 5;

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{width: number, height: number}} size
 * @param {object} strip stacks (shares of every entry, null on a full step), kinds, colours, step, theme
 */
export function paintStrip(context, { width, height }, { stacks, kinds, colours, step, theme }) {
  const bottom = height - FOOT;
  const hatch = hatchOf(context, theme.text);
  stacks.forEach((stack, number) => {
    const column = columnOf(number, stacks.length, width);
    if (stack) paintStack(context, column, bottom, stack, colours, theme);
    else paintFull(context, column, bottom, hatch, theme);
    if (kinds[number] !== "skipped") {
      // A step that was computed, all or in part, has a foot.
      context.fillStyle = theme.text;
      context.fillRect(column.x, bottom + 2, column.width, FOOT - 2);
    }
  });
  frameColumn(context, columnOf(step, stacks.length, width), { width, height });
}

/** A frame around a step's column, black around white: one of them stands out from any colour. */
export function frameColumn(context, here, { width, height }) {
  for (const [ink, thick] of FRAME) {
    context.strokeStyle = ink;
    context.lineWidth = thick;
    context.strokeRect(Math.max(here.x - 1, 2), 2, Math.min(here.width + 2, width - here.x - 3), height - 4);
  }
}

function paintStack(context, { x, width }, bottom, stack, colours, theme) {
  let y = bottom;
  stack.forEach((share, entry) => {
    context.fillStyle = colours[entry];
    context.fillRect(x, y - share * bottom, width, share * bottom);
    y -= share * bottom;
  });
  // Light colours on a light background need an edge.
  context.strokeStyle = theme.faint;
  context.lineWidth = 0.5;
  if (width >= 3) context.strokeRect(x + 0.25, 0.25, width - 0.5, bottom - 0.5);
}

function paintFull(context, { x, width }, bottom, hatch, theme) {
  context.globalAlpha = 0.25;
  context.fillStyle = theme.faint;
  context.fillRect(x, 0, width, bottom);
  context.globalAlpha = 0.8;
  context.fillStyle = hatch;
  context.fillRect(x, 0, width, bottom);
  context.globalAlpha = 1;
}
