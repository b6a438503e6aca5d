/** One run's maps, as Python wrote them: a document and an index image for each layer. Nothing is computed here. */
import { Sentence } from "../sentence.js";

export const FORMAT = "tap-choice-map";
export const VERSION = 1;

/**
 * @param {unknown} found what the document's file holds
 * @returns {object} the same, if it is a document that can be shown; see tap_core/pictures/viewer_data.py
 * @throws {Sentence}
 */
export function checkDocument(found) {
  if (found?.format !== FORMAT) throw new Sentence("This is not a choice map of TAP. Queue the workflow again.");
  if (found.version > VERSION)
    throw new Sentence("This choice map was made by a newer TAP. Reload the page, or update TAP.");
  if (typeof found.message === "string") return found;
  const whole = found.grid?.length === 3 && found.batch > 0 && found.steps?.length && found.prompts?.length
    && found.layers?.length && found.prompts.every((prompt) => prompt.blocks?.length === found.steps.length);
  if (!whole) throw new Sentence("This choice map is incomplete. Queue the workflow again.");
  return found;
}

/** The part of the document about a layer. */
export function layerOf(document, name) {
  const layer = document.layers.find((part) => part.name === name);
  if (!layer) {
    const known = document.layers.map((part) => part.name).join(", ");
    throw new Sentence(`This run has no layer "${name}"; choose one of ${known}.`);
  }
  return layer;
}

/** How many maps, one below the other, an index image must hold. */
function mapsIn(document) {
  const blocks = document.prompts.flatMap((prompt) => prompt.blocks).filter((block) => block !== null);
  return blocks.length * document.batch * document.grid[0];
}

/**
 * @param {object} document
 * @param {object} layer
 * @param {{width: number, height: number, values: ArrayLike<number>, text: object}} image
 * @returns {ArrayLike<number>} the class of every token
 * @throws {Sentence} for an image of another run, of another size, or with a class that the layer does not have
 */
export function checkImage(document, layer, image) {
  const [, rows, columns] = document.grid;
  if (image.text["tap-run"] !== document.run)
    throw new Sentence("A map's file belongs to another run. Queue the workflow again.");
  if (image.width !== columns || image.height !== mapsIn(document) * rows)
    throw new Sentence(`A map's file is ${image.width} x ${image.height}, and this run has ${mapsIn(document)} maps of `
      + `${columns} x ${rows} tokens. Queue the workflow again.`);
  for (const value of image.values)
    if (value >= layer.count)
      throw new Sentence("A map's file names a choice that this run does not have. Queue the workflow again.");
  return image.values;
}

/**
 * The classes of one map, row by row, or null where nothing was forecast.
 * @param {object} document
 * @param {ArrayLike<number>} values of the whole index image
 * @param {{step: number, prompt: number, picture: number, frame: number}} place all from 0
 */
export function mapAt(document, values, { step, prompt, picture, frame }) {
  const block = document.prompts[prompt].blocks[step];
  if (block === null) return null;
  const [frames, rows, columns] = document.grid;
  const start = ((block * document.batch + picture) * frames + frame) * rows * columns;
  return values.subarray(start, start + rows * columns);
}

/** The shares of a layer's legend at this place, or null where nothing was forecast. */
export function sharesAt(document, layer, { step, prompt, picture }) {
  const block = document.prompts[prompt].blocks[step];
  return block === null ? null : layer.shares[block][picture];
}

/** The same in whole percent, which add up to 100. */
export function percentsAt(document, layer, { step, prompt, picture }) {
  const block = document.prompts[prompt].blocks[step];
  return block === null ? null : layer.percents[block][picture];
}

/** For each class of a layer the number of its entry in the legend. */
export function entryOfClass(layer) {
  const entries = new Int16Array(layer.count).fill(-1);
  layer.entries.forEach((entry, number) => entry.classes.forEach((index) => { entries[index] = number; }));
  return entries;
}

/** The place in this run that is nearest to the wanted one: a saved view may come from another run. */
export function nearestPlace(document, wanted) {
  const within = (value, count) => Math.min(Math.max(Math.trunc(Number(value)) || 0, 0), count - 1);
  return {
    step: within(wanted.step, document.steps.length),
    prompt: within(wanted.prompt, document.prompts.length),
    picture: within(wanted.picture, document.batch),
    frame: within(wanted.frame, document.grid[0]),
  };
}

/** The step at which a new run is first shown: the middle one of those that have a map. */
export function middleMapped(document) {
  const mapped = document.prompts[0].blocks.flatMap((block, step) => (block === null ? [] : [step]));
  return mapped[Math.floor(mapped.length / 2)] ?? 0;
}
