"""The strip of the run after a refresh, with its setting off, and what undo sees of a run."""

from __future__ import annotations

import pytest

from browser_graph import ACCELERATE, REPORT, VIEWER, viewed_prompt
from browser_page import ComfyPage

STEPS, MANY = 12, 120
# Every event of ours that reaches the page.
HEAR = """() => {
    window.heard = [];
    window.comfyAPI.api.api.addEventListener('tap.run', ({ detail }) => window.heard.push(detail.marks));
}"""
UNDO_STEPS = """() => {
    const { changeTracker } = app.extensionManager.workflow.activeWorkflow;
    changeTracker.captureCanvasState();
    return changeTracker.undoQueue.length;
}"""
# The state just after the workflow was saved.
SAVED = "() => app.extensionManager.workflow.activeWorkflow.changeTracker.reset()"
# What differs between the states that undo goes back to, from one of them on.
CHANGES = """first => {
    const { undoQueue, activeState } = app.extensionManager.workflow.activeWorkflow.changeTracker;
    const states = [...undoQueue.slice(first), activeState], found = [];
    for (const [place, after] of states.slice(1).entries()) for (const node of after.nodes) {
        const before = states[place].nodes.find(({ id }) => id === node.id) ?? {};
        for (const part of Object.keys(node)) {
            const values = [before[part], node[part]].map(value => JSON.stringify(value));
            if (values[0] !== values[1]) found.push([node.type, part, ...values]);
        }
    }
    return found;
}"""


@pytest.fixture(scope="module")
def opened(comfy: ComfyPage) -> ComfyPage:
    """The workflow is open, under its own name, and its seed stays the same."""
    comfy.load(viewed_prompt(seed=61, steps=STEPS))
    change(comfy, "KSampler", "control_after_generate", "fixed")
    comfy.page.evaluate("() => app.loadGraphData({ ...app.canvas.graph.serialize(), id: crypto.randomUUID() })")
    comfy.settle()
    return comfy


def marks(comfy: ComfyPage) -> str:
    """The strip's steps, "" while it is empty."""
    return comfy.element(ACCELERATE, "").get_attribute("data-marks") or ""


def line(comfy: ComfyPage) -> str:
    """The line below the strip."""
    return comfy.element(ACCELERATE, " .tap-run-line").text_content()


def change(comfy: ComfyPage, kind: str, widget: str, value: object) -> None:
    """Sets a widget of the first node of a kind."""
    comfy.page.evaluate(
        """([kind, name, value]) => {
            const node = app.canvas.graph.nodes.find(node => node.comfyClass === kind);
            node.widgets.find(widget => widget.name === name).value = value;
        }""",
        [kind, widget, value],
    )


def another_seed(comfy: ComfyPage) -> None:
    """Changes the seed: ComfyUI then has no cached result for the next run."""
    another_seed.count += 1
    comfy.page.evaluate(
        """seed => {
            for (const node of app.canvas.graph.nodes) for (const widget of node.widgets ?? [])
                if (['seed', 'noise_seed'].includes(widget.name)) widget.value = seed;
        }""",
        another_seed.count,
    )


another_seed.count = 1000


def final_marks(comfy: ComfyPage) -> str:
    """The strip of the last run, by its report."""
    report = comfy.report(REPORT)
    return "".join("f" if step in report["full_steps"] else "s" for step in range(report["steps"]))


def test_a_finished_strip_is_there_after_a_refresh(opened: ComfyPage) -> None:
    opened.run()
    final = final_marks(opened)
    opened.until(lambda: marks(opened) == final and "faster" in line(opened), "the full strip")
    before = line(opened)
    opened.reload()
    opened.until(lambda: marks(opened) == final, "the strip after a refresh")
    assert line(opened) == before


def test_after_a_refresh_during_a_run_the_strip_goes_on(opened: ComfyPage) -> None:
    change(opened, "KSampler", "steps", MANY)
    another_seed(opened)
    opened.page.evaluate(UNDO_STEPS)
    opened.page.wait_for_timeout(1200)
    ended = opened.finished()
    opened.page.evaluate("() => app.queuePrompt(0, 1)")
    opened.until(lambda: len(shown := marks(opened)) == MANY and shown.count(".") < MANY - 10, "a few steps")
    seen = len(marks(opened).rstrip("."))
    opened.page.reload()
    opened.page.wait_for_function("() => window.app?.canvas?.graph?.nodes.length > 0")
    opened.until(lambda: marks(opened), "the strip after a refresh")
    assert len(marks(opened).rstrip(".")) >= seen
    opened.until(lambda: opened.finished() > ended, "the run's end")
    opened.until(lambda: marks(opened) == final_marks(opened), "the full strip")
    opened.until(lambda: "faster" in line(opened), "the result")


