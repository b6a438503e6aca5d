"""The workflows that artists open: complete, portable, and in step with the nodes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image
from tap_pack.demo.launch.client import PromptRefused

from served_pack import ServedPack
from ui_workflow import as_prompt, widget_inputs

FOLDER = Path(__file__).resolve().parents[2] / "workflows"
FILES = sorted(FOLDER.glob("*.json"))
OURS = {"TapAccelerate", "TapChoiceMap", "TapReport", "TapDemoScene"}
NOTES = {"MarkdownNote"}
HOSTS = ("https://huggingface.co/",)
each_workflow = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def nodes_of(file: Path) -> list[dict]:
    """The nodes of a workflow file."""
    return json.loads(file.read_text(encoding="utf-8"))["nodes"]


def test_both_workflows_are_there() -> None:
    assert {file.stem for file in FILES} >= {"Tap_Demo", "Tap_Flux_Dev"}
    # ComfyUI takes every JSON file here for a workflow, and everything else should be a thumbnail.
    assert {file.suffix for file in FOLDER.iterdir()} == {".json", ".jpg"}


@each_workflow
def test_names_can_be_linked_to(file: Path) -> None:
    assert re.fullmatch(r"[a-zA-Z0-9_]+", file.stem)


@each_workflow
def test_a_thumbnail_of_the_same_name_is_there(file: Path) -> None:
    with Image.open(file.with_suffix(".jpg")) as picture:
        assert picture.format == "JPEG"
        assert min(picture.size) >= 256


@each_workflow
def test_nodes_are_core_or_ours_and_say_where_they_come_from(file: Path, served: ServedPack) -> None:
    for node in nodes_of(file):
        if node["type"] in NOTES:
            continue
        core = not served.known[node["type"]]["python_module"].startswith("custom_nodes")
        assert core or node["type"] in OURS
        assert node["properties"]["cnr_id"] == ("comfy-core" if core else "tap-accelerate")
        assert node["properties"]["Node name for S&R"] == node["type"]


@each_workflow
def test_a_note_says_what_to_touch(file: Path) -> None:
    notes = [node["widgets_values"][0] for node in nodes_of(file) if node["type"] in NOTES]
    assert any("What to touch" in note and "interval" in note for note in notes)


@each_workflow
def test_seeds_are_fixed_and_steps_are_few(file: Path, served: ServedPack) -> None:
    samplers = [node for node in nodes_of(file) if node["type"] == "KSampler"]
    assert samplers
    for node in samplers:
        values = dict(zip(widget_inputs(served.known["KSampler"]), node["widgets_values"], strict=True))
        assert values["control_after_generate"] == "fixed"
        assert values["steps"] <= 50


@each_workflow
def test_widgets_are_no_more_than_the_nodes_have(file: Path, served: ServedPack) -> None:
    for node in nodes_of(file):
        if node["type"] not in NOTES:
            names = widget_inputs(served.known[node["type"]])
            # Inputs are only ever appended: a workflow that was saved before has fewer.
            assert len(node["widgets_values"]) <= len(names), f"{node['type']} has {names}"


@each_workflow
def test_tap_starts_at_its_own_defaults(file: Path, served: ServedPack) -> None:
    required = served.known["TapAccelerate"]["input"]["required"]
    for node in nodes_of(file):
        if node["type"] == "TapAccelerate":
            values = dict(zip(widget_inputs(served.known["TapAccelerate"]), node["widgets_values"], strict=False))
            assert values == {name: required[name][1]["default"] for name in values}


@each_workflow
def test_model_files_have_an_address_unless_they_come_with_the_pack(file: Path) -> None:
    for node in nodes_of(file):
        named = {value for value in node.get("widgets_values", []) if str(value).endswith(".safetensors")}
        models = node["properties"].get("models", [])
        assert {model["name"] for model in models} == {name for name in named if not name.startswith("tap_demo_")}
        for model in models:
            assert model["url"].startswith(HOSTS)
            assert model["url"].endswith("/" + model["name"])
            assert model["directory"] in ("diffusion_models", "text_encoders", "vae")


@each_workflow
def test_no_path_of_one_machine_is_in_it(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|tmp|work)/|[A-Z]:\\\\|127\.0\.0\.1|localhost", text)


def test_the_demo_workflow_runs(served: ServedPack) -> None:
    graph = json.loads((FOLDER / "Tap_Demo.json").read_text(encoding="utf-8"))
    prompt = as_prompt(graph, served.known)
    for node in prompt.values():
        # The picture is smaller and the steps are fewer than an artist's; the graph is the same.
        node["inputs"].update({key: value for key, value in (("width", 128), ("height", 128)) if key in node["inputs"]})
        if node["class_type"] == "KSampler":
            node["inputs"]["steps"] = 8
    run = served.run(prompt)
    kinds = {prompt[name]["class_type"] for name, output in run.outputs.items() if output}
    assert kinds >= {"SaveImage", "TapChoiceMap", "TapReport", "PreviewAny"}


def test_the_flux_workflow_asks_for_its_model_files_and_for_nothing_else(served: ServedPack) -> None:
    graph = json.loads((FOLDER / "Tap_Flux_Dev.json").read_text(encoding="utf-8"))
    prompt = as_prompt(graph, served.known)
    files = {
        value for node in prompt.values() for value in node["inputs"].values() if str(value).endswith("safetensors")
    }
    assert files == {"flux1-dev.safetensors", "clip_l.safetensors", "t5xxl_fp16.safetensors", "ae.safetensors"}
    with pytest.raises(PromptRefused) as refused:
        served.run(prompt)
    complaints = [said for node in refused.value.node_errors.values() for said in node]
    assert len(complaints) == len(files)
    assert all(any(file in said for said in complaints) for file in files)
