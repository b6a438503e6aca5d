"""Draws scenes with the trained models through ComfyUI's own sampler, into demo/samples.jpg.

Run from the pack's folder: `python -m demo.draw_samples`. Upper row: 50 Euler steps; lower row: 10, same noise.
"""

import argparse
from pathlib import Path

import torch
from PIL import Image

from .comfy_cpu import use_comfy
from .conditioning import DEFAULT_SCENE, Conditioning, Scene, encode_empty, encode_scene
from .train_flux import FLUX_FILE
from .train_vae import VAE_FILE

CFG = 3.0
SCENES: tuple[Scene, ...] = (
    DEFAULT_SCENE,
    DEFAULT_SCENE | {"time": "day", "season": "spring", "ground": "meadow", "landmark": "windmill", "trees": "round"},
    DEFAULT_SCENE | {"time": "night", "season": "winter", "landmark": "lighthouse"},
    DEFAULT_SCENE | {"time": "dawn", "season": "summer", "land": "hills", "landmark": "balloon", "weather": "clouds"},
)


def as_comfy(code: Conditioning) -> list[list]:
    """Context and pooled vector in the form of ComfyUI's CONDITIONING."""
    return [[code[0], {"pooled_output": code[1]}]]


@torch.inference_mode()
def sample(scene: Scene, steps: int, seed: int) -> torch.Tensor:
    """One picture, uint8 [256, 256, 3]."""
    import comfy.sample
    import comfy.sd
    import comfy.utils

    model = comfy.sd.load_diffusion_model(str(FLUX_FILE))
    vae = comfy.sd.VAE(sd=comfy.utils.load_torch_file(str(VAE_FILE)))
    latent = torch.zeros(1, 16, 32, 32)
    noise = comfy.sample.prepare_noise(latent, seed)
    codes = as_comfy(encode_scene(scene)), as_comfy(encode_empty())
    latent = comfy.sample.sample(model, noise, steps, CFG, "euler", "simple", *codes, latent, seed=seed)
    return (vae.decode(latent)[0] * 255).round().byte()


def main(seed: int, target: Path) -> None:
    """Draws all samples and writes them as one picture."""
    use_comfy()
    import comfy.model_management

    comfy.model_management.in_training = False
    rows = [torch.cat([sample(scene, steps, seed + i) for i, scene in enumerate(SCENES)], 1) for steps in (50, 10)]
    Image.fromarray(torch.cat(rows).numpy()).save(target, quality=88)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", type=Path, default=Path(__file__).parent / "samples.jpg")
    options = parser.parse_args()
    main(options.seed, options.target)
