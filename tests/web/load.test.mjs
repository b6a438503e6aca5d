import assert from "node:assert/strict";
import { test } from "node:test";
import { LoadedRun } from "../../web/viewer/load.js";

const DOCUMENT = { layers: [{ name: "loss", image: "loss.png" }], pictures: [["picture.png"]] };
const REFERENCE = { filename: "run.json", subfolder: "tap", type: "temp" };

test("a file is fetched once, and again after an error", async () => {
  let answers = false;
  const asked = [];
  const run = new LoadedRun(DOCUMENT, REFERENCE, async ({ filename }) => {
    asked.push(filename);
    if (!answers) throw new TypeError("network");
    return { ok: true, blob: async () => "a blob" };
  });
  globalThis.createImageBitmap = async (blob) => `bitmap of ${blob}`;
  const place = { picture: 0, frame: 0 };
  const both = [run.picture(place), run.picture(place)];
  for (const one of both) await assert.rejects(one, /ComfyUI does not answer/);
  assert.equal(asked.length, 1);
  await assert.rejects(run.values("loss"), /ComfyUI does not answer/);
  answers = true;
  for (let again = 0; again < 2; again += 1) assert.equal(await run.picture(place), "bitmap of a blob");
  assert.deepEqual(asked, ["picture.png", "loss.png", "picture.png"]);
  await assert.rejects(run.values("loss"));
  assert.equal(asked.length, 4);
});
