"""Each node shows its own run: three tabs queued at once, a queue that fails, and one that is interrupted."""

from __future__ import annotations

import itertools

import pytest
from tap_pack.demo.launch.client import Prompt
from tap_pack.demo.launch.prompts import fill_defaults, node, stock_prompt

from browser_graph import ACCELERATE, KNOWN, REPORT, viewed_prompt
from browser_page import ComfyPage

SIZE = 64
SEEDS = itertools.count(301)
# Opens what is open once more, with another number of steps and a seed that no other test has, in a tab of its own.
TAB = """async steps => {
    const copy = JSON.parse(JSON.stringify(app.rootGraph.serialize()));
    const { widgets_values: values } = copy.nodes.find(({ type }) => type === 'KSampler');
    values[0] += 1000 * steps;
    values[2] = steps;
    await app.loadGraphData({ ...copy, id: crypto.randomUUID() });
}"""
TAB_BEFORE = "() => app.extensionManager.command.execute('Workspace.PreviousOpenedWorkflow')"
# A tab is known by the steps of its sampler.
STEPS_OF_TAB = """app.rootGraph.nodes.find(node => node.comfyClass === 'KSampler')
    ?.widgets.find(widget => widget.name === 'steps').value ?? 0"""
# Notes how many steps every state of a strip and every report has, and how many the tab has in which it shows.
WATCH = f"""() => {{
    window.seen = [];
    const stepsOf = target => target.matches('.tap-text-words')
        ? Number(/ of (\\d+) steps computed/.exec(target.textContent)?.[1] ?? 0) : target.dataset.marks?.length ?? 0;
    new MutationObserver(changes => {{
        for (const {{ target }} of changes) if (stepsOf(target)) window.seen.push([{STEPS_OF_TAB}, stepsOf(target)]);
    }}).observe(document.body, {{ subtree: true, childList: true, attributeFilter: ['data-marks'] }});
}}"""
SET = """changes => { for (const [id, name, value] of changes)
    app.canvas.graph.getNodeById(id).widgets.find(widget => widget.name === name).value = value; }"""
# The three in a row: each samples what the one before it has made.
FIRST, SECOND, THIRD = ACCELERATE, 101, 102
SAMPLERS = {FIRST: KNOWN["sampler"], SECOND: 111, THIRD: 112}
JOINED, LAST_REPORT = 121, 122
STEPS = 4


def line(comfy: ComfyPage, tap: int = ACCELERATE) -> str:
    """The line below a strip."""
    return comfy.element(tap, " .tap-run-line").text_content()


def marks(comfy: ComfyPage, tap: int = ACCELERATE) -> str:
    """The steps of a strip, "" while it is empty."""
    return comfy.element(tap, "").get_attribute("data-marks") or ""


def words(comfy: ComfyPage, report: int) -> str:
    """The text on a report."""
    return comfy.element(report, " .tap-text-words").text_content()


def whole(comfy: ComfyPage, prompt: Prompt) -> Prompt:
    """The prompt with all values."""
    return fill_defaults(prompt, comfy.server.get("/object_info"))


def to_tab(comfy: ComfyPage, steps: int) -> None:
    """Goes back from tab to tab until one with so many steps is open."""
    for _ in range(9):
        if comfy.page.evaluate(STEPS_OF_TAB) == steps:
            return comfy.settle()
        comfy.page.evaluate(TAB_BEFORE)
    raise AssertionError(f"there is no tab with {steps} steps")


def test_three_tabs_queued_at_once_show_their_own_runs(comfy: ComfyPage) -> None:
    tabs = (4, 5, 6)
    comfy.load(viewed_prompt(seed=next(SEEDS), steps=3, size=SIZE, interval=2))
    comfy.page.evaluate(WATCH)
    # The server is busy until all three are queued.
    busy = whole(comfy, stock_prompt(seed=next(SEEDS), steps=1000, size=SIZE))
    before = comfy.finished()
    comfy.server.post("/prompt", {"prompt": busy})
    for steps in tabs:
        comfy.page.evaluate(TAB, steps)
        comfy.page.evaluate("() => app.queuePrompt(0, 1)")
    comfy.server.post("/interrupt")
    comfy.until(lambda: comfy.finished() == before + 4, "all of them to end")
    for steps in reversed(tabs):
        to_tab(comfy, steps)
        comfy.until(lambda steps=steps: len(marks(comfy)) == steps and "." not in marks(comfy), f"{steps} steps")
        assert "faster" in line(comfy)
        comfy.until(lambda steps=steps: f" of {steps} steps computed" in words(comfy, REPORT), "its own report")
    seen = comfy.page.evaluate("window.seen")
    assert seen and [pair for pair in seen if pair[0] != pair[1]] == []


