import assert from "node:assert/strict";
import { test } from "node:test";
import { channels, contrast, coloursOn } from "../../web/live/strip_colours.js";

// What ComfyUI's own themes give as the ground of menus, and the colours that a node can have in each of them.
const THEMES = ["#171718", "#ffffff", "#f5f5f5", "#161b22", "#13171d", "#242730", "#073642", "#2e3440", "#002b36"];
const NODES = [
  "#322222", "#533333", "#332922", "#593930", "#223322", "#335533", "#222233", "#333355", "#2a363b", "#3f5159",
  "#233333", "#335555", "#332233", "#553355", "#443322", "#665533", "#222222", "#000000", "#a9dca9", "#dcb9b9",
  "#b9b9dc", "#c9dcdc", "#dccca9", "#808080", "#767676",
];

test("every bar can be told from whatever it stands on", () => {
  for (const back of [...THEMES, ...NODES])
    for (const [kind, colour] of Object.entries(coloursOn(back))) {
      if (kind === "hatch") continue;
      const found = contrast(channels(colour), channels(back));
      assert.ok(found >= 3, `${kind} on ${back}: ${found.toFixed(2)}`);
    }
});

test("on the grounds of the themes a step that was done stands out from a planned one", () => {
  for (const back of THEMES) {
    const { computed, planned, forecast, plannedForecast } = coloursOn(back);
    assert.ok(contrast(channels(computed), channels(planned)) > 2, back);
    assert.ok(contrast(channels(forecast), channels(back)) >= contrast(channels(plannedForecast), channels(back)), back);
  }
});

test("colours are read as pages compute them", () => {
  assert.deepEqual(channels("#3b9eff"), [59, 158, 255]);
  assert.deepEqual(channels("rgb(59, 158, 255)"), [59, 158, 255]);
  assert.deepEqual(channels("color(srgb 1 0 0.2)").map(Math.round), [255, 0, 51]);
  assert.equal(channels("none"), null);
  assert.equal(contrast([0, 0, 0], [255, 255, 255]), 21);
});
