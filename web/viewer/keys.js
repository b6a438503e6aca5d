/** Which key does what in the viewer. */

// Elements that use these keys themselves.
const OWN_ARROWS = ["INPUT", "SELECT"];
const OWN_SPACE = ["INPUT", "SELECT", "BUTTON"];

/**
 * What a key asks for, or null.
 * @param {{key: string, shiftKey: boolean, ctrlKey: boolean, metaKey: boolean, altKey: boolean}} event
 * @param {string} tag of the element that has the focus
 * @returns {{step?: number, to?: "first" | "last", frame?: number, token?: [number, number], play?: true, all?: true}
 *   | null}
 */
export function actionOf(event, tag) {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  if (event.key === " ") return OWN_SPACE.includes(tag) ? null : { play: true };
  if (event.key === "Escape") return { all: true };
  if (OWN_ARROWS.includes(tag)) return null;
  if (event.shiftKey) return TOKEN_KEYS[event.key] ?? null;
  return STEP_KEYS[event.key] ?? null;
}

/** Where a key moves to within a group of `count` things, around its ends; null for a key of no group. */
export function placeInGroup(event, place, count) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return null;
  const moved = { ArrowRight: place + 1, ArrowDown: place + 1, ArrowLeft: place - 1, ArrowUp: place - 1,
    Home: 0, End: count - 1 }[event.key];
  return moved === undefined ? null : (moved + count) % count;
}

const STEP_KEYS = {
  ArrowLeft: { step: -1 },
  ArrowRight: { step: 1 },
  ArrowDown: { frame: -1 },
  ArrowUp: { frame: 1 },
  Home: { to: "first" },
  End: { to: "last" },
};

const TOKEN_KEYS = {
  ArrowLeft: { token: [0, -1] },
  ArrowRight: { token: [0, 1] },
  ArrowUp: { token: [-1, 0] },
  ArrowDown: { token: [1, 0] },
};
