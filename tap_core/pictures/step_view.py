"""What a map shows for each step."""

from dataclasses import dataclass

from ..errors import TapError
from ..record.record import Evaluation, TapRecord, TokenChoices

PROMPTS = ("positive", "negative")


@dataclass(frozen=True)
class StepView:
    """One step. full: whether any call of it was computed in full; reason: why it was computed, in full or in part.

    choices: None where no token of this prompt chose a predictor, or tokens cannot be placed on the picture.
    """

    step: int
    sigma: float
    full: bool
    reason: str
    choices: TokenChoices | None

    @property
    def status(self) -> str:
        """The step in words, such as "computed step: warm-up"."""
        if self.choices is None and self.full:
            return f"computed step: {self.reason}" if self.reason else "computed step"
        if not self.reason:
            return "forecast step"
        if self.full or self.choices is None:
            return f"partly computed: {self.reason}"
        return f"{self.choices.computed_share:.0%} of the tokens computed: {self.reason}"


def step_views(record: TapRecord, condition: int = 0) -> list[StepView]:
    """A view for each step of the run, in order. Raises TapError if nothing was forecast for this condition."""
    conditions = {c.condition for e in record.evaluations for c in e.choices}
    if conditions and condition not in conditions:
        known = " or ".join(_prompt(c) for c in sorted(conditions))
        raise TapError(f"Nothing was forecast for the {_prompt(condition)} prompt in this run; choose {known}.")
    steps: dict[int, list[Evaluation]] = {}
    for evaluation in record.evaluations:
        steps.setdefault(evaluation.step, []).append(evaluation)
    return [_view(step, steps[step], condition) for step in sorted(steps)]


def _view(step: int, evaluations: list[Evaluation], condition: int) -> StepView:
    """Of several evaluations (Heun's, dpm_2's) the last one at the step's own sigma is shown."""
    found = [(e, c) for e in evaluations for c in e.choices if c.condition == condition]
    first = min((e for e, _ in found), key=lambda e: e.position, default=evaluations[0])
    shown = [c for e, c in found if e.position == first.position]
    reason = ", ".join(dict.fromkeys(e.reason for e in evaluations if (e.full or e.part) and e.reason))
    return StepView(step, first.sigma, any(e.full for e in evaluations), reason, shown[-1] if shown else None)


def condition_of(prompt: str) -> int:
    """The condition of a prompt, by its name. Raises TapError for an unknown name."""
    if prompt not in PROMPTS:
        raise TapError(f"prompt is {prompt!r}; choose {' or '.join(PROMPTS)}.")
    return PROMPTS.index(prompt)


def _prompt(condition: int) -> str:
    return PROMPTS[condition] if condition < len(PROMPTS) else f"number {condition}"
