"""What one model asks of a card: a stock step, a full and a skipped one, and the speed-ups to expect from them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import torch
from tap_pack.tap_core.engine.losses import PROXY_LOSSES
from tap_pack.tap_core.sampling.settings import TARGETS, TapSettings

from models.full_size import FULL_SIZES, FullSize
from models.more_sizes import MORE_SIZES
from rehearse.cards import CARDS
from rehearse.stage import Rehearsal, build, card, rehearse
from rehearse.watch import Step

SIZES = (*FULL_SIZES, *MORE_SIZES)
# Enough steps for a gap, its repair, and another gap.
STEPS, INTERVAL, GUIDED = 10, 3, 4.0
# Evaluations at which the run gets to know its sampler: it compares the model with the adapter, and goes again.
FIRST = 3
# N -> full steps of 50, and the paper's speed-up of FLUX.1-dev by the clock.
PAPER = {5: (12, 3.57), 6: (10, 4.13), 8: (8, 5.02), 10: (7, 6.79)}
PAPER_STEPS = 50
KINDS = {"full": True, "skipped": False}
BF16 = "bf16"
WEIGHTS = {BF16: None, "fp8": torch.float8_e4m3fn}
# With fp8 weights each layer makes its own bf16 of them first, and nothing else changes.
IN_FP8 = ("FLUX.1-dev", "FLUX.1-schnell", "FLUX.2-dev", "Qwen-Image", "Chroma", "Wan 2.1 14B", "HunyuanVideo", "LTX-2",
          "HiDream-I1")
# At the end of a variant's name: without guidance what its own way is to guide, and the other way round.
OTHER = "the other guidance"
# By name: settings.
VARIANTS: dict[str, dict[str, object]] = {
    "": {}, OTHER: {}, "cache_device cpu": {"cache_device": "cpu"},
    f"cache_device cpu, {OTHER}": {"cache_device": "cpu"},
    # Without most_computed, a run of unknown values may compute every step.
    "quality close, most_computed 5": {"quality": "close", "most_computed": 5},
    "correction off": {"correction": "off"}, "trust full": {"trust": "full"},
    **{f"proxy_loss {name}": {"proxy_loss": name} for name in PROXY_LOSSES if name != TapSettings.proxy_loss},
    **{f"target {name}": {"target": name} for name in TARGETS if name != TapSettings.target},
    "placement paper": {"placement": "paper"},
}


@dataclass(frozen=True)
class Job:
    """weights: a name in WEIGHTS; variant: a name in VARIANTS, "" for the defaults."""

    size: FullSize
    weights: str = BF16
    variant: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Tells its row from others."""
        return self.size.name, self.weights, self.variant

    @property
    def cfg(self) -> float:
        """The guidance; models that are given two prompts are guided."""
        return GUIDED if (len(self.size.words) > 1) != self.variant.endswith(OTHER) else 1.0

    def row(self) -> dict[str, object]:
        """Rehearse."""
        row = {"model": self.size.name, "weights": self.weights, "variant": self.variant, "size": self.size.size,
               "cfg": self.cfg}
        with card() as watch:
            model = build(self.size, weights=WEIGHTS[self.weights])
            stock = None if self.variant else rehearse(watch, self.size, model, None, 2, self.cfg).steps[-1]
            settings = TapSettings(**{"interval": INTERVAL, **VARIANTS[self.variant]})
            run = rehearse(watch, self.size, model, settings, STEPS, self.cfg)
        return row | of_run(run) | (compared(stock, run) if stock else {})


def jobs() -> list[Job]:
    """Every model with the defaults, in fp8 too where people run it so; then every setting. Quick ones come first."""
    sizes = sorted(SIZES, key=lambda size: size.blocks * len(size.words))
    return [*(Job(size) for size in sizes), *(Job(size, "fp8") for size in sizes if size.name in IN_FP8),
            *(Job(size, variant=variant) for size in sizes for variant in VARIANTS if variant)]


def of_run(run: Rehearsal) -> dict[str, object]:
    """What a run with TAP asks for."""
    return {
        "fallbacks": run.record.fallbacks, "histories": run.record.cache_bytes,
        **{name: figures_of(run.of(full)[-1]) for name, full in KINDS.items()},
        "first_waits": sorted({wait for step in run.steps[:FIRST] for wait in step.waits}),
        "waits": {name: most_waits(run, full) for name, full in KINDS.items()},
        "early": sorted({site for step in run.steps for site in step.early}),
        "doubles": sorted({site for step in run.steps for site in step.doubles}),
    }


def compared(stock: Step, run: Rehearsal) -> dict[str, object]:
    """A stock step, and the seconds of it, of a full and of a skipped step, by card."""
    steps = (stock, *(run.of(full)[-1] for full in KINDS.values()))
    return {"stock": figures_of(stock),
            "seconds": {each.name: [each.seconds(step.work) for step in steps] for each in CARDS}}


def figures_of(step: Step) -> dict[str, object]:
    """Of one step."""
    return {"operators": step.operators, "ours": step.ours, "peak": step.peak, "comfyui_waits": len(step.others_wait),
            "copies": dict(Counter(step.copies)), "flops": sum(flops for flops, _ in step.work),
            "bytes": sum(nbytes for _, nbytes in step.work)}


def most_waits(run: Rehearsal, full: bool) -> list[str]:
    """Where TAP waits at such a step once it knows its sampler: of the step that waits most."""
    later = [step.waits for step, each in list(zip(run.steps, run.record.evaluations, strict=True))[FIRST:]
             if each.full == full]
    return max(later, key=len, default=[])
