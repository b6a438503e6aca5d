/** Small helpers for building and painting. */

/**
 * An element with properties, attributes (those with a dash, and role) and children; text never becomes markup.
 * @param {string} kind such as "div.tap-row"
 * @param {Record<string, unknown>} properties
 * @param {...(Node | string)} children
 */
export function make(kind, properties = {}, ...children) {
  const [tag, ...classes] = kind.split(".");
  const element = document.createElement(tag);
  element.classList.add(...classes);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") element.setAttribute(name, String(value));
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/**
 * A canvas context in CSS pixels, sharp on every screen, cleared; null while the canvas has no size.
 * @param {HTMLCanvasElement} canvas
 */
export function freshContext(canvas) {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (!width || !height) return null;
  const scale = Math.max(window.devicePixelRatio || 1, 1);
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const context = canvas.getContext("2d");
  context.setTransform(w / width, 0, 0, h / height, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** Where a pointer is in an element, in the element's own CSS pixels at any zoom of the graph. */
export function pointIn(element, event) {
  const box = element.getBoundingClientRect();
  return {
    x: ((event.clientX - box.left) * element.clientWidth) / (box.width || 1),
    y: ((event.clientY - box.top) * element.clientHeight) / (box.height || 1),
  };
}

/** The colours in which an element is shown now. */
export function themeOf(element) {
  const style = getComputedStyle(element);
  const named = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  return {
    text: style.color,
    faint: named("--tap-faint", "#8a8f98"),
    back: named("--tap-back", "#222222"),
    accent: named("--tap-accent", "#3b9eff"),
  };
}

/** Calls back when the page changes its theme, until the signal ends it. */
export function onThemeChange(callback, signal) {
  const observer = new MutationObserver(() => requestAnimationFrame(callback));
  for (const element of [document.documentElement, document.body])
    observer.observe(element, { attributes: true, attributeFilter: ["class", "style"] });
  signal.addEventListener("abort", () => observer.disconnect());
}
