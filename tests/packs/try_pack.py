"""A prompt beside TAP: without, off and on. `python tests/packs/try_pack.py [PROMPT.json] [--pack FOLDER ...]`.

PROMPT.json: a workflow as the menu's Export (API) saves it; without it, the demo model. It is run three times in this
process: as it is, with TAP Accelerate at interval 1, and with TAP Accelerate. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEMO_MODELS = ROOT / "demo" / "models"
TAP = "TapAccelerate"
# Outputs that lead on to a latent.
SAMPLED, ASKED = "LATENT", {"LATENT", "GUIDER"}

Prompt = dict[str, dict]


def main() -> int:
    """Reads the options, loads ComfyUI and the packs, and prints what was found."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("prompt", type=Path, nargs="?", help="a workflow in API format; without it, the demo model")
    options.add_argument("--pack", type=Path, action="append", default=[], help="folder of a pack that it needs")
    options.add_argument("--base", type=Path, help="folder that holds models/, as ComfyUI's --base-directory")
    options.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="inputs of TAP Accelerate")
    options.add_argument("--cpu", action="store_true", help="run on the processor")
    chosen = options.parse_args()
    find_comfyui(chosen.cpu, chosen.base)
    settings = dict(each.split("=", 1) for each in chosen.set)
    load_nodes([ROOT, *chosen.pack])
    prompt = json.loads(chosen.prompt.read_text(encoding="utf-8")) if chosen.prompt else demo_prompt()
    for line in compare(prompt, {name: number_or(value) for name, value in settings.items()}):
        print(line)
    return 0


def find_comfyui(cpu: bool, base: Path | None) -> None:
    """Makes ComfyUI importable: from COMFYUI_PATH, else from .comfyui in the checkout."""
    sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() != ROOT]
    sys.path.insert(0, os.environ.get("COMFYUI_PATH") or str(ROOT / ".comfyui"))
    import comfy.cli_args

    comfy.cli_args.args.cpu = cpu
    comfy.cli_args.args.base_directory = base and str(base)


def load_nodes(packs: Iterable[Path]) -> None:
    """ComfyUI's nodes, and those of packs."""
    import folder_paths
    import nodes
    from server import PromptServer

    for folder in DEMO_MODELS.iterdir():
        folder_paths.add_model_folder_path(folder.name, str(folder))

    async def load() -> None:
        PromptServer(asyncio.get_running_loop())  # packs add their routes to it
        await nodes.init_builtin_extra_nodes()
        for pack in packs:
            if not await nodes.load_custom_node(str(pack.resolve())):
                raise SystemExit(f"The pack {pack} could not be loaded; the log above says why.")

    asyncio.run(load())


def compare(prompt: Prompt, settings: dict[str, object]) -> list[str]:
    """The prompt without TAP, with TAP off, and with TAP on, as a table. settings: inputs of TAP Accelerate."""
    from counted_runs import relative_error, watched

    if any(node["class_type"] == TAP for node in prompt.values()):
        raise SystemExit("This workflow has TAP Accelerate in it, which this command puts in. Take it out first.")
    executor, runs = new_executor(), {}
    for name, given in (("without", None), ("off", {"interval": 1}), ("on", settings)):
        with watched() as runs[name]:
            run(executor, prompt if given is None else with_tap(prompt, given))
    full = runs["without"]
    if not full.latents:
        raise SystemExit("No sampler of this workflow goes through ComfyUI's guiders, so there is nothing to compare.")
    lines = [f"{'':9}{'relative error':>15}{'blocks run':>12}"]
    for name, ran in runs.items():
        lines.append(f"{name:9}{relative_error(ran.latents, full.latents):>15.6f}{ran.block_runs(full):>12}")
    return [*lines, *(f"said ({name}): {line}" for name in ("off", "on") for line in runs[name].said)]


def with_tap(prompt: Prompt, settings: dict[str, object]) -> Prompt:
    """The prompt with TAP Accelerate in front of everything that samples a model."""
    changed = {name: {**node, "inputs": dict(node["inputs"])} for name, node in prompt.items()}
    for name, node in prompt.items():
        for key, link in node["inputs"].items():
            if is_model(prompt, link) and ASKED & {*outputs_of(node)}:
                tap = f"tap_{link[0]}_{link[1]}"
                changed[tap] = {"class_type": TAP, "inputs": {**tap_defaults(), **settings, "model": link}}
                changed[name]["inputs"][key] = [tap, 0]
    return changed


def is_model(prompt: Prompt, link: object) -> bool:
    """Whether an input is a link from a model."""
    return isinstance(link, list) and len(link) == 2 and outputs_of(prompt[link[0]])[link[1]] == "MODEL"


def outputs_of(node: dict) -> tuple[str, ...]:
    """The types of a node's outputs."""
    import nodes

    if node["class_type"] not in nodes.NODE_CLASS_MAPPINGS:
        raise SystemExit(f"There is no node {node['class_type']}; name the folder of its pack with --pack.")
    return tuple(nodes.NODE_CLASS_MAPPINGS[node["class_type"]].RETURN_TYPES)


def tap_defaults() -> dict[str, object]:
    """The inputs of TAP Accelerate at their defaults."""
    import nodes

    schema = nodes.NODE_CLASS_MAPPINGS[TAP].GET_SCHEMA()
    return {each.id: each.default for each in schema.inputs if getattr(each, "default", None) is not None}


def new_executor() -> object:
    """ComfyUI's executor, with nobody who listens. It keeps what does not change, such as a loaded model."""
    import execution

    class Nobody:
        """A server without a browser."""

        client_id = last_node_id = last_prompt_id = None

        def send_sync(self, *_: object) -> None:
            """To nobody."""

    return execution.PromptExecutor(Nobody(), cache_args={"lru": 0, "ram": 0, "ram_inactive": 0})


def run(executor: object, prompt: Prompt) -> None:
    """Runs everything that gives a latent, and what that needs; nothing is decoded or saved."""
    ends = [name for name, node in prompt.items() if SAMPLED in outputs_of(node)]
    executor.execute(prompt, "tap", {}, ends)
    if not executor.success:
        raise SystemExit(f"The prompt failed: {executor.status_messages[-1][1].get('exception_message')}")


def demo_prompt() -> Prompt:
    """The demo model, 20 steps."""
    sampling = {"seed": 5, "steps": 20, "cfg": 2.0, "sampler_name": "euler", "scheduler": "simple", "denoise": 1.0}
    links = {"model": ["model", 0], "positive": ["scene", 0], "negative": ["scene", 1], "latent_image": ["empty", 0]}
    return {
        "model": {"class_type": "UNETLoader",
                  "inputs": {"unet_name": "tap_demo_flux.safetensors", "weight_dtype": "default"}},
        "scene": {"class_type": "TapDemoScene", "inputs": scene_defaults()},
        "empty": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 256, "height": 256, "batch_size": 1}},
        "sampler": {"class_type": "KSampler", "inputs": {**links, **sampling}},
    }


def scene_defaults() -> dict[str, object]:
    """The scene that TAP Demo Scene shows first."""
    import nodes

    schema = nodes.NODE_CLASS_MAPPINGS["TapDemoScene"].GET_SCHEMA()
    return {each.id: each.default if each.default is not None else each.options[0] for each in schema.inputs}


def number_or(value: str) -> object:
    """A number if it is one."""
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


if __name__ == "__main__":
    sys.exit(main())
