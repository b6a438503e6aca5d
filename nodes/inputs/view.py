"""The two inputs that all views of a record share."""

from comfy_api.latest import io

from ...tap_core.errors import TapError
from ...tap_core.record.record import RecordHolder
from .sockets import TAP_RECORD

NO_RUN = (
    "No run was recorded. Let the sampler take its model from TAP Accelerate, and connect `after` to what comes out of "
    "that sampler, so that this node runs when sampling is over."
)


def record_input() -> io.Input:
    """What the run did."""
    return TAP_RECORD.Input(
        "record", tooltip="Shows the last run that TAP Accelerate made faster: connect its TAP_RECORD."
    )


def after_input() -> io.Input:
    """What makes the view wait for the sampler, and run again with it."""
    return io.MultiType.Input(
        "after",
        [io.Latent, io.Image],
        tooltip="Keeps this view up to date: it is drawn once the sampler is done. Connect the sampler's latent or the "
        "decoded picture.",
    )


def check_holder(record: object) -> RecordHolder:
    """The holder that arrived at `record`. Raises TapError for anything else."""
    if not isinstance(record, RecordHolder):
        raise TapError(f"record is a {type(record).__name__}; connect the TAP_RECORD output of TAP Accelerate.")
    return record
