"""The workflows that artists open: complete, portable, and the same nodes as in the real server."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image
from tap_pack.demo.launch.client import PromptRefused, PromptRun
from tap_pack.demo.templates.all import every_template
from tap_pack.demo.templates.widgets import SEED_CONTROL, inputs_of, widget_inputs, widgets_of

from served_pack import ServedPack
from ui_workflow import as_prompt, flattened, values_of, why_illegal

FOLDER = Path(__file__).resolve().parents[2] / "workflows"
FILES = sorted(FOLDER.glob("*.json"))
FREE = ("01 Try it, accelerate a demo, no download", "02 Compare speed and picture, no download",
        "03 Watch the cache choose, no download", "04 Calibrate once, no download")
WITH_MODELS = tuple(file.stem for file in FILES if file.stem not in FREE)
RUN = ("FLUX.1 dev", "FLUX.1 schnell", "FLUX.1 Kontext", "FLUX.2 dev", "FLUX.2 Klein", "Qwen-Image",
       "Qwen-Image Lightning", "Qwen-Image Edit", "Z-Image", "Z-Image Turbo", "Wan 2.1 video", "Wan 2.2 video",
       "HunyuanVideo", "HunyuanVideo 1.5", "LTX-2 video", "Chroma", "HiDream", "SD3.5 Large", "SDXL")
NOTES = {"MarkdownNote"}
HOSTS = ("https://huggingface.co/",)
DIRECTORIES = ("diffusion_models", "text_encoders", "vae", "loras", "checkpoints")
SEEDS = {"seed", "noise_seed"}
each_workflow = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def graph_of(name: str) -> dict:
    """A workflow by its name."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def nodes_of(file: Path) -> list[dict]:
    """The nodes of a workflow file and of its subgraphs, without its notes."""
    return [node for node in flattened(graph_of(file.stem))["nodes"] if node["type"] not in NOTES]


def notes_of(file: Path) -> str:
    """What the notes of a workflow say."""
    return "\n".join(n["widgets_values"][0] for n in graph_of(file.stem)["nodes"] if n["type"] in NOTES)


def named_files(file: Path) -> set[str]:
    """The model files that widgets name and that do not come with the pack."""
    named = {str(value) for node in nodes_of(file) for value in node["widgets_values"]}
    return {name for name in named if name.endswith(".safetensors") and not name.startswith("tap_demo_")}


def pictures_of(file: Path) -> set[str]:
    """The pictures that a workflow asks for: the person has them."""
    return {node["widgets_values"][0] for node in nodes_of(file) if node["type"] == "LoadImage"}


def test_all_workflows_are_there() -> None:
    assert {name.partition(" Faster ")[2] for name in WITH_MODELS} == set(RUN)
    assert {file.stem for file in FILES} >= set(FREE)
    # ComfyUI reads every JSON file here as a workflow; every other file should be a thumbnail.
    assert {file.suffix for file in FOLDER.iterdir()} == {".json", ".jpg"}


def test_the_files_are_what_the_command_writes(served: ServedPack) -> None:
    """`python3 demo/write_templates.py` writes them: change them there."""
    written = {graph.name: graph.as_file() for graph in every_template(served.known)}
    assert written == {file.stem: graph_of(file.stem) for file in FILES}


def test_names_are_in_an_order_and_hold_what_people_search_for() -> None:
    """ComfyUI's browser of templates searches names only, and finds a word within the first 33 letters."""
    assert [name[:2] for name in sorted(file.stem for file in FILES)] == [f"{n:02}" for n in range(1, len(FILES) + 1)]
    for word in ("fast", "speed", "cache", "accelerate"):
        assert any(0 <= file.stem.lower().find(word) <= 33 for file in FILES), word
    assert all(re.fullmatch(r"[A-Za-z0-9 .,-]{1,42}", file.stem) for file in FILES)


