"""The pack's own socket types, and the output that five nodes share."""

from comfy_api.latest import io

TAP_RECORD = io.Custom("TAP_RECORD")
TAP_POOL = io.Custom("TAP_POOL")
TAP_SCHEDULE = io.Custom("TAP_SCHEDULE")
TAP_TRACE = io.Custom("TAP_TRACE")


def schedule_output() -> io.Output:
    """A schedule, from the nodes that make one."""
    return TAP_SCHEDULE.Output(display_name="TAP_SCHEDULE", tooltip="For TAP Accelerate's schedule input.")
