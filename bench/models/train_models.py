"""Trains the two further models of the studies: other data, other architectures, half an hour on one core.

`python bench/start.py models.train_models words`, and `balls`. It carries on where it was stopped. What it works on is
in output/bench_models. At the end the weights go to bench/models/weights, in half precision: a model that is trained
again gives other figures.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from figures.places import BENCH, OUTPUT
from models import train_balls, train_words
from models.pack import load_pack
from models.train_code import CHANNELS, LinearCode

FOLDER, WEIGHTS = OUTPUT / "bench_models", BENCH / "models" / "weights"
FIRST_SEED, DROPPED_CODES = 1_000_000, 0.1


@dataclass(frozen=True)
class Lesson:
    """A model to train: its class in comfy.supported_models, what would be detected in its file, and its data.

    draw: film and code of a seed. levels: what the model is told of noise level 1.
    """

    name: str
    kind: str
    config: dict[str, object]
    draw: Callable[[int], tuple[Tensor, Tensor]]
    levels: float
    pictures: int
    batch: int
    steps: int
    rate: float = 2e-3

    @property
    def file(self) -> Path:
        """What training works on: the weights, with the code between latents and pixels."""
        return FOLDER / f"{self.name}.safetensors"

    @property
    def trained(self) -> Path:
        """The same once it is done, in half precision, for the studies."""
        return WEIGHTS / f"{self.name}.safetensors"


LESSONS = {
    "words": Lesson(
        "words", "QwenImage",
        {"image_model": "qwen_image", "in_channels": 4 * CHANNELS, "num_layers": 4, "attention_head_dim": 128,
         "num_attention_heads": 2, "joint_attention_dim": train_words.WIDTH},
        train_words.draw, 1.0, pictures=12000, batch=24, steps=1900,
    ),
    "balls": Lesson(
        "balls", "WAN21_T2V",
        {"image_model": "wan2.1", "model_type": "t2v", "dim": 256, "out_dim": CHANNELS, "num_heads": 2,
         "ffn_dim": 1024, "num_layers": 4, "patch_size": (1, 2, 2), "freq_dim": 256, "window_size": (-1, -1),
         "qk_norm": True, "cross_attn_norm": True, "eps": 1e-6, "in_dim": CHANNELS, "text_dim": train_balls.WIDTH},
        train_balls.draw, 1000.0, pictures=8000, batch=16, steps=3200,
    ),
}  # fmt: skip


def use_comfy() -> None:
    """Makes ComfyUI importable on the CPU, with weights that take gradients."""
    load_pack()
    import comfy.model_management

    comfy.model_management.in_training = True


def new_model(lesson: Lesson) -> nn.Module:
    """ComfyUI's model of a lesson, its weights not yet set, in float32."""
    import comfy.supported_models

    config = getattr(comfy.supported_models, lesson.kind)(dict(lesson.config))
    config.unet_config.update(lesson.config)
    config.set_inference_dtype(torch.float32, None)
    return config.get_model({}, "")


@torch.no_grad()
def first_weights(model: nn.Module) -> None:
    """Xavier everywhere; gates and the last layer at zero, so that training starts from the identity."""
    for name, value in model.named_parameters():
        if value.ndim == 1:
            value.fill_(1.0) if "norm" in name and name.endswith("weight") else value.zero_()
        elif any(part in name for part in ("_mod.", "time_projection", "modulation", "proj_out", "norm_out", "head.")):
            value.zero_()
        else:
            nn.init.xavier_uniform_(value.view(len(value), -1))


def lesson_data(lesson: Lesson) -> tuple[LinearCode, Tensor, Tensor]:
    """The code between pixels and latents, latents [N, 16, F, H, W] and context [N, T, D], none of them for tests."""
    drawn = [lesson.draw(FIRST_SEED + i) for i in tqdm(range(lesson.pictures), desc="pictures", mininterval=2)]
    films, codes = (torch.stack(part) for part in zip(*drawn, strict=True))
    code = LinearCode.fit(films[:500])
    return code, torch.cat([code.encode(some) for some in films.split(500)]), codes


