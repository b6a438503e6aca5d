import assert from "node:assert/strict";
import { test } from "node:test";
import { inkOn, paintTokens, rgbOf } from "../../web/viewer/colours.js";
import { columnOf, fit, stepAt, tokenAt } from "../../web/viewer/geometry.js";
import { actionOf, placeInGroup } from "../../web/viewer/keys.js";
import { frameColumn } from "../../web/viewer/step_strip.js";
import { NONE, plateWords, shareWords, stepWords, tokenWords } from "../../web/viewer/words.js";

const key = (name, held = {}) => ({ key: name, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...held });

test("tokens are painted in their classes' colours", () => {
  const pixels = paintTokens([1, 0, 2], ["#010203", "#ff0000", "#00ff80"], [0, 1, 1], -1);
  assert.deepEqual([...pixels], [255, 0, 0, 255, 1, 2, 3, 255, 0, 255, 128, 255]);
});

test("an entry that is shown alone hides the others", () => {
  const pixels = paintTokens([1, 0, 2], ["#010203", "#ff0000", "#00ff80"], [0, 1, 1], 1);
  assert.deepEqual([pixels[3], pixels[7], pixels[11]], [255, 0, 255]);
});

test("marks can be read on every colour", () => {
  const luminance = (hex) => {
    const [r, g, b] = rgbOf(hex).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  for (let r = 0; r < 256; r += 51) for (let g = 0; g < 256; g += 51) for (let b = 0; b < 256; b += 51) {
    const hex = `#${[r, g, b].map((v) => v.toString(16).padStart(2, "0")).join("")}`;
    const pair = [luminance(hex), luminance(inkOn(hex))].sort((a, z) => z - a);
    assert.ok((pair[0] + 0.05) / (pair[1] + 0.05) >= 4.5, hex);
  }
});

test("a picture keeps its shape in the middle of the box", () => {
  assert.deepEqual(fit(200, 100, 300, 300), { x: 0, y: 75, width: 300, height: 150 });
  assert.deepEqual(fit(100, 200, 300, 100), { x: 125, y: 0, width: 50, height: 100 });
});

test("a point finds the token that is painted there", () => {
  const document = { grid: [1, 4, 8], filled: [1, 1] };
  const area = { x: 10, y: 20, width: 80, height: 40 };
  assert.deepEqual(tokenAt(document, area, 10, 20), { row: 0, column: 0 });
  assert.deepEqual(tokenAt(document, area, 89.9, 59.9), { row: 3, column: 7 });
  assert.deepEqual(tokenAt(document, area, 35, 41), { row: 2, column: 2 });
  assert.equal(tokenAt(document, area, 9.9, 30), null);
  assert.equal(tokenAt(document, area, 90, 30), null);
});

test("where tokens reach beyond the picture its edge cuts them", () => {
  const document = { grid: [1, 4, 4], filled: [0.875, 1] };
  const area = { x: 0, y: 0, width: 40, height: 35 };
  assert.deepEqual(tokenAt(document, area, 1, 34.9), { row: 3, column: 0 });
  assert.deepEqual(tokenAt(document, area, 1, 29.9), { row: 2, column: 0 });
});

test("every step has its column, and every point of the strip a step", () => {
  for (const count of [1, 3, 50, 1000]) for (let step = 0; step < count; step++) {
    const { x, width } = columnOf(step, count, 400);
    assert.ok(width >= 1);
    assert.equal(stepAt(x + 0.2, count, 400), step);
  }
  assert.deepEqual([stepAt(-5, 50, 400), stepAt(4000, 50, 400)], [0, 49]);
});

test("keys ask for steps, frames, tokens and play", () => {
  assert.deepEqual(actionOf(key("ArrowRight"), "CANVAS"), { step: 1 });
  assert.deepEqual(actionOf(key("ArrowLeft"), "BUTTON"), { step: -1 });
  assert.deepEqual(actionOf(key("ArrowUp"), "CANVAS"), { frame: 1 });
  assert.deepEqual(actionOf(key("ArrowUp", { shiftKey: true }), "CANVAS"), { token: [-1, 0] });
  assert.deepEqual(actionOf(key("End"), "CANVAS"), { to: "last" });
  assert.deepEqual(actionOf(key(" "), "CANVAS"), { play: true });
});

test("sliders, lists and buttons keep their own keys, and shortcuts stay ComfyUI's", () => {
  assert.equal(actionOf(key("ArrowRight"), "INPUT"), null);
  assert.equal(actionOf(key("ArrowDown"), "SELECT"), null);
  assert.equal(actionOf(key(" "), "BUTTON"), null);
  assert.equal(actionOf(key("z", { ctrlKey: true }), "CANVAS"), null);
  assert.equal(actionOf(key("Enter", { ctrlKey: true }), "CANVAS"), null);
  assert.equal(actionOf(key("Delete"), "CANVAS"), null);
});

test("a token is described in words", () => {
  const labels = { predictor: "follows the line (taylor 1)", loss: "easy to forecast (loss 1.2e-05)" };
  assert.equal(tokenWords({ row: 2, column: 4, frame: null }, labels),
    "Row 3, column 5: follows the line (taylor 1). Easy to forecast (loss 1.2e-05).");
  assert.equal(tokenWords({ row: 0, column: 0, frame: 1 }, { predictor: "repeats the last (reuse)" }),
    "Frame 2, row 1, column 1: repeats the last (reuse).");
});

test("steps and shares are described in words", () => {
  assert.equal(stepWords({ number: 7, words: "forecast step", sigma: 0.83, ms: 4.2 }, 50),
    "Step 7 of 50: forecast step, sigma 0.83, 4.2 ms");
  assert.deepEqual([[], [0, 0], [0, 0.001], [50, 0.5], [100, 1]].map((pair) => shareWords(...pair)),
    ["–", "0 %", "<1 %", "50 %", "100 %"]);
});

test("a map without a shown token says why", () => {
  const scene = { classes: Uint8Array.of(0, 1), entries: Int16Array.of(0, 1, 2), status: "computed step: warm-up" };
  assert.equal(plateWords({ ...scene, classes: null }, 2), "computed step: warm-up");
  assert.deepEqual([-1, 1, 2].map((alone) => plateWords(scene, alone)), ["", "", NONE]);
});

test("arrow keys move around within a group, and leave shortcuts alone", () => {
  const to = (name, place, held) => placeInGroup(key(name, held), place, 4);
  assert.deepEqual(["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "Home", "End"].map((name) => to(name, 3)),
    [0, 0, 2, 2, 0, 3]);
  assert.deepEqual([to("ArrowLeft", 0), to("a", 0), to("ArrowLeft", 0, { ctrlKey: true })], [3, null, null]);
});

test("the frame of the step is black around white: one of them stands out from any colour", () => {
  const drawn = [];
  const context = {
    strokeRect(...box) { drawn.push([this.strokeStyle, this.lineWidth, ...box]); },
  };
  frameColumn(context, columnOf(1, 2, 100), { width: 100, height: 40 });
  const [outer, inner] = drawn;
  assert.deepEqual([outer[0], inner[0]], ["#000000", "#ffffff"]);
  assert.ok(outer[1] >= inner[1] + 2);
  assert.deepEqual(outer.slice(2), inner.slice(2));
  assert.ok(outer[2] - outer[1] / 2 >= 0 && outer[2] + outer[4] + outer[1] / 2 <= 100);
});
