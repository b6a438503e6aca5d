"""The knobs of every schedule, with the defaults of its settings."""

from dataclasses import fields

from comfy_api.latest import io

from ...tap_core.schedules import easycache, sada
from ...tap_core.schedules.model_tables import MAGNITUDES, POLYNOMIALS
from ...tap_core.schedules.ranged import Range
from ...tap_core.schedules.registry import SCHEDULES

OWN = "own numbers"
WHOLE_RUN = Range()
WARMUP = "Higher keeps the composition closer to the full picture: this many first steps are all computed."
MAX_SKIP = "Lower computes more steps: at most this many are forecast in a row. 0 sets no limit."
LOWER_IS_CLOSER = "Lower computes more steps and keeps the picture closer to the full one. 0 computes all."


def schedule_options() -> list[io.DynamicCombo.Option]:
    """One option for each schedule, in the order of the registry."""
    makers = {
        "interval": _interval, "list of steps": _listed, "TAP with fallback": _fallback, "TeaCache": _teacache,
        "MagCache": _magcache, "EasyCache": _easycache, "DiCache": _dicache, "CG-Taylor": _cg_taylor,
        "SpeCa": _speca, "TC-Pade": _tc_pade, "SADA": _sada, "Spectrum": _spectrum,
    }
    return [io.DynamicCombo.Option(name, makers[name](_Knobs(name))) for name in SCHEDULES]


def range_inputs(outside: str, advanced: bool = False) -> list[io.Input]:
    """Start and end of the part of the run in which steps may be forecast. outside: what is done elsewhere."""
    tooltips = {
        "start_percent": "Higher keeps the composition closer to the full picture: before this share of the run "
                         f"{outside} It is counted by noise level, as in ControlNet nodes: 0 is the start, 1 the end.",
        "end_percent": "Lower keeps fine details closer to the full picture: from this share of the run on "
                       f"{outside} It is counted as start_percent.",
    }
    return [
        io.Float.Input(name, default=getattr(WHOLE_RUN, name), min=0.0, max=1.0, step=0.01, round=1e-6, optional=True,
                       advanced=advanced, tooltip=tooltip)
        for name, tooltip in tooltips.items()
    ]


class _Knobs:
    """Makes the inputs of one schedule; each has the name and the default of a field of its settings."""

    def __init__(self, schedule: str) -> None:
        self._defaults = {field.name: field.default for field in fields(SCHEDULES[schedule])}

    def number(self, name: str, most: float, tooltip: str, least: float = 0.0, step: float = 0.01) -> io.Input:
        return io.Float.Input(
            name, default=self._defaults[name], min=least, max=most, step=step, round=1e-6, tooltip=tooltip
        )

    def count(self, name: str, most: int, tooltip: str, least: int = 0, default: int | None = None) -> io.Input:
        default = self._defaults[name] if default is None else default
        return io.Int.Input(name, default=default, min=least, max=most, tooltip=tooltip)

    def switch(self, name: str, tooltip: str) -> io.Input:
        return io.Boolean.Input(name, default=self._defaults[name], tooltip=tooltip)

    def choice(self, name: str, options: tuple[str, ...], tooltip: str) -> io.Input:
        return io.Combo.Input(name, options=list(options), default=self._defaults[name], tooltip=tooltip)

    def threshold(self, most: float, step: float = 0.01, note: str = "") -> io.Input:
        return self.number("threshold", most, f"{LOWER_IS_CLOSER} {note}".strip(), step=step)

    def guards(self, warmup: bool = True) -> list[io.Input]:
        """The inputs of every schedule that watches a run."""
        first = [self.count("warmup", 50, WARMUP)] if warmup else []
        return [
            *first,
            self.switch("last_full", "On keeps grain out of the picture: the last step is computed."),
            self.count("max_skip", 50, MAX_SKIP),
        ]


def _interval(knobs: _Knobs) -> list[io.Input]:
    return [
        knobs.count("interval", 50, "Higher is faster: one step in this many is computed.", least=1, default=5),
        knobs.count("warmup", 50, f"{WARMUP} 1 gives FORA's schedule."),
    ]


def _listed(knobs: _Knobs) -> list[io.Input]:
    return [io.String.Input(
        "steps", default="0, 1, 2, 7, 12, 17, 19", multiline=True,
        tooltip="The steps to compute, counted from 0, in order, such as 0, 1, 2, 7-10.",
    )]


def _fallback(knobs: _Knobs) -> list[io.Input]:
    return [
        knobs.number("factor", 100.0, "Computes a step when even the best predictors have an error this many times "
                     "larger than usual. Lower computes more steps.", step=0.1),
        knobs.count("interval", 50, "At least one step in this many is computed.", least=1),
        *knobs.guards(),
    ]


