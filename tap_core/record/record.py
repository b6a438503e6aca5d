"""What a run did. All views are made from it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import torch
from torch import Tensor

from ..closeness import Closeness
from ..predictor import ExplicitPredictor, Predictor
from ..token_grid import Grid


@dataclass
class TokenChoices:
    """The choice for the tokens of one model call.

    condition: 0 positive, 1 negative, as ComfyUI counts. order, member: [B, N] order used and pool member chosen.
    loss: [B, N] proxy loss of the chosen one. frames: numbers of these frames in a video that is made in windows.
    computed: [B, N] which tokens were computed in place of this, in a step computed in part; None if none was.
    """

    condition: int
    member: Tensor
    order: Tensor
    loss: Tensor
    frames: tuple[int, ...] = ()
    computed: Tensor | None = None

    def first(self, count: int, frames: tuple[int, ...] = ()) -> "TokenChoices":
        """The choices for the first `count` tokens, which are the picture's."""
        computed = None if self.computed is None else self.computed[:, :count]
        maps = (values[:, :count] for values in (self.member, self.order, self.loss))
        return TokenChoices(self.condition, *maps, frames, computed)

    def of_forecast(self, name: str) -> Tensor:
        """The values of one of the maps, of the tokens that were forecast, in a row."""
        values = getattr(self, name)
        return values.flatten() if self.computed is None else values[~self.computed]

    @property
    def computed_share(self) -> float:
        """The share of the tokens that were computed."""
        return 0.0 if self.computed is None else float(self.computed.float().mean())

    def to_cpu(self) -> None:
        """Move its maps to the processor."""
        for name, values in vars(self).items():
            if torch.is_tensor(values):
                setattr(self, name, values.cpu())
        self.order = self.order.to(torch.int8)  # beside the member it was as wide as that

    def put_into(self, whole: "TokenChoices | None", grid: Grid) -> "TokenChoices":
        """The choices of a whole video with these frames put in; other frames stay, or copy the first one."""
        maps = []
        for name in ("member", "order", "loss"):
            part = getattr(self, name).unflatten(1, (len(self.frames), -1))
            if whole is None:
                made = part[:, :1].repeat(1, grid[0], 1)
            else:
                made = getattr(whole, name).unflatten(1, (grid[0], -1)).clone()
            made[:, list(self.frames)] = part
            maps.append(made.flatten(1))
        return TokenChoices(self.condition, *maps)


@dataclass
class Evaluation:
    """One model evaluation: one a step for most samplers, two for Heun's.

    position: step index, fractional between steps. reason: why it was computed, in full or in part; "" if it was not.
    part_calls: model calls that computed some of the tokens and forecast the others.
    """

    position: float
    sigma: float
    reason: str = ""
    full_calls: int = 0
    skipped_calls: int = 0
    part_calls: int = 0
    seconds: float = 0.0
    choices: list[TokenChoices] = field(default_factory=list)

    def add(self, choices: Sequence[TokenChoices], grid: Grid) -> None:
        """Add the choices of a call; windows of one video are put together."""
        for choice in choices:
            if choice.frames:
                earlier = next((c for c in self.choices if c.condition == choice.condition), None)
                self.choices = [c for c in self.choices if c is not earlier]
                choice = choice.put_into(earlier, grid)
            self.choices.append(choice)

    @property
    def full(self) -> bool:
        """Whether the model's blocks computed any call of it for all tokens."""
        return self.full_calls > 0

    @property
    def skipped(self) -> bool:
        """Whether all of it was forecast; without any model call that came to TAP it is neither full nor skipped."""
        return self.skipped_calls > 0 and not self.full and not self.part

    @property
    def part(self) -> bool:
        """Whether it was computed for some of the tokens, and for all of them in no call."""
        return self.part_calls > 0 and not self.full

    @property
    def whole(self) -> bool:
        """Whether nothing of it was forecast."""
        return self.skipped_calls == 0 and self.part_calls == 0

    @property
    def computed_share(self) -> float:
        """The share of its tokens that were computed: 1 of a full evaluation, 0 of a skipped one."""
        shares = [choice.computed_share for choice in self.choices]
        return 1.0 if self.full else sum(shares) / len(shares) if shares and self.part else 0.0

    @property
    def step(self) -> int:
        """The sampler step it belongs to."""
        return int(self.position)


@dataclass(frozen=True)
class CandidateName:
    """The name of a pool member on the map and in the report."""

    family: str
    order: int
    horizon: float

    def __str__(self) -> str:
        if self.order == 0:
            return "reuse"
        return f"{self.family} {self.order}" + (f", k{self.horizon:+g}" if self.horizon else "")


