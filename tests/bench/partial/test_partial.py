"""What the study of steps computed in part compares."""

from __future__ import annotations

import torch
from comfy.ldm.modules.attention import attention_pytorch

from partial.worst_tokens import stand_ins, weighted


def test_one_token_of_each_cell_stands_for_those_that_were_left_out_there() -> None:
    kept = torch.zeros(2, 4, 5, dtype=torch.bool)
    kept[0, 0, 0] = kept[1, 2:, :2] = True
    counts = stand_ins(kept.flatten(), (2, 4, 5)).view(2, 4, 5)
    assert counts.sum() == (~kept).sum() and not counts[kept].any()
    assert sorted(counts[0][counts[0] > 0].tolist()) == [2, 2, 3, 4, 4, 4]
    assert counts[0, :2, :2].sum() == 3 and counts[1, 2:, :2].sum() == 0


def test_a_weighted_key_counts_as_often_as_the_tokens_that_it_stands_for() -> None:
    q, k, v = torch.randn(3, 1, 6, 8, generator=torch.Generator().manual_seed(0)).unbind(0)
    often = torch.tensor([1, 1, 1, 3, 1, 2])  # the first two are text
    repeated = attention_pytorch(q, k.repeat_interleave(often, 1), v.repeat_interleave(often, 1), heads=2)
    biased = weighted(often[2:].float().log())(attention_pytorch, q, k, v, heads=2)
    torch.testing.assert_close(biased, repeated)
