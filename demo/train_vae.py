"""Trains the demo autoencoder: principal components as encoder, a learned decoder, in the shape of ComfyUI's TAESD.

Run from the pack's folder: `python -m demo.train_vae`. Pictures x [B, 3, H, W] in 0..1, latents z [B, 16, H/8, W/8].
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from .checkpoint import Tensors, load_checkpoint, save_checkpoint, under
from .comfy_cpu import use_comfy
from .picture_code import encode, fit_components, write_encoder
from .scenes import draw_scene, random_scene
from .training import learning_rate, start_average, update_average

ROOT = Path(__file__).parents[1]
CHECKPOINT = ROOT / "output/training/vae.safetensors"
CODE_FILE = ROOT / "output/training/picture_code.safetensors"
VAE_FILE = Path(__file__).parent / "models/vae/tap_demo_vae.safetensors"
# The decoder's blocks at high resolution cost most and help least: they stay at zero, and only their last ReLU is left.
IDLE_BLOCKS = (15, 18)
# ComfyUI's FLUX latent format applies these; the file has them too, to give the transformer latents of unit variance.
FLUX_SCALE, FLUX_SHIFT = 0.3611, 0.1159
# TAESD's decoder compresses inputs above 3; sharp edges reach 12.
DECODER_SCALE = 0.35
LATENT_NOISE = 0.15


def new_decoder() -> nn.Sequential:
    """TAESD's decoder without its idle blocks, with its first weights."""
    use_comfy()
    from comfy.taesd.taesd import Decoder

    decoder = Decoder(latent_channels=16)
    for block in IDLE_BLOCKS:
        decoder[block] = nn.ReLU()
    for name, value in decoder.named_parameters():
        nn.init.zeros_(value) if value.ndim == 1 else nn.init.kaiming_uniform_(value, nonlinearity="relu")
        if name.endswith("conv.4.weight"):
            value.data.mul_(0.2)
    decoder[1].weight.data.div_(DECODER_SCALE)
    return decoder.to(memory_format=torch.channels_last)


def decode(decoder: nn.Module, z: torch.Tensor) -> torch.Tensor:
    """The pictures of latents."""
    return decoder((z * DECODER_SCALE).contiguous(memory_format=torch.channels_last))


def draw_pool(count: int, size: int, first_seed: int) -> np.ndarray:
    """Many scenes, uint8 [count, size, size, 3]."""
    seeds = tqdm(range(first_seed, first_seed + count), desc=f"scenes of {size}", mininterval=5)
    return np.stack([draw_scene(random_scene(seed), seed, size) for seed in seeds])


def picture_code() -> tuple[torch.Tensor, torch.Tensor]:
    """Kernel and bias of the encoder; computed once, then read from a file."""
    if not CODE_FILE.exists():
        kernel, bias = fit_components(draw_pool(1000, 256, 10_000_000))
        CODE_FILE.parent.mkdir(parents=True, exist_ok=True)
        save_file({"kernel": kernel.contiguous(), "bias": bias.contiguous()}, CODE_FILE)
    stored = load_file(CODE_FILE)
    return stored["kernel"], stored["bias"]


def full_weights(average: Tensors) -> Tensors:
    """The autoencoder as the VAE loader expects it: idle blocks are zeros, ComfyUI's scale and shift are undone."""
    use_comfy()
    from comfy.taesd.taesd import TAESD

    vae = TAESD(latent_channels=16)
    kernel, bias = picture_code()
    write_encoder(vae.taesd_encoder, kernel * DECODER_SCALE, bias * DECODER_SCALE)
    weights = vae.state_dict()
    for block in IDLE_BLOCKS:
        weights |= {
            name: value.zero_() for name, value in weights.items() if name.startswith(f"taesd_decoder.{block}.")
        }
    weights |= {f"taesd_decoder.{name}": value for name, value in average.items()}
    scale, shift = torch.tensor(FLUX_SCALE * DECODER_SCALE), torch.tensor(FLUX_SHIFT)
    return {name: value.half().contiguous() for name, value in weights.items()} | {
        "vae_scale": scale,
        "vae_shift": shift,
    }


