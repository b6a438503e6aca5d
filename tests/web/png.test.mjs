import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { Sentence } from "../../web/sentence.js";
import { readPng } from "../../web/viewer/png.js";

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function chunk(kind, data) {
  const bytes = Buffer.concat([Buffer.from(kind, "latin1"), data]);
  const crc = bytes.reduce((rest, byte) => CRC[(rest ^ byte) & 255] ^ (rest >>> 8), 0xffffffff) ^ 0xffffffff;
  const ends = [Buffer.alloc(4), Buffer.alloc(4)];
  ends[0].writeUInt32BE(data.length);
  ends[1].writeUInt32BE(crc >>> 0);
  return Buffer.concat([ends[0], bytes, ends[1]]);
}

/** A PNG from lines that have their filter in front. */
function png({ width, height, bits = 8, colour = 0, lines, text = null }) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bits, colour, 0, 0, 0], 8);
  return new Uint8Array(Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk("IHDR", header),
    ...(text ? [chunk("tEXt", Buffer.from(text.join("\0"), "latin1"))] : []),
    chunk("IDAT", deflateSync(Buffer.from(lines.flat()))), chunk("IEND", Buffer.alloc(0)),
  ]));
}

const SMALL = { width: 3, height: 2, lines: [[0, 1, 2, 3], [0, 4, 5, 255]] };

test("plain lines come out as they are", async () => {
  const image = await readPng(png({ ...SMALL, text: ["tap-run", "abc"] }));
  assert.deepEqual([image.width, image.height, [...image.values]], [3, 2, [1, 2, 3, 4, 5, 255]]);
  assert.deepEqual(image.text, { "tap-run": "abc" });
});

test("every line filter is undone", async () => {
  // 10 20 30 / 11 21 31 / 12 22 32 / 13 23 33 / 14 24 34, one filter after the other.
  const lines = [[0, 10, 20, 30], [1, 11, 10, 10], [2, 1, 1, 1], [3, 7, 6, 6], [4, 1, 1, 1]];
  const image = await readPng(png({ width: 3, height: 5, lines }));
  assert.deepEqual([...image.values], [10, 20, 30, 11, 21, 31, 12, 22, 32, 13, 23, 33, 14, 24, 34]);
});

test("sixteen bits are read with the higher byte first", async () => {
  const image = await readPng(png({ width: 2, height: 1, bits: 16, lines: [[0, 1, 2, 0, 3]] }));
  assert.deepEqual([...image.values], [258, 3]);
});

test("a file that was cut short is refused wherever it was cut", async () => {
  const whole = png(SMALL);
  for (let length = 0; length < whole.length; length++)
    await assert.rejects(readPng(whole.subarray(0, length)), Sentence, `${length} bytes`);
});

test("a changed byte is refused wherever it is", async () => {
  const whole = png(SMALL);
  for (let at = 0; at < whole.length; at++) {
    const changed = whole.slice();
    changed[at] ^= 0x55;
    await assert.rejects(readPng(changed), Sentence, `byte ${at}`);
  }
});

test("too few and too many lines are refused", async () => {
  await assert.rejects(readPng(png({ ...SMALL, height: 3 })), /cut short/);
  await assert.rejects(readPng(png({ ...SMALL, height: 1 })), /damaged/);
});

test("colours, odd depths, unknown filters and huge sizes are refused", async () => {
  await assert.rejects(readPng(png({ ...SMALL, colour: 2 })), Sentence);
  await assert.rejects(readPng(png({ ...SMALL, bits: 4 })), Sentence);
  await assert.rejects(readPng(png({ ...SMALL, lines: [[9, 1, 2, 3], [0, 4, 5, 6]] })), Sentence);
  await assert.rejects(readPng(png({ ...SMALL, width: 2 ** 31, height: 2 ** 31 - 1 })), Sentence);
});
