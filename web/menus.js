/** What the pack adds to the menus of its nodes. */
import { SETTING, checkName, checkText, readSaved, withoutOne } from "./calibrations.js";
import {
  addBefore, askFor, changeSetting, kindOf, knowsKind, linkedInputs, notify, setWidgets, settingOf, sourceOf,
  widgetValues,
} from "./comfy_api.js";
import { insertEntries } from "./insert.js";
import { sayOn } from "./live/attach.js";
import { ACCELERATE, presetWith, presetWords, presetsIn } from "./presets.js";
import { Sentence } from "./sentence.js";
import { textOf } from "./text/attach.js";

// The node whose widget holds a calibration as text, and the one that makes and shows it.
const PLACEMENT = "TapPlacement";
const TEXT = "text";
const CALIBRATE = "TapCalibrate";

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
  const now = presetWith(presets, widgetValues(node));
  return presets.map((preset) => ({
    content: `${preset.name}${preset === now ? " \u2713" : ""}: ${preset.says}`,
    callback: () => {
      setWidgets(node, preset.values);
      sayOn(node, presetWords(preset.name, linkedInputs(node)));
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
      const source = sourceOf(node, "schedule");
      const placement = source && kindOf(source) === PLACEMENT ? source : addBefore(node, PLACEMENT, "schedule");
      setWidgets(placement, { [TEXT]: saved[name] });
      sayOn(node, `Calibration ${name} is set in the node connected to schedule.`);
    },
  }));
}

function placementEntries(node) {
  const saved = readSaved(settingOf(SETTING));
  const names = Object.keys(saved);
  const entries = [saveEntry(() => widgetValues(node)[TEXT])];
  if (!names.length) return entries;
  const use = (name) => ({ content: name, callback: () => setWidgets(node, { [TEXT]: saved[name] }) });
  const remove = (name) => ({
    content: name,
    callback: () => showErrors(() => write(withoutOne(saved, name), `${name} is deleted.`)),
  });
  return [
    ...entries, submenu("Saved calibrations", names.map(use)), submenu("Delete a calibration", names.map(remove)),
  ];
}

function saveEntry(textOf) {
  return { content: "Save this calibration", callback: () => showErrors(() => save(textOf())) };
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
