/** What is known of a run while it runs. Every event holds all of it, so a lost event leaves no gap. */

export const EVENT = "tap.run";
const MARKS = /^[fsrp.]*$/;
const MOST_STEPS = 10_000;
const WORDS = {
  f: "computed", s: "forecast", r: "computed for a reason", p: "computed in part", ".": "to come",
};

/** What the key below the strip explains. */
export const KEY = { f: WORDS.f, s: WORDS.s, r: WORDS.r, p: WORDS.p };

/**
 * The run in an event, or null if the event has another form.
 * @returns {{node: string, workflow: string, at: number, marks: string, plan: string, line: string,
 *   ended: boolean, reasons: object} | null}
 */
export function readEvent(detail) {
  const { node, marks, plan, line } = detail ?? {};
  const whole = typeof node === "string" && typeof line === "string"
    && [marks, plan].every((found) => typeof found === "string" && found.length <= MOST_STEPS && MARKS.test(found));
  if (!whole) return null;
  return {
    node, marks, plan, line, ended: Boolean(detail.ended), reasons: detail.reasons ?? {},
    workflow: String(detail.workflow ?? ""), at: Number(detail.at) || 0,
  };
}

/** The newest known state of the runs of all nodes; states may arrive in any order. */
export class KnownRuns {
  #runs = new Map();

  /** Keeps a state if it is newer than the known one. */
  add(state) {
    const key = `${state.workflow} ${state.node}`;
    if (!(this.#runs.get(key)?.at > state.at)) this.#runs.set(key, state);
  }

  /** All states of one workflow. */
  of(workflow) {
    return [...this.#runs.values()].filter((state) => state.workflow === workflow);
  }
}

/** How each step is drawn: as it was, or faintly as it is planned. */
export function columnsOf({ marks, plan }) {
  return Array.from(marks, (mark, step) => ({ mark: mark === "." ? plan[step] ?? "." : mark, done: mark !== "." }));
}

/** How many steps were, or while none is done are to be, of each kind. */
export function countsOf({ marks, plan }) {
  const shown = /[fsrp]/.test(marks) ? marks : plan;
  return Object.fromEntries(Object.keys(KEY).map((mark) => [mark, shown.split(mark).length - 1]));
}

/** One step in words, such as "Step 7 of 50: computed, planned". */
export function wordsOf({ marks, plan, reasons }, step) {
  const done = marks[step] !== ".";
  const words = done ? WORDS[marks[step]] : plan[step] ? `to be ${WORDS[plan[step]]}` : WORDS["."];
  const reason = done && marks[step] !== "s" && reasons[step] ? `, ${reasons[step]}` : "";
  return `Step ${step + 1} of ${marks.length}: ${words}${reason}`;
}

/** The run in words, for people who cannot see the strip. */
export function summaryOf({ marks, line }) {
  const done = marks.replaceAll(".", "").length;
  return `${done} of ${marks.length} steps done. ${line}`;
}
