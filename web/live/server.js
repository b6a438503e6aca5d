/** Asks the server to send events of runs to this page, and for the state of the last runs. */
import { askServer, clientId, tellServer } from "../comfy_api.js";

let told = "";
// The events of a prompt come while it runs.
const MOST = 20;
/** @type {Map<string, Promise<{workflow: string, nodes: string[]}>>} */
const prompts = new Map();

/** Tells the server whether this page wants events of runs, unless it was told already. */
export async function tellWanted(enabled) {
  const client = clientId();
  if (!client || told === `${client} ${enabled}`) return;
  told = `${client} ${enabled}`;
  try {
    await tellServer("/tap/live", { clientId: client, enabled });
  } catch {
    forget();
  }
}

/** Forgets what the server was told: it may have restarted. */
export function forget() {
  told = "";
}

/** The last runs of the nodes of a workflow; none if the server does not answer. */
export async function lastRuns(workflow) {
  if (!workflow) return [];
  try {
    const answer = await askServer(`/tap/runs/${encodeURIComponent(workflow)}`);
    const found = answer.ok ? await answer.json() : [];
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

/** The runs whose results a prompt gets from ComfyUI's cache; none if the server does not answer. */
export async function cachedRuns(prompt, nodes) {
  const found = await answerOf("/tap/cached", { prompt, nodes });
  return Array.isArray(found) ? found : [];
}

/** The runs that the nodes of a prompt still show, though it failed before it came to them. */
export async function stoppedRuns(prompt) {
  const found = await answerOf("/tap/stopped", { prompt });
  return Array.isArray(found) ? found : [];
}

/** The workflow that a prompt was queued from, "" if that is not known, and the nodes of the prompt. */
export function promptOf(prompt) {
  if (!prompts.has(prompt)) prompts.set(prompt, askPrompt(prompt));
  if (prompts.size > MOST) prompts.delete(prompts.keys().next().value);
  return prompts.get(prompt);
}

async function askPrompt(prompt) {
  const found = prompt && await answerOf("/tap/prompt", { prompt });
  if (!found) prompts.delete(prompt); // without an answer it is asked for again
  return { workflow: String(found?.workflow ?? ""), nodes: Array.isArray(found?.nodes) ? found.nodes : [] };
}

/** The plan with these values and so many steps, or null. @returns {Promise<{line: string, plan: string} | null>} */
export async function planFor(values, steps) {
  const found = await answerOf("/tap/plan", { values, steps });
  return typeof found?.line === "string" && typeof found.plan === "string" ? found : null;
}

async function answerOf(path, asked) {
  try {
    const answer = await tellServer(path, asked);
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}
