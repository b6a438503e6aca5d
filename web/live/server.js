/** What is agreed with the server: whether it tells this page of runs, and how the last ones stand. */
import { askServer, clientId, tellServer } from "../comfy_api.js";

let told = "";

/** Tells the server whether this page wants to hear of runs, if it has not heard so. */
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

/** The server may have been started anew. */
export function forget() {
  told = "";
}

/** What the nodes of a workflow were told of last; nothing where the server cannot be asked. */
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
