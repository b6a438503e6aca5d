/** Presets of TAP Accelerate: named sets of values for the node's widgets. */

/** The class of the node that all this is about. */
export const ACCELERATE = "TapAccelerate";

// Inputs that replace widgets when something is connected to them.
export const REPLACED = {
  schedule: ["quality", "interval", "warmup_steps", "placement", "most_computed"],
  predictors: ["orders", "horizon_from", "horizon_to", "horizon_step"],
};

/**
 * @param {{presets: object[], shared: Record<string, object>}} table presets.json
 * @returns {{name: string, says: string, values: Record<string, unknown>}[]} says: what it costs and gains
 */
export function presetsIn({ presets, shared }) {
  return presets.map(({ name, says, of, values }) => ({ name, says, values: { ...shared[of], ...values } }));
}

/** The values of widgets that decide something: what is connected to the node replaces the others. */
export function withoutReplaced(values, linked) {
  const replaced = linked.flatMap(replacedBy);
  return Object.fromEntries(Object.entries(values).filter(([name]) => !replaced.includes(name)));
}

/** The widgets that an input replaces when something is connected to it; most inputs are a widget's own. */
function replacedBy(input) {
  return REPLACED[input] ?? [input];
}

/** The preset whose values these widgets have, or null. @param {Record<string, unknown>} values */
export function presetWith(presets, values) {
  const fits = (preset) => Object.entries(preset.values).every(([name, value]) => values[name] === value);
  return presets.find(fits) ?? null;
}

/**
 * What to say after a preset was set.
 * @param {{name: string, values: Record<string, unknown>}} preset
 * @param {string[]} linked names of the inputs that something is connected to
 * @returns {{words: string, warns: boolean}}
 */
export function presetWords({ name, values }, linked) {
  const replacing = linked.filter((input) => replacedBy(input).some((widget) => widget in values));
  if (!replacing.length) return { words: `${name} is set. Queue to use it.`, warns: false };
  const widgets = [...new Set(replacing.flatMap(replacedBy))].join(", ");
  const words = `${name} is set, but what is connected to ${replacing.join(" and ")} replaces ${widgets}.`;
  return { words, warns: true };
}
