"""How far a forecast may move away from the newest result: as far as earlier forecasts came true.

r_0: newest target in the history.  f: the pool's forecast of a full step.  r: the target that this step then showed.
t = sum (<f - r_0, r - r_0> / |f - r_0|) / sum |f - r_0|, over the full steps of a run: token by token, how much of the
forecast's change came true. Each full step is weighted by the length of its forecast's change. The probe moves on with
the picture, but the target often turns back: forecasts chosen only by the probe move too far (bench/choice/README.md).
"""

import torch
from torch import Tensor
from torch.linalg import vecdot, vector_norm

from ..predictors.on_processor import to_device
from ..predictors.token_chunks import token_chunks


class Trust:
    """The two sums over the full steps of one condition so far, on its device: [2, B, N]."""

    def __init__(self) -> None:
        self._sums: Tensor | None = None
        self._share: Tensor | None = None
        self._held: Tensor | None = None
        self._held_by: Tensor | None = None

    def learn(self, newest: Tensor, forecast: Tensor, truth: Tensor) -> None:
        """A full step showed `truth`. Known before it: the newest target `newest`, and `forecast`. [B, N, C] each."""
        self.add(torch.stack([trust_terms(*pictures) for pictures in zip(newest, forecast, truth, strict=True)], dim=1))

    def add(self, terms: Tensor) -> None:
        """Add a full step's terms, [2, .., N] from `trust_terms`; tokens with a value that is not finite add 0."""
        terms = torch.where(terms.isfinite().all(dim=0), terms, 0)
        self._sums, self._share = terms if self._sums is None else self._sums + terms, None
        self._held = None

    @property
    def share(self) -> Tensor | None:
        """How much of a forecast's change to take, [B, N], 0 to 1; None while nothing is known."""
        if self._share is None and self._sums is not None:  # it changes only at a full step
            true, forecast = self._sums
            self._share = torch.where(forecast > 0, true / forecast, 1).clamp(0, 1)
        return self._share

    def held(self, share: Tensor, steady: Tensor, tokens: Tensor) -> Tensor:
        """The share of a forecast's change to take [B, N] where of each picture [B] no more than `share` is taken.

        steady: [B], 1 where all of it is taken: what looked like turning back was noise there. tokens: [B, N, D].
        """
        if self._held is None or self._held_by is not share:  # both change only at a full step
            most = to_device(share, tokens.device)[:, None]
            self._held_by, self._held = share, most.expand(tokens.shape[:2])
            if self.share is not None:
                self._held = (self.share * most).maximum(to_device(steady, tokens.device)[:, None])
        return self._held


def trust_terms(newest: Tensor, forecast: Tensor, truth: Tensor) -> Tensor:
    """<f - r_0, r - r_0> / |f - r_0| and |f - r_0| of the tokens of a picture: [N, C] each -> [2, N]."""
    terms = torch.empty(2, len(newest), device=truth.device)
    for part in token_chunks(len(newest), 12 * newest.shape[1], truth.device):
        before, change, true = (to_device(values[part], terms.device).to(terms) for values in (newest, forecast, truth))
        change = change - before
        terms[1, part] = vector_norm(change, dim=1)
        terms[0, part] = vecdot(change, true - before) / terms[1, part]
    return terms
