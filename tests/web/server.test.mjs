import assert from "node:assert/strict";
import { test } from "node:test";
import { makePage } from "./stubs.mjs";

let known = null;
const page = makePage({ answer: () => known });
const { promptOf } = await import("../../web/live/server.js");

test("a prompt is asked for once, and again where nobody answered", async () => {
  assert.deepEqual(await promptOf("one"), { workflow: "", nodes: [] });
  known = { workflow: "flux", nodes: ["3"] };
  for (let again = 0; again < 2; again += 1) assert.deepEqual(await promptOf("one"), known);
  assert.deepEqual(page.asked, ["/tap/prompt", "/tap/prompt"]);
});
