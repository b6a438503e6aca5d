"""Training state on disk, as safetensors: weights, their running average, the optimiser's moments, the step."""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

Tensors = dict[str, torch.Tensor]
Optimisers = Sequence[torch.optim.Optimizer]


def save_checkpoint(path: Path, step: int, model: torch.nn.Module, average: Tensors, optimisers: Optimisers) -> None:
    """Saves everything that training needs to go on; replaces an older file only when the new one is complete."""
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.items()}
    for place, optimiser in enumerate(optimisers):
        for index, state in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{place}.{index}.{name}": value for name, value in state.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file(
        {name: value.detach().contiguous().clone() for name, value in tensors.items()}, partial, {"step": str(step)}
    )
    partial.replace(path)


def load_checkpoint(path: Path, model: torch.nn.Module, average: Tensors, optimisers: Optimisers) -> int:
    """Restores what `save_checkpoint` wrote and returns the step; 0 if there is no file yet."""
    if not path.exists():
        return 0
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        step = int(file.metadata()["step"])
    model.load_state_dict(under("model", tensors))
    average.update(under("average", tensors))
    for place, optimiser in enumerate(optimisers):
        state = optimiser.state_dict()
        for name, value in under(f"optimiser.{place}", tensors).items():
            index, key = name.split(".")
            state["state"].setdefault(int(index), {})[key] = value
        optimiser.load_state_dict(state)
    return step


def under(prefix: str, tensors: Tensors) -> Tensors:
    """The tensors whose name starts with a prefix, without it."""
    return {name.removeprefix(f"{prefix}."): value for name, value in tensors.items() if name.startswith(f"{prefix}.")}
