"""The pack's own socket types, and the outputs that several nodes share."""

from comfy_api.latest import io

TAP_RECORD = io.Custom("TAP_RECORD")
TAP_POOL = io.Custom("TAP_POOL")
TAP_SCHEDULE = io.Custom("TAP_SCHEDULE")
TAP_TRACE = io.Custom("TAP_TRACE")


def schedule_output() -> io.Output:
    """A schedule, from the nodes that make one."""
    return TAP_SCHEDULE.Output(display_name="TAP_SCHEDULE", tooltip="For TAP Accelerate's schedule input.")


def learned_outputs() -> list[io.Output]:
    """What a calibration may have beside its steps: learned weights and moved sigmas."""
    return [
        TAP_POOL.Output(display_name="TAP_POOL", tooltip="The learned weights, for predictors of TAP Accelerate: they "
                        "replace its own predictors. Through TAP Predictor Pool they are one more choice. Without "
                        "learned weights it changes nothing."),
        io.Sigmas.Output(display_name="SIGMAS", tooltip="The moved sigmas, for a sampler that takes sigmas, such as "
                         "SamplerCustomAdvanced. Without moved sigmas they are those of the measured run."),
    ]
