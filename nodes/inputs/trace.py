"""The inputs of the nodes that read a trace."""

from comfy_api.latest import io

from ...tap_core.calibrate.trace import Trace
from ...tap_core.calibrate.trace_holder import TraceHolder
from ...tap_core.errors import TapError
from .sockets import TAP_TRACE

NO_RUN = (
    "Connect MODEL of TAP Measure Run to the sampler, and connect `after` to what comes out of that sampler: this node "
    "then runs after it."
)


def trace_input() -> io.Input:
    """What was measured in a full run."""
    return TAP_TRACE.Input("trace", tooltip="What was measured in the full run. Connect TAP_TRACE of TAP Measure Run.")


def another_run(number: int) -> list[io.Input]:
    """One more trace, and the input that makes the node wait for its sampler."""
    return [
        TAP_TRACE.Input(
            f"trace_{number}", optional=True,
            tooltip="Fits the result to one more run, with another prompt or seed and its own TAP Measure Run.",
        ),
        io.MultiType.Input(
            f"after_{number}", [io.Latent, io.Image], optional=True,
            tooltip=f"Keeps trace_{number} up to date. Connect the latent or picture of its sampler.",
        ),
    ]


def trace_of(holder: object) -> Trace:
    """The trace of the run that just ended. Raises TapError if there is none."""
    if not isinstance(holder, TraceHolder):
        raise TapError(f"trace is a {type(holder).__name__}; connect the TAP_TRACE output of TAP Measure Run.")
    if holder.latest is None:
        raise TapError(f"No run was measured. {holder.why_none or NO_RUN}")
    return holder.latest
