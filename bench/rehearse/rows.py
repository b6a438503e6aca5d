"""What one model asks of a card: a stock step, a full and a skipped one, and the speed-ups to expect from them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import torch
from tap_pack.tap_core.sampling.settings import TapSettings

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
# One block of each kind: what TAP launches and reads does not depend on how many there are.
SHALLOW = {"FLUX.1-dev": {"depth": 1, "depth_single_blocks": 1}, "Qwen-Image": {"num_layers": 1},
           "Wan 2.1 1.3B": {"num_layers": 1}}
AS_IT_IS = "defaults"
# By name: settings, and the guidance if another than the model's own.
VARIANTS: dict[str, tuple[dict[str, object], float | None]] = {
    AS_IT_IS: ({}, None), "without guidance": ({}, 1.0), "with guidance": ({}, GUIDED),
    "cache_device cpu": ({"cache_device": "cpu"}, None), "quality close": ({"quality": "close"}, None),
    "correction off": ({"correction": "off"}, None), "trust full": ({"trust": "full"}, None),
    **{f"proxy_loss {name}": ({"proxy_loss": name}, None) for name in ("l1", "l2")},
    **{f"target {name}": ({"target": name}, None) for name in ("residual", "output", "denoised")},
    "placement paper": ({"placement": "paper"}, None),
}


@dataclass(frozen=True)
class Job:
    """weights: a name in WEIGHTS; variant: a name in VARIANTS, "" for the model at its whole depth."""

    size: FullSize
    weights: str = BF16
    variant: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Tells its row from others."""
        return self.size.name, self.weights, self.variant

    def row(self) -> dict[str, object]:
        """Rehearse."""
        settings, cfg = VARIANTS[self.variant or AS_IT_IS]
        return {"model": self.size.name, "weights": self.weights, "variant": self.variant,
                **rehearsed(self.size, WEIGHTS[self.weights], TapSettings(**{"interval": INTERVAL, **settings}),
                            cfg if cfg is not None else own_guidance(self.size),
                            SHALLOW[self.size.name] if self.variant else {})}


def jobs() -> list[Job]:
    """Every setting on three models; every model whole, in fp8 too where people run it so. Quick ones come first."""
    sizes = sorted(SIZES, key=lambda size: size.blocks * len(size.words))
    return [*(Job(size, variant=variant) for size in sizes if size.name in SHALLOW
              for variant, (_, cfg) in VARIANTS.items() if cfg != own_guidance(size)),
            *(Job(size) for size in sizes),
            *(Job(size, "fp8") for size in sizes if size.name in IN_FP8)]


def own_guidance(size: FullSize) -> float:
    """Models that are given two prompts are guided."""
    return 1.0 if len(size.words) == 1 else GUIDED


def rehearsed(size: FullSize, weights: torch.dtype | None, settings: TapSettings, cfg: float,
              config: dict[str, object]) -> dict[str, object]:
    """The rest of a row; config: entries of the model's to replace."""
    with card() as watch:
        model = build(size, weights=weights, **config)
        stock = rehearse(watch, size, model, None, 2, cfg).steps[-1]
        run = rehearse(watch, size, model, settings, STEPS, cfg)
    # At a quality, a run of unknown values may compute every step.
    kinds = {name: steps[-1] for name, full in KINDS.items() if (steps := run.of(full))}
    seconds = {each.name: [each.seconds(step.work) for step in (stock, *kinds.values())] for each in CARDS}
    return {
        "size": size.size, "cfg": cfg, "fallbacks": run.record.fallbacks,
        "histories": run.record.cache_bytes, "stock": figures_of(stock),
        **{name: figures_of(step) for name, step in kinds.items()},
        "first_waits": sorted({wait for step in run.steps[:FIRST] for wait in step.waits}),
        "waits": {name: most_waits(run, KINDS[name]) for name in kinds},
        "seconds": seconds,
    }


def figures_of(step: Step) -> dict[str, object]:
    """Of one step."""
    return {"operators": step.operators, "ours": step.ours, "peak": step.peak, "comfyui_waits": len(step.others_wait),
            "copies": dict(Counter(step.copies)), "doubles": sorted(set(step.doubles)),
            "flops": sum(flops for flops, _ in step.work), "bytes": sum(nbytes for _, nbytes in step.work)}


def most_waits(run: Rehearsal, full: bool) -> list[str]:
    """Where TAP waits at such a step once it knows its sampler: of the step that waits most."""
    later = [step.waits for step, each in list(zip(run.steps, run.record.evaluations, strict=True))[FIRST:]
             if each.full == full]
    return max(later, key=len, default=[])
