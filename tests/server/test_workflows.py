"""The workflows that artists open: complete, portable, and the same nodes as in the real server."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image
from tap_pack.demo.launch.client import PromptRefused, PromptRun

from served_pack import ServedPack
from ui_workflow import SEED_CONTROL, as_prompt, inputs_of, values_of, why_illegal, widget_inputs, widgets_of

FOLDER = Path(__file__).resolve().parents[2] / "workflows"
FILES = sorted(FOLDER.glob("*.json"))
FREE = ("Tap_Demo", "Tap_Compare", "Tap_Calibrate", "Tap_Watch")
WITH_MODELS = ("Tap_Flux_Dev", "Tap_Flux_Schnell", "Tap_Qwen_Image", "Tap_Qwen_Image_Lightning", "Tap_Hunyuan_Video",
               "Tap_Wan_2_2", "Tap_SDXL")
NOTES = {"MarkdownNote"}
HOSTS = ("https://huggingface.co/",)
DIRECTORIES = ("diffusion_models", "text_encoders", "vae", "loras", "checkpoints")
SEEDS = {"seed", "noise_seed"}
each_workflow = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def graph_of(name: str) -> dict:
    """A workflow by its name."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def nodes_of(file: Path) -> list[dict]:
    """The nodes of a workflow file, without its notes."""
    return [node for node in graph_of(file.stem)["nodes"] if node["type"] not in NOTES]


def notes_of(file: Path) -> str:
    """What the notes of a workflow say."""
    return "\n".join(n["widgets_values"][0] for n in graph_of(file.stem)["nodes"] if n["type"] in NOTES)


def named_files(file: Path) -> set[str]:
    """The model files that widgets name and that do not come with the pack."""
    named = {str(value) for node in nodes_of(file) for value in node["widgets_values"]}
    return {name for name in named if name.endswith(".safetensors") and not name.startswith("tap_demo_")}


def test_all_workflows_are_there() -> None:
    assert {file.stem for file in FILES} == {*FREE, *WITH_MODELS}
    # ComfyUI reads every JSON file here as a workflow; every other file should be a thumbnail.
    assert {file.suffix for file in FOLDER.iterdir()} == {".json", ".jpg"}


@each_workflow
def test_names_can_be_linked_to(file: Path) -> None:
    assert re.fullmatch(r"[a-zA-Z0-9_]+", file.stem)


@each_workflow
def test_a_thumbnail_of_the_same_name_is_there(file: Path) -> None:
    thumbnail = file.with_suffix(".jpg")
    assert thumbnail.stat().st_size < 250_000
    with Image.open(thumbnail) as picture:
        assert picture.format == "JPEG"
        assert min(picture.size) >= 256


def test_no_workflow_has_the_id_of_another() -> None:
    assert len({graph_of(file.stem)["id"] for file in FILES}) == len(FILES)


@each_workflow
def test_nodes_are_core_or_ours_and_say_where_they_come_from(file: Path, served: ServedPack) -> None:
    for node in nodes_of(file):
        core = not served.known[node["type"]]["python_module"].startswith("custom_nodes")
        assert core or node["type"].startswith("Tap")
        assert node["properties"]["cnr_id"] == ("comfy-core" if core else "tap-accelerate")
        assert node["properties"]["Node name for S&R"] == node["type"]


@each_workflow
def test_a_note_says_what_to_touch(file: Path) -> None:
    assert "What to touch" in notes_of(file) and re.search("quality|interval", notes_of(file))


@each_workflow
def test_seeds_are_fixed_and_steps_are_few(file: Path, served: ServedPack) -> None:
    seeded = [values_of(node, served.known[node["type"]]) for node in nodes_of(file)]
    seeded = [values for values in seeded if SEEDS & set(values)]
    assert seeded
    assert all(values[SEED_CONTROL] == "fixed" and values.get("steps", 0) <= 50 for values in seeded)


@each_workflow
def test_every_widget_has_a_value_that_the_server_takes(file: Path, served: ServedPack) -> None:
    for node in nodes_of(file):
        known = served.known[node["type"]]
        # Inputs are only ever appended: an older workflow has fewer.
        assert len(node["widgets_values"]) <= len(widget_inputs(known)), node["type"]
        values = values_of(node, known)
        for name, spec in inputs_of(known):
            if widgets_of(name, spec) and name in values and values[name] not in named_files(file):
                assert why_illegal(values[name], spec) is None, f"{node['type']}, {name}"


