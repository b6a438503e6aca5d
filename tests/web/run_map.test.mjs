import assert from "node:assert/strict";
import { test } from "node:test";
import { Sentence } from "../../web/sentence.js";
import {
  checkDocument, checkImage, entryOfClass, layerOf, mapAt, middleMapped, nearestPlace, sharesAt,
} from "../../web/viewer/run_map.js";

/** Three steps, the first full, for two prompts, two pictures, two frames of 2 x 3 tokens. */
function made() {
  return {
    format: "tap-choice-map", version: 1, run: "abc", grid: [2, 2, 3], filled: [1, 1], batch: 2,
    steps: [{ number: 1 }, { number: 2 }, { number: 3 }],
    prompts: [{ name: "positive", blocks: [null, 0, 1] }, { name: "negative", blocks: [null, 2, null] }],
    layers: [{
      name: "order", count: 3, labels: ["a", "b", "c"], colours: ["#000000", "#111111", "#222222"],
      entries: [{ label: "a", classes: [0] }, { label: "others", classes: [1, 2] }],
      shares: [[[1, 0], [0, 1]], [[0.5, 0.5], [0, 1]], [[0, 1], [1, 0]]],
    }],
  };
}

/** An index image for it in which every token of map n has class n % 3. */
function image(changes = {}) {
  const values = Uint8Array.from({ length: 12 * 6 }, (_, i) => Math.floor(i / 6) % 3);
  return { width: 3, height: 24, values, text: { "tap-run": "abc" }, ...changes };
}

const PLACE = { step: 1, prompt: 0, picture: 0, frame: 0 };

test("a complete document is accepted", () => {
  assert.equal(checkDocument(made()).run, "abc");
  assert.equal(checkDocument({ format: "tap-choice-map", version: 1, message: "No run." }).message, "No run.");
});

test("anything but our document is refused with a sentence", () => {
  for (const found of [null, 3, [], "text", {}, { ...made(), format: "else" }])
    assert.throws(() => checkDocument(found), Sentence);
  assert.throws(() => checkDocument({ ...made(), version: 2 }), /newer TAP/);
  for (const name of ["grid", "batch", "steps", "prompts", "layers"])
    assert.throws(() => checkDocument({ ...made(), [name]: undefined }), /incomplete/);
});

test("a prompt with other steps is refused", () => {
  const document = made();
  document.prompts[0].blocks.pop();
  assert.throws(() => checkDocument(document), /incomplete/);
});

test("an unknown layer is named, with those that exist", () => {
  assert.throws(() => layerOf(made(), "mood"), /"mood"; choose one of order/);
});

test("an image of another run, size or pool is refused", () => {
  const document = made();
  const layer = layerOf(document, "order");
  assert.equal(checkImage(document, layer, image()).length, 72);
  assert.throws(() => checkImage(document, layer, image({ text: { "tap-run": "xyz" } })), /another run/);
  assert.throws(() => checkImage(document, layer, image({ text: {} })), /another run/);
  assert.throws(() => checkImage(document, layer, image({ height: 22 })), /3 x 22.*12 maps of 3 x 2/);
  assert.throws(() => checkImage(document, layer, image({ values: new Uint8Array(72).fill(3) })), /does not have/);
});

test("each place has its own map", () => {
  const { values } = image();
  const found = [];
  for (const [prompt, step] of [[0, 1], [0, 2], [1, 1]])
    for (const picture of [0, 1]) for (const frame of [0, 1])
      found.push([...mapAt(made(), values, { step, prompt, picture, frame })]);
  assert.deepEqual(found, Array.from({ length: 12 }, (_, n) => Array(6).fill(n % 3)));
});

test("a full step has neither map nor shares", () => {
  const document = made();
  assert.equal(mapAt(document, image().values, { ...PLACE, step: 0 }), null);
  assert.equal(sharesAt(document, document.layers[0], { ...PLACE, step: 0 }), null);
  assert.deepEqual(sharesAt(document, document.layers[0], { ...PLACE, step: 2 }), [0.5, 0.5]);
  assert.equal(middleMapped(document), 2);
});

test("classes find their entry", () => {
  assert.deepEqual([...entryOfClass(made().layers[0])], [0, 1, 1]);
});

test("a view of a larger run is moved into this one", () => {
  assert.deepEqual(nearestPlace(made(), { step: 99, prompt: 7, picture: 5, frame: 8 }),
    { step: 2, prompt: 1, picture: 1, frame: 1 });
  assert.deepEqual(nearestPlace(made(), { step: -3, prompt: "x", picture: null }),
    { step: 0, prompt: 0, picture: 0, frame: 0 });
});