def _teacache(knobs: _Knobs) -> list[io.Input]:
    return [
        knobs.threshold(20.0, note="0.25 to 0.8 are usual for FLUX."),
        io.Combo.Input("polynomial", options=[*POLYNOMIALS, OWN], default="FLUX",
                       tooltip="Measured for this model. TeaCache needs one for each model."),
        io.String.Input("coefficients", default="1, 0",
                        tooltip=f"Used with {OWN}: highest power first. 1, 0 takes the change as it is."),
        *knobs.guards(),
    ]


def _magcache(knobs: _Knobs) -> list[io.Input]:
    return [
        knobs.threshold(10.0, note="Its authors use 0.24 for FLUX, 0.06 for Qwen-Image."),
        knobs.count("max_skip", 50, MAX_SKIP),
        knobs.number("retention", 1.0, "All steps in this share of the run, at its start, are computed."),
        io.Combo.Input("magnitudes", options=[*MAGNITUDES, OWN], default="FLUX",
                       tooltip="Measured for this model. MagCache needs them for each model."),
        io.String.Input("ratios", default="1", tooltip=f"Used with {OWN}: one for each step of the measured run."),
    ]


def _easycache(knobs: _Knobs) -> list[io.Input]:
    return [
        knobs.threshold(5.0, step=0.005),
        knobs.choice("forecast", easycache.FORECASTS, "offset is its authors' forecast and does not call the model at "
                     "all. pool uses TAP's predictors."),
        *knobs.guards(),
    ]


def _dicache(knobs: _Knobs) -> list[io.Input]:
    return [
        knobs.threshold(10.0, note="Its authors use 0.4 for FLUX, 0.08 with difference."),
        knobs.number("retention", 1.0, "All steps in this share of the run, at its start, are computed."),
        knobs.switch("difference", "On leaves out of the change what the block's input changed by itself."),
        *knobs.guards(),
    ]


def _cg_taylor(knobs: _Knobs) -> list[io.Input]:
    return [
        knobs.threshold(5.0, step=0.005, note="Its authors use 0.03 for FLUX, 0.08 for HunyuanVideo, 0.18 for Wan."),
        knobs.count("order", 3, "Order of the first block's forecast, which is compared with the block's result."),
        *knobs.guards(),
    ]


def _speca(knobs: _Knobs) -> list[io.Input]:
    return [
        knobs.threshold(50.0, step=0.1),
        knobs.count("order", 3, "Order of the last block's forecast, which is compared with the block's result."),
        knobs.number("decay", 1.0, "Lower computes more late steps: this share of the threshold is left at the end."),
        knobs.number("floor", 50.0, "The threshold never falls below this."),
        knobs.count("min_skip", 50, "Higher is faster: at least this many steps are forecast in a row."),
        *knobs.guards(),
    ]


def _tc_pade(knobs: _Knobs) -> list[io.Input]:
    return [
        knobs.number("threshold", 3.0, "How straight the path must be for a step to be forecast: 2 is a straight line. "
                     "Higher computes more steps."),
        knobs.count("interval", 50, "At least one step in this many is computed.", least=1),
        knobs.switch("printed", "On takes the paper's formula exactly as printed. The threshold is then at most 1."),
        *knobs.guards(),
    ]


def _sada(knobs: _Knobs) -> list[io.Input]:
    return [
        knobs.choice("forecast", sada.FORECASTS, "linear and step-wise are its authors' forecasts and do not call the "
                     "model at all. pool uses TAP's predictors."),
        knobs.number("start_share", 1.0, "All steps in this share of the run, at its start, are computed."),
        knobs.number("stop_share", 1.0, "All steps after this share of the run are computed."),
        knobs.number("multistep_from", 1.0, "After this share of the run, one step in multistep_interval is computed."),
        knobs.count("multistep_interval", 50, "Used after multistep_from. 1 lets the method decide there.", least=1),
        knobs.count("multistep_term", 8, "How many computed steps a forecast uses after multistep_from.", least=1),
        *knobs.guards(),
        knobs.switch("token_wise", "On computes only the tokens that need it where the path is not stable, and "
                     "forecasts the others. Less close with the other settings as they are. Works on FLUX, Qwen-Image, "
                     "Wan, HunyuanVideo and Stable Diffusion 3."),
    ]


def _spectrum(knobs: _Knobs) -> list[io.Input]:
    return [
        knobs.number("window", 50.0, "Higher is faster: the first computed steps are this many steps apart.",
                     least=1.0, step=0.25),
        knobs.number("growth", 10.0, "Higher is faster: each window is this much wider than the one before. 0.75 "
                     "computes 14 of 50 steps, 3 computes 10.", step=0.05),
        knobs.count("warmup", 50, WARMUP),
    ]