@dataclass
class TapRecord:
    """One sampling run. grid: frames, rows and columns of tokens. complete: False if it was interrupted.

    guidance: the guider's cfg, None if it tells none. sampler: the name of its function.
    filled: the share of the rows and columns that the picture fills, below 1 where an odd size was padded.
    seconds_replayed: the part of seconds_total in which the sampler went again over steps that were done.
    closeness: to the picture with every step computed, of the least close one in a batch; None if that is not known.
    why_unknown: why it is not, in words; "" where nothing was skipped. part_of_run: whether another sampling begins or
    ends this picture, as with two models; all figures are of this one's steps.
    """

    model: str = ""
    settings: dict[str, object] = field(default_factory=dict)
    sigmas: list[float] = field(default_factory=list)
    guidance: float | None = None
    sampler: str = ""
    candidates: list[CandidateName] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    grid: tuple[int, int, int] = (0, 0, 0)
    filled: tuple[float, float] = (1.0, 1.0)
    seconds_total: float = 0.0
    seconds_replayed: float = 0.0
    cache_bytes: int = 0
    fallbacks: list[str] = field(default_factory=list)
    complete: bool = False
    closeness: Closeness | None = None
    why_unknown: str = ""
    part_of_run: bool = False

    @property
    def steps(self) -> int:
        """Number of sampler steps."""
        return max(len(self.sigmas) - 1, 0)

    @property
    def full_steps(self) -> list[int]:
        """Steps with at least one evaluation that was computed in full."""
        return sorted({e.step for e in self.evaluations if e.full})

    @property
    def skipped_steps(self) -> list[int]:
        """Steps with only forecast evaluations."""
        return sorted({e.step for e in self.evaluations if e.skipped} - {*self.full_steps, *self.part_steps})

    @property
    def part_steps(self) -> list[int]:
        """Steps with an evaluation that was computed in part, and none that was computed in full."""
        return sorted({e.step for e in self.evaluations if e.part} - set(self.full_steps))

    @property
    def forecast_steps(self) -> list[int]:
        """Steps that were forecast, at least in part."""
        return sorted([*self.skipped_steps, *self.part_steps])

    @property
    def predictor_shares(self) -> dict[str, float]:
        """Name of each used predictor -> its share of all forecast tokens."""
        counts = dict.fromkeys(map(str, self.candidates), 0)
        for choice in (c for e in self.evaluations for c in e.choices):
            for member, count in enumerate(choice.of_forecast("member").int().bincount().tolist()):
                counts[str(self.candidates[member])] += count
        total = sum(counts.values()) or 1
        return {name: count / total for name, count in counts.items() if count}

    @property
    def steps_computed(self) -> float:
        """How many steps were computed; those in part count by their share of the tokens."""
        return len(self.full_steps) + sum(map(self.share_computed, self.part_steps))

    def share_computed(self, step: int) -> float:
        """The share of the tokens that a step computed, over its evaluations."""
        shares = [e.computed_share for e in self.evaluations if e.step == step]
        return sum(shares) / len(shares)

    def median_seconds(self, full: bool) -> float | None:
        """Median seconds of a full or skipped evaluation, without the first one, which may load or compile."""
        seconds = [e.seconds for e in self.evaluations[1:] if (e.full if full else e.skipped)]
        return median(seconds) if seconds else None

    def end(self, seconds: Sequence[float]) -> None:
        """Take how long each evaluation took, and move its maps to the processor."""
        for evaluation, taken in zip(self.evaluations, seconds, strict=True):
            evaluation.seconds = taken
            for choice in evaluation.choices:
                choice.to_cpu()

    def report(self) -> dict[str, object]:
        """The figures of the run as plain JSON values."""
        return {
            "model": self.model,
            "steps": self.steps,
            "full_steps": self.full_steps,
            "skipped_steps": self.skipped_steps,
            "part_steps": self.part_steps,
            "part_shares": [self.share_computed(step) for step in self.part_steps],
            "evaluations": len(self.evaluations),
            "full_evaluations": sum(e.full for e in self.evaluations),
            "seconds_full_median": self.median_seconds(full=True),
            "seconds_skipped_median": self.median_seconds(full=False),
            "seconds_total": self.seconds_total,
            "seconds_replayed": self.seconds_replayed,
            "predictors": self.predictor_shares,
            "cache_bytes": self.cache_bytes,
            "fallbacks": self.fallbacks,
            "complete": self.complete,
            "closeness_db": self.closeness.decibels if self.closeness else None,
            "closeness_mostly_db": [self.closeness.low, self.closeness.high] if self.closeness else None,
            "closeness": self.closeness.words if self.closeness else None,
            "closeness_why_unknown": self.why_unknown or None,
            "part_of_run": self.part_of_run,
            "settings": self.settings,
        }


def candidate_names(members: Sequence[Predictor | ExplicitPredictor]) -> list[CandidateName]:
    """Names of a pool's members, in its order."""
    return [CandidateName(p.family, p.order, float(p.horizon)) for p in members]
