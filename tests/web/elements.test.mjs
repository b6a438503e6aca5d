import assert from "node:assert/strict";
import { test } from "node:test";
import { makeNode, makePage, settle } from "./stubs.mjs";

makePage();
const { RunStrip } = await import("../../web/live/run_strip.js");
const { ComparisonView } = await import("../../web/compare/view.js");

const run = (steps) => ({ marks: "f".repeat(steps), plan: "", line: "a run", reasons: {} });

test("after a run with another number of steps the arrow keys begin anew", () => {
  const strip = new RunStrip();
  const read = (key) => { strip.canvas.press(key); return strip.line.textContent; };
  strip.show(run(20));
  strip.canvas.press("End");
  assert.equal(strip.line.textContent, "Step 20 of 20: computed");
  strip.show(run(20));
  assert.equal(read("ArrowLeft"), "Step 19 of 20: computed");
  strip.show(run(6));
  assert.deepEqual(["aria-valuenow", "aria-valuetext"].map((name) => strip.canvas.getAttribute(name)), ["0", null]);
  assert.equal(read("ArrowRight"), "Step 1 of 6: computed");
  assert.equal(read("ArrowRight"), "Step 2 of 6: computed");
});

test("a picture that comes late does not bring the wipe back", async () => {
  const waiting = [];
  const view = new ComparisonView(() => new Promise((done) => { waiting.push(done); }));
  const given = [];
  URL.createObjectURL = () => { given.push("address"); return "blob:address"; };
  URL.revokeObjectURL = () => given.pop();
  view.show({ verdict: "very close", figures: "", pairs: [[{ filename: "a" }, { filename: "b" }]] });
  view.show({ verdict: "cannot be compared", figures: "", pairs: [] });
  for (const done of waiting) done({ ok: true, blob: async () => "a blob" });
  await settle();
  assert.deepEqual([view.wipe.hidden, given], [true, []]);
});

test("pictures of an earlier comparison leave the browser's memory with it", async () => {
  const given = [];
  URL.createObjectURL = () => { given.push("address"); return "blob:address"; };
  URL.revokeObjectURL = () => given.pop();
  const view = new ComparisonView(async () => ({ ok: true, blob: async () => "a blob" }));
  view.show({ verdict: "very close", figures: "", pairs: [[{ filename: "a" }, { filename: "b" }]] });
  await settle();
  assert.equal(given.length, 2);
  view.show({ verdict: "cannot be compared", figures: "", pairs: [] });
  assert.deepEqual(given, []);
});

const { attachComparison, showComparison } = await import("../../web/compare/attach.js");

/** A TAP Compare that shows a comparison, and the TAP Accelerate that its record comes from. */
function comparing(closer, { values = { closer_than_told: 0 }, kind = "TapAccelerate", sources = {}, before } = {}) {
  const accelerate = makeNode(kind, values, sources);
  const compare = makeNode("TapCompare", {}, { record: accelerate });
  let root = null;
  compare.addDOMWidget = (name, type, element) => { root = element; return { name, element }; };
  attachComparison(compare);
  const output = { verdict: "Close", figures: "", pairs: [], closer_than_told: closer };
  assert.ok(showComparison(compare, { tap_compare: [output], before }));
  const [, , offer, taken] = root.children;
  return { accelerate, offer, taken };
}

test("what pictures have shown is set by a button, once", () => {
  const { accelerate, offer, taken } = comparing(12);
  assert.deepEqual([offer.hidden, offer.textContent], [false, "Set closer_than_told to 12"]);
  offer.heard.get("click")();
  assert.equal(accelerate.widgets[0].value, 12);
  assert.deepEqual([offer.getAttribute("aria-disabled"), taken.textContent],
    ["true", "closer_than_told is 12. Queue to use it."]);
  accelerate.widgets[0].value = 3;
  offer.heard.get("click")();
  assert.equal(accelerate.widgets[0].value, 3);
});

test("no button where there is nothing to set, or nowhere to set it", () => {
  const cases = [
    comparing(null), comparing(12, { values: { closer_than_told: 12 } }), comparing(12, { values: {} }),
    comparing(12, { kind: "TapMeasureRun" }), comparing(12, { before: true }),
    comparing(12, { sources: { closer_than_told: makeNode("PrimitiveFloat") } }),
  ];
  for (const { offer } of cases) assert.equal(offer.hidden, true);
});
