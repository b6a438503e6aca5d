/** Plays the steps of a run, and keeps still for people who asked their system for less motion. */

// People can follow four steps a second.
const PACE = 250;
const LESS_MOTION = "(prefers-reduced-motion: reduce)";

export class Player {
  /** @param {{atEnd: () => boolean, step: () => void, show: (on: boolean) => void}} viewer */
  constructor(viewer) {
    this.#viewer = viewer;
    this.play(false);
  }

  #viewer;
  #timer = 0;

  toggle() {
    this.play(!this.#timer);
  }

  /** Starts, or stops. */
  play(on) {
    window.clearInterval(this.#timer);
    this.#timer = on ? window.setInterval(() => this.#tick(), PACE) : 0;
    this.#viewer.show(on);
  }

  /** Stops when less motion is asked for, until the signal ends it. */
  listen(signal) {
    window.matchMedia(LESS_MOTION).addEventListener("change", ({ matches }) => matches && this.play(false), { signal });
  }

  /** One step on: around the end for ever, or with less motion only to the end. */
  #tick() {
    this.#viewer.step();
    if (window.matchMedia(LESS_MOTION).matches && this.#viewer.atEnd()) this.play(false);
  }
}
