/** Fetches a run's files, each once. */
import { readPng } from "./png.js";
import { checkDocument, checkImage, layerOf } from "./run_map.js";
import { Sentence } from "../sentence.js";

const GONE = "The maps of this run are gone: ComfyUI empties its temp folder when it starts. Queue the workflow again.";

/**
 * @typedef {{filename: string, subfolder: string, type: string}} Reference
 * @typedef {(reference: Reference) => Promise<Response>} FetchFile
 */

/** One run: its document, and its index images and pictures, which are fetched when they are needed. */
export class LoadedRun {
  /** @param {object} document @param {Reference} reference @param {FetchFile} fetchFile */
  constructor(document, reference, fetchFile) {
    this.document = document;
    this.reference = reference;
    this.#fetchFile = fetchFile;
  }

  #fetchFile;
  /** @type {Map<string, Promise<unknown>>} */
  #asked = new Map();

  /** The class of every token on a layer. */
  values(name) {
    return this.#once(`layer ${name}`, async () => {
      const layer = layerOf(this.document, name);
      const bytes = await (await this.#file(layer.image)).arrayBuffer();
      return checkImage(this.document, layer, await readPng(new Uint8Array(bytes)));
    });
  }

  /** The picture below the map at this place, or null. */
  picture({ picture, frame }) {
    const names = this.document.pictures?.[picture];
    if (!names) return Promise.resolve(null);
    const name = names[Math.min(frame, names.length - 1)];
    return this.#once(`picture ${name}`, async () => createImageBitmap(await (await this.#file(name)).blob()));
  }

  #once(key, ask) {
    if (!this.#asked.has(key)) {
      this.#asked.set(key, ask());
      // After an error it is asked for again.
      this.#asked.get(key).catch(() => this.#asked.delete(key));
    }
    return this.#asked.get(key);
  }

  #file(filename) {
    return fetchOrTell(this.#fetchFile, { ...this.reference, filename });
  }
}

/** @param {Reference} reference of the document @param {FetchFile} fetchFile */
export async function loadRun(reference, fetchFile) {
  const text = await (await fetchOrTell(fetchFile, reference)).text();
  let found;
  try {
    found = JSON.parse(text);
  } catch {
    throw new Sentence("The file of this run was cut short. Queue the workflow again.");
  }
  return new LoadedRun(checkDocument(found), reference, fetchFile);
}

async function fetchOrTell(fetchFile, reference) {
  let answer;
  try {
    answer = await fetchFile(reference);
  } catch {
    throw new Sentence("ComfyUI does not answer. Check that it still runs.");
  }
  if (!answer.ok) throw new Sentence(GONE);
  return answer;
}
