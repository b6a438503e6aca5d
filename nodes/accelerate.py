"""TAP Accelerate: MODEL in, a faster MODEL and the record of its runs out."""

from comfy_api.latest import io

from ..tap_core.record.record import RecordHolder
from ..tap_core.sampling.pool_settings import PoolSettings
from ..tap_core.sampling.settings import WIDEST_STRIDE, TapSettings
from ..tap_core.schedules.registry import AnySchedule
from .comfy_bridge.run.wrappers import TapPatch
from .inputs.forecasting import DEFAULTS, choice_input, horizon_inputs, horizon_step_input, why_no_pool
from .inputs.sockets import TAP_POOL, TAP_RECORD, TAP_SCHEDULE


class TapAccelerate(io.ComfyNode):
    """Skips most of the transformer's work and forecasts it, token by token."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Ids and input names are stable: append only."""
        return io.Schema(
            node_id="TapAccelerate",
            display_name="TAP Accelerate",
            category="tap",
            description="Makes sampling several times faster: on most steps the transformer is not run, its result is "
            "forecast for every token by the predictor that does best there. Put it between model loader and sampler.",
            search_aliases=["cache", "speed", "faster", "teacache", "taylorseer", "easycache", "token adaptive"],
            inputs=[
                io.Model.Input("model", tooltip="The model to make faster; one that TAP does not know runs as usual."),
                *_main_inputs(),
                *_advanced_inputs(),
                TAP_SCHEDULE.Input(
                    "schedule", optional=True,
                    tooltip="From TAP Schedule or TAP Method: replaces interval, warmup_steps and placement.",
                ),
                TAP_POOL.Input(
                    "predictors", optional=True,
                    tooltip="From TAP Predictor Pool or TAP Method: replaces orders and horizons.",
                ),
                choice_input(
                    "trust", optional=True, advanced=True,
                    tooltip="learned keeps the picture closer to the full one when few steps are computed: a forecast "
                    "goes only as far as the ones before it came true. full: all the way (the paper's).",
                ),
                io.Int.Input(
                    "probe_stride", default=DEFAULTS.probe_stride, min=1, max=WIDEST_STRIDE, optional=True,
                    advanced=True,
                    tooltip="Higher takes less memory: predictors are judged on one in so many channels. 4 gives "
                    "pictures as near to the full one as all of them, 1, the paper's.",
                ),
            ],
            outputs=[
                io.Model.Output(display_name="MODEL", tooltip="The same model, faster."),
                TAP_RECORD.Output(display_name="TAP_RECORD", tooltip="What the last run did, for the TAP views."),
            ],
            hidden=[io.Hidden.unique_id],
            # Nodes with equal inputs must not share an output: each has its own id, strip and record.
            not_idempotent=True,
        )

    @classmethod
    def validate_inputs(
        cls, orders: str, horizon_from: int, horizon_to: int, horizon_step: float
    ) -> bool | str:
        """True, or a sentence that says what to change; linked values are not known yet and are checked on execute."""
        return why_no_pool(orders, horizon_from, horizon_to, horizon_step)

    @classmethod
    def execute(
        cls, model: io.Model.Type, schedule: AnySchedule | None = None, predictors: PoolSettings | None = None,
        **sliders: object,
    ) -> io.NodeOutput:
        """A clone with TAP's wrappers; the record is filled while a sampler runs it."""
        holder = RecordHolder()
        accelerated = model.clone()
        settings = TapSettings(**sliders, given_schedule=schedule, given_pool=predictors)
        TapPatch(settings, holder, cls.hidden.unique_id if cls.hidden else "").install(accelerated)
        return io.NodeOutput(accelerated, holder)


def _main_inputs() -> list[io.Input]:
    return [
        io.Int.Input(
            "interval", default=DEFAULTS.interval, min=1, max=20, display_mode=io.NumberDisplay.slider,
            tooltip="Higher is faster and strays further from the full picture. One step in this many is computed, the "
            "others are forecast. 1 turns TAP off. 5 computes 12 of 50 steps.",
        ),
        choice_input(
            "orders",
            tooltip="More choice suits more parts of the picture and rarely costs time. What each token may choose "
            "from: 0 repeats the last result, 1 follows its line, 2 its curve, 3 bends most.",
        ),
        *horizon_inputs(),
        choice_input(
            "proxy_loss",
            tooltip="Decides which predictor a token takes: the one that comes nearest on its probe, by direction "
            "(cosine) or by distance (l2, l1).",
        ),
    ]


def _advanced_inputs() -> list[io.Input]:
    return [
        io.Int.Input(
            "warmup_steps", default=DEFAULTS.warmup_steps, min=0, max=20, advanced=True,
            tooltip="Higher keeps the composition closer to the full picture, for more time: with placement paper so "
            "many first steps are all computed; otherwise they add to how many steps are computed.",
        ),
        horizon_step_input(),
        choice_input(
            "target", advanced=True,
            tooltip="Changes quality and memory by what is forecast: residual is what the blocks add (the paper's), "
            "output is the model's answer itself, smoother and lighter on memory; denoised is the picture it has in "
            "mind, which keeps its course when the sampler adds noise. auto is output, and leans on denoised "
            "once noise was seen.",
        ),
        choice_input(
            "time_axis", advanced=True,
            tooltip="Changes how far ahead a step seems: distance is the number of steps (the paper's) or noise level.",
        ),
        choice_input(
            "cache_device", advanced=True,
            tooltip="cpu frees some memory on the graphics card and is slower.",
        ),
        choice_input(
            "correction", advanced=True,
            tooltip="on brings the picture closer to the full one at no cost: at each full step, what the forecasts "
            "before it left undone is made good. Works with euler, ddim and other samplers that make plain steps.",
        ),
        choice_input(
            "placement", advanced=True,
            tooltip="Moves the computed steps, as many in each case. change: more of them where the picture takes "
            "shape, and the last one, which keeps grain away. even: at equal distances. paper: the first ones, then "
            "one in every interval.",
        ),
    ]
