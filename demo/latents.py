"""Draws scenes and encodes them once, to train the transformer on latents.

Run from the pack's folder: `python -m demo.latents --count 8000`.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tqdm import tqdm

from .checkpoint import Tensors
from .conditioning import encode_scene
from .picture_code import encode
from .scenes import draw_scene, random_scene
from .train_vae import ROOT, picture_code

FIRST_SEED = 25_600_000


def latents_file(part: int) -> Path:
    """The file of one part of the latents."""
    return ROOT / f"output/training/latents_{part}.safetensors"


def picture_batch(seeds: range, size: int = 256) -> torch.Tensor:
    """The scenes of some seeds, [B, 3, size, size] in 0..1."""
    pictures = [torch.tensor(draw_scene(random_scene(seed), seed, size)) for seed in seeds]
    return torch.stack(pictures).permute(0, 3, 1, 2).float().div(255)


def encode_scenes(seeds: range, batch: int = 16) -> Tensors:
    """Latents [N, 16, 32, 32] and context [N, T, D] of every seed's scene, in half precision."""
    latents, contexts = [], []
    kernel, bias = picture_code()
    for first in tqdm(range(seeds.start, seeds.stop, batch), desc="latents", mininterval=5):
        some = range(first, min(first + batch, seeds.stop))
        latents.append(encode(picture_batch(some), kernel, bias).half())
        contexts += [encode_scene(random_scene(seed))[0].half() for seed in some]
    return {"latents": torch.cat(latents).contiguous(), "context": torch.cat(contexts)}


def load_latents() -> Tensors:
    """The latents and contexts of all parts, joined."""
    parts = [load_file(path) for path in sorted(latents_file(0).parent.glob("latents_*.safetensors"))]
    if not parts:
        raise SystemExit("There are no latents yet; run python -m demo.latents first.")
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=8000)
    parser.add_argument("--part", type=int, default=0, help="another part has other scenes")
    options = parser.parse_args()
    torch.set_num_threads(1)
    start = FIRST_SEED + options.part * options.count
    save_file(encode_scenes(range(start, start + options.count)), latents_file(options.part))
