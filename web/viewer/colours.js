/** Colours as numbers, and what can be read on them. */

/** Ink and thickness of the two lines of a frame that is seen on every colour. */
export const FRAME = [["#000000", 4], ["#ffffff", 2]];

/** "#rrggbb" -> [r, g, b]. */
export function rgbOf(hex) {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

/** Black or white, whichever stands out more on a colour (WCAG 2 relative luminance). */
export function inkOn(hex) {
  const [r, g, b] = rgbOf(hex).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}

/**
 * The pixels of a map, one a token: RGBA, row by row.
 * @param {ArrayLike<number>} classes
 * @param {string[]} colours of the classes
 * @param {ArrayLike<number>} entries legend entry of each class
 * @param {number} alone the only entry to show, -1 for all
 */
export function paintTokens(classes, colours, entries, alone) {
  const table = colours.map(rgbOf);
  const pixels = new Uint8ClampedArray(4 * classes.length);
  for (let i = 0; i < classes.length; i++) {
    const [r, g, b] = table[classes[i]];
    const shown = alone < 0 || entries[classes[i]] === alone;
    pixels.set([r, g, b, shown ? 255 : 0], 4 * i);
  }
  return pixels;
}
