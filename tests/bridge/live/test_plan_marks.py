"""What the marks of the steps say in words."""

from __future__ import annotations

import pytest
from tap_pack.nodes.comfy_bridge.live.plan_marks import spent_words


@pytest.mark.parametrize(("marks", "words"), [
    ("fssrss..", "6 of 8 steps, 2 computed"),
    ("ffps....", "4 of 8 steps, 2 computed and 1 in part"),
    ("f.......", "1 of 8 steps, 1 computed"),
])
def test_the_steps_so_far_and_what_they_took(marks: str, words: str) -> None:
    assert spent_words(list(marks)) == words
