"""Memory that TAP holds, a condition, for the paper's five models: each target, each number of kept full steps K.

Measured on tensors of the real size, with CUDA's allocator, or on a processor by following every storage until it is
freed. Each model is ComfyUI's own class at full width with one block, which hands its input on: what TAP keeps does not
depend on what blocks compute.
"""

from __future__ import annotations

import gc
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from tap_pack.tap_core.sampling.settings import TARGETS, TapSettings
from tap_pack.tap_core.schedules.listed import ListedSchedule
from tqdm import tqdm

from figures.allocations import Allocations, watch_allocations
from figures.page import Page
from figures.plot import plotted
from figures.table import table
from models.full_size import FULL_SIZES, FullSize
from models.whole_run import WholeRun

# As TAP Accelerate keeps them by default; and with every channel of the probe, as the paper does.
WHOLE = "residual, whole probe"
KINDS = {**{target: {"target": target} for target in TARGETS}, WHOLE: {"target": "residual", "probe_stride": 1}}
# Taylor's highest order needs one snapshot more.
ORDERS = {1: "0", 2: "0,1", 3: "0,1,2", 4: "0,1,2,3"}
MEGA, GIGA = 1e6, 1e9
# What TAP and TaylorSeer add to the peak of the model in the paper's Table 5, GB, all conditions.
PAPER_TAP = {"FLUX.1-dev": 0.10, "FLUX.1-schnell": 0.14, "Qwen-Image": 0.51, "Qwen-Image-Lightning": 0.10,
             "HunyuanVideo": 0.29}
PAPER_TAYLORSEER = {"FLUX.1-dev": 7.45, "FLUX.1-schnell": 7.14, "Qwen-Image": 30.82, "Qwen-Image-Lightning": 6.22,
                    "HunyuanVideo": 11.91}


def hollow(size: FullSize, device: torch.device) -> torch.nn.Module:
    """The model with one block that hands its input on, and text that is not looked at."""
    shallow = {"num_layers": 1} if "num_layers" in size.config else {"depth": 1, "depth_single_blocks": 0}
    base = size.build(device, **shallow)
    model = base.diffusion_model
    with torch.no_grad():
        for weights in model.parameters():
            weights.fill_(0.01)
    if "num_layers" in shallow:
        model.transformer_blocks[0].forward = lambda hidden_states, encoder_hidden_states, **other: (
            encoder_hidden_states, hidden_states)
    else:
        model.double_blocks[0].forward = lambda img, txt, **other: (img, txt)
    width = size.config.get("hidden_size", 3072)
    model.txt_in.forward = lambda txt, *other, **more: txt.new_zeros(*txt.shape[:2], width)
    return base


def measure(size: FullSize, base: torch.nn.Module, device: torch.device, bar: tqdm) -> list[dict[str, object]]:
    """Per target and K: bytes held between steps, and how many more at the peak of a skipped step."""
    rows = []
    for kept in ORDERS:
        without = held_bytes(size, base, device, TapSettings(interval=1), kept).bytes
        for target, more in KINDS.items():
            # As many full steps as are kept, then skipped ones.
            schedule = ListedSchedule(tuple(range(kept)))
            settings = TapSettings(**more, orders=ORDERS[kept], given_schedule=schedule)
            held = held_bytes(size, base, device, settings, kept)
            rows.append({"target": target, "kept": kept, **asdict(held), "bytes": held.bytes - without})
            bar.update()
    return rows


@dataclass(frozen=True)
class Held:
    """bytes: held between steps, once garbage is collected; record: those of the snapshots, as the record tells.

    skip_peak: what a skipped step needs beyond this. waiting: what that step leaves to the garbage collector.
    """

    bytes: int
    record: int
    skip_peak: int
    waiting: int


def held_bytes(size: FullSize, base: torch.nn.Module, device: torch.device, settings: TapSettings, kept: int) -> Held:
    """After so many evaluations, and one more that can be skipped."""
    run = WholeRun(replace(size, words=size.words[:1], steps=max(size.steps, kept + 1)), base, device, settings)
    evaluations = run.evaluations()
    found: list[Allocations] = []

    def work() -> None:
        for _ in range(kept):
            next(evaluations)
        # The first skip also works out the dots of the history, which are then kept.
        found.append(watch_allocations(lambda: next(evaluations), device))

    held, (skip,) = watch_allocations(work, device), found
    return Held(held.kept, run.run.record.cache_bytes, skip.peak - skip.kept, skip.waiting)


def markdown(found: dict) -> str:
    """One row a model and target."""
    models = found["models"]
    by_target = []
    for model in models:
        for target in KINDS:
            rows = {row["kept"]: row for row in model["rows"] if row["target"] == target}
            by_target.append((model["model"], model["size"], target, *(f"{rows[kept]['bytes'] / MEGA:.1f}"
                              for kept in ORDERS), f"+{rows[3]['skip_peak'] / MEGA:.1f}"))
    return "\n".join([
        *table(("model", "size", "target", *(f"K = {kept}" for kept in ORDERS), "at a skip's peak, K = 3"), by_target),
        "", "MB a condition, held between steps; the last column is what a skipped step needs beyond these, its "
        "embedder and final layer included.", "",
        *table(("model", "conditions", "the paper's way, K = 3", "by default", "paper, TAP", "paper, TaylorSeer"), (
            (model["model"], model["conditions"], *(f"{held:.3f}" for held in gigabytes(model)),
             f"{PAPER_TAP[model['model']]:.2f}", f"{PAPER_TAYLORSEER[model['model']]:.2f}") for model in models)),
        "", "GB, all conditions."])


def gigabytes(model: dict) -> tuple[float, float]:
    """What a model holds at K = 3 for all conditions: the paper's way, and by default."""
    held = {row["target"]: model["conditions"] * row["bytes"] / GIGA for row in model["rows"] if row["kept"] == 3}
    return held[WHOLE], held["auto"]


def plot_memory(found: dict, folder: Path) -> None:
    """GB at K = 3 by model, on a logarithmic axis."""
    models = found["models"]
    bars = {"TAP Accelerate, default": [gigabytes(model)[1] for model in models],
            "TAP Accelerate, the paper's way": [gigabytes(model)[0] for model in models],
            "TAP, the paper says": [PAPER_TAP[model["model"]] for model in models],
            "TaylorSeer, the paper says": [PAPER_TAYLORSEER[model["model"]] for model in models]}
    with plotted(folder / "memory.png", figsize=(9, 3.5)) as axes:
        for place, (name, values) in enumerate(bars.items()):
            axes.bar([model + 0.2 * place - 0.3 for model in range(len(models))], values, 0.2, label=name)
        axes.set_xticks(range(len(models)), [model["model"] for model in models])
        axes.set(ylabel="GB held between steps", yscale="log")
        axes.legend(ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))


PAGE = Page("memory", markdown, plot_memory)


def run(arguments: list[str]) -> None:
    """Measures, prints and keeps."""
    parser = PAGE.parser(__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(parser.parse_args(arguments).device)
    models = []
    gc.freeze()  # what was imported is no garbage, and need not be looked through again and again
    with torch.no_grad(), tqdm(total=len(FULL_SIZES) * len(KINDS) * len(ORDERS), unit="row") as bar:
        for size in FULL_SIZES:
            rows = measure(size, hollow(size, device), device, bar)
            models.append({"model": size.name, "size": size.size, "conditions": len(size.words), "rows": rows})
    found = {"allocator": device.type, "models": models}
    PAGE.keep(arguments, found)
