"""The models of the placement benchmark, sampled in ComfyUI's own path: the demo model and two trained for it here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from models.demo_stage import DemoStage, fingerprint, scene_conditioning
from models.train_models import LESSONS, Lesson, load

MODELS = ("demo", *LESSONS)
# Those of ComfyUI's schedulers that a flow model's sigmas can follow.
SCHEDULERS = ("simple", "normal", "sgm_uniform", "beta", "linear_quadratic", "kl_optimal", "ddim_uniform")
# What a run that skips nothing counts as, in dB.
EQUAL = 150.0
Patch = Callable[[object], object]  # from a ModelPatcher to one that has more on it


@dataclass(frozen=True)
class Course:
    """How a picture is sampled.

    patch: what is put on the model, None for stock. alone: whether each picture is its own batch. This is
    needed where the sampler draws noise: a batch would share what it draws. moved: sigmas in place of the scheduler's.
    two_models: whether another model takes over after half of the steps, as in Wan 2.2; here it has the same weights.
    """

    steps: int = 50
    sampler: str = "euler"
    scheduler: str = "simple"
    cfg: float = 2.0
    patch: Patch | None = field(default=None, compare=False)
    alone: bool = False
    moved: tuple[float, ...] = ()
    two_models: bool = False


@dataclass(frozen=True)
class Take:
    """One sampling.

    frames: [F * H, W, 3] in 0..1; calls: model evaluations, those in part by their share of the tokens; seconds: of one
    processor; sigmas: the run's; record: TAP's of the whole batch, None without TAP; of two models that of the one that
    says it is less close.
    """

    frames: Tensor
    latents: Tensor
    calls: float
    seconds: float
    sigmas: tuple[float, ...] = ()
    record: object = None


class Stage:
    """A model, its prompts by number, and a way from latents to pixels. weights: tells one training from another."""

    def __init__(self, name: str, model: object, shape: tuple[int, ...], prompt: Callable[[int], tuple[list, list]],
                 decode: Callable[[Tensor], Tensor], weights: str) -> None:
        self.name, self.model, self.shape, self.prompt, self.decode = name, model, shape, prompt, decode
        self.weights = weights

    def take(self, number: int, course: Course, settings: object = None, seed: int | None = None) -> Take:
        """The prompt of a number and its seed, or another one, with TAP's settings if any are given."""
        return self.takes([number], course, settings, None if seed is None else [seed])[0]

    def takes(self, numbers: Sequence[int], course: Course, settings: object = None,
              seeds: Sequence[int] | None = None) -> list[Take]:
        """The same for several numbers at once, as one batch: for what decides nothing by the pictures together."""
        if course.alone and len(numbers) > 1:
            return [self.takes([number], course, settings, [seed])[0]
                    for number, seed in zip(numbers, seeds or numbers, strict=True)]
        counter = CallCounter()
        models = [self._patched(course, settings, counter) for _ in range(1 + course.two_models)]
        started = time.process_time()
        latents = self.sampled([model for model, _ in models], numbers, course, seeds or numbers)
        seconds = (time.process_time() - started) / len(numbers)
        records = [holder.latest for _, holder in models if holder.latest is not None]
        calls = sum(record.steps_computed for record in records) if records else counter.calls
        record = min(records, key=lambda each: each.closeness.decibels if each.closeness else EQUAL, default=None)
        with torch.inference_mode():
            return [Take(self.decode(one), one, calls, seconds, self.sigmas(course), record)
                    for one in latents.split(1)]

    def _patched(self, course: Course, settings: object, counter: CallCounter) -> tuple[object, object]:
        """The model with all that a course puts on it, and where TAP's records go."""
        from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
        from tap_pack.tap_core.record.holder import RecordHolder

        model, holder = self.model.clone(), RecordHolder()
        if course.patch is not None:
            model = course.patch(model)
        if settings is not None:
            TapPatch(settings, holder).install(model)
        counter.install(model)
        return model, holder

    def trace(self, number: int, course: Course, target: str = "auto", schedule: object = None, pool: object = None
              ) -> object:
        """What TAP Measure Run sees of a full run, or of one that skips by a schedule."""
        from tap_pack.nodes.measure_run import TapMeasureRun

        model, holder = TapMeasureRun.execute(self.model, target, schedule, pool).args
        self.sampled([model], [number], course, [number])
        return holder.latest

    def sampled(self, models: Sequence[object], numbers: Sequence[int], course: Course, seeds: Sequence[int]) -> Tensor:
        """Latents [B, ...] of models that may have more on them; each samples its part of the steps."""
        import comfy.sample

        one = torch.zeros(1, *self.shape)
        noise = torch.cat([comfy.sample.prepare_noise(one, seed) for seed in seeds])
        sides = [batched(side) for side in zip(*(self.prompt(number) for number in numbers), strict=True)]
        latents, part = torch.zeros_like(noise), course.steps // len(models)
        with torch.inference_mode():
            for first, model in enumerate(models):
                last = first == len(models) - 1
                latents = comfy.sample.sample(
                    model, torch.zeros_like(noise) if first else noise, course.steps, course.cfg, course.sampler,
                    course.scheduler, *sides, latents, disable_pbar=True, seed=seeds[0], disable_noise=first > 0,
                    start_step=first * part, last_step=None if last else (first + 1) * part, force_full_denoise=last,
                    sigmas=torch.tensor(course.moved) if course.moved else None,
                )
        return latents

    def sigmas(self, course: Course) -> tuple[float, ...]:
        """The noise levels of a course."""
        import comfy.samplers

        if course.moved:
            return course.moved
        sampling = self.model.get_model_object("model_sampling")
        return tuple(comfy.samplers.calculate_sigmas(sampling, course.scheduler, course.steps).tolist())


