"""ComfyUI's compiler off for the length of a run: it records what blocks allocate, and skipped blocks allocate nothing.

Later releases have it (`--disable-comfy-compiler`). It replays the recorded addresses, and what a run keeps of one step
for the next, or another number of blocks, breaks the recording: at best it costs the compiler's gain, at worst the
process ends.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from comfy.cli_args import args

OPTION = "disable_comfy_compiler"

_lock = threading.Lock()
_runs = 0  # those for which it is off now


@contextmanager
def no_recorded_allocations() -> Iterator[None]:
    """Off for a while, if ComfyUI has it and the user has not switched it off; runs may overlap."""
    global _runs
    with _lock:
        mine = _runs > 0 or getattr(args, OPTION, None) is False
        if mine:
            _runs += 1
            setattr(args, OPTION, True)
    try:
        yield
    finally:
        with _lock:
            if mine:
                _runs -= 1
                if not _runs:
                    setattr(args, OPTION, False)