def flow_loss(model: nn.Module, lesson: Lesson, x0: Tensor, context: Tensor) -> Tensor:
    """Squared error of the velocity noise - x0 at (1 - t) x0 + t noise; x0 [B, 16, F, H, W], context [B, T, D]."""
    t = torch.where(torch.rand(len(x0)) < 0.5, torch.sigmoid(torch.randn(len(x0))), torch.rand(len(x0)))
    noise = torch.randn_like(x0)
    xt = torch.lerp(x0, noise, t.view(-1, 1, 1, 1, 1))
    context = context * (torch.rand(len(x0), 1, 1) >= DROPPED_CODES)
    velocity = model(xt, t * lesson.levels, context, transformer_options={})
    return F.mse_loss(velocity.float(), noise - x0)


def optimisers_of(model: nn.Module) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the blocks, AdamW for everything else."""
    inner, outer = [], []
    for name, value in model.named_parameters():
        (inner if "blocks." in name and value.ndim == 2 and "_mod." not in name else outer).append(value)
    muon = torch.optim.Muon(inner, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
    return [muon, torch.optim.AdamW(outer, betas=(0.9, 0.98), weight_decay=0.0)]


def train(lesson: Lesson, steps: int | None = None) -> None:
    """Trains a lesson's model and writes the average of its last weights."""
    use_comfy()
    from tap_pack.demo.training import learning_rate, start_average, train_step, update_average

    torch.manual_seed(0)
    model, done = start(lesson)
    code, latents, contexts = lesson_data(lesson)
    optimisers, steps, average = optimisers_of(model), steps or lesson.steps, start_average(model)
    for step in (bar := tqdm(range(done, steps), desc=lesson.name, mininterval=5, initial=done, total=steps)):
        some = torch.randint(len(latents), (lesson.batch,))
        with torch.autocast("cpu", torch.bfloat16):
            loss = flow_loss(model, lesson, latents[some], contexts[some])
        value = train_step(model, optimisers, loss, learning_rate(step, steps, lesson.rate, warmup=100))
        update_average(average, model, step, 0.998)
        bar.set_postfix(loss=f"{value:.4f}")
        if (step + 1) % 500 == 0 or step + 1 == steps:
            save(lesson, code, average, step + 1)


def start(lesson: Lesson) -> tuple[nn.Module, int]:
    """The model to train and the steps that it was trained for."""
    from tap_pack.demo.checkpoint import under

    model, done = new_model(lesson).diffusion_model.train().requires_grad_(True), steps_done(lesson)
    first_weights(model)
    if done:
        model.load_state_dict(under("model", load_file(lesson.file)))
    return model, done


def steps_done(lesson: Lesson) -> int:
    """Steps that the weights on disk were trained for, 0 where there are none."""
    if not lesson.file.exists():
        return 0
    with safe_open(lesson.file, "pt") as file:
        return int(file.metadata()["step"])


def save(lesson: Lesson, code: LinearCode, weights: dict[str, Tensor], step: int) -> None:
    """Weights and code in one file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    tensors = {f"model.{name}": value.contiguous() for name, value in weights.items()}
    partial = lesson.file.with_suffix(".partial")
    code_parts = {"code.kernel": code.kernel.contiguous(), "code.mean": code.mean}
    save_file({**tensors, **code_parts}, partial, {"step": str(step)})
    partial.replace(lesson.file)


def keep_trained(lesson: Lesson) -> None:
    """Write what the studies load: half the size, and the same figures wherever they are measured."""
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    tensors = load_file(lesson.file)
    halves = {name: value.half() if name.startswith("model.") else value for name, value in tensors.items()}
    save_file(halves, lesson.trained, {"step": str(steps_done(lesson))})


def load(lesson: Lesson, file: Path) -> tuple[nn.Module, LinearCode]:
    """The model of a file, for sampling in float32, and its code."""
    from tap_pack.demo.checkpoint import under

    tensors = load_file(file)
    model = new_model(lesson).eval()
    model.diffusion_model.load_state_dict(under("model", tensors))
    return model.requires_grad_(False), LinearCode(tensors["code.kernel"], tensors["code.mean"])


def run(arguments: Sequence[str]) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="bench/start.py models.train_models", description=__doc__)
    parser.add_argument("lesson", choices=tuple(LESSONS))
    parser.add_argument("--steps", type=int, help="instead of the lesson's own number")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    lesson = LESSONS[options.lesson]
    train(lesson, options.steps)
    keep_trained(lesson)