def random_crops(pools: list[np.ndarray], rng: np.random.Generator, batch: int, side: int) -> torch.Tensor:
    """Crops of random pictures, [B, 3, side, side] in 0..1."""
    crops = []
    for _ in range(batch):
        pool = pools[int(rng.random() < 0.05)]
        # More often from below, where the detail is, than from the sky.
        top, left = ((pool.shape[1] - side + 1) * rng.random(2) ** (0.5, 1)).astype(int)
        crops.append(pool[rng.integers(len(pool)), top : top + side, left : left + side])
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float().div(255)


def picture_loss(made: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Mean error of colours and of edges."""
    edges = [F.l1_loss(made.diff(dim=dim), x.diff(dim=dim)) for dim in (2, 3)]
    return F.l1_loss(made, x) + 2 * F.mse_loss(made, x) + sum(edges)


def decoder_loss(decoder: nn.Module, z: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Loss with slightly noisy latents, as a transformer makes them, and the squared error."""
    noisy = z + torch.randn_like(z) * LATENT_NOISE * torch.rand(len(z), 1, 1, 1)
    with torch.autocast("cpu", torch.bfloat16):
        made = decode(decoder, noisy).float()
    return picture_loss(made, x), F.mse_loss(made.detach().clamp(0, 1), x).item()


class ConvMuon:
    """Muon for the 64 to 64 convolutions, each as a matrix [out, 9 * in], and AdamW for the rest."""

    def __init__(self, decoder: nn.Module) -> None:
        self.inner = [value for value in decoder.parameters() if value.ndim == 4 and value.shape[:2] == (64, 64)]
        self.matrices = [nn.Parameter(as_matrix(value.detach())) for value in self.inner]
        outer = [value for value in decoder.parameters() if all(value is not other for other in self.inner)]
        muon = torch.optim.Muon(self.matrices, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
        self.both = [muon, torch.optim.AdamW(outer, weight_decay=0.0)]

    def step(self, peak: float, share: float) -> None:
        """One step with the current gradients, at a share of the peak rate."""
        for value, matrix in zip(self.inner, self.matrices, strict=True):
            matrix.grad = as_matrix(value.grad)
        for optimiser, rate in zip(self.both, (peak, 0.25 * peak), strict=True):
            optimiser.param_groups[0]["lr"] = rate * share
            optimiser.step()


def as_matrix(kernel: torch.Tensor) -> torch.Tensor:
    """[out, in, 3, 3] in channels-last memory -> [out, 9 * in], the same memory."""
    return kernel.permute(0, 2, 3, 1).reshape(len(kernel), -1)


def train(steps: int, batch: int, peak: float, threads: int) -> None:
    """Trains up to `steps`, from the checkpoint if there is one, and writes the file for ComfyUI."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    (kernel, bias), decoder = picture_code(), new_decoder()
    average, muon = start_average(decoder), ConvMuon(decoder)
    done = load_checkpoint(CHECKPOINT, decoder, average, muon.both)
    rng = np.random.default_rng(done)
    pools = [draw_pool(1000, 256, 10_000_000), draw_pool(100, 128, 20_000_000)]
    for step in (bar := tqdm(range(done, steps), initial=done, total=steps, mininterval=5)):
        x = random_crops(pools, rng, batch, 64)
        loss, error = decoder_loss(decoder, encode(x, kernel, bias), x)
        decoder.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
        muon.step(peak, learning_rate(step, steps, 1.0))
        update_average(average, decoder, step, 0.995)
        bar.set_postfix(loss=f"{loss.item():.4f}", psnr=f"{-10 * np.log10(error):.1f}")
        if (step + 1) % 200 == 0 or step + 1 == steps:
            save_checkpoint(CHECKPOINT, step + 1, decoder, average, muon.both)
    export(average)


def export(average: Tensors) -> None:
    """Writes the whole autoencoder, in half precision, where ComfyUI's loader finds it."""
    VAE_FILE.parent.mkdir(parents=True, exist_ok=True)
    save_file(full_weights(average), VAE_FILE)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--export", action="store_true", help="only write the model file from the latest checkpoint")
    options = parser.parse_args()
    if options.export:
        export(under("average", load_file(CHECKPOINT)))
    else:
        train(options.steps, options.batch, options.rate, options.threads)
