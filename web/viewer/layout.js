/** The viewer's elements and their layout. */
import { make } from "../dom.js";

const STAGE = "Map of choices. Shift and an arrow key read the tokens one by one. Arrow keys move through the steps, "
  + "up and down through the frames of a video. Space plays, Escape shows all choices.";

/** Elements that do nothing by themselves. */
export function makeElements() {
  return {
    stage: make("canvas.tap-stage", { tabIndex: 0, role: "img", "aria-label": STAGE }),
    badge: make("p.tap-badge", { role: "status" }),
    message: make("p.tap-message", { role: "status" }),
    readout: make("p.tap-readout", { "aria-live": "polite" }),
    playButton: make("button.tap-play", { type: "button" }),
    strip: make("canvas.tap-steps", { tabIndex: 0, role: "slider", "aria-label": "Step", "aria-valuemin": 1 }),
    words: make("p.tap-words"),
  };
}

/** All of a viewer's parts in one element. */
export function layOut(viewer) {
  const row = (kind, ...parts) => make(`div.tap-row.${kind}`, {}, ...parts.map((part) => part.root ?? part));
  return make("div.tap-viewer", {}, make("div.tap-layout", {},
    row("tap-top", viewer.layers, viewer.prompts, viewer.pictures),
    make("div.tap-picture", {}, viewer.stage, viewer.badge, viewer.message),
    viewer.readout,
    row("tap-player", viewer.playButton, viewer.strip),
    viewer.words,
    row("tap-bottom", viewer.opacity, viewer.frames, viewer.marks),
    viewer.legend.root));
}

/** The play button as it is while playing, or not. */
export function showPlaying(button, on) {
  button.textContent = on ? "❚❚" : "▶";
  button.title = on ? "Pause (space)" : "Play the steps (space)";
  button.setAttribute("aria-label", on ? "Pause" : "Play");
}

/** Describes the strip for people who cannot see it. */
export function showStep(strip, number, count, words) {
  strip.setAttribute("aria-valuemax", count);
  strip.setAttribute("aria-valuenow", number);
  strip.setAttribute("aria-valuetext", words);
}
