"""The latents that a run keeps: to be replayed, and to see how close it is."""

import math
from functools import lru_cache
from itertools import pairwise

from . import drifts, replay
from .decider import Decider
from .notes import Notes
from .replay import Replay
from .standing import Standing

# Its latest slope and the sum of the others; the sum of all is that of drifts.py.
OF_OPEN_GAP = 2
NO_ROOM = ("memory_limit is {limit} MB, and copies of the latent that TAP has to keep take {taken:.0f} MB; every step "
           "was computed in full. Raise memory_limit, or set it to 0.")


class Latents:
    """Of one run of so many steps. room: bytes that they may take on the model's device; None without a limit."""

    def __init__(self, decider: Decider, steps: int, standing: Standing, notes: Notes) -> None:
        self._decider, self._steps, self._standing, self._notes = decider, steps, standing, notes
        self.room: int | None = None

    def planned(self, again: Replay | None) -> int:
        """How many there will be at most.

        A sampler that evaluates steps twice, or draws noise anew without guidance, keeps more: its first steps show it.
        """
        return self._count(again)

    def on_device(self, again: Replay | None) -> int:
        """Those of them that stay on the model's device."""
        return self.planned(again) if again is None or again.device is None else self.left_behind(again)

    def left_behind(self, again: Replay | None) -> int:
        """Those that stay there where all that can is kept on the processor: what tells, and an open gap."""
        telling = self._count(None)
        if again is None or not telling:
            return telling
        alone = all(any(pair) for pair in pairwise(self._evaluated))  # no two skipped ones in a row
        return telling + (1 if alone else OF_OPEN_GAP)

    def fit(self, again: Replay, latent: int, room: int) -> None:
        """Before the first step: latents of so many bytes have this room; more are kept on the processor."""
        if self.planned(again) * latent > room:
            again.put_away()
        self.room = room if self.room is None else min(self.room, room)

    def keep_within_room(self, again: Replay | None) -> None:
        """A sampler that evaluates steps twice keeps more than was planned: once there is no room, on the processor."""
        if self.room is not None and again is not None and again.device is None and self.nbytes(again) > self.room:
            again.put_away()

    def nbytes(self, again: Replay | None) -> int:
        """Bytes of all that are kept now, wherever they are."""
        return self._standing.nbytes + (0 if again is None else again.nbytes)

    def _count(self, again: Replay | None) -> int:
        if not self._standing.known or self._notes.fell_back:
            return 0
        return latents_kept(self._evaluated, again is not None, again is not None and again.repays_all)

    @property
    def _evaluated(self) -> tuple[bool, ...]:
        """Whether each evaluation is a full one, as far as it is known.

        A schedule that decides during the run has no plan, and is taken to compute every third step.
        """
        planned = self._decider.planned or [step % 3 == 0 for step in range(self._steps)]
        return tuple(full for full in planned for _ in range(1 + math.ceil(self._standing.twice)))


@lru_cache
def latents_kept(full: tuple[bool, ...], replayed: bool, repays_all: bool) -> int:
    """The most at any of these full and skipped evaluations; repays_all: see replay.py."""
    passed = [full[: step + 1] for step in range(len(full))]
    return max(drifts.latents_kept(each) + replayed * replay.latents_kept(each, repays_all) for each in passed)
