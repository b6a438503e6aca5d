"""The viewer in the real frontend: it shows what is in the record."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image
from tap_pack.demo.launch.prompts import SAMPLER
from tap_pack.tap_core.pictures.viewer_data import viewer_data
from tap_pack.tap_core.pictures.viewer_files import write_viewer_files
from tap_pack.tap_core.sampling.settings import TapSettings

from browser_graph import KNOWN, LAYERS, MAPS, REPORT, SAVE, VIEWER, viewed_prompt
from browser_page import ComfyPage
from made_records import made_record

STEPS, TOKENS = 12, 8
# Colours of the centres of all tokens on the stage, row by row.
SAMPLE = """([id, rows, columns]) => {
    const stage = document.querySelector(`#tap-on-${id} .tap-stage`), side = Math.min(stage.width, stage.height);
    const data = stage.getContext('2d').getImageData(0, 0, stage.width, stage.height).data, found = [];
    const [left, top] = [(stage.width - side) / 2, (stage.height - side) / 2];
    for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) {
        const x = Math.floor(left + (column + 0.5) * side / columns), y = Math.floor(top + (row + 0.5) * side / rows);
        found.push([...data.slice(4 * (y * stage.width + x), 4 * (y * stage.width + x) + 4)]);
    }
    return found;
}"""


@pytest.fixture(scope="module")
def viewed(comfy: ComfyPage) -> ComfyPage:
    """A run is over and its viewer is in view."""
    comfy.load(viewed_prompt(seed=21, steps=STEPS, maps=True))
    comfy.run()
    comfy.show(VIEWER)
    comfy.until(lambda: shown(comfy), "the map")
    return comfy


def shown(comfy: ComfyPage) -> list[str]:
    """Run, layer, step and frame that are on the stage; empty if there is none."""
    return (comfy.element(VIEWER, "").get_attribute("data-shown") or "").split()


def choose(comfy: ComfyPage, layer: str) -> None:
    """Presses a layer's button."""
    comfy.element(VIEWER, f" button[value={layer}]").click()
    comfy.until(lambda: shown(comfy)[1:2] == [layer], layer)


def go_to(comfy: ComfyPage, step: int) -> None:
    """Moves to a step, counted from 0, by keys."""
    strip = comfy.element(VIEWER, " .tap-steps")
    strip.focus()
    comfy.page.keyboard.press("Home")
    for _ in range(step):
        comfy.page.keyboard.press("ArrowRight")
    comfy.until(lambda: shown(comfy)[2:3] == [str(step)], f"step {step}")


def set_opacity(comfy: ComfyPage, share: float) -> None:
    """Moves the opacity's slider."""
    comfy.element(VIEWER, " .tap-slider >> nth=0").locator("input").fill(str(share))
    comfy.settle()


def colours(comfy: ComfyPage) -> np.ndarray:
    """The painted colour of every token, [H, W, 3]."""
    found = comfy.page.evaluate(SAMPLE, [VIEWER, TOKENS, TOKENS])
    return np.array(found)[:, :3].reshape(TOKENS, TOKENS, 3)


def picture(comfy: ComfyPage, entry: dict) -> np.ndarray:
    """A picture in the output of a node."""
    return np.asarray(Image.open(io.BytesIO(comfy.server.fetch(entry))).convert("RGB")).astype(int)


def at_tokens(image: np.ndarray) -> np.ndarray:
    """Its pixels at the centres of the tokens."""
    places = ((np.arange(TOKENS) + 0.5) * image.shape[0] / TOKENS).astype(int)
    return image[places][:, places]


def document(comfy: ComfyPage) -> dict:
    """What Python wrote for the viewer."""
    return json.loads(comfy.server.fetch(comfy.outputs(VIEWER)["tap_choice_map"][0]))


def layer_of(document: dict, name: str) -> dict:
    """The part of a document about a layer."""
    return next(part for part in document["layers"] if part["name"] == name)


def test_it_opens_on_the_artists_layer_without_marks(viewed: ComfyPage) -> None:
    assert shown(viewed)[1] == "loss"
    assert not viewed.element(VIEWER, " .tap-tick input").is_checked()
    assert viewed.element(VIEWER, " .tap-label").all_inner_texts()[0].startswith("very easy")


