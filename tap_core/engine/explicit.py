"""Explicit predictors in the choice: their losses next to those of the weight rows, their forecasts where chosen."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..predictor import ExplicitPredictor, Moment
from ..predictors.on_processor import to_device
from ..predictors.per_token import by_chunks
from .losses import LOSSES


def explicit_losses(
    predictors: Sequence[ExplicitPredictor], stream: Sequence[Tensor], truth: Tensor, moment: Moment, loss: str
) -> Tensor:
    """Loss [B, N, P] of each predictor's forecast of `truth` [B, N, D] from the stream, newest first; one at a time."""
    columns = [by_chunks((predictor.forecast(stream, moment), truth), 1, truth.device, LOSSES[loss])
               for predictor in predictors]
    return torch.cat(columns, dim=-1).nan_to_num_(nan=torch.inf, posinf=torch.inf)


def put_explicit(
    target: Tensor, predictors: Sequence[ExplicitPredictor], stream: Sequence[Tensor], moment: Moment, place: Tensor,
    share: Tensor | None = None,
) -> Tensor:
    """`target` [B, N, C] with the forecasts of the predictors at the tokens that chose them, one at a time.

    place: [B, N], index of the token's predictor, negative for none. Where a forecast is not finite, `target` stays.
    share: [B, N], how much of the change from the newest of the stream to take; all of it if None.
    """
    for i, predictor in enumerate(predictors):
        forecast = predictor.forecast(stream, moment).to(target)
        if share is not None:
            forecast = to_device(stream[0], target.device).to(target).lerp(forecast, share[..., None].to(target))
        target = torch.where((place == i)[..., None] & forecast.isfinite(), forecast, target)
    return target
