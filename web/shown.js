/** What nodes have shown, kept for a refresh of the page. It is outside the workflow: a run must not change that. */

/** In front of what a node still shows though another run was stopped before it came to it. */
export const RUN_BEFORE = "The run before:";

const KEY = "tap.shown";
const MOST = 60;
const LONGEST = 50_000;

/** Keeps what a node showed last; the oldest ones are dropped. @param {Storage} store */
export function remember(store, workflow, node, shown) {
  const length = JSON.stringify(shown).length;
  const others = read(store).filter((entry) => entry.workflow !== workflow || entry.node !== node);
  const kept = workflow && length <= LONGEST ? [...others, { workflow, node, shown }] : others;
  try {
    store.setItem(KEY, JSON.stringify(kept.slice(-MOST)));
  } catch {
    store.removeItem(KEY); // the store is full
  }
}

/** What the nodes of a workflow showed last. @returns {{node: string, shown: object}[]} */
export function remembered(store, workflow) {
  return read(store).filter((entry) => workflow && entry.workflow === workflow);
}

function read(store) {
  try {
    const kept = JSON.parse(store.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((entry) => typeof entry?.node === "string" && entry.shown) : [];
  } catch {
    return [];
  }
}
