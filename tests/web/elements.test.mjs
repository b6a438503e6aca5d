import assert from "node:assert/strict";
import { test } from "node:test";
import { makePage, settle } from "./stubs.mjs";

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
