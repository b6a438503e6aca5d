"""How far a forecast may leave the newest result: as far as the forecasts before it came true.

r_0: newest target that is kept.  f: what the pool forecasts of a full step.  r: what that step then showed.
t = sum (<f - r_0, r - r_0> / |f - r_0|) / sum |f - r_0|, over the full steps of a run: token by token, how much of the
forecast's change came true, each full step weighed by how far its forecast went. The probe moves on as the picture
does, the target often turns back: a choice on the probe alone leads too far (bench/README.md).
"""

import torch
from torch import Tensor
from torch.linalg import vecdot, vector_norm

from ..predictors.token_chunks import token_chunks


class Trust:
    """What the full steps of one condition have shown so far, kept on its device: sums [2, B, N]."""

    def __init__(self) -> None:
        self._sums: Tensor | None = None

    def learn(self, newest: Tensor, forecast: Tensor, truth: Tensor) -> None:
        """A full step showed `truth`; from before stem `newest`, the newest target, and `forecast`. [B, N, C] each."""
        self.add(torch.stack([came_true(*pictures) for pictures in zip(newest, forecast, truth, strict=True)], dim=1))

    def add(self, seen: Tensor) -> None:
        """Take what a full step showed, [2, .., N] from `came_true`; nothing of a token where a value is not finite."""
        seen = torch.where(seen.isfinite().all(dim=0), seen, 0)
        self._sums = seen if self._sums is None else self._sums + seen

    @property
    def share(self) -> Tensor | None:
        """How much of a forecast's change to take, [B, N], 0 to 1; None while nothing is known."""
        if self._sums is None:
            return None
        true, told = self._sums
        return torch.where(told > 0, true / told, 1).clamp(0, 1)


def came_true(newest: Tensor, forecast: Tensor, truth: Tensor) -> Tensor:
    """<f - r_0, r - r_0> / |f - r_0| and |f - r_0| of the tokens of a picture: [N, C] each -> [2, N]."""
    sums = torch.empty(2, len(newest), device=truth.device)
    for part in token_chunks(len(newest), 12 * newest.shape[1], truth.device):
        before, told, true = (values[part].to(sums) for values in (newest, forecast, truth))
        told = told - before
        far = vector_norm(told, dim=1)
        sums[0, part] = vecdot(told, true - before) / far
        sums[1, part] = far
    return sums