@pytest.mark.parametrize("layer", LAYERS)
def test_its_pixels_are_those_of_the_record(viewed: ComfyPage, layer: str) -> None:
    skipped = viewed.report(REPORT)["skipped_steps"]
    frames = viewed.outputs(MAPS[layer])["images"]
    assert len(frames) == STEPS and skipped
    choose(viewed, layer)
    viewed.element(VIEWER, " .tap-tick input").uncheck()
    set_opacity(viewed, 1)
    for step in (skipped[0], skipped[len(skipped) // 2], skipped[-1]):
        go_to(viewed, step)
        assert np.array_equal(colours(viewed), at_tokens(picture(viewed, frames[step]))), f"step {step}"


def test_without_opacity_the_final_picture_is_there(viewed: ComfyPage) -> None:
    go_to(viewed, viewed.report(REPORT)["skipped_steps"][0])
    set_opacity(viewed, 0)
    saved = at_tokens(picture(viewed, viewed.outputs(SAVE)["images"][0]))
    # The picture in the viewer has lossy compression, and is larger than the saved one.
    assert np.abs(colours(viewed) - saved).mean() < 12
    set_opacity(viewed, 0.65)


def test_a_token_under_the_pointer_is_described_in_words(viewed: ComfyPage) -> None:
    choose(viewed, "predictor")
    step, row, column = viewed.report(REPORT)["skipped_steps"][1], 2, 5
    go_to(viewed, step)
    told = document(viewed)
    block = told["prompts"][0]["blocks"][step]
    box = viewed.still(viewed.element(VIEWER, " .tap-stage"))
    side = min(box["width"], box["height"])
    left, top = box["x"] + (box["width"] - side) / 2, box["y"] + (box["height"] - side) / 2
    viewed.page.mouse.move(left + (column + 0.5) * side / TOKENS, top + (row + 0.5) * side / TOKENS)
    words = viewed.element(VIEWER, " .tap-readout").text_content()
    assert words.startswith(f"Row {row + 1}, column {column + 1}: ")
    for layer in (layer_of(told, name) for name in ("predictor", "loss")):
        folder = viewed.outputs(VIEWER)["tap_choice_map"][0]
        image = Image.open(io.BytesIO(viewed.server.fetch({**folder, "filename": layer["image"]})))
        label = layer["labels"][int(np.asarray(image)[block * TOKENS + row, column])]
        assert label.lower() in words.lower()
    viewed.page.mouse.move(5, 5)
    viewed.until(lambda: "Point at a token" in viewed.element(VIEWER, " .tap-readout").text_content(), "the hint")


def test_keys_move_steps_and_tokens_and_play(viewed: ComfyPage) -> None:
    go_to(viewed, 3)
    viewed.page.keyboard.press("End")
    viewed.until(lambda: shown(viewed)[2] == str(STEPS - 1), "the last step")
    viewed.page.keyboard.press("ArrowLeft")
    viewed.until(lambda: shown(viewed)[2] == str(STEPS - 2), "the step before")
    viewed.page.keyboard.press("Shift+ArrowDown")
    assert viewed.element(VIEWER, " .tap-readout").text_content().startswith("Row 1, column 1")
    viewed.page.keyboard.press(" ")
    seen = {shown(viewed)[2]}
    viewed.until(lambda: seen.add(shown(viewed)[2]) or len(seen) >= 3, "three steps to play")
    viewed.page.keyboard.press(" ")
    viewed.page.wait_for_timeout(300)
    paused = shown(viewed)[2]
    viewed.page.wait_for_timeout(600)
    assert shown(viewed)[2] == paused


def test_the_strip_is_scrubbed_with_the_mouse_and_says_its_step(viewed: ComfyPage) -> None:
    strip = viewed.element(VIEWER, " .tap-steps")
    box = viewed.still(strip)
    viewed.page.mouse.move(box["x"] + 2, box["y"] + 10)
    viewed.page.mouse.down()
    viewed.page.mouse.move(box["x"] + box["width"] * 7.5 / STEPS, box["y"] + 10, steps=4)
    viewed.page.mouse.up()
    viewed.until(lambda: shown(viewed)[2] == "7", "step 7")
    assert strip.get_attribute("aria-valuenow") == "8"
    full = viewed.report(REPORT)["full_steps"]
    for step, told in enumerate(document(viewed)["steps"]):
        assert (told["kind"] == "full") == (step in full)
    assert strip.get_attribute("aria-valuetext").startswith(f"Step 8 of {STEPS}: ")


def test_a_click_on_the_legend_shows_one_choice_only(viewed: ComfyPage) -> None:
    choose(viewed, "order")
    viewed.element(VIEWER, " .tap-tick input").uncheck()
    set_opacity(viewed, 1)
    step = viewed.report(REPORT)["skipped_steps"][0]
    go_to(viewed, step)
    told = document(viewed)
    layer = layer_of(told, "order")
    block = told["prompts"][0]["blocks"][step]
    before = colours(viewed)
    entries = viewed.element(VIEWER, " .tap-entry")
    assert entries.count() == len(layer["entries"])
    number = max(range(len(layer["entries"])), key=lambda i: layer["shares"][block][0][i])
    entries.nth(number).click()
    viewed.settle()
    assert entries.nth(number).get_attribute("aria-pressed") == "true"
    wanted = [int(layer["entries"][number]["colour"][i : i + 2], 16) for i in (1, 3, 5)]
    alone = colours(viewed)
    same = (before == wanted).all(-1)
    assert (alone[same] == wanted).all() and not (alone[~same] == wanted).all(-1).any()
    assert same.mean() == pytest.approx(layer["shares"][block][0][number], abs=1e-3)
    viewed.element(VIEWER, " .tap-stage").focus()
    viewed.page.keyboard.press("Escape")
    viewed.settle()
    assert np.array_equal(colours(viewed), before)


def test_while_a_newer_run_goes_on_the_map_says_that_it_is_of_the_run_before(viewed: ComfyPage) -> None:
    badge = viewed.element(VIEWER, " .tap-badge")
    assert not badge.is_visible()
    before, run = viewed.finished(), shown(viewed)[0]
    viewed.page.evaluate(
        """id => { app.canvas.graph.getNodeById(id).widgets.find(({ name }) => name === 'seed').value = 22;
            return app.queuePrompt(0, 1); }""", KNOWN[SAMPLER])
    viewed.until(lambda: badge.is_visible() and badge.text_content() == "Map of the run before", "the badge")
    viewed.until(lambda: viewed.finished() > before and shown(viewed)[:1] not in ([], [run]), "the new map")
    assert not badge.is_visible()


def show_made(comfy: ComfyPage, **record: object) -> dict:
    """Lets the viewer show a made-up run; returns its index image and document."""
    data = viewer_data(made_record(**record), "made")
    folder = comfy.server.log.parent / "temp" / "tap"
    name = write_viewer_files(data, folder, torch.rand(6, 32, 32, 3))
    comfy.page.evaluate(
        """([id, filename]) => {
            const node = app.canvas.graph.getNodeById(id);
            node.properties.tap_choice_map = { reference: { filename, subfolder: 'tap', type: 'temp' } };
            return app.loadGraphData(app.canvas.graph.serialize());
        }""",
        [VIEWER, name],
    )
    comfy.show(VIEWER)
    comfy.until(lambda: shown(comfy)[:1] == ["made"], "the made run")
    return {"image": data.images["predictor"], "document": data.document}


def test_a_video_has_frames_and_a_batch_has_pictures_and_prompts(viewed: ComfyPage) -> None:
    made = show_made(viewed, steps=9, grid=(3, TOKENS, TOKENS), batch=2, conditions=(0, 1))
    viewed.element(VIEWER, " .tap-tick input").uncheck()
    set_opacity(viewed, 1)
    step = 3
    choose(viewed, "predictor")
    go_to(viewed, step)
    blocks = made["image"].view(-1, 2, 3, TOKENS, TOKENS)
    palette = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)]
                        for colour in layer_of(made["document"], "predictor")["colours"]])
    picks, sliders = (viewed.page.locator(f"#tap-on-{VIEWER} {part}") for part in ("select", ".tap-slider input"))
    for prompt, picture, frame in ((0, 0, 0), (0, 1, 2), (1, 0, 1), (1, 1, 2)):
        picks.nth(0).select_option(index=prompt)
        picks.nth(1).select_option(index=picture)
        sliders.nth(1).fill(str(frame))
        viewed.until(lambda frame=frame: shown(viewed)[3] == str(frame), "the frame")
        viewed.settle()
        block = made["document"]["prompts"][prompt]["blocks"][step]
        assert np.array_equal(colours(viewed), palette[blocks[block, picture, frame].numpy()])
    viewed.element(VIEWER, " .tap-stage").focus()
    viewed.page.keyboard.press("ArrowDown")
    viewed.until(lambda: shown(viewed)[3] == "1", "the frame before")


def test_a_large_pool_and_small_tokens_are_shown(viewed: ComfyPage) -> None:
    """It has more kinds than the legend lists, and patterns instead of letters."""
    pool = TapSettings(orders="0,1,2,3", horizon_from=-8, horizon_to=4, horizon_step=0.5)
    show_made(viewed, steps=9, grid=(1, 48, 48), pool=pool)
    choose(viewed, "predictor")
    viewed.element(VIEWER, " .tap-tick input").check()
    viewed.settle()
    assert viewed.element(VIEWER, " .tap-entry").last.inner_text().split("\n")[0].strip().endswith("others")
