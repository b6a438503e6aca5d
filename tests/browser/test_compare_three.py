"""Three seeds are compared: a button on TAP Compare then sets what they have shown."""

from __future__ import annotations

from tap_pack.demo.launch.client import Prompt
from tap_pack.demo.launch.prompts import SAMPLER, node

from browser_graph import ACCELERATE, KNOWN, viewed_prompt
from browser_page import ComfyPage

SEED, FULL, DECODED, COMPARE = 70, 71, 72, 73
CHANGE = "([id, value]) => { app.canvas.graph.getNodeById(id).widgets[0].value = value; }"

# Puts a Reroute between a node's record and an input of that name.
REROUTE = """([from, to]) => {
  const graph = app.canvas.graph, node = graph.getNodeById(to), made = LiteGraph.createNode("Reroute");
  graph.add(made);
  graph.getNodeById(from).connect(1, made, 0);
  made.connect(0, node, node.inputs.findIndex(({ name }) => name === "record"));
}"""


def compared_prompt() -> Prompt:
    """A run with TAP and the full run of the same seed, and how close they are."""
    prompt = viewed_prompt(seed=0, steps=12, size=64, interval=3)
    sampler = prompt[str(KNOWN[SAMPLER])]
    sampler["inputs"]["seed"] = [str(SEED), 0]
    named = {asked["class_type"]: name for name, asked in prompt.items()}
    prompt[str(SEED)] = node("PrimitiveInt", value=31)
    prompt[str(FULL)] = node("KSampler", **{**sampler["inputs"], "model": [named["UNETLoader"], 0]})
    decode = prompt[named["VAEDecode"]]
    prompt[str(DECODED)] = node("VAEDecode", **{**decode["inputs"], "samples": [str(FULL), 0]})
    prompt[str(COMPARE)] = node("TapCompare", picture=[named["VAEDecode"], 0], reference=[str(DECODED), 0],
                                record=[str(ACCELERATE), 1])
    return prompt


def test_a_button_sets_what_three_seeds_have_shown(comfy: ComfyPage) -> None:
    comfy.load(compared_prompt())
    button = comfy.element(COMPARE, " .tap-offer")
    for seed in (31, 32, 33):
        assert button.is_hidden()
        comfy.page.evaluate(CHANGE, [SEED, seed])
        comfy.run()
    setting = comfy.outputs(COMPARE)["tap_compare"][0]["closer_than_told"]
    assert isinstance(setting, int) and setting, "this model's pictures are closer than told"
    comfy.show(COMPARE)
    comfy.until(button.is_visible, "the button")
    assert button.text_content() == f"Set closer_than_told to {setting}"
    button.click()
    assert comfy.widgets(ACCELERATE)["closer_than_told"] == setting
    assert comfy.element(COMPARE, " [role=status] >> nth=1").text_content() == (
        f"closer_than_told is {setting}. Queue to use it.")
    comfy.run()
    told = comfy.outputs(COMPARE)["text"][0]
    assert "TAP had told about" in told and "Of the last" not in told, "what was shown is set by now"


def test_through_a_reroute_it_is_there_too_and_without_its_node_it_sets_nothing(comfy: ComfyPage) -> None:
    comfy.load(compared_prompt())
    comfy.page.evaluate(REROUTE, [ACCELERATE, COMPARE])
    button = comfy.element(COMPARE, " .tap-offer")
    for seed in (41, 42, 43):
        comfy.page.evaluate(CHANGE, [SEED, seed])
        comfy.run()
    comfy.show(COMPARE)
    comfy.until(button.is_visible, "the button")
    comfy.page.evaluate("id => app.canvas.graph.remove(app.canvas.graph.getNodeById(id))", ACCELERATE)
    button.click()
    assert comfy.element(COMPARE, " [role=status] >> nth=1").text_content() == (
        "Nothing was set: another node is connected to record, or none.")
