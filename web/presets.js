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

/** The preset whose values these widgets have, or null. @param {Record<string, unknown>} values */
export function presetWith(presets, values) {
  const fits = (preset) => Object.entries(preset.values).every(([name, value]) => values[name] === value);
  return presets.find(fits) ?? null;
}

/**
 * What to say after a preset was set.
 * @param {string} name of the preset
 * @param {string[]} linked names of the inputs that something is connected to
 */
export function presetWords(name, linked) {
  const replaced = linked.filter((input) => input in REPLACED);
  if (!replaced.length) return `${name} is set. Queue to use it.`;
  const widgets = replaced.flatMap((input) => REPLACED[input]).join(", ");
  return `${name} is set, but what is connected to ${replaced.join(" and ")} replaces ${widgets}.`;
}
