"""TAP Compare's wipe, and everything on our nodes for people with a keyboard, a screen reader or less motion."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from tap_pack.demo.launch.prompts import node

from browser_graph import ACCELERATE, VIEWER, viewed_prompt
from browser_page import ComfyPage

STEPS, COMPARE, BLUR = 8, 60, 61
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
PARTS = {VIEWER: "viewer", COMPARE: "comparison", ACCELERATE: "strip"}
LEAST_TARGET = 24
TARGETS = "button, select, label, input[type=range]"


# Which picture of the wipe looks like which file, by their pixels.
DRAWN = """async ([root, files]) => {
    const pixels = (image) => {
        const canvas = new OffscreenCanvas(image.naturalWidth ?? image.width, image.naturalHeight ?? image.height);
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        return context.getImageData(0, 0, canvas.width, canvas.height).data.join();
    };
    const shown = [".tap-wipe-picture", ".tap-wipe > img:not(.tap-wipe-picture)"]
        .map((place) => pixels(document.querySelector(`${root} ${place}`)));
    const made = await Promise.all(files.map((hex) =>
        createImageBitmap(new Blob([Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16))])).then(pixels)));
    return shown.map((one) => made.map((other) => one === other));
}"""


@pytest.fixture(scope="module")
def compared(comfy: ComfyPage) -> ComfyPage:
    """A run is over; its picture was compared with a blurred one."""
    prompt = viewed_prompt(seed=21, steps=STEPS)
    decode = next(name for name, asked in prompt.items() if asked["class_type"] == "VAEDecode")
    prompt[str(BLUR)] = node("ImageBlur", image=[decode, 0], blur_radius=2, sigma=1.0)
    prompt[str(COMPARE)] = node("TapCompare", picture=[decode, 0], reference=[str(BLUR), 0])
    comfy.load(prompt)
    comfy.run()
    comfy.show(VIEWER)
    comfy.until(lambda: comfy.element(VIEWER, "").get_attribute("data-shown"), "the map")
    comfy.show(COMPARE)
    comfy.until(lambda: comfy.element(COMPARE, " .tap-wipe").is_visible(), "the wipe")
    return comfy


def active(comfy: ComfyPage) -> str:
    """The value of the button that has the focus."""
    return comfy.page.evaluate("() => document.activeElement.value")


def wiped(comfy: ComfyPage) -> float:
    """How much of the picture is shown, in percent."""
    return float(comfy.element(COMPARE, " .tap-wipe-place").input_value())


def test_the_verdict_stands_first_and_the_figures_below(compared: ComfyPage) -> None:
    verdict, figures = compared.outputs(COMPARE)["text"][0].split("\n")
    assert compared.element(COMPARE, " > p >> nth=0").text_content() == verdict
    assert compared.element(COMPARE, " > p >> nth=1").text_content() == figures


def test_the_wipe_follows_the_mouse_and_the_keys(compared: ComfyPage) -> None:
    compared.show(COMPARE)
    box = compared.still(compared.element(COMPARE, " .tap-wipe"))
    before = compared.page.evaluate("id => [...app.canvas.graph.getNodeById(id).pos]", COMPARE)
    compared.page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    compared.page.mouse.down()
    compared.page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.4 * box["height"], steps=3)
    compared.page.mouse.up()
    assert wiped(compared) == pytest.approx(25, abs=1.5)
    line = compared.element(COMPARE, " .tap-wipe-line").bounding_box()
    assert (line["x"] - box["x"]) / box["width"] == pytest.approx(0.25, abs=0.02)
    compared.element(COMPARE, " .tap-wipe-place").focus()
    at = wiped(compared)
    for _ in range(3):
        compared.page.keyboard.press("ArrowRight")
    assert wiped(compared) == at + 3
    compared.page.keyboard.press("Home")
    assert wiped(compared) == 0
    assert compared.page.evaluate("id => [...app.canvas.graph.getNodeById(id).pos]", COMPARE) == before


def test_the_pictures_of_the_wipe_are_those_that_were_compared(compared: ComfyPage) -> None:
    pair = compared.outputs(COMPARE)["tap_compare"][0]["pairs"][0]
    shown = compared.page.evaluate(DRAWN, [f"#tap-on-{COMPARE}", [compared.server.fetch(each).hex() for each in pair]])
    assert shown == [[True, False], [False, True]]


@pytest.mark.parametrize("palette", ["dark", "light"])
def test_axe_finds_nothing(compared: ComfyPage, palette: str) -> None:
    compared.set("Comfy.ColorPalette", palette)
    # Shown at full size, as axe measures what the zoom leaves, and no line of the legend is cut by its edge.
    compared.page.evaluate("id => app.canvas.graph.getNodeById(id).setSize([620, 640])", VIEWER)
    compared.settle()
    for number, name in PARTS.items():
        compared.show(number)
        compared.element(number, "")
        found = Axe().run(compared.page, context=f"#tap-on-{number}", options={"runOnly": RULES}).response
        told = [(one["help"], [(part["html"], part["failureSummary"]) for part in one["nodes"]])
                for one in found["violations"]]
        assert told == [], name
        assert any(one["id"].startswith("aria-") for one in found["passes"]), f"axe has seen nothing of the {name}"
    compared.set("Comfy.ColorPalette", "dark")


@pytest.mark.parametrize("size", [(440, 720), (300, 480)])
def test_everything_to_press_is_large_enough_and_inside_the_node(compared: ComfyPage, size: tuple[int, int]) -> None:
    compared.page.evaluate("([id, size]) => app.canvas.graph.getNodeById(id).setSize(size)", [VIEWER, size])
    compared.settle()
    for number in (VIEWER, COMPARE):
        compared.show(number)
        small = compared.element(number, "").evaluate(
            """(root, [parts, least]) => [...root.querySelectorAll(parts)].filter((part) => part.offsetParent
                && Math.min(part.offsetWidth, part.offsetHeight) < least).map((part) => part.outerHTML)""",
            [TARGETS, LEAST_TARGET],
        )
        assert small == []
    compared.show(VIEWER)
    viewer = compared.element(VIEWER, "").evaluate(
        """root => ({ cut: root.querySelector('.tap-layout').scrollHeight - root.clientHeight,
                      map: root.querySelector('.tap-stage').clientHeight, width: root.clientWidth })"""
    )
    assert viewer["cut"] <= 0 and viewer["map"] >= 80 and viewer["width"] <= size[0]


def test_a_group_of_buttons_is_one_stop_and_arrows_move_in_it(compared: ComfyPage) -> None:
    compared.show(VIEWER)
    compared.element(VIEWER, " button[value=loss]").click()
    stops = compared.element(VIEWER, " [role=radio][tabindex='0']")
    assert stops.count() == 1
    step = compared.element(VIEWER, " .tap-steps").get_attribute("aria-valuenow")
    for key, layer in (("ArrowRight", "predictor"), ("ArrowLeft", "loss"), ("ArrowUp", "horizon"), ("Home", "loss")):
        compared.page.keyboard.press(key)
        assert active(compared) == layer
        assert compared.element(VIEWER, " [aria-checked=true]").get_attribute("value") == layer
        assert stops.count() == 1
    assert compared.element(VIEWER, " .tap-steps").get_attribute("aria-valuenow") == step


def test_the_strip_takes_the_focus_and_reads_its_steps(compared: ComfyPage) -> None:
    compared.show(ACCELERATE)
    strip = compared.element(ACCELERATE, " .tap-run-steps")
    strip.focus()
    compared.page.keyboard.press("ArrowRight")
    compared.page.keyboard.press("ArrowRight")
    assert strip.get_attribute("aria-valuetext").startswith(f"Step 2 of {STEPS}: forecast")
    compared.page.keyboard.press("End")
    assert strip.get_attribute("aria-valuenow") == strip.get_attribute("aria-valuemax") == str(STEPS)


def test_playing_ends_by_itself_for_people_who_want_less_motion(compared: ComfyPage) -> None:
    compared.show(VIEWER)
    strip, play = compared.element(VIEWER, " .tap-steps"), compared.element(VIEWER, " .tap-play")
    play.click()
    assert play.get_attribute("aria-label") == "Pause"
    compared.page.emulate_media(reduced_motion="reduce")
    compared.until(lambda: play.get_attribute("aria-label") == "Play", "the playing to end at once")
    strip.focus()
    compared.page.keyboard.press("End")
    compared.page.keyboard.press("ArrowLeft")
    play.click()
    compared.until(lambda: play.get_attribute("aria-label") == "Play", "the playing to end at the last step")
    assert strip.get_attribute("aria-valuenow") == str(STEPS)
    compared.page.emulate_media(reduced_motion="no-preference")
