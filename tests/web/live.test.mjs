import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { checkName, checkText, readSaved, withoutOne } from "../../web/calibrations.js";
import { KnownRuns, columnsOf, countsOf, readEvent, summaryOf, wordsOf } from "../../web/live/run_state.js";
import { presetWith, presetWords, presetsIn } from "../../web/presets.js";
import { Sentence } from "../../web/sentence.js";

const EVENT = { version: 1, node: "12:7", marks: "ffsr..", plan: "ffsssf", line: "a plan", ended: false, reasons: { 3: "new size" } };
const PRESETS = presetsIn(JSON.parse(readFileSync(new URL("../../web/presets.json", import.meta.url))));

test("an event of another form is ignored", () => {
  for (const detail of [null, {}, { ...EVENT, marks: "fx" }, { ...EVENT, node: 7 }, { ...EVENT, marks: "f".repeat(1e5) }])
    assert.equal(readEvent(detail), null);
  assert.equal(readEvent({ ...EVENT, more: 1 }).node, "12:7");
});

test("steps to come are shown as planned", () => {
  const columns = columnsOf(readEvent(EVENT));
  assert.deepEqual(columns.map(({ mark }) => mark).join(""), "ffsrsf");
  assert.deepEqual(columns.map(({ done }) => done), [true, true, true, true, false, false]);
  assert.deepEqual(columnsOf({ marks: "f.", plan: "" }).map(({ mark }) => mark), ["f", "."]);
});

test("steps are described in words, with the reason", () => {
  const state = readEvent(EVENT);
  assert.equal(wordsOf(state, 2), "Step 3 of 6: forecast");
  assert.equal(wordsOf(state, 3), "Step 4 of 6: computed for a reason, new size");
  assert.equal(wordsOf(state, 5), "Step 6 of 6: to be computed");
  assert.equal(wordsOf({ ...state, plan: "" }, 5), "Step 6 of 6: to come");
  const part = { ...state, marks: "fp....", reasons: { 1: "path not stable" } };
  assert.equal(wordsOf(part, 1), "Step 2 of 6: computed in part, path not stable");
  assert.equal(summaryOf(state), "4 of 6 steps done. a plan");
});

test("steps are counted as they were, or as they are planned", () => {
  assert.deepEqual(countsOf(readEvent(EVENT)), { f: 2, s: 1, r: 1, p: 0 });
  assert.deepEqual(countsOf({ marks: "....", plan: "ffsf" }), { f: 3, s: 1, r: 0, p: 0 });
  assert.deepEqual(countsOf({ marks: "....", plan: "" }), { f: 0, s: 0, r: 0, p: 0 });
  assert.deepEqual(countsOf({ marks: "fpp.", plan: "" }), { f: 1, s: 0, r: 0, p: 2 });
});

test("the newest state is kept when events arrive in another order", () => {
  const known = new KnownRuns();
  const state = (at, node, workflow = "w") => readEvent({ ...EVENT, at, node, workflow });
  for (const added of [state(2, "7"), state(1, "7"), state(3, "8"), state(1, "7", "v"), state(2, "7", "v")]) known.add(added);
  assert.deepEqual(known.of("w").map(({ node, at }) => [node, at]), [["7", 2], ["8", 3]]);
  assert.deepEqual(known.of("v").map(({ at }) => at), [2]);
});

test("the widgets' values find their preset", () => {
  for (const preset of PRESETS) assert.equal(presetWith(PRESETS, { ...preset.values, cache_device: "cpu" }), preset);
  assert.equal(presetWith(PRESETS, { ...PRESETS[0].values, proxy_loss: "l1" }), null);
});

test("a preset says so when a connected input replaces its widgets", () => {
  const fast = { ...PRESETS[0], name: "Fast" };
  assert.equal(presetWords(fast, ["model", "memory_limit"]).words, "Fast is set. Queue to use it.");
  assert.match(presetWords(fast, ["model", "schedule"]).words, /connected to schedule replaces quality, interval/);
  assert.equal(presetWords(fast, ["interval", "predictors", "orders"]).words, "Fast is set, but what is connected to "
    + "interval and predictors and orders replaces interval, orders, horizon_from, horizon_to, horizon_step.");
});

test("only saved calibrations are read", () => {
  assert.deepEqual(readSaved({ flux: "{}", bad: 3 }), { flux: "{}" });
  for (const value of [null, undefined, "text", 3]) assert.deepEqual(readSaved(value), {});
  assert.deepEqual(withoutOne({ a: "1", b: "2" }, "a"), { b: "2" });
});

test("a calibration needs a name and a text", () => {
  assert.equal(checkName("  flux 50  "), "flux 50");
  assert.throws(() => checkName("   "), Sentence);
  assert.equal(checkText("{}"), "{}");
  for (const text of ["", "  ", undefined]) assert.throws(() => checkText(text), Sentence);
});