def batched(prompts: Sequence[list]) -> list:
    """Conditionings of one picture each, of as many parts, as one of a batch."""
    return [_batched_part(parts) for parts in zip(*prompts, strict=True)]


def _batched_part(parts: Sequence[list]) -> list:
    values = dict(parts[0][1])
    if "pooled_output" in values:
        values["pooled_output"] = torch.cat([part[1]["pooled_output"] for part in parts])
    return [torch.cat([part[0] for part in parts]), values]


class CallCounter:
    """Counts the evaluations that reach the model itself, beneath every cache that sits on it."""

    def __init__(self) -> None:
        self._sigmas: list[float] = []

    @property
    def calls(self) -> int:
        """Evaluations so far; conditions of the same one count once."""
        return sum(1 for i, sigma in enumerate(self._sigmas) if i == 0 or sigma != self._sigmas[i - 1])

    def install(self, model: object) -> None:
        """Count on this model."""
        from comfy.patcher_extension import WrappersMP

        model.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "zz bench calls", self._count)

    def _count(self, executor: Callable, x: Tensor, timestep: Tensor, *args: object, **kwargs: object) -> Tensor:
        self._sigmas.append(float(timestep.flatten()[0]))
        return executor(x, timestep, *args, **kwargs)


def open_stage(name: str) -> Stage:
    """One of MODELS."""
    if name == "demo":
        demo = DemoStage()
        return Stage(name, demo.model, (16, 32, 32), lambda number: scene_conditioning(50_000 + number),
                     lambda latents: demo.vae.decode(latents)[0].float(), demo.fingerprint)
    return trained_stage(LESSONS[name])


def trained_stage(lesson: Lesson) -> Stage:
    """A model of `models.train_models`."""
    import comfy.model_patcher

    inner, code = load(lesson, lesson.trained)
    model = comfy.model_patcher.ModelPatcher(inner, load_device=torch.device("cpu"), offload_device=torch.device("cpu"))
    film, _code = lesson.draw(0)
    shape = tuple(code.encode(film[None]).shape[1:])

    def prompt(number: int) -> tuple[list, list]:
        wanted = lesson.draw(number)[1][None]
        return [[wanted, {}]], [[torch.zeros_like(wanted), {}]]

    def decode(latents: Tensor) -> Tensor:
        frames = code.decode(inner.process_latent_in(latents))[0]
        return frames.permute(0, 2, 3, 1).flatten(0, 1)

    return Stage(lesson.name, model, shape, prompt, decode, fingerprint(lesson.trained))

