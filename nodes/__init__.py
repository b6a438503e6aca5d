"""The nodes of the pack."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from .accelerate import TapAccelerate
from .calibrate import TapCalibrate
from .choice_map import TapChoiceMap
from .choice_map_viewer import TapChoiceMapViewer
from .comfy_bridge.demo_models import register_demo_models
from .comfy_bridge.live.live_run import running_server
from .comfy_bridge.live.routes import add_routes
from .compare import TapCompare
from .demo_scene import TapDemoScene
from .fit_tables import TapFitTables
from .measure_run import TapMeasureRun
from .method import TapMethod
from .placement import TapPlacement
from .predictor_pool import TapPredictorPool
from .report import TapReport
from .schedule import TapSchedule

NODES: list[type[io.ComfyNode]] = [
    TapAccelerate, TapPredictorPool, TapSchedule, TapMethod, TapChoiceMap, TapReport, TapDemoScene,
    TapChoiceMapViewer, TapMeasureRun, TapCalibrate, TapPlacement, TapFitTables, TapCompare,
]


class TapExtension(ComfyExtension):
    """Lists the nodes for ComfyUI."""

    async def on_load(self) -> None:
        """Puts the demo's models into the stock loaders, and lets browsers ask for the state of runs."""
        register_demo_models()
        server = running_server()
        if server is not None:
            add_routes(server.routes, server=server)

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """The node classes, in the order of the menus."""
        return NODES
