/** TAP in the browser: the viewer, the strip of the run, presets. */
import { SETTING as CALIBRATIONS } from "./calibrations.js";
import { onEvent, register } from "./comfy_api.js";
import { attachComparison } from "./compare/attach.js";
import {
  SETTING, attachStrip, followServer, showCached, showLastRuns, showNotReached, showRun, showStrips,
} from "./live/attach.js";
import { attachInputs } from "./live/inputs.js";
import { EVENT } from "./live/run_state.js";
import { forget } from "./live/server.js";
import { menuOf, readPresets } from "./menus.js";
import {
  noteCached, noteRun, outdateOutputs, restoreShown, showExecuted, showOutputs,
} from "./outputs.js";
import { liftInSearch } from "./search.js";
import { attachText } from "./text/attach.js";
import { attachViewer } from "./viewer/attach.js";

const style = document.createElement("link");
Object.assign(style, { rel: "stylesheet", href: new URL("./tap.css", import.meta.url).href });
document.head.append(style);

register({
  name: "TAP.Accelerate",
  settings: [
    {
      id: SETTING,
      name: "Show the steps of a run on TAP Accelerate",
      tooltip: "The strip fills during a run, for under 0.5 % of its time. Off hides it, and no events are sent.",
      type: "boolean",
      defaultValue: true,
      category: ["TAP", "Live", "Strip"],
      onChange: (on) => showStrips(on),
    },
    { id: CALIBRATIONS, name: "Saved calibrations", type: "hidden", defaultValue: {} },
  ],
  addCustomNodeDefs: liftInSearch,
  async setup() {
    onEvent("executed", showExecuted);
    onEvent(EVENT, (detail) => { showRun(detail); noteRun(detail); });
    onEvent("execution_cached", (detail) => { noteCached(detail); showCached(detail); });
    for (const stopped of ["execution_error", "execution_interrupted"])
      onEvent(stopped, (detail) => { outdateOutputs(detail); showNotReached(detail); });
    onEvent("status", followServer);
    onEvent("reconnected", () => { forget(); followServer(); });
    followServer();
    await readPresets();
  },
  nodeCreated(node) {
    attachInputs(node);
    attachStrip(node);
    attachText(node);
    attachComparison(node);
    attachViewer(node);
  },
  // Returns no promise: ComfyUI would wait for it.
  afterConfigureGraph() { restoreShown(); showLastRuns(); },
  onNodeOutputsUpdated: showOutputs,
  getNodeMenuItems: menuOf,
});
