"""TC-Pade, SADA and CG-Taylor as their papers and codes set them; nothing is turned.

TC-Pade was made for 20 steps: a window of 4, thresholds 0.7 (its fast setting), 1.0 and 1.3. The codes of SADA and
CG-Taylor give settings for 50 steps only; SADA's are taken by their shares of the run, CG-Taylor's as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tap_pack.tap_core.sampling.methods import METHODS
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedule import AnySchedule
from tap_pack.tap_core.schedules.tc_pade import TrajectoryStabilitySchedule

from models.paper_settings import PAPER_SETTINGS

# The class of each model, as adapters call it: some settings differ from class to class.
CLASSES = {"demo": "FLUX", "words": "Qwen-Image", "balls": "Wan"}
FAST, SLOW, CAREFUL = 0.7, 1.0, 1.3
# SADA's code for FLUX continues a line and has its multistep stage from two fifths on; its paper, and its code for
# Stable Diffusion, go step-wise and have it in the second half.
OF_THE_PAPER = {"forecast": "step-wise", "multistep_from": 0.5, "multistep_term": 4}


@dataclass(frozen=True)
class OwnSettings:
    """A method as its paper sets it. turned: the contender that is the same method with a dial."""

    name: str
    turned: str
    method: str
    schedule: AnySchedule

    def settings(self) -> TapSettings:
        """What TAP Accelerate is told."""
        return TapSettings(**PAPER_SETTINGS, given_pool=METHODS[self.method].pool, given_schedule=self.schedule)


def own_settings(model: str) -> Sequence[OwnSettings]:
    """All of them for one of the three models."""
    gate, sada = (METHODS[name].schedule(CLASSES[model]) for name in ("CG-Taylor", "SADA"))
    by_steps = replace(sada, **OF_THE_PAPER)
    return [
        *(OwnSettings(f"TC-Pade, window 4, threshold {threshold:g}", "TC-Pade", "TC-Pade",
                      TrajectoryStabilitySchedule(threshold=threshold)) for threshold in (FAST, SLOW, CAREFUL)),
        OwnSettings("SADA, its shares of the run", "SADA, from step 3 on", "SADA", sada),
        OwnSettings("SADA, token-wise, its shares of the run", "SADA, token-wise", "SADA",
                    replace(sada, token_wise=True)),
        OwnSettings("SADA, step-wise, its shares of the run", "SADA, from step 3 on", "SADA", by_steps),
        OwnSettings("SADA, step-wise and token-wise, its shares of the run", "SADA, token-wise", "SADA",
                    replace(by_steps, token_wise=True)),
        OwnSettings(f"CG-Taylor, threshold {gate.threshold:g}, order {gate.order}", "CG-Taylor", "CG-Taylor", gate),
    ]
