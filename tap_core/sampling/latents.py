"""How many latents a run keeps: to be replayed, and to see how close it is."""

from collections.abc import Sequence

from . import drifts, replay

NO_ROOM = ("memory_limit is {limit} MB, and copies of the latent that TAP has to keep take {taken:.0f} MB; every step "
           "was computed in full. Raise memory_limit, or set it to 0.")


def latents_kept(planned: Sequence[bool], steps: int, replayed: bool) -> int:
    """The most at any step, at one evaluation a step.

    planned: whether each step is a full one; a schedule that decides during the run has no plan, and is taken to
    compute every third step.
    """
    if not planned:
        return drifts.latents_kept([True] * 3 + [False]) + steps * replayed
    passed = [planned[: step + 1] for step in range(len(planned))]
    return max(drifts.latents_kept(each) + replay.latents_kept(each) * replayed for each in passed)
