"""Metrics of a decoded picture: PSNR and SSIM of our own, LPIPS, CLIP score and ImageReward through their packages."""

from __future__ import annotations

import importlib.util
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

from torch import Tensor

from figures.metrics import psnr, ssim

# (picture, truth, prompt) -> figure. Pictures are [H, W, 3], floats from 0 to 1.
Metric = Callable[[Tensor, Tensor, str], float]


@dataclass(frozen=True)
class ImageMetric:
    """package: what has to be importable, pip: what to install for it. load: gives the metric; it may take a while.

    weights: what it looks for and where, after "it needs". of_stock: whether the full picture has it too:
    then it needs only picture and prompt, nothing to compare with.
    """

    name: str
    load: Callable[[], Metric]
    package: str = ""
    pip: str = ""
    weights: str = ""
    of_stock: bool = False

    def why_not(self) -> str:
        """What to say if it cannot be computed here; "" if it can. It is loaded, which may download its weights."""
        if not self.package:
            return ""
        if importlib.util.find_spec(self.package) is None:
            return f"{self.name} is left out: the package {self.package} is missing (pip install {self.pip})."
        try:
            importlib.import_module(self.package)
        except Exception as error:  # any error of somebody else's package
            return (f"{self.name} is left out: the package {self.package} does not start in this Python "
                    f"({_in_short(error)}). bench/start.py real.score_pictures computes it afterwards in another one.")
        try:
            with _without_warnings():
                loaded(self.name)
        except Exception as error:
            return (f"{self.name} is left out: its weights are not there and could not be downloaded "
                    f"({_in_short(error)}). It needs {self.weights}; run it once with a network, or copy them there.")
        return ""


def usable(names: Sequence[str]) -> list[str]:
    """Those of the named metrics that can be computed here; of the others it is said why not."""
    found = []
    for metric in METRICS:
        if metric.name in names:
            if metric.package:
                print(f"{metric.name}: looking for it; what it needs may be downloaded now, once.", flush=True)
            problem = metric.why_not()
            print(problem or f"{metric.name} is computed.", flush=True)
            found += [] if problem else [metric.name]
    return found


def _in_short(error: Exception) -> str:
    """The beginning of its last line, without the folders of this machine."""
    text = (str(error).strip() or type(error).__name__).splitlines()[-1]
    return re.sub(r" \(/[^)]*\)", "", text).rstrip(". ")[:120]


@contextmanager
def _without_warnings() -> Iterator[None]:
    """What a package logs and warns of while it looks for its weights says nothing that is not said afterwards."""
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def lpips_metric() -> Metric:
    """Zhang et al. 2018, AlexNet, as the paper has it."""
    import lpips
    import torch

    network = lpips.LPIPS(net="alex", verbose=False)

    def measure(picture: Tensor, truth: Tensor, prompt: str) -> float:
        shown, true = (2 * image.permute(2, 0, 1)[None].float() - 1 for image in (picture, truth))
        with torch.no_grad():
            return float(network(shown, true))

    return measure


def clip_metric() -> Metric:
    """100 x the cosine between picture and prompt (Hessel et al. 2021), CLIP ViT-L/14."""
    import open_clip
    import torch

    # OpenAI's weights were trained with QuickGELU; under the plain name open_clip would only warn.
    model, _, prepare = open_clip.create_model_and_transforms("ViT-L-14-quickgelu", pretrained="openai")
    tokenize = open_clip.get_tokenizer("ViT-L-14-quickgelu")
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
    ImageMetric("lpips", lpips_metric, "lpips", "lpips",
                "alexnet-owt-7be5be79.pth in the folder hub/checkpoints of torch's cache"),
    ImageMetric("clip", clip_metric, "open_clip", "open_clip_torch",
                "timm/vit_large_patch14_clip_224.openai in Hugging Face's cache", of_stock=True),
    ImageMetric("image_reward", image_reward_metric, "ImageReward", "image-reward",
                "ImageReward.pt and med_config.json of THUDM/ImageReward in ~/.cache/ImageReward, and "
                "bert-base-uncased in Hugging Face's cache", of_stock=True),
)


@lru_cache(maxsize=len(METRICS))
def loaded(name: str) -> Metric:
    """The metric of this name, loaded once a process."""
    return next(metric for metric in METRICS if metric.name == name).load()


def measure(picture: Tensor, truth: Tensor | None, prompt: str, names: Sequence[str]) -> dict[str, float]:
    """The named metrics that say something of this picture; truth: the same seed's full picture, None if it is that."""
    wanted = [metric.name for metric in METRICS if metric.name in names and (truth is not None or metric.of_stock)]
    return {name: loaded(name)(picture, truth, prompt) for name in wanted}
