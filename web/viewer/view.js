/** The viewer: the map over the picture, the steps below it, the legend beside it. Knows nothing of ComfyUI. */
import { freshContext, onThemeChange, pointIn, themeOf } from "../dom.js";
import { Sentence } from "../sentence.js";
import { Choice, Pick, Slider, Tick } from "./controls.js";
import { fit, shapeOf, stepAt, tokenAt } from "./geometry.js";
import { actionOf } from "./keys.js";
import { layOut, makeElements, showPlaying, showStep } from "./layout.js";
import { LegendView } from "./legend_view.js";
import { loadRun } from "./load.js";
import { Player } from "./player.js";
import {
  entryOfClass, layerOf, mapAt, middleMapped, nearestPlace, percentsAt, sharesAt,
} from "./run_map.js";
import { outlineToken, paintStage } from "./stage.js";
import { paintStrip } from "./step_strip.js";
import { BEFORE, EMPTY, HINT, LOADING, plateWords, stepWords, tokenWords } from "./words.js";

const START = { layer: "", step: -1, prompt: 0, picture: 0, frame: 0, opacity: 0.65, marks: false };
// The layers that say what a token did; the two others follow from the first.
const TOLD = ["predictor", "loss"];

export class Viewer {
  /**
   * @param {import("./load.js").FetchFile} fetchFile
   * @param {(view: object) => void} onView called when the view changes; keep the view and give it to `show` again
   */
  constructor(fetchFile, onView) {
    this.#fetchFile = fetchFile;
    this.#onView = onView;
    this.#build();
    this.#react();
    this.#say(EMPTY);
  }

  #fetchFile;
  #onView;
  #ended = null;
  #view = { ...START };
  /** @type {import("./load.js").LoadedRun | null} */
  #run = null;
  #alone = -1;
  #token = null;
  #painted = 0;
  // What the stage shows: kept between paintings, replaced when a new one was fetched.
  #scene = null;

