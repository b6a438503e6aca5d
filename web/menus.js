/** What the pack adds to the menus of its nodes. */
import { SETTING, checkName, checkText, readSaved, tellWhereToSave, withoutOne } from "./calibrations.js";
import {
  addBefore, askFor, changeSetting, kindOf, knowsKind, notify, setWidgets, settingOf, widgetValues,
} from "./comfy_api.js";
import { insertEntries } from "./insert.js";
import { cutLink, linkedInputs, originOf } from "./comfy_links.js";
import { sayOn } from "./live/attach.js";
import { ACCELERATE, presetWith, presetWords, presetsIn, withoutReplaced } from "./presets.js";
import { Sentence } from "./sentence.js";
import { textOf } from "./text/attach.js";

// The node whose widget holds a calibration as text, and the one that makes and shows it.
const PLACEMENT = "TapPlacement";
const TEXT = "text";
const CALIBRATE = "TapCalibrate";
// ComfyUI's own nodes that hold one value.
const HOLDS_VALUE = /^Primitive/;
const IN_PLACE = "It takes the place of what was connected to text.";

let presets = [];

/** Reads the presets once, so that no menu waits for them. */
export async function readPresets() {
  presets = presetsIn(await (await fetch(new URL("./presets.json", import.meta.url))).json());
}

/** The entries for a node, in ComfyUI's form. */
export function menuOf(node) {
  if (kindOf(node) === ACCELERATE) return [submenu("TAP presets", [...presetEntries(node), ...savedEntries(node)])];
  if (kindOf(node) === PLACEMENT) return placementEntries(node);
  if (kindOf(node) === CALIBRATE) return [saveEntry(() => textOf(node).at(-1))];
  return insertEntries(node);
}

function presetEntries(node) {
  const now = presetWith(presets, withoutReplaced(widgetValues(node), linkedInputs(node)));
  return presets.map((preset) => ({
    content: `${preset.name}${preset === now ? " \u2713" : ""}: ${preset.says}`,
    callback: () => {
      setWidgets(node, preset.values);
      const { words, warns } = presetWords(preset, linkedInputs(node));
      say(node, words, warns);
    },
  }));
}

/** A saved calibration goes to the placement node that is connected to schedule; without one, a node is added. */
function savedEntries(node) {
  if (!knowsKind(PLACEMENT)) return [];
  const saved = readSaved(settingOf(SETTING));
  return Object.keys(saved).map((name) => ({
    content: `Calibration: ${name}`,
    callback: () => {
      const source = originOf(node, "schedule");
      const placement = source && kindOf(source) === PLACEMENT ? source : addBefore(node, PLACEMENT, "schedule");
      const cut = setText(placement, saved[name]);
      say(node, `Calibration ${name} is set in the node connected to schedule.${cut ? ` ${IN_PLACE}` : ""}`, cut);
    },
  }));
}

/** Says something on the strip of a node, where a new plan soon replaces it; a warning also in a notice. */
function say(node, words, warns) {
  sayOn(node, words);
  if (warns) notify("warn", words);
}

/** Gives a placement node a text that counts: a connected one would replace it. Returns whether there was one. */
function setText(placement, text) {
  const cut = cutLink(placement, TEXT);
  setWidgets(placement, { [TEXT]: text });
  return cut;
}

function placementEntries(node) {
  const saved = readSaved(settingOf(SETTING));
  const names = Object.keys(saved);
  const entries = [saveEntry(() => usedText(node))];
  if (!names.length) return entries;
  const use = (name) => ({
    content: name,
    callback: () => { if (setText(node, saved[name])) notify("warn", `${name} is set. ${IN_PLACE}`); },
  });
  const remove = (name) => ({
    content: name,
    callback: () => showErrors(() => write(withoutOne(saved, name), `${name} is deleted.`)),
  });
  return [
    ...entries, submenu("Saved calibrations", names.map(use)), submenu("Delete a calibration", names.map(remove)),
  ];
}

/** The text that a placement node uses: its own, or the one that the node connected to it shows. @throws {Sentence} */
function usedText(placement) {
  if (!linkedInputs(placement).includes(TEXT)) return widgetValues(placement)[TEXT];
  const source = originOf(placement, TEXT);
  const kind = source ? kindOf(source) ?? source.type : "";
  const shown = kind === CALIBRATE ? textOf(source).at(-1) : HOLDS_VALUE.test(kind) ? widgetValues(source).value : "";
  return shown || tellWhereToSave(source?.title ?? "outside", kind === CALIBRATE);
}

function saveEntry(found) {
  return { content: "Save this calibration", callback: () => showErrors(() => save(found())) };
}

async function save(found) {
  const text = checkText(found);
  const asked = await askFor("Save this calibration", "Name, such as the model and the number of steps");
  if (asked === null || asked === undefined) return;
  const name = checkName(asked);
  const saved = readSaved(settingOf(SETTING));
  await write({ ...saved, [name]: text }, `${name} is saved: see the menu of TAP Accelerate.`);
}

async function write(saved, words) {
  await changeSetting(SETTING, saved);
  notify("success", words);
}

function submenu(content, options) {
  return { content, has_submenu: true, submenu: { options } };
}

/** Runs something, and shows its error in a notice. */
async function showErrors(run) {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof Sentence)) console.error("TAP", error);
    notify("error", error instanceof Sentence ? error.message : "The calibrations could not be saved.");
  }
}
