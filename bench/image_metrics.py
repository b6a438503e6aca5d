"""Metrics of a decoded picture: PSNR and SSIM of our own, LPIPS, CLIP score and ImageReward through their packages."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from metrics import psnr, ssim
from torch import Tensor

# (picture, truth, prompt) -> figure. Pictures are [H, W, 3], floats from 0 to 1.
Metric = Callable[[Tensor, Tensor, str], float]


@dataclass(frozen=True)
class ImageMetric:
    """package: what has to be importable, pip: what to install for it. load: gives the metric; it may take a while.

    of_stock: whether it says something of the fully computed picture too, which has nothing to be compared with.
    """

    name: str
    load: Callable[[], Metric]
    package: str = ""
    pip: str = ""
    of_stock: bool = False

    @property
    def missing(self) -> str:
        """What to say if it cannot be computed here; "" if it can."""
        if not self.package or importlib.util.find_spec(self.package) is not None:
            return ""
        return f"{self.name} is left out: the package {self.package} is missing (pip install {self.pip})."


def lpips_metric() -> Metric:
    """Zhang et al. 2018, AlexNet, as the paper has it."""
    import lpips

    network = lpips.LPIPS(net="alex")

    def measure(picture: Tensor, truth: Tensor, prompt: str) -> float:
        shown, true = (2 * image.permute(2, 0, 1)[None].float() - 1 for image in (picture, truth))
        return float(network(shown, true))

    return measure


def clip_metric() -> Metric:
    """100 x the cosine between picture and prompt (Hessel et al. 2021), CLIP ViT-L/14."""
    import open_clip
    import torch

    model, _, prepare = open_clip.create_model_and_transforms("ViT-L-14", pretrained="openai")
    tokenize = open_clip.get_tokenizer("ViT-L-14")
    model.eval()

    def measure(picture: Tensor, truth: Tensor, prompt: str) -> float:
        with torch.no_grad():
            image = model.encode_image(prepare(as_image(picture))[None])
            text = model.encode_text(tokenize([prompt]))
        return 100 * float(torch.nn.functional.cosine_similarity(image, text))

    return measure


def image_reward_metric() -> Metric:
    """Xu et al. 2023, ImageReward-v1.0."""
    import ImageReward

    model = ImageReward.load("ImageReward-v1.0")

    def measure(picture: Tensor, truth: Tensor, prompt: str) -> float:
        return float(model.score(prompt, as_image(picture)))

    return measure


def as_image(picture: Tensor) -> object:
    """A PIL image of a picture [H, W, 3] in 0..1."""
    from PIL import Image

    return Image.fromarray((picture.clamp(0, 1) * 255).round().byte().cpu().numpy())


METRICS = (
    ImageMetric("psnr", lambda: lambda picture, truth, prompt: psnr(picture, truth)),
    ImageMetric("ssim", lambda: lambda picture, truth, prompt: ssim(picture, truth)),
    ImageMetric("lpips", lpips_metric, "lpips", "lpips"),
    ImageMetric("clip", clip_metric, "open_clip", "open_clip_torch", of_stock=True),
    ImageMetric("image_reward", image_reward_metric, "ImageReward", "image-reward", of_stock=True),
)


@lru_cache(maxsize=len(METRICS))
def loaded(name: str) -> Metric:
    """The metric of this name, loaded once a process."""
    return next(metric for metric in METRICS if metric.name == name).load()


def measure(picture: Tensor, truth: Tensor | None, prompt: str, names: Sequence[str]) -> dict[str, float]:
    """The named metrics that say something of this picture; truth: the same seed's full picture, None if it is that."""
    wanted = [metric.name for metric in METRICS if metric.name in names and (truth is not None or metric.of_stock)]
    return {name: loaded(name)(picture, truth, prompt) for name in wanted}
