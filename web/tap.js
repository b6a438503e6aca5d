/** TAP in the browser: the viewer, the strip of the run, presets. */
import { SETTING as CALIBRATIONS } from "./calibrations.js";
import { onEvent, register } from "./comfy_api.js";
import { SETTING, attachStrip, showRun, showStrips } from "./live/attach.js";
import { EVENT } from "./live/run_state.js";
import { menuOf, readPresets } from "./menus.js";
import { attachViewer, showExecuted, showOutputs } from "./viewer/attach.js";

const style = document.createElement("link");
Object.assign(style, { rel: "stylesheet", href: new URL("./tap.css", import.meta.url).href });
document.head.append(style);

register({
  name: "TAP.Accelerate",
  settings: [
    {
      id: SETTING,
      name: "Show the steps of a run on TAP Accelerate",
      tooltip: "The strip fills while sampling; off takes it away. It costs under 0.5 % of the sampling time.",
      type: "boolean",
      defaultValue: true,
      category: ["TAP", "Live", "Strip"],
      onChange: (on) => showStrips(on),
    },
    { id: CALIBRATIONS, name: "Saved calibrations", type: "hidden", defaultValue: {} },
  ],
  async setup() {
    onEvent("executed", showExecuted);
    onEvent(EVENT, showRun);
    await readPresets();
  },
  nodeCreated(node) {
    attachStrip(node);
    attachViewer(node);
  },
  onNodeOutputsUpdated: showOutputs,
  getNodeMenuItems: menuOf,
});
