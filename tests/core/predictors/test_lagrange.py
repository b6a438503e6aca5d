"""The polynomial through known values."""

from __future__ import annotations

import pytest
from tap_pack.tap_core.predictors.lagrange import lagrange


def test_a_cubic_is_met_exactly_between_four_nodes_and_beyond_them() -> None:
    nodes = [0.3, 0.5, 0.8, 1.0]
    for place in (0.45, 0.9, 0.1, 1.3):
        shares = lagrange(nodes, place)
        assert sum(share * (node**3 - 2 * node) for share, node in zip(shares, nodes, strict=True)) == pytest.approx(
            place**3 - 2 * place)
        assert sum(shares) == pytest.approx(1)


def test_at_a_node_only_its_own_value_counts() -> None:
    assert lagrange([-1.0, 2.0, 0.5], 2.0) == [0, 1, 0]


def test_one_node_counts_alone() -> None:
    assert lagrange([0.7], 0.2) == [1]