def row_of_three() -> Prompt:
    """Three TAP nodes in a row, a report of the first and of the last."""
    prompt = viewed_prompt(seed=next(SEEDS), steps=STEPS, size=SIZE, interval=2)
    first = prompt[str(SAMPLERS[FIRST])]["inputs"]
    prompt.pop(str(KNOWN["viewer"]))
    prompt[str(JOINED)] = node("LatentConcat", samples1=[str(SAMPLERS[FIRST]), 0], samples2=[str(SAMPLERS[FIRST]), 0],
                               dim="x")
    latent = JOINED
    for tap in (SECOND, THIRD):
        prompt[str(tap)] = node("TapAccelerate", **prompt[str(FIRST)]["inputs"])
        prompt[str(SAMPLERS[tap])] = node("KSampler", **{
            **first, "model": [str(tap), 0], "latent_image": [str(latent), 0]})
        latent = SAMPLERS[tap]
    prompt[str(LAST_REPORT)] = node("TapReport", record=[str(THIRD), 1], after=[str(latent), 0])
    return prompt


def queue(comfy: ComfyPage, *changes: tuple[int, str, object]) -> None:
    """Sets widgets, queues with new seeds, and does not wait."""
    seeds = [(sampler, "seed", next(SEEDS)) for sampler in SAMPLERS.values()]
    comfy.page.evaluate(SET, [*changes, *seeds])
    comfy.page.evaluate("() => app.queuePrompt(0, 1)")


@pytest.fixture(scope="module")
def ran(comfy: ComfyPage) -> ComfyPage:
    """All three have run."""
    comfy.load(row_of_three())
    comfy.page.evaluate(TAB, STEPS)
    comfy.run()
    for tap in SAMPLERS:
        comfy.until(lambda tap=tap: "faster" in line(comfy, tap), "the result")
    return comfy


def test_after_a_failure_each_node_says_what_is_true(ran: ComfyPage) -> None:
    last, before, ended = line(ran, THIRD), words(ran, LAST_REPORT), ran.finished()
    # Twice as many channels instead of twice the width: the model of the second raises an error.
    queue(ran, (JOINED, "dim", "t"))
    ran.until(lambda: ran.finished() > ended, "the failure")
    assert ran.history()[-1]["status"]["status_str"] == "error"
    ran.until(lambda: line(ran, SECOND).startswith("Stopped: "), "the one that failed")
    ran.until(lambda: line(ran, THIRD) == f"The run before: {last}", "the one that was not reached")
    assert words(ran, LAST_REPORT) == f"The run before:\n\n{before}"
    assert "faster" in line(ran) and not line(ran).startswith(("The run before", "Stopped"))
    assert not words(ran, REPORT).startswith("The run before")


def test_after_an_interrupt_each_node_says_what_is_true(ran: ComfyPage) -> None:
    ended = ran.finished()
    queue(ran, (JOINED, "dim", "x"), (SAMPLERS[FIRST], "steps", 500))
    # One reading for both: between two, the strip of the run before gives way to the new one.
    ran.until(lambda: len(shown := marks(ran)) == 500 and len(shown.rstrip(".")) > 2, "a few steps")
    ran.server.post("/interrupt")
    ran.until(lambda: ran.finished() > ended, "the end")
    ran.until(lambda: line(ran).startswith("Stopped: ") and " of " in line(ran), "the one that was interrupted")
    ran.until(lambda: line(ran, SECOND).startswith("The run before: "), "one that was not reached")
    ran.until(lambda: words(ran, REPORT).startswith("The run before:\n\n"), "the report of the run before")
    # The next queue ends, and nothing of all this is left.
    queue(ran, (SAMPLERS[FIRST], "steps", STEPS))
    ran.until(lambda: ran.finished() > ended + 1, "the queue to end")
    for tap in SAMPLERS:
        ran.until(lambda tap=tap: line(ran, tap)[:1].isdigit() and "faster" in line(ran, tap), "the result")
    assert not words(ran, REPORT).startswith("The run before")
