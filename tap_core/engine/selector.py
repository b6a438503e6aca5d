"""Which candidate each token takes: the best on the probe, or another rule, as a control in comparisons.

One fixed predictor needs no rule: it is a pool with one member.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import TapError


@dataclass(frozen=True)
class Choice:
    """best: [B, N] index of each token's candidate; loss: [B, N] its loss.

    second, share: [B, N] index of another candidate and its share of the forecast; None where one candidate makes it.
    """

    best: Tensor
    loss: Tensor
    second: Tensor | None = None
    share: Tensor | None = None


@dataclass(frozen=True)
class Selector:
    """A selection by its name. seed: for random. Raises TapError for an unknown name."""

    selection: str = "best"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.selection not in SELECTIONS:
            raise TapError(f"selection is {self.selection!r}; choose one of {', '.join(SELECTIONS)}.")

    @property
    def local(self) -> bool:
        """Whether a token's choice depends only on its own losses."""
        return self.selection not in ("one for all", "random")

    @property
    def by_truth(self) -> bool:
        """Whether the choice needs the true target, which costs a full step; for benchmarks."""
        return self.selection == "oracle"

    def choose(self, losses: Tensor, position: float) -> Choice:
        """The choice at a step, from the losses [B, N, P]; of equal losses the first candidate is taken."""
        return SELECTIONS[self.selection](losses, self.seed + round(1000 * position))


def best(losses: Tensor, seed: int) -> Choice:
    """The lowest loss, token by token, TAP Eq. (8)."""
    loss, index = losses.min(dim=-1)
    return Choice(index, loss)


def one_for_all(losses: Tensor, seed: int) -> Choice:
    """The lowest mean loss, one candidate for all tokens of a picture: shows what the choice per token adds."""
    # A token without a finite loss, such as one whose probe is zero, does not count.
    counted = losses.masked_fill(losses.isinf().all(dim=-1, keepdim=True), 0)
    index = counted.mean(dim=1, keepdim=True).argmin(dim=-1, keepdim=True).expand(*losses.shape[:2], 1)
    return _take(losses, index)


def blend(losses: Tensor, seed: int) -> Choice:
    """The candidates with the two lowest losses, mixed in inverse proportion to these."""
    if losses.shape[-1] == 1:
        return best(losses, seed)
    least, index = losses.min(dim=-1)
    next_least, second = losses.scatter(-1, index[..., None], torch.inf).min(dim=-1)
    return Choice(index, least, second, (least / (least + next_least)).nan_to_num(nan=0.0))


def at_random(losses: Tensor, seed: int) -> Choice:
    """Any candidate with a finite loss, token by token."""
    generator = torch.Generator().manual_seed(seed)
    lots = torch.rand(losses.shape, generator=generator).to(losses.device, non_blocking=True)
    return _take(losses, lots.masked_fill_(losses.isinf(), -1).argmax(dim=-1, keepdim=True))


def _take(losses: Tensor, index: Tensor) -> Choice:
    return Choice(index.squeeze(-1), losses.gather(-1, index).squeeze(-1))


SELECTIONS: dict[str, Callable[[Tensor, int], Choice]] = {
    "best": best,
    "blend": blend,
    "one for all": one_for_all,
    "random": at_random,
    "oracle": best,
}
