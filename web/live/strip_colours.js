/** Colours of the strip that can be told from whatever it stands on: the theme's, moved as far as that takes. */

// The least contrast of graphics that people can see (WCAG 2, 1.4.11), with a margin for rounding.
export const LEAST = 3.1;
// A step that was done stands out from one that is planned.
const DONE = 4.6;
const BLACK = [0, 0, 0];
const WHITE = [255, 255, 255];
const BLUE = [59, 158, 255];

/** Red, green and blue of a colour as a page computes it, or of #rrggbb. @returns {number[] | null} */
export function channels(colour) {
  const hex = /^#([\da-f]{2})([\da-f]{2})([\da-f]{2})/i.exec(colour);
  if (hex) return hex.slice(1).map((part) => parseInt(part, 16));
  const found = colour.match(/[\d.]+/g)?.slice(0, 3).map(Number);
  if (found?.length !== 3) return null;
  return colour.startsWith("color(") ? found.map((part) => 255 * part) : found;
}

/** The contrast of two colours, 1 to 21. Source: WCAG 2, relative luminance. */
export function contrast(one, other) {
  const [more, less] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (more + 0.05) / (less + 0.05);
}

/**
 * @param {string} back what the strip stands on
 * @returns {{computed: string, forecast: string, planned: string, plannedForecast: string, hatch: string}}
 */
export function coloursOn(back) {
  const ground = channels(back) ?? [34, 34, 34];
  const ink = contrast(ground, WHITE) > contrast(ground, BLACK) ? WHITE : BLACK;
  const least = Math.min(DONE, contrast(ground, ink));
  return {
    computed: css(ink),
    forecast: css(toward(ink, BLUE, ground, least)),
    planned: css(toward(ink, ground, ground, LEAST)),
    plannedForecast: css(toward(ink, BLUE, ground, LEAST)),
    hatch: css(ground),
  };
}

/** From `wished` as little toward the ink as the contrast on the ground takes. */
function toward(ink, wished, ground, least) {
  for (let part = 0; part <= 1; part += 0.02) {
    const mixed = wished.map((value, i) => Math.round(value + part * (ink[i] - value)));
    if (contrast(mixed, ground) >= least) return mixed;
  }
  return ink;
}

function luminance(colour) {
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const [red, green, blue] = colour.map((value) => linear(value / 255));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function css(colour) {
  return `rgb(${colour.join(", ")})`;
}
