"""The two inputs that all views of a record share."""

from comfy_api.latest import io

from ...tap_core.errors import TapError
from ...tap_core.record.holder import RecordHolder
from .sockets import TAP_RECORD

NOT_CONNECTED = (
    "Connect MODEL of TAP Accelerate to the sampler, and connect `after` to what comes out of "
    "that sampler: this node then runs after it."
)


def record_input() -> io.Input:
    """What the run did."""
    return TAP_RECORD.Input(
        "record", tooltip="Shows the last run that TAP Accelerate made faster. Connect its TAP_RECORD."
    )


def after_input() -> io.Input:
    """The input that makes a node wait for the sampler, and run again with it."""
    return io.MultiType.Input(
        "after",
        [io.Latent, io.Image],
        tooltip="Keeps this node up to date: it runs after the sampler. Connect the sampler's latent or the decoded "
        "picture.",
    )


def why_no_run(holder: RecordHolder) -> str:
    """What to tell people where the holder has no record."""
    return f"No run was recorded. {holder.why_none or NOT_CONNECTED}"


def check_holder(record: object) -> RecordHolder:
    """The holder that arrived at `record`. Raises TapError for anything else."""
    if not isinstance(record, RecordHolder):
        raise TapError(f"record is a {type(record).__name__}; connect the TAP_RECORD output of TAP Accelerate.")
    return record
