"""TAP Accelerate: takes a MODEL, gives a faster MODEL and the record of its runs."""

from comfy_api.latest import io

from ..tap_core.closeness import MOST_CLOSER
from ..tap_core.record.holder import RecordHolder
from ..tap_core.sampling.pool_settings import PoolSettings
from ..tap_core.sampling.settings import WIDEST_STRIDE, TapSettings
from ..tap_core.schedule import AnySchedule
from .comfy_bridge.run.wrappers import TapPatch
from .inputs.forecasting import DEFAULTS, choice_input, horizon_inputs, horizon_step_input, why_no_pool
from .inputs.schedules import range_inputs
from .inputs.sockets import TAP_POOL, TAP_RECORD, TAP_SCHEDULE


class TapAccelerate(io.ComfyNode):
    """Skips most of the transformer's work and forecasts its result, token by token."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Ids and input names are stable: append only."""
        return io.Schema(
            node_id="TapAccelerate",
            display_name="TAP Accelerate",
            category="tap",
            description="Makes image and video models faster: many steps are forecast instead of computed. Each token "
            "(a small square of the picture) is forecast by the predictor that does best there. Put the node between "
            "the model loader and the sampler.",
            search_aliases=["cache", "speed", "faster", "teacache", "taylorseer", "easycache", "token adaptive", "fast",
                            "accelerate", "magcache"],
            inputs=[
                io.Model.Input("model", tooltip="The model to make faster. A model that TAP cannot make faster runs as "
                "usual, and the report says why."),
                *_main_inputs(),
                *_advanced_inputs(),
                TAP_SCHEDULE.Input(
                    "schedule", optional=True,
                    tooltip="From TAP Schedule, TAP Method or TAP Placement. It replaces quality, interval, "
                    "warmup_steps, placement and most_computed.",
                ),
                TAP_POOL.Input(
                    "predictors", optional=True,
                    tooltip="From TAP Predictor Pool or TAP Method. It replaces orders and the horizons.",
                ),
                choice_input(
                    "trust", optional=True, advanced=True,
                    tooltip="learned keeps the picture closer to the full one when few steps are computed: where "
                    "earlier forecasts did not come true, or the run turns back, later ones change less; where it goes "
                    "on steadily, no token repeats its last result or stops short. full takes every forecast as it is "
                    "(the paper's).",
                ),
                io.Int.Input(
                    "probe_stride", default=DEFAULTS.probe_stride, min=1, max=WIDEST_STRIDE, optional=True,
                    advanced=True,
                    tooltip="Higher takes less memory: predictors are judged on one channel in this many. 4 gives "
                    "pictures as close to the full one as 1, which uses all channels (the paper's).",
                ),
                io.Int.Input(
                    "most_computed", default=DEFAULTS.most_computed, min=0, max=1000, optional=True, advanced=True,
                    tooltip="At most this many steps are computed, even if the picture is then less close than "
                    "quality asks; the report says how close. Samplers that evaluate a step twice, such as heun, call "
                    "the model twice for each. 0 sets no limit. Steps before start_percent and after end_percent are "
                    "computed in any case. Not used with quality fixed or a connected schedule.",
                ),
                io.Int.Input(
                    "memory_limit", default=DEFAULTS.memory_limit, min=0, max=1000000, optional=True, advanced=True,
                    tooltip="At most this many MB of what TAP keeps stay on the graphics card. The oldest results of "
                    "computed steps move to the CPU then, which makes forecast steps slower. Where not even a few "
                    "copies of the latent fit, every step is computed, and the report says so. 0 sets no limit.",
                ),
                *range_inputs("every step is computed.", advanced=True),
                io.Float.Input(
                    "closer_than_told", default=DEFAULTS.closer_than_told, min=-MOST_CLOSER, max=MOST_CLOSER, step=1.0,
                    optional=True, advanced=True,
                    tooltip="How many dB pictures of your model are closer than TAP told; TAP Compare sets it after "
                    "three seeds, with a record connected. Higher takes fewer computed steps for the same quality. "
                    "Lower takes more: -10 suits a model whose pictures were 10 dB less close than told. Models differ "
                    "by 17 dB.",
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
    def validate_inputs(cls, orders: str, horizon_from: int, horizon_to: int, horizon_step: float) -> bool | str:
        """True, or a sentence that says what to change; linked values are checked on execute."""
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
        choice_input(
            "quality",
            tooltip="How close the picture has to be to the full one, which has every step computed. TAP estimates it "
            "during the run, and computes as many steps as that takes. same: no difference even side by side. close: "
            "no difference to be seen. good: small differences in detail. draft: the same picture, drawn differently; "
            "fastest. fixed: as many steps as interval says.",
        ),
        io.Int.Input(
            "interval", default=DEFAULTS.interval, min=1, max=20, display_mode=io.NumberDisplay.slider,
            tooltip="Used with quality fixed. Higher is faster, and the picture is less close to the full one. One "
            "step in this many is computed, the others are forecast; 5 computes 12 of 50 steps. 1 turns TAP off, "
            "whatever quality says.",
        ),
        choice_input(
            "orders",
            tooltip="More orders suit more parts of the picture and rarely cost time. Each token chooses one of them: "
            "0 repeats the last result, 1 follows its line, 2 its curve, 3 bends most.",
        ),
        *horizon_inputs(),
        choice_input(
            "proxy_loss",
            tooltip="Decides which predictor a token takes: the one that forecasts its probe with the smallest "
            "error. The probe is what the first block gets, and TAP knows it at every step. cosine (the paper's) "
            "compares directions; l2 and l1 measure distances.",
        ),
    ]


def _advanced_inputs() -> list[io.Input]:
    return [
        io.Int.Input(
            "warmup_steps", default=DEFAULTS.warmup_steps, min=0, max=20, advanced=True,
            tooltip="Used with quality fixed. Higher keeps the composition closer to the full picture and takes more "
            "time. With placement paper this many first steps are all computed; otherwise a higher number computes "
            "more steps in all.",
        ),
        horizon_step_input(),
        choice_input(
            "target", advanced=True,
            tooltip="Decides what is forecast. It changes how close the picture is and how much memory TAP takes. "
            "residual: what the blocks add (the paper's). output: the model's answer itself, which is smoother and "
            "takes less memory. denoised: the finished picture that the model expects, which stays steady when the "
            "sampler adds noise. auto: output, and also denoised once the sampler has added noise.",
        ),
        choice_input(
            "time_axis", advanced=True,
            tooltip="Decides how far apart steps are: step counts steps (the paper's), sigma compares noise levels.",
        ),
        choice_input("cache_device", advanced=True, tooltip="cpu frees memory on the graphics card, and is slower."),
        choice_input(
            "correction", advanced=True,
            tooltip="on brings the picture closer to the full one without another model call: each computed step "
            "repairs the errors of the forecasts before it. Helps most with samplers that add no noise; with those "
            "that do, it repairs little or nothing. With strong guidance it repairs less.",
        ),
        choice_input(
            "placement", advanced=True,
            tooltip="Decides where the computed steps are; with quality fixed their number stays the same. change: "
            "more of them where the picture takes shape, and the last step, which keeps grain away. even: at equal "
            "distances. paper, with quality fixed: the first steps, then one step in every interval; with another "
            "quality it is the same as even.",
        ),
    ]
