"""TAP Predictor Pool: which predictors each token may choose from, and how it chooses."""

from comfy_api.latest import io

from ..tap_core.engine.selector import SELECTIONS
from ..tap_core.predictors.families import FAMILIES
from ..tap_core.sampling.pool_settings import PoolSettings
from .inputs.forecasting import choice_input, horizon_inputs, horizon_step_input
from .inputs.sockets import TAP_POOL

DEFAULTS = PoolSettings()


class TapPredictorPool(io.ComfyNode):
    """Lets each token choose from the predictors of several published methods."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Ids and input names are stable: append only."""
        return io.Schema(
            node_id="TapPredictorPool",
            display_name="TAP Predictor Pool",
            category="tap",
            description="Lets every token choose from the predictors of several published methods. Connect it to "
            "predictors of TAP Accelerate. For one fixed predictor, switch on one family, choose one order and set "
            "both horizons to 0.",
            search_aliases=["tap", "taylorseer", "hicache", "spectrum", "foca", "freqca", "dicache", "pade"],
            inputs=[*_family_inputs(), *_choice_inputs(), *_advanced_inputs()],
            outputs=[TAP_POOL.Output(display_name="TAP_POOL", tooltip="For predictors of TAP Accelerate.")],
        )

    @classmethod
    def execute(cls, learned: PoolSettings | None = None, **values: object) -> io.NodeOutput:
        """The settings of the pool; TapError says what to change if they make no pool."""
        families = tuple(name for name in FAMILIES if values.pop(_input_name(name)))
        weights = None if learned is None else learned.learned
        return io.NodeOutput(PoolSettings(families, learned=weights, learned_beside=weights is not None, **values))


def _input_name(family: str) -> str:
    return family.replace("-", "_")


def _family_inputs() -> list[io.Input]:
    return [
        io.Boolean.Input(
            _input_name(name), display_name=family.label, default=name in DEFAULTS.families, tooltip=family.about
        )
        for name, family in FAMILIES.items()
    ]


def _choice_inputs() -> list[io.Input]:
    return [
        choice_input(
            "orders",
            tooltip="More orders rarely cost time. 0 repeats the last result. 1 to 3 are the orders of Taylor, Newton, "
            "Hermite, HiCache and Adams-Bashforth. The other families have their own orders.",
        ),
        *horizon_inputs(),
        io.Combo.Input(
            "selection", options=list(SELECTIONS), default=DEFAULTS.selection,
            tooltip="Decides how a token gets its predictor. best: it takes the predictor that does best on its probe. "
            "blend: it mixes the best two. The others are for comparison: one for all tokens, a random one, or an "
            "oracle, which computes every step to see which one is best.",
        ),
    ]


def _advanced_inputs() -> list[io.Input]:
    return [
        horizon_step_input(),
        io.Int.Input(
            "hermite_steps", default=DEFAULTS.hermite_steps, min=2, max=12, advanced=True,
            tooltip="Higher makes Hermite's fit smoother and takes more memory: this many computed steps are kept for "
            "it.",
        ),
        io.Int.Input(
            "spectrum_steps", default=DEFAULTS.spectrum_steps, min=2, max=12, advanced=True,
            tooltip="Higher lets Spectrum see more of the run and takes more memory: this many computed steps are kept "
            "for it.",
        ),
        io.Float.Input(
            "hicache_scale", default=DEFAULTS.hicache_scale, min=0.1, max=1.0, step=0.05, advanced=True,
            tooltip="Lower makes HiCache calmer: 0.5 follows half the slope, 0.7 all of it.",
        ),
        io.Float.Input(
            "freqca_cutoff", default=DEFAULTS.freqca_cutoff, min=0.0, max=1.0, step=0.05, advanced=True,
            tooltip="Higher makes FreqCa repeat more of the picture and continue only its finest part.",
        ),
        io.Int.Input(
            # Without this the browser draws a new number after every run for an input of this name.
            "seed", default=DEFAULTS.seed, min=0, max=2**31 - 1, advanced=True, control_after_generate=False,
            tooltip="Another number draws other predictors. It matters only with selection random.",
        ),
        TAP_POOL.Input(
            "learned", optional=True, advanced=True,
            tooltip="The learned weights of TAP Calibrate or TAP Placement, as one more predictor. Tokens rarely "
            "choose them. Connect TAP_POOL of those nodes to TAP Accelerate itself to use only the weights.",
        ),
    ]
