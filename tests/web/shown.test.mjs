import assert from "node:assert/strict";
import { test } from "node:test";
import { remember, remembered } from "../../web/shown.js";

function store(full = false) {
  const kept = new Map();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => { if (full) throw new Error("full"); kept.set(key, value); },
    removeItem: (key) => kept.delete(key),
  };
}

test("the last of each node of a workflow is kept", () => {
  const kept = store();
  remember(kept, "a", "7", { text: ["old"] });
  remember(kept, "a", "12:7", { text: ["inside"] });
  remember(kept, "b", "7", { text: ["other"] });
  remember(kept, "a", "7", { text: ["new"] });
  assert.deepEqual(remembered(kept, "a").map(({ node, shown }) => [node, shown.text[0]]), [["12:7", "inside"], ["7", "new"]]);
  assert.deepEqual(remembered(kept, "c"), []);
});

test("a workflow without a name and what is too long are not kept", () => {
  const kept = store();
  remember(kept, "", "7", { text: ["x"] });
  assert.deepEqual(remembered(kept, ""), []);
  remember(kept, "a", "7", { text: ["short"] });
  remember(kept, "a", "7", { text: ["x".repeat(60_000)] });
  assert.deepEqual(remembered(kept, "a"), []);
});

test("the oldest are forgotten, a full or strange store is no error", () => {
  const kept = store();
  for (let node = 0; node < 70; node += 1) remember(kept, "a", String(node), { text: [""] });
  assert.deepEqual([remembered(kept, "a").length, remembered(kept, "a")[0].node], [60, "10"]);
  remember(store(true), "a", "7", { text: ["x"] });
  for (const value of ["{", "3", "[3, null]", null])
    assert.deepEqual(remembered({ getItem: () => value }, "a"), []);
});