@each_workflow
def test_links_join_outputs_to_inputs_of_their_type(file: Path, served: ServedPack) -> None:
    graph = graph_of(file.stem)
    by_id = {node["id"]: node for node in graph["nodes"]}
    for number, source, output, target, place, kind in graph["links"]:
        assert number in by_id[source]["outputs"][output]["links"]
        assert by_id[target]["inputs"][place]["link"] == number
        assert served.known[by_id[source]["type"]]["output"][output] == kind
        taken = dict(inputs_of(served.known[by_id[target]["type"]]))[by_id[target]["inputs"][place]["name"]][0]
        assert taken == "*" or kind in taken.split(","), f"{kind} into {taken}"
    numbers = [link[0] for link in graph["links"]]
    assert len(set(numbers)) == len(numbers)
    ends = [i["link"] for node in graph["nodes"] for i in node["inputs"] if i["link"] is not None]
    starts = [link for node in graph["nodes"] for output in node["outputs"] for link in output["links"]]
    assert sorted(ends) == sorted(starts) == sorted(numbers)


@each_workflow
def test_nodes_have_the_inputs_and_outputs_of_the_server(file: Path, served: ServedPack) -> None:
    for node in nodes_of(file):
        known = served.known[node["type"]]
        names = [name for name, _ in inputs_of(known)]
        # As above: an older file does not have what was appended later.
        assert [i["name"] for i in node["inputs"]] == names[: len(node["inputs"])], node["type"]
        assert [o["type"] for o in node["outputs"]] == known["output"]
        linked = {i["name"] for i in node["inputs"] if i["link"] is not None}
        needed = {name for name, spec in known["input"].get("required", {}).items() if not widgets_of(name, spec)}
        assert needed <= linked, node["type"]


@each_workflow
def test_settings_other_than_the_defaults_are_named_in_the_note(file: Path, served: ServedPack) -> None:
    known = served.known["TapAccelerate"]
    defaults = {name: spec[1]["default"] for name, spec in inputs_of(known) if widgets_of(name, spec)}
    for node in nodes_of(file):
        if node["type"] == "TapAccelerate":
            values = values_of(node, known)
            assert [n for n in values if values[n] != defaults[n] and f"*{n}*" not in notes_of(file)] == []


@each_workflow
def test_model_files_have_an_address_unless_they_come_with_the_pack(file: Path) -> None:
    for node in nodes_of(file):
        models = node["properties"].get("models", [])
        named = {str(value) for value in node["widgets_values"]} & named_files(file)
        assert {model["name"] for model in models} == named
        for model in models:
            assert model["url"].startswith(HOSTS)
            assert model["url"].endswith("/" + model["name"])
            assert model["directory"] in DIRECTORIES
            assert model["name"] in notes_of(file)


@each_workflow
def test_no_path_of_one_machine_is_in_it(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|tmp|work)/|[A-Z]:\\\\|127\.0\.0\.1|localhost", text)


@pytest.mark.parametrize("name", WITH_MODELS)
def test_with_models_it_lacks_those_files_and_nothing_else(name: str, served: ServedPack) -> None:
    with pytest.raises(PromptRefused) as refused:
        served.run(as_prompt(graph_of(name), served.known))
    complaints = [said for node in refused.value.node_errors.values() for said in node]
    files = named_files(FOLDER / f"{name}.json")
    assert len(complaints) == len(files) > 0
    assert all(any(file in said for said in complaints) for file in files)


def ran(name: str, served: ServedPack) -> tuple[dict, PromptRun]:
    """Runs a workflow as it comes with the pack; its prompt and its run."""
    prompt = as_prompt(graph_of(name), served.known)
    return prompt, served.run(prompt)


def shown(prompt: dict, run: PromptRun, kind: str) -> list[dict]:
    """What all nodes of a kind show, in the order of their ids."""
    return [run.outputs[node] for node in sorted(prompt, key=int) if prompt[node]["class_type"] == kind]


def test_the_demo_workflow_runs(served: ServedPack) -> None:
    prompt, run = ran("Tap_Demo", served)
    kinds = {prompt[name]["class_type"] for name, output in run.outputs.items() if output}
    assert kinds >= {"SaveImage", "TapChoiceMap", "TapReport"}


def test_comparing_tells_more_than_the_floor(served: ServedPack) -> None:
    prompt, run = ran("Tap_Compare", served)
    words, = shown(prompt, run, "TapCompare")
    closeness, floor = (float(found) for found in re.findall(r"([\d.]+) dB", words["text"][0]))
    assert closeness > floor + 15
    assert len(words["images"]) == 1


def test_a_calibration_is_made_and_reused(served: ServedPack) -> None:
    prompt, run = ran("Tap_Calibrate", served)
    text = shown(prompt, run, "TapCalibrate")[0]["text"][1]
    assert "10 of 50 steps" in shown(prompt, run, "TapPlacement")[0]["text"][0]
    assert len(text) > 100
    for compared in shown(prompt, run, "TapCompare"):
        assert float(re.search(r"([\d.]+) dB", compared["text"][0])[1]) > 35


def test_the_choices_can_be_watched(served: ServedPack) -> None:
    prompt, run = ran("Tap_Watch", served)
    assert shown(prompt, run, "TapChoiceMapViewer")[0]["tap_choice_map"]
    assert len(shown(prompt, run, "TapChoiceMap")[0]["images"]) == 50
