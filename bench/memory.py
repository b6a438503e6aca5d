"""Memory that TAP holds, a condition, for the paper's five models: each target, each number of kept full steps K.

Measured with the allocator on tensors of the real size: each model is ComfyUI's own class at full width with one block,
which hands its input on, as what TAP keeps does not depend on what blocks compute.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

import torch
from demo_stage import load_pack
from tqdm import tqdm

load_pack()

from allocations import watch_allocations  # noqa: E402  the pack had to be loaded first
from full_size import FULL_SIZES, FullSize  # noqa: E402
from results_file import RESULTS, write_results  # noqa: E402
from tap_pack.tap_core.schedules.listed import ListedSchedule  # noqa: E402
from tap_pack.tap_core.settings import TARGETS, TapSettings  # noqa: E402
from whole_run import WholeRun  # noqa: E402

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
    model.txt_in.forward = lambda txt, *other: txt.new_zeros(*txt.shape[:2], width)
    return base


def measure(size: FullSize, base: torch.nn.Module, device: torch.device, bar: tqdm) -> list[dict[str, object]]:
    """Per target and K: bytes held between steps, and how many more at the peak of a skipped step."""
    rows = []
    for kept in ORDERS:
        without, _, _ = held_bytes(size, base, device, TapSettings(interval=1), kept)
        for target in TARGETS:
            # As many full steps as are kept, then skipped ones.
            schedule = ListedSchedule(tuple(range(kept)))
            settings = TapSettings(target=target, orders=ORDERS[kept], given_schedule=schedule)
            held, record, skip_peak = held_bytes(size, base, device, settings, kept)
            rows.append({"target": target, "kept": kept, "bytes": held - without, "record": record,
                         "skip_peak": skip_peak})
            bar.update()
    return rows


def held_bytes(size: FullSize, base: torch.nn.Module, device: torch.device, settings: TapSettings, kept: int
               ) -> tuple[int, int, int]:
    """Bytes held after so many evaluations and one more; those that the record tells; those at the last one's peak."""
    run = WholeRun(replace(size, words=size.words[:1], steps=max(size.steps, kept + 1)), base, device, settings)
    evaluations = run.evaluations()
    held = watch_allocations(lambda: [next(evaluations) for _ in range(kept)], device).kept
    # The first skip also works out the dots of the history, which are then kept.
    skip = watch_allocations(lambda: next(evaluations), device)
    return held + skip.kept, run.run.record.cache_bytes, skip.peak - skip.kept


def markdown(models: list[dict]) -> str:
    """One row a model and target."""
    lines = [f"| model | size | target | {' | '.join(f'K = {kept}' for kept in ORDERS)} | at a skip's peak, K = 3 |",
             "|---" * (len(ORDERS) + 4) + "|"]
    for model in models:
        for target in TARGETS:
            rows = {row["kept"]: row for row in model["rows"] if row["target"] == target}
            cells = " | ".join(f"{rows[kept]['bytes'] / MEGA:.1f}" for kept in ORDERS)
            lines.append(f"| {model['model']} | {model['size']} | {target} | {cells} | "
                         f"+{rows[3]['skip_peak'] / MEGA:.1f} |")
    lines += ["", "MB a condition, held between steps; the last column is what a skipped step needs beyond these, its "
              "embedder and final layer included.", "", "| model | conditions | paper's target, K = 3 | by default | "
              "paper, TAP | paper, TaylorSeer |", "|---|---|---|---|---|---|"]
    for model in models:
        held = {row["target"]: model["conditions"] * row["bytes"] / GIGA for row in model["rows"] if row["kept"] == 3}
        lines.append(f"| {model['model']} | {model['conditions']} | {held['residual']:.3f} | {held['auto']:.3f} | "
                     f"{PAPER_TAP[model['model']]:.2f} | {PAPER_TAYLORSEER[model['model']]:.2f} |")
    return "\n".join([*lines, "", "GB, all conditions."])


def main(arguments: list[str]) -> None:
    """Measures, prints and keeps."""
    parser = argparse.ArgumentParser(prog="bench/run.py memory", description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(parser.parse_args(arguments).device)
    models = []
    with torch.inference_mode(), tqdm(total=len(FULL_SIZES) * len(TARGETS) * len(ORDERS), unit="row") as bar:
        for size in FULL_SIZES:
            rows = measure(size, hollow(size, device), device, bar)
            models.append({"model": size.name, "size": size.size, "conditions": len(size.words), "rows": rows})
    text = markdown(models)
    print(text)
    (RESULTS / "memory.md").write_text(f"# Memory\n\n{text}\n", encoding="utf-8")
    write_results("memory", arguments, {"allocator": device.type, "models": models})


if __name__ == "__main__":
    main(sys.argv[1:])
