"""The overhead on a graphics card: the whole model with random weights, sampled by ComfyUI."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from statistics import median

import comfy.model_patcher
import comfy.sample
import torch
from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
from tap_pack.tap_core.record.record import RecordHolder, TapRecord
from tap_pack.tap_core.sampling.settings import TapSettings
from torch import Tensor
from tqdm import tqdm

from models.full_size import FullSize

INTERVALS = (5, 6, 8, 10)
REPEATS = 3


def sample_runs(size: FullSize, device: torch.device, intervals: Iterable[int],
                ways: Mapping[str, Mapping[str, object]], repeats: int = REPEATS, dtype: torch.dtype = torch.bfloat16,
                **other: object) -> dict[str, object]:
    """Wall clock of whole runs with and without TAP; ways: settings by name, other: entries of the model's config."""
    base, intervals = size.build(device, dtype, **other), tuple(intervals)
    with torch.no_grad():
        for weights in base.diffusion_model.parameters():
            weights.normal_(std=0.02)
    model = comfy.model_patcher.ModelPatcher(base, load_device=device, offload_device=torch.device("cpu"))
    with tqdm(total=2 + len(ways) * len(intervals), unit="setting") as bar:
        stock, _ = _best(size, model, device, None, repeats)
        bar.update()
        full, outside = stock / size.steps, _outside_blocks(size, model, device)
        bar.update()
        found = []
        for name, settings in ways.items():
            runs = {}
            for interval in intervals:
                runs[interval] = _best(size, model, device, TapSettings(interval=interval, **settings), repeats)
                bar.update()
            found.append(_way_of(name, runs, stock, outside))
    return {
        "device": device.type, "about": f"{size.name} at {size.size}, all {size.blocks} blocks with random weights, "
        f"{size.steps} steps of euler in ComfyUI.",
        "seconds": {"whole run": stock, "full step": full, "embedder and final layer": outside}, "ways": found,
    }


def _way_of(name: str, runs: Mapping[int, tuple[float, TapRecord]], stock: float, outside: float) -> dict[str, object]:
    """What TAP costs with these settings; runs: seconds and record by N. What a full step adds is not told apart."""
    records = [record for _, record in runs.values()]
    skipped, full = median(record.median_seconds(full=False) for record in records), stock / records[0].steps
    rows = [{"interval": interval, "full_steps": len(record.full_steps), "seconds": seconds,
             "speed_up": stock / seconds, "bound": record.steps / len(record.full_steps),
             "fallbacks": record.fallbacks} for interval, (seconds, record) in runs.items()]
    return {"name": name, "skipped": skipped, "skipped_share": skipped / full,
            "beyond_share": (skipped - outside) / full, "rows": rows}


def _best(size: FullSize, model: comfy.model_patcher.ModelPatcher, device: torch.device, settings: TapSettings | None,
          repeats: int) -> tuple[float, TapRecord | None]:
    """Least seconds of so many runs after one that warms up, and the last record."""
    holder, patched = RecordHolder(), model.clone()
    if settings is not None:
        TapPatch(settings, holder).install(patched)
    seconds = [_sample(size, patched, device) for _ in range(repeats + 1)][1:]
    return min(seconds), holder.latest


def _sample(size: FullSize, model: comfy.model_patcher.ModelPatcher, device: torch.device) -> float:
    noise = torch.randn(1, *size.latent, generator=torch.Generator().manual_seed(0))
    positive = [_prompt(size)]
    _wait(device)
    start = time.perf_counter()
    with torch.inference_mode():
        comfy.sample.sample(model, noise, size.steps, 1.0, "euler", "simple", positive, positive,
                            torch.zeros_like(noise), disable_pbar=True, seed=0)
    _wait(device)
    return time.perf_counter() - start


def _prompt(size: FullSize) -> list:
    generator = torch.Generator().manual_seed(1)
    text: Tensor = torch.randn(1, size.words[0], size.context, generator=generator)
    return [text, {"pooled_output": torch.randn(1, size.pooled, generator=generator), "guidance": 3.5}]


def _outside_blocks(size: FullSize, model: comfy.model_patcher.ModelPatcher, device: torch.device) -> float:
    """Seconds of a step whose blocks hand their input on, without TAP."""
    hollow, replaced = model.clone(), {"dit": {}}
    for kind, count in (("double_block", "depth"), ("single_block", "depth_single_blocks")):
        for place in range(model.model.model_config.unet_config[count]):
            replaced["dit"][(kind, place)] = lambda args, other: args
    hollow.model_options["transformer_options"] = {"patches_replace": replaced}
    return min(_sample(size, hollow, device) for _ in range(2)) / size.steps


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
