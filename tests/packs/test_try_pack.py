"""The command that tries a pack beside TAP, on the demo model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tap_pack.demo.conditioning import DEFAULT_SCENE

ROOT = Path(__file__).resolve().parents[2]
# As a pack with a mistake: the model's answer is halved, with TAP or without.
PACK = '''
class Halved:
    RETURN_TYPES, FUNCTION, CATEGORY = ("MODEL",), "run", "test"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"model": ("MODEL",)}}

    def run(self, model):
        model = model.clone()
        model.set_model_sampler_post_cfg_function(lambda args: args["denoised"] / 2)
        return (model,)


NODE_CLASS_MAPPINGS = {"TestHalved": Halved}
'''


def table(*arguments: str) -> tuple[dict[str, tuple[float, int]], str]:
    """The figures by the name of the run, and all that was printed."""
    path = os.environ.get("COMFYUI_PATH") or str(ROOT / ".comfyui")
    done = subprocess.run([sys.executable, str(ROOT / "tests" / "packs" / "try_pack.py"), "--cpu", *arguments],
                          env={**os.environ, "COMFYUI_PATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line.split() for line in done.stdout.splitlines()]
    return {line[0]: (float(line[1]), int(line[2])) for line in lines if line and line[0] in ("without", "off", "on")
            }, done.stdout


@pytest.fixture(scope="module")
def found() -> tuple[dict[str, tuple[float, int]], str]:
    """The demo model, at a fixed interval."""
    return table("--set", "quality=fixed", "--set", "interval=5")


def test_off_is_the_same_and_on_is_close_with_fewer_blocks(found: tuple[dict, str]) -> None:
    figures, printed = found
    assert figures["off"] == figures["without"] and figures["without"][0] == 0
    assert 0 < figures["on"][0] < 0.2
    assert figures["on"][1] * 20 == figures["without"][1] * 6
    assert "said (on): 6 of 20 steps computed" in printed


def test_a_workflow_with_a_pack(tmp_path: Path) -> None:
    pack, workflow = tmp_path / "halved_pack", tmp_path / "workflow.json"
    pack.mkdir()
    (pack / "__init__.py").write_text(PACK, encoding="utf-8")
    workflow.write_text(json.dumps(prompt_with_pack()), encoding="utf-8")
    figures, _ = table(str(workflow), "--pack", str(pack), "--set", "quality=fixed")
    assert figures["off"][0] == 0 and figures["on"][1] < figures["without"][1]


def prompt_with_pack() -> dict:
    """A KSampler whose model comes from the pack's node."""
    sampling = {"seed": 5, "steps": 8, "cfg": 1.0, "sampler_name": "euler", "scheduler": "simple", "denoise": 1.0}
    return {
        "1": {"class_type": "UNETLoader",
              "inputs": {"unet_name": "tap_demo_flux.safetensors", "weight_dtype": "default"}},
        "2": {"class_type": "TestHalved", "inputs": {"model": ["1", 0]}},
        "3": {"class_type": "TapDemoScene", "inputs": dict(DEFAULT_SCENE)},
        "4": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 128, "height": 128, "batch_size": 1}},
        "5": {"class_type": "KSampler", "inputs": {
            "model": ["2", 0], "positive": ["3", 0], "negative": ["3", 1], "latent_image": ["4", 0], **sampling}},
    }