def test_another_workflow_with_the_same_node_ids_shows_nothing_of_it(opened: ComfyPage) -> None:
    opened.page.evaluate("() => app.extensionManager.command.execute('Comfy.NewBlankWorkflow')")
    opened.page.wait_for_function("() => app.canvas.graph.nodes.length === 0")
    opened.load(viewed_prompt(seed=62, steps=STEPS))
    change(opened, "KSampler", "control_after_generate", "fixed")
    # Its own plan at most: no step of the other run.
    assert set(marks(opened)) <= {"."}
    opened.run()
    opened.until(lambda: marks(opened) == final_marks(opened), "its own strip")


def test_off_means_that_nothing_is_sent(opened: ComfyPage) -> None:
    opened.page.evaluate(HEAR)
    opened.set("TAP.LiveStrip", False)
    another_seed(opened)
    opened.run()
    opened.page.wait_for_timeout(500)
    assert opened.page.evaluate("window.heard") == []
    opened.reload()
    opened.page.evaluate(HEAR)
    another_seed(opened)
    opened.run()
    opened.page.wait_for_timeout(500)
    assert opened.page.evaluate("window.heard") == []
    opened.set("TAP.LiveStrip", True)
    another_seed(opened)
    opened.run()
    opened.until(lambda: opened.page.evaluate("window.heard.length"), "events again")
    opened.until(lambda: marks(opened) == final_marks(opened), "the strip")


def test_a_run_is_no_step_for_undo(opened: ComfyPage) -> None:
    # ComfyUI makes nodes larger when their first picture comes.
    another_seed(opened)
    opened.run()
    opened.page.wait_for_timeout(500)
    another_seed(opened)
    before = opened.page.evaluate(UNDO_STEPS)
    for _ in range(2):
        opened.run()
        opened.settle()
        opened.page.wait_for_timeout(300)
        assert opened.page.evaluate(UNDO_STEPS) == before, opened.page.evaluate(CHANGES, before)
        another_seed(opened)
        before += 1
        assert opened.page.evaluate(UNDO_STEPS) == before


def test_undo_brings_no_older_map_back(opened: ComfyPage) -> None:
    opened.show(VIEWER)
    another_seed(opened)
    run_to_its_map(opened)
    # ComfyUI makes nodes larger when their first picture comes.
    opened.page.wait_for_timeout(500)
    before = opened.page.evaluate(UNDO_STEPS)
    opened.page.evaluate(SAVED)
    another_seed(opened)
    assert opened.page.evaluate(UNDO_STEPS) == before + 1
    latest = run_to_its_map(opened)
    opened.page.evaluate("() => app.extensionManager.workflow.activeWorkflow.changeTracker.undo()")
    opened.until(lambda: shown_map(opened) == latest, "the latest map again")
    opened.until(lambda: marks(opened) == final_marks(opened), "the latest strip again")
    # This is the saved state again: another map is no change.
    assert not opened.page.evaluate("app.extensionManager.workflow.activeWorkflow.isModified")
    # Undo has made every node again; the elements on the page must belong to the new nodes.
    another_seed(opened)
    run_to_its_map(opened)


def shown_map(comfy: ComfyPage) -> str:
    """The run whose map the viewer shows, "" for none."""
    return (comfy.element(VIEWER, "").get_attribute("data-shown") or "").split(" ")[0]


def run_to_its_map(comfy: ComfyPage) -> str:
    """Queues the workflow and waits until its map and its strip are there; the run's name."""
    comfy.run()
    # The server ends the prompt before the page hears of it: until the map has this name, it can be an older one.
    name = comfy.outputs(VIEWER)["tap_choice_map"][0]["filename"].removesuffix(".json")
    comfy.until(lambda: shown_map(comfy) == name, "the map of the last run")
    comfy.until(lambda: marks(comfy) == final_marks(comfy), "the strip of the last run")
    return name
