"""The plan of a node that was not queued yet, for the steps of the sampler behind it."""

from dataclasses import fields

from ....tap_core.errors import TapError
from ....tap_core.sampling.run import TapRun
from ....tap_core.sampling.settings import TapSettings
from .plan import Plan, plan_of

MOST_STEPS = 10_000
# Of a model that is not known; where the computed steps are differs a little from model to model, not their number.
SHIFT = 3.0


def planned(values: dict[str, object], steps: int) -> Plan:
    """The plan with these values of the node's widgets, or a sentence that says what to change. steps: 1 to 10,000."""
    known = {field.name for field in fields(TapSettings)}
    left = [1 - step / steps for step in range(steps + 1)]
    sigmas = [SHIFT * t / (1 + (SHIFT - 1) * t) for t in left]
    try:
        settings = TapSettings(**{name: value for name, value in values.items() if name in known})
        return plan_of(TapRun(settings, sigmas, ""))
    except (TapError, ValueError, TypeError) as error:
        return Plan(str(error))
