"""What a patch begins before the blocks and ends in them: a call whose blocks are skipped leaves nothing of it behind.

ComfyUI's ControlNet for Z-Image counts from the noise refiner on through all blocks; a count that did not end would go
on in the next call.
"""

from collections.abc import Mapping

Begun = list[tuple[object, object]]


def begun_by(options: Mapping[str, object]) -> Begun:
    """The patches of a call that begin something, and what each held before it."""
    patches = options.get("patches", {}).get("noise_refiner", ())
    return [(patch, patch.temp_data) for patch in patches if hasattr(patch, "temp_data")]


def put_back(begun: Begun) -> None:
    """What each patch held before the call."""
    for patch, before in begun:
        patch.temp_data = before
