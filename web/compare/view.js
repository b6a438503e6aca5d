/** The verdict, its figures, and a wipe between the two pictures. Knows nothing of ComfyUI. */
import { make, pointIn } from "../dom.js";
import { Slider } from "../viewer/controls.js";

const IDLE = "Queue the workflow: how close the picture is shows here.";
const GONE = "The pictures are gone. Queue the workflow again to wipe between them.";
const WIPE = "Wipe: how much of the picture at `picture` is shown, left of the line";
const STEP = 1;

export class ComparisonView {
  /** @param {(reference: object) => Promise<Response>} fetchFile */
  constructor(fetchFile) {
    this.#fetchFile = fetchFile;
    this.verdict = make("p.tap-verdict", { role: "status", textContent: IDLE });
    this.figures = make("p.tap-figures");
    this.offer = make("button.tap-offer", { type: "button", hidden: true });
    this.taken = make("p.tap-figures", { role: "status" });
    this.picture = make("img.tap-wipe-picture", { alt: "The picture at `picture`", draggable: false });
    this.reference = make("img", { alt: "The picture at `reference`", draggable: false });
    this.line = make("div.tap-wipe-line");
    this.place = make("input.tap-wipe-place", {
      type: "range", min: 0, max: 100, step: STEP, value: 50, "aria-label": WIPE,
    });
    const names = [["left", "picture"], ["right", "reference"]]
      .map(([side, name]) => make(`span.tap-wipe-${side}`, { textContent: name }));
    this.box = make("div.tap-wipe", {}, this.reference, this.picture, this.line, ...names);
    this.frames = new Slider("Frame", { max: 0, step: 1 }, (frame) => this.#showPair(frame));
    this.wipe = make("div.tap-wipe-room", { hidden: true }, this.box, this.place, this.frames.root);
    this.root = make("div.tap-compare", {}, this.verdict, this.figures, this.offer, this.taken, this.wipe);
    this.#react();
    this.#wipeTo(50);
  }

  #fetchFile;
  #pairs = [];
  #take = null;
  #asked = 0;
  /** Addresses of the shown pictures in the browser's memory. */
  #held = [];

  /**
   * @param {{verdict: string, figures: string, pairs: object[][], offer?: {words: string, take: () => string}}} found
   * offer: a button; what it returns when it is pressed is told below it
   */
  show({ verdict, figures, pairs, offer = null }) {
    this.verdict.textContent = verdict;
    this.figures.textContent = figures;
    this.#take = offer?.take;
    Object.assign(this.offer, { hidden: !offer, textContent: offer?.words ?? "" });
    this.offer.removeAttribute("aria-disabled");
    this.taken.textContent = "";
    this.#pairs = pairs;
    this.wipe.hidden = !pairs.length;
    this.frames.reach(pairs.length - 1);
    if (pairs.length) return this.#showPair(0);
    // Pictures of the comparison before may still be on their way.
    this.#asked += 1;
    this.forget();
  }

  /** Gives the shown pictures' memory back. */
  forget() {
    for (const address of this.#held) URL.revokeObjectURL(address);
    this.#held = [];
  }

  async #showPair(number) {
    const asked = ++this.#asked;
    this.frames.show(number, `${number + 1} of ${this.#pairs.length}`);
    const found = await Promise.all(this.#pairs[number].map((reference) => this.#addressOf(reference)));
    if (asked !== this.#asked) return found.forEach((address) => address && URL.revokeObjectURL(address));
    this.forget();
    this.#held = found.filter(Boolean);
    this.wipe.hidden = this.#held.length < 2;
    if (this.wipe.hidden) return this.#tellGone();
    [this.picture.src, this.reference.src] = found;
  }

  async #addressOf(reference) {
    try {
      const answer = await this.#fetchFile(reference);
      return answer.ok ? URL.createObjectURL(await answer.blob()) : null;
    } catch {
      return null;
    }
  }

  #tellGone() {
    if (!this.figures.textContent.endsWith(GONE)) this.figures.append(` ${GONE}`);
  }

  /** @param {number} percent of the width, from the left, that shows the picture */
  #wipeTo(percent) {
    this.place.value = percent;
    this.place.setAttribute("aria-valuetext", `${Math.round(percent)} % picture, the rest reference`);
    this.box.style.setProperty("--tap-wipe", `${percent}%`);
  }

  #react() {
    // A button that is disabled would lose the focus.
    this.offer.addEventListener("click", () => {
      if (this.offer.getAttribute("aria-disabled")) return;
      this.offer.setAttribute("aria-disabled", "true");
      this.taken.textContent = this.#take();
    });
    this.place.addEventListener("input", () => this.#wipeTo(Number(this.place.value)));
    // ComfyUI moves nodes with arrow keys.
    this.place.addEventListener("keydown", (event) => event.stopPropagation());
    const follow = (event) => this.#wipeTo(share(pointIn(this.box, event).x / this.box.clientWidth));
    this.box.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      this.box.setPointerCapture(event.pointerId);
      event.stopPropagation();
      follow(event);
    });
    this.box.addEventListener("pointermove", (event) => this.box.hasPointerCapture(event.pointerId) && follow(event));
  }
}

function share(value) {
  return 100 * Math.min(Math.max(value, 0), 1);
}