def test_the_first_template_is_small() -> None:
    assert len([node for node in graph_of(FREE[0])["nodes"] if node["type"] not in NOTES]) <= 8


@each_workflow
def test_it_opens_with_words(file: Path) -> None:
    """The graph fills three quarters of the view, here 1280 x 940; the classic renderer writes no words below 0.572."""
    nodes = graph_of(file.stem)["nodes"]
    width = max(n["pos"][0] + n["size"][0] for n in nodes)
    height = max(n["pos"][1] + n["size"][1] for n in nodes) + 30
    assert 0.75 * min(1280 / width, 940 / height) > (0.65 if file.stem == FREE[0] else 0.575)


@each_workflow
def test_nodes_do_not_lie_on_each_other(file: Path) -> None:
    boxes = [(*node["pos"], *node["size"]) for node in graph_of(file.stem)["nodes"]]
    for number, (x, y, width, height) in enumerate(boxes):
        for left, top, wide, high in boxes[:number]:
            apart = x >= left + wide or left >= x + width or y >= top + high + 30 or top >= y + height + 30
            assert apart, (x, y, left, top)


@each_workflow
def test_a_thumbnail_of_the_same_name_is_there(file: Path) -> None:
    thumbnail = file.with_suffix(".jpg")
    assert thumbnail.stat().st_size < 40_000
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
            if widgets_of(name, spec) and name in values and values[name] not in named_files(file) | pictures_of(file):
                assert why_illegal(values[name], spec) is None, f"{node['type']}, {name}"


@each_workflow
def test_links_join_outputs_to_inputs_of_their_type(file: Path, served: ServedPack) -> None:
    graph = flattened(graph_of(file.stem))
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
    file = FOLDER / f"{name}.json"
    files = named_files(file) | pictures_of(file)
    assert named_files(file) and set(complaints) and all(any(name in said for name in files) for said in complaints)
    assert all(any(file in said for said in complaints) for file in files)


def ran(name: str, served: ServedPack) -> tuple[dict, PromptRun]:
    """Runs a workflow as it comes with the pack; its prompt and its run."""
    prompt = as_prompt(graph_of(name), served.known)
    return prompt, served.run(prompt)


def shown(prompt: dict, run: PromptRun, kind: str) -> list[dict]:
    """What all nodes of a kind show, in the order of their ids."""
    found = [node for node, asked in prompt.items() if asked["class_type"] == kind]
    return [run.outputs[node] for node in sorted(found, key=int)]


def test_the_demo_workflow_runs(served: ServedPack) -> None:
    prompt, run = ran(FREE[0], served)
    words, = shown(prompt, run, "TapCompare")
    assert float(re.search(r"([\d.]+) dB", " ".join(words["text"]))[1]) > 35


def test_comparing_tells_more_than_the_floor(served: ServedPack) -> None:
    prompt, run = ran(FREE[1], served)
    words, = shown(prompt, run, "TapCompare")
    closeness, floor, told = (float(found) for found in re.findall(r"([\d.]+) dB", words["text"][0]))
    assert closeness > floor + 15 and told > 35
    assert len(words["images"]) == 1


def test_a_calibration_is_made_and_reused(served: ServedPack) -> None:
    prompt, run = ran(FREE[3], served)
    text = shown(prompt, run, "TapCalibrate")[0]["text"][1]
    assert "10 of 50 steps" in shown(prompt, run, "TapPlacement")[0]["text"][0]
    assert len(text) > 100
    for compared in shown(prompt, run, "TapCompare"):
        assert float(re.search(r"([\d.]+) dB", compared["text"][0])[1]) > 35


def test_the_choices_can_be_watched(served: ServedPack) -> None:
    prompt, run = ran(FREE[2], served)
    assert shown(prompt, run, "TapChoiceMapViewer")[0]["tap_choice_map"]
    assert len(shown(prompt, run, "TapChoiceMap")[0]["images"]) == 50
