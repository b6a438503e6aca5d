/**
 * Reads grey PNG files exactly. A canvas could do it too, but some browsers change what scripts read from it, and it
 * shows half of a file that was cut short without an error.
 */
import { Sentence } from "../sentence.js";

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const MOST_VALUES = 200_000_000;
const CUT_SHORT = "A map's file was cut short. Queue the workflow again.";
const DAMAGED = "A map's file is damaged. Queue the workflow again.";

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? 0xedb88320 ^ (rest >>> 1) : rest >>> 1;
  return rest;
});

/**
 * @param {Uint8Array} bytes the file
 * @returns {Promise<{width: number, height: number, values: Uint8Array | Uint16Array, text: Record<string, string>}>}
 * @throws {Sentence} for anything but a whole grey PNG of 8 or 16 bits
 */
export async function readPng(bytes) {
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) throw new Sentence(DAMAGED);
  const chunks = readChunks(bytes);
  const header = readHeader(chunks);
  const packed = chunks.filter((chunk) => chunk.kind === "IDAT").map((chunk) => chunk.data);
  const lines = await inflate(packed, header.height * (1 + header.width * header.depth));
  const plain = undoFilters(lines, header);
  return { width: header.width, height: header.height, values: join(plain, header.depth), text: readText(chunks) };
}

/** The chunks up to the end mark, each with its checksum tested. */
function readChunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks = [];
  for (let at = SIGNATURE.length; ; ) {
    if (at + 12 > bytes.length) throw new Sentence(CUT_SHORT);
    const length = view.getUint32(at);
    const end = at + 8 + length;
    if (end + 4 > bytes.length) throw new Sentence(CUT_SHORT);
    if (checksum(bytes.subarray(at + 4, end)) !== view.getUint32(end)) throw new Sentence(DAMAGED);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (kind === "IEND") return chunks;
    chunks.push({ kind, data: bytes.subarray(at + 8, end) });
    at = end + 4;
  }
}

function readHeader(chunks) {
  const data = chunks[0]?.kind === "IHDR" && chunks[0].data.length === 13 ? chunks[0].data : null;
  if (!data) throw new Sentence(DAMAGED);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const [width, height, bits, colour, , , interlaced] = [view.getUint32(0), view.getUint32(4), ...data.subarray(8)];
  if (colour !== 0 || interlaced || ![8, 16].includes(bits) || !width || !height || width * height > MOST_VALUES)
    throw new Sentence(DAMAGED);
  return { width, height, depth: bits / 8 };
}

/** Exactly `size` bytes from the packed parts. */
async function inflate(parts, size) {
  const stream = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate"));
  const result = new Uint8Array(size);
  let filled = 0;
  const reader = stream.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (filled + part.value.length > size) throw new Sentence(DAMAGED);
      result.set(part.value, filled);
      filled += part.value.length;
    }
  } catch (error) {
    throw error instanceof Sentence ? error : new Sentence(DAMAGED);
  }
  if (filled !== size) throw new Sentence(CUT_SHORT);
  return result;
}

/** Undoes the five line filters of PNG. lines: each with its filter's number in front. */
function undoFilters(lines, { width, height, depth }) {
  const stride = width * depth;
  const plain = new Uint8Array(height * stride);
  for (let row = 0; row < height; row++) {
    const filter = lines[row * (stride + 1)];
    const source = row * (stride + 1) + 1;
    const target = row * stride;
    for (let i = 0; i < stride; i++) {
      const left = i >= depth ? plain[target + i - depth] : 0;
      const up = row ? plain[target + i - stride] : 0;
      const corner = row && i >= depth ? plain[target + i - depth - stride] : 0;
      plain[target + i] = lines[source + i] + predicted(filter, left, up, corner);
    }
  }
  return plain;
}

function predicted(filter, left, up, corner) {
  switch (filter) {
    case 0: return 0;
    case 1: return left;
    case 2: return up;
    case 3: return (left + up) >> 1;
    case 4: return paeth(left, up, corner);
    default: throw new Sentence(DAMAGED);
  }
}

function paeth(left, up, corner) {
  const fromLeft = Math.abs(up - corner);
  const fromUp = Math.abs(left - corner);
  const fromCorner = Math.abs(left + up - 2 * corner);
  if (fromLeft <= fromUp && fromLeft <= fromCorner) return left;
  return fromUp <= fromCorner ? up : corner;
}

/** Two bytes make one value where the file has 16 bits, the higher one first. */
function join(plain, depth) {
  if (depth === 1) return plain;
  const view = new DataView(plain.buffer);
  return Uint16Array.from({ length: plain.length / 2 }, (_, i) => view.getUint16(2 * i));
}

function readText(chunks) {
  const pairs = chunks.filter((chunk) => chunk.kind === "tEXt").map(({ data }) => {
    const zero = data.indexOf(0);
    return [data.subarray(0, zero), data.subarray(zero + 1)].map((part) => String.fromCharCode(...part));
  });
  return Object.fromEntries(pairs);
}

function checksum(bytes) {
  let rest = 0xffffffff;
  for (const byte of bytes) rest = CRC_TABLE[(rest ^ byte) & 0xff] ^ (rest >>> 8);
  return (rest ^ 0xffffffff) >>> 0;
}
