"""Random weights for models of any size: a file for a stock loader, written piece by piece, or a filled model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from models.full_size import FullSize

# Standard deviation of matrices and biases: residual streams stay finite in bf16, gates small.
SPREAD = 0.02
# Numbers that are drawn at a time.
PIECE = 1 << 24
NAMES = {torch.float8_e4m3fn: "F8_E4M3", torch.bfloat16: "BF16", torch.float32: "F32"}


def is_scale(name: str, shape: torch.Size) -> bool:
    """Whether a tensor scales a norm: then it is 1."""
    return len(shape) == 1 and name.endswith(("weight", "scale"))


@torch.no_grad()
def fill(model: nn.Module, seed: int = 0) -> None:
    """Give a model that is on its device such weights, tensor by tensor."""
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    for name, weights in model.named_parameters():
        if is_scale(name, weights.shape):
            weights.fill_(1)
        else:
            weights.copy_(SPREAD * torch.randn(weights.shape, generator=generator, device=device))


def write_file(size: FullSize, file: Path, dtype: torch.dtype, seed: int = 0) -> None:
    """Write a safetensors file as ComfyUI's loader node takes it; no more than a piece of it is in memory.

    One-dimensional tensors are bf16 where dtype is fp8, as in the files that people use. The file is there once it is
    whole.
    """
    tensors = size.build("meta", torch.float32).diffusion_model.state_dict()
    types = {name: torch.bfloat16 if dtype.itemsize == 1 and value.ndim < 2 else dtype
             for name, value in tensors.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    half, generator = file.with_suffix(".half"), torch.Generator().manual_seed(seed)
    with half.open("wb") as out:
        head = json.dumps(_head(tensors, types)).encode()
        out.write(len(head).to_bytes(8, "little") + head)
        for name, value in tensors.items():
            for piece in _pieces(name, value.shape, generator):
                out.write(memoryview(piece.to(types[name]).view(torch.uint8).numpy()))
    half.replace(file)


def _head(tensors: dict[str, Tensor], types: dict[str, torch.dtype]) -> dict[str, dict]:
    """Name -> type, shape and place in the file."""
    found, place = {}, 0
    for name, value in tensors.items():
        end = place + value.numel() * types[name].itemsize
        found[name] = {"dtype": NAMES[types[name]], "shape": list(value.shape), "data_offsets": [place, end]}
        place = end
    return found


def _pieces(name: str, shape: torch.Size, generator: torch.Generator) -> Iterator[Tensor]:
    """The numbers of a tensor, flat, so many at a time."""
    for start in range(0, shape.numel(), PIECE):
        count = min(PIECE, shape.numel() - start)
        yield torch.ones(count) if is_scale(name, shape) else SPREAD * torch.randn(count, generator=generator)
