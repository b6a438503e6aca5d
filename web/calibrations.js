/** Calibrations that were saved under a name. ComfyUI keeps them with the user's settings. */
import { Sentence } from "./sentence.js";

export const SETTING = "TAP.Calibrations";
const LONGEST_NAME = 60;

/** The saved calibrations in a setting's value: name -> text. Values of another form are left out. */
export function readSaved(value) {
  if (!value || typeof value !== "object") return {};
  return Object.fromEntries(Object.entries(value).filter(([, text]) => typeof text === "string"));
}

/** A name as it is saved. @throws {Sentence} */
export function checkName(name) {
  const short = String(name).trim().slice(0, LONGEST_NAME);
  if (!short) throw new Sentence("Nothing was saved: the calibration needs a name.");
  return short;
}

/** The text as it is saved. @throws {Sentence} */
export function checkText(text) {
  if (String(text ?? "").trim()) return text;
  throw new Sentence("Nothing was saved: the node has no calibration yet. Run it, or paste one.");
}

/**
 * Tells where to save a calibration that comes from another node.
 * @param {string} title of that node @param {boolean} makes whether it will show the text after its run
 * @throws {Sentence}
 */
export function tellWhereToSave(title, makes) {
  throw new Sentence(`Nothing was saved: the text comes from ${title}${
    makes ? ", which shows none yet. Run it, then save again."
      : ". Save it in the menu of the TAP Calibrate that made it."}`);
}

/** The saved calibrations without this one. */
export function withoutOne(saved, name) {
  return Object.fromEntries(Object.entries(saved).filter(([key]) => key !== name));
}
