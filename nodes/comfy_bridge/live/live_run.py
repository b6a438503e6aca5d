"""What a run tells the browser: the plan, each step when it ends, and the result."""

import logging
import sys
import time
from itertools import count

from ....tap_core.record.record import TapRecord
from ....tap_core.record.run_line import result_line, run_line
from ....tap_core.record.size_words import cache_words, size_words
from ....tap_core.sampling.run import TapRun
from ....tap_core.sampling.settings import keeps_to_quality
from .board import BOARD
from .plan import NOTHING, expected_cache, latent_bytes, plan_of
from .plan_marks import FULL, TO_COME, mark_of, put_mark, spent_words
from .prompts import prompt_of
from .queue import Event, LiveQueue, Send
from .time_left import TimeLeft

# Fields may be added; the browser ignores those that it does not know.
EVENT = "tap.run"
# Each run has its own number; an object's id could come again in a later run.
NUMBERS = count(1)

log = logging.getLogger("tap")


class LiveRun:
    """Tells about one run. node: where it is shown; "" if no browser listens, then only the log gets the plan."""

    def __init__(self, run: TapRun, node: str = "", send: Send | None = None) -> None:
        self._run, self._node, self._number = run, node, next(NUMBERS)
        self._plan, self._cache, self._cache_known = plan_of(run), 0, False
        self._logged, self._left = False, TimeLeft()
        self._marks, self._reasons = [TO_COME] * run.timeline.steps, {}
        send = send or browser_of_prompt()
        self._queue = LiveQueue(send) if node and send else None
        if not self.awaits_cache:
            self._log_plan()
        self._tell()

    @property
    def awaits_cache(self) -> bool:
        """Whether the memory that the histories will take is still unknown."""
        return self._plan.snapshots > 0 and not self._logged

    def begins(self, nbytes: int) -> None:
        """The first step starts; it will add so many bytes to the histories."""
        self._cache = self._plan.snapshots * nbytes + (latent_bytes(self._run) if nbytes else 0)
        self._log_plan()
        self._tell()

    def evaluated(self) -> None:
        """One model evaluation is over."""
        self._log_plan()
        self._correct_cache()
        if self._queue is None:
            return
        run = self._run
        evaluation = run.record.evaluations[-1]
        mark = mark_of(evaluation, planned_full=run.decider.decision.full and not run.notes.fell_back)
        put_mark(self._marks, evaluation.step, mark)
        self._left.evaluated(evaluation.step)
        if (evaluation.full or evaluation.part) and evaluation.reason:
            self._reasons[evaluation.step] = evaluation.reason
        self._tell()

    def ended(self) -> None:
        """The run is over and its record complete."""
        if self._queue is not None:
            self._queue.end(self._result(self._run.record))

    def ended_beside(self, node: str, record: TapRecord) -> None:
        """Tell another node, whose model ran in the same run, what is in its record."""
        send = browser_of_prompt() if node else None
        if send:
            send({**self._result(record), "node": node})

    def _result(self, record: TapRecord) -> Event:
        line = result_line(record) if record.complete else f"Stopped: {run_line(record)}"
        return {**self._event(), "line": line, "ended": True}

    def _log_plan(self) -> None:
        if not self._logged:
            self._logged = True
            log.info("TAP: plan: %s", self._planned())

    def _correct_cache(self) -> None:
        """Count what was not known before: guidance that runs the model once more, a schedule's own memory."""
        run, before = self._run, self._cache
        expected = expected_cache(run, self._plan.snapshots)
        self._cache = max(expected, run.record.cache_bytes, before if self._cache_known or not expected else 0)
        if expected and not self._cache_known and self._cache != before:
            log.info("TAP: cache %s, other than planned", size_words(self._cache))
        self._cache_known = self._cache_known or expected > 0

    def _line(self) -> str:
        if all(mark == TO_COME for mark in self._marks):
            return self._planned()
        known = self._plan.words if self._plan.words.startswith(NOTHING) else self._run.so_far
        spent = ", ".join(filter(None, [spent_words(self._marks), self._left.words(self._marks, self._plan.marks)]))
        return f"{self._wish}{'; '.join(filter(None, [spent, known]))}"

    @property
    def _wish(self) -> str:
        """The quality that the run keeps to, and its limit, such as "close, at most 10 computed: "."""
        if not keeps_to_quality(self._run.schedule):
            return ""
        settings = self._run.settings
        limit = f", at most {settings.most_computed} computed" if settings.most_computed else ""
        return f"{settings.quality}{limit}: "

    def _planned(self) -> str:
        if not self._cache:
            return self._plan.words
        return f"{self._plan.words}, {cache_words(self._cache, self._run.record.settings)}"

    def _tell(self) -> None:
        if self._queue is not None:
            self._queue.put(self._event())

    def _event(self) -> Event:
        return {
            "version": 1, "node": self._node, "run": self._number, "plan": self._plan.marks, "ended": False,
            "line": self._line(), "marks": "".join(self._marks), "reasons": dict(self._reasons),
        }


def tell_nothing_is_skipped(node: str, reason: str, steps: int) -> None:
    """There is no run: tell the browser why."""
    send = browser_of_prompt() if node else None
    if send:
        send({"version": 1, "node": node, "plan": "", "marks": FULL * max(steps, 0), "ended": True, "reasons": {},
              "line": f"{NOTHING}. {reason}"})


def browser_of_prompt() -> Send | None:
    """Sends to the browser that queued the prompt; None if no server runs or no browser wants to listen."""
    server = running_server()
    client = getattr(server, "client_id", None)
    if client is None or not BOARD.wanted_by(client):
        return None
    prompt = prompt_of(server, getattr(server, "last_prompt_id", None))
    made = prompt.made_by()

    def send(event: Event) -> None:
        event = {**event, "workflow": prompt.workflow, "prompt": prompt.id, "at": time.time()}
        BOARD.keep(event, made)
        if BOARD.wanted_by(client):  # still
            server.send_sync(EVENT, event, client)

    return send


def running_server() -> object | None:
    """ComfyUI's server; None if it does not run."""
    return getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)