  /** Shows a run as `view` left it. @param {import("./load.js").Reference | null} reference */
  async show(reference, view = {}) {
    const asked = ++this.#painted;
    this.#view = { ...START, ...view };
    this.player.play(false);
    this.isOfRunBefore(false);
    if (!reference) return this.#say(EMPTY);
    if (!this.#run) this.#say(LOADING);
    try {
      const run = await loadRun(reference, this.#fetchFile);
      if (asked !== this.#painted) return;
      if (run.document.message) return this.#say(run.document.message);
      this.#take(run);
    } catch (error) {
      if (asked === this.#painted) this.#sayError(error);
    }
  }

  /** Says whether a newer run than the shown one has begun. */
  isOfRunBefore(before) {
    this.badge.textContent = before ? BEFORE : "";
  }

  /** Follows size and theme, until `end`. */
  listen() {
    this.#ended?.abort();
    this.#ended = new AbortController();
    const { signal } = this.#ended;
    const observer = new ResizeObserver(() => this.#paint());
    for (const canvas of [this.stage, this.strip]) observer.observe(canvas);
    signal.addEventListener("abort", () => observer.disconnect());
    onThemeChange(() => this.#paint(), signal);
    this.player.listen(signal);
  }

  /** Ends all listening and playing. */
  end() {
    this.player.play(false);
    this.#ended?.abort();
  }

  #take(run) {
    const { document } = run;
    this.#run = run;
    if (this.#view.step < 0) this.#view.step = middleMapped(document);
    Object.assign(this.#view, nearestPlace(document, this.#view), {
      layer: this.#view.layer || document.layers[0].name,
    });
    [this.#alone, this.#token] = [-1, null];
    this.layers.list(document.layers.map(({ name, tab }) => ({ name, label: tab })));
    this.prompts.list(document.prompts.map((prompt) => `${prompt.name} prompt`));
    this.pictures.list(Array.from({ length: document.batch }, (_, i) => `picture ${i + 1}`));
    this.frames.reach(document.grid[0] - 1);
    this.opacity.root.hidden = !document.pictures;
    this.root.classList.remove("tap-silent");
    this.#listLegend();
    this.#update();
  }

  /** Changes what is shown. */
  #set(change) {
    if (!this.#run) return;
    const layer = this.#view.layer;
    Object.assign(this.#view, change);
    if (this.#view.layer !== layer) {
      this.#alone = -1;
      this.#listLegend();
    }
    this.#onView({ ...this.#view });
    this.#update();
  }

  #listLegend() {
    const layer = this.#run.document.layers.find((part) => part.name === this.#view.layer);
    this.legend.list(layer ?? { entries: [] });
  }

  /** Updates the controls now, and the map when its files have arrived. */
  #update() {
    const { document } = this.#run;
    const view = this.#view;
    const step = document.steps[view.step];
    this.layers.show(view.layer);
    this.opacity.show(view.opacity, `${Math.round(100 * view.opacity)} %`);
    this.frames.show(view.frame, `${view.frame + 1} of ${document.grid[0]}`);
    this.marks.show(view.marks);
    this.prompts.show(view.prompt);
    this.pictures.show(view.picture);
    this.words.textContent = stepWords(step, document.steps.length);
    showStep(this.strip, step.number, document.steps.length, this.words.textContent);
    return this.#fetchScene();
  }

  async #fetchScene() {
    const asked = ++this.#painted;
    const { document } = this.#run;
    const view = this.#view;
    try {
      const layer = layerOf(document, view.layer);
      const [picture, ...values] = await Promise.all([
        this.#run.picture(view), this.#run.values(view.layer),
        // The other layers are for the words below the map; their errors are shown on their own layer.
        ...TOLD.map((name) => this.#run.values(name).catch(() => null)),
      ]);
      if (asked !== this.#painted) return;
      const [shown, ...others] = values;
      this.#scene = {
        document, layer, picture, entries: entryOfClass(layer), classes: mapAt(document, shown, view),
        shares: sharesAt(document, layer, view), percents: percentsAt(document, layer, view),
        status: document.steps[view.step].words,
        others: Object.fromEntries(TOLD.map((name, i) => [name, others[i] && mapAt(document, others[i], view)])),
      };
      this.message.textContent = "";
      this.#paint();
    } catch (error) {
      if (asked === this.#painted) this.#sayError(error, true);
    }
  }

  #paint() {
    if (!this.#run || !this.#scene) return;
    const theme = themeOf(this.root);
    const { document, layer, shares, percents } = this.#scene;
    const view = this.#view;
    this.legend.show({ shares, percents, alone: this.#alone });
    this.#scene.plate = plateWords(this.#scene, this.#alone);
    const fresh = freshContext(this.stage);
    if (fresh) {
      const area = fit(...shapeOf(document), fresh.width, fresh.height);
      Object.assign(this.#scene, { area, theme, opacity: view.opacity, marks: view.marks, alone: this.#alone });
      paintStage(fresh.context, this.#scene);
      if (this.#token && this.#scene.classes) outlineToken(fresh.context, this.#scene, this.#token);
    }
    const strip = freshContext(this.strip);
    if (strip) {
      paintStrip(strip.context, strip, {
        stacks: document.steps.map((_, step) => sharesAt(document, layer, { ...view, step })),
        kinds: document.steps.map((step) => step.kind), colours: layer.entries.map((entry) => entry.colour),
        step: view.step, theme,
      });
    }
    this.#read();
    this.root.dataset.shown = `${document.run} ${layer.name} ${view.step} ${view.frame}`;
  }

  /** What the chosen token did, in words. */
  #read() {
    const { classes, document, others, plate } = this.#scene;
    const token = this.#token;
    if (classes && plate) return this.#write(`${plate}.`);
    if (!token || !classes) return this.#write(document.note ?? HINT);
    const place = token.row * document.grid[2] + token.column;
    const labels = {};
    for (const name of TOLD)
      if (others[name]) labels[name] = layerOf(document, name).labels[others[name][place]];
    return this.#write(tokenWords({ ...token, frame: document.grid[0] > 1 ? this.#view.frame : null }, labels));
  }

  #write(words) {
    if (this.readout.textContent !== words) this.readout.textContent = words;
  }

  /** Shows a sentence in place of the map. */
  #say(sentence, keepControls = false) {
    this.message.textContent = sentence;
    this.root.classList.toggle("tap-silent", !keepControls);
    this.root.dataset.shown = "";
    this.#scene = null;
    if (!keepControls) this.#run = null;
    freshContext(this.stage);
  }

  #sayError(error, keepControls = false) {
    if (!(error instanceof Sentence)) console.error("TAP viewer", error);
    this.#say(error instanceof Sentence ? error.message : "The map could not be drawn. Reload the page.", keepControls);
  }

  #step(by, around = false) {
    const count = this.#run.document.steps.length;
    const next = this.#view.step + by;
    this.#set({ step: around ? (next + count) % count : Math.min(Math.max(next, 0), count - 1) });
  }

  #moveToken([down, right]) {
    const [, rows, columns] = this.#run.document.grid;
    const { row, column } = this.#token ?? { row: -down, column: -right };
    this.#token = {
      row: Math.min(Math.max(row + down, 0), rows - 1), column: Math.min(Math.max(column + right, 0), columns - 1),
    };
    this.#paint();
  }

  #chooseAlone(entry) {
    this.#alone = this.#alone === entry ? -1 : entry;
    this.#paint();
  }

  #build() {
    Object.assign(this, makeElements());
    this.layers = new Choice("Layer", (layer) => this.#set({ layer }));
    this.prompts = new Pick("Prompt", (prompt) => this.#set({ prompt }));
    this.pictures = new Pick("Picture of the batch", (picture) => this.#set({ picture }));
    this.opacity = new Slider("Opacity", { max: 1, step: 0.05 }, (opacity) => this.#set({ opacity }));
    this.frames = new Slider("Frame", { max: 0, step: 1 }, (frame) => this.#set({ frame }));
    this.marks = new Tick("Marks", "Letters or patterns on the tokens, beside their colours",
      (marks) => this.#set({ marks }));
    this.legend = new LegendView((entry) => this.#chooseAlone(entry));
    this.root = layOut(this);
    this.player = new Player({
      step: () => this.#step(1, true), show: (on) => showPlaying(this.playButton, on),
      atEnd: () => this.#view.step === this.#run.document.steps.length - 1,
    });
  }

  #react() {
    this.playButton.addEventListener("click", () => this.#run && this.player.toggle());
    this.stage.addEventListener("pointermove", (event) => {
      if (!this.#scene?.area) return;
      const { x, y } = pointIn(this.stage, event);
      this.#token = tokenAt(this.#scene.document, this.#scene.area, x, y);
      this.#paint();
    });
    this.stage.addEventListener("pointerleave", () => { this.#token = null; this.#paint(); });
    this.strip.addEventListener("pointerdown", (event) => {
      if (event.button || !this.#run) return;
      this.strip.setPointerCapture(event.pointerId);
      this.player.play(false);
      this.#scrub(event);
    });
    this.strip.addEventListener("pointermove", (event) => {
      if (this.strip.hasPointerCapture(event.pointerId)) this.#scrub(event);
    });
    this.root.addEventListener("keydown", (event) => this.#onKey(event));
  }

  #scrub(event) {
    this.#set({ step: stepAt(pointIn(this.strip, event).x, this.#run.document.steps.length, this.strip.clientWidth) });
  }

  #onKey(event) {
    const action = this.#run && actionOf(event, event.target.tagName);
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    if (action.play) this.player.toggle();
    if (action.all) this.#chooseAlone(-1);
    if (action.token) this.#moveToken(action.token);
    if (action.step) this.#step(action.step);
    if (action.to) this.#set({ step: action.to === "first" ? 0 : this.#run.document.steps.length - 1 });
    if (action.frame)
      this.#set(nearestPlace(this.#run.document, { ...this.#view, frame: this.#view.frame + action.frame }));
  }
}
