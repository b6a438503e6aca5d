"""What the nodes that read a trace share."""

from comfy_api.latest import io

from ...tap_core.calibrate.trace import Trace
from ...tap_core.errors import TapError
from ..comfy_bridge.run.measuring import TraceHolder
from .sockets import TAP_TRACE

NO_RUN = (
    "Let the sampler take its model from TAP Measure Run, and connect `after` to what comes out of that sampler, so "
    "that this node runs when sampling is over."
)


def trace_input() -> io.Input:
    """What a run that was computed in full has shown."""
    return TAP_TRACE.Input("trace", tooltip="What the full run has shown: connect TAP_TRACE of TAP Measure Run.")


def another_run(number: int) -> list[io.Input]:
    """A further trace, and what makes the node wait for its sampler."""
    return [
        TAP_TRACE.Input(
            f"trace_{number}", optional=True,
            tooltip="Suits the result to one more run, of another prompt or seed, measured by a node of its own.",
        ),
        io.MultiType.Input(
            f"after_{number}", [io.Latent, io.Image], optional=True,
            tooltip=f"Keeps trace_{number} up to date: connect the latent or picture of its sampler.",
        ),
    ]


def trace_of(holder: object) -> Trace:
    """The trace of the run that just ended. Raises TapError if there is none."""
    if not isinstance(holder, TraceHolder):
        raise TapError(f"trace is a {type(holder).__name__}; connect the TAP_TRACE output of TAP Measure Run.")
    if holder.latest is None:
        raise TapError(f"No run was measured. {holder.why_none or NO_RUN}")
    return holder.latest
