/** Asks the server to send events of runs to this page, and for the state of the last runs. */
import { askServer, clientId, tellServer } from "../comfy_api.js";

let told = "";

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
