"""How strong a guider's guidance is."""

from __future__ import annotations

import pytest
from comfy.model_patcher import ModelPatcher
from comfy.samplers import CFGGuider
from comfy_extras.nodes_custom_sampler import Guider_Basic, Guider_DualCFG
from comfy_extras.nodes_perpneg import Guider_PerpNeg
from tap_pack.nodes.comfy_bridge.run.wrappers import guidance_of

from tiny_flux import loaded_flux


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    return loaded_flux()


@pytest.mark.parametrize(("guider", "cfgs", "guidance"), [
    (CFGGuider, (4.5,), 4.5), (Guider_Basic, (), 1.0), (Guider_PerpNeg, (3.0, 1.0), 3.0),
    (Guider_DualCFG, (5.0, 2.0), 5.0), (Guider_DualCFG, (1.5, 4.0), 4.0)])
def test_it_is_the_cfg_or_the_stronger_one_of_two(
    model: ModelPatcher, guider: type[CFGGuider], cfgs: tuple[float, ...], guidance: float
) -> None:
    made = guider(model)
    if cfgs:
        made.set_cfg(*cfgs)
    assert guidance_of(made) == guidance


def test_a_guider_that_tells_none_has_none() -> None:
    assert guidance_of(object()) is None
