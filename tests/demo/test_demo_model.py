"""The demo's scenes, their conditioning, and its two model files, loaded as ComfyUI's stock loaders load them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tap_pack.demo.conditioning import (
    CHOICES,
    CODE_WIDTH,
    DEFAULT_SCENE,
    SLIDERS,
    TOKENS,
    attribute_weights,
    encode_empty,
    encode_scene,
)
from tap_pack.demo.scenes import draw_scene, random_scene
from tap_pack.nodes.demo_scene import TapDemoScene

MODELS = Path(__file__).resolve().parents[2] / "demo" / "models"
FLUX, VAE = MODELS / "diffusion_models" / "tap_demo_flux.safetensors", MODELS / "vae" / "tap_demo_vae.safetensors"
MEGABYTE = 1_000_000
VAE_FLOOR = 28.0


def decibels(a: torch.Tensor, b: torch.Tensor) -> float:
    """PSNR in dB of two pictures in 0..1."""
    return float(-10 * torch.log10((a - b).square().mean().detach()))


@pytest.fixture(scope="module")
def vae():
    """The demo autoencoder, as VAELoader makes it."""
    import comfy.sd
    import comfy.utils

    weights, metadata = comfy.utils.load_torch_file(str(VAE), return_metadata=True)
    loaded = comfy.sd.VAE(sd=weights, metadata=metadata)
    loaded.throw_exception_if_invalid()
    return loaded


@pytest.fixture(scope="module")
def flux():
    """The demo FLUX, as UNETLoader makes it."""
    import comfy.sd

    return comfy.sd.load_diffusion_model(str(FLUX))


@pytest.fixture(scope="module")
def drawn() -> torch.Tensor:
    """Six scenes that no training saw, [6, 256, 256, 3] in 0..1."""
    return torch.stack([torch.tensor(draw_scene(random_scene(seed), seed)) for seed in range(6)]) / 255


@pytest.fixture(scope="module")
def sampled(flux, vae) -> torch.Tensor:
    """The default scene by 50 Euler steps, [1, 256, 256, 3]."""
    import comfy.sample

    positive, negative = TapDemoScene.execute(**DEFAULT_SCENE).result
    latent = torch.zeros(1, 16, 32, 32)
    noise = comfy.sample.prepare_noise(latent, 7)
    latent = comfy.sample.sample(
        flux, noise, 50, 3.0, "euler", "simple", positive, negative, latent, disable_pbar=True, seed=7
    )
    return vae.decode(latent)


def test_the_same_seed_draws_the_same_scene() -> None:
    scene = random_scene(5)
    assert scene == random_scene(5)
    assert (draw_scene(scene, 5) == draw_scene(scene, 5)).all()
    assert (draw_scene(scene, 5) != draw_scene(scene, 6)).any()


def test_every_choice_changes_the_picture() -> None:
    for name, options in CHOICES.items():
        pictures = {draw_scene(DEFAULT_SCENE | {name: option}, 1, 64).tobytes() for option in options}
        assert len(pictures) == len(options), name


def test_a_scene_is_one_token_for_each_attribute() -> None:
    context, pooled = encode_scene(DEFAULT_SCENE)
    assert context.shape == (1, TOKENS, CODE_WIDTH)
    assert pooled.shape == (1, CODE_WIDTH)
    assert torch.allclose(context.sum(2), torch.ones(1, TOKENS))
    assert sum(map(len, attribute_weights(DEFAULT_SCENE).values())) <= CODE_WIDTH


def test_the_empty_code_has_the_shape_of_a_scene() -> None:
    for empty, scene in zip(encode_empty(), encode_scene(DEFAULT_SCENE), strict=True):
        assert empty.shape == scene.shape
        assert not empty.any()


def test_sliders_move_smoothly() -> None:
    for name in SLIDERS:
        one, other = (encode_scene(DEFAULT_SCENE | {name: value})[1] for value in (0.50, 0.51))
        assert 0 < (one - other).abs().max() < 0.1


def test_an_unknown_choice_says_what_there_is() -> None:
    with pytest.raises(ValueError, match="dawn, day, sunset, night"):
        encode_scene(DEFAULT_SCENE | {"time": "noon"})


def test_the_node_gives_what_samplers_take() -> None:
    schema = TapDemoScene.define_schema()
    assert [value.id for value in schema.inputs] == [*CHOICES, *SLIDERS]
    for (context, options), *others in TapDemoScene.execute(**DEFAULT_SCENE).result:
        assert not others
        assert context.shape == (1, TOKENS, CODE_WIDTH)
        assert options["pooled_output"].shape == (1, CODE_WIDTH)


def test_both_files_together_stay_small() -> None:
    assert FLUX.stat().st_size + VAE.stat().st_size <= 24 * MEGABYTE


def test_the_flux_file_is_recognised_as_schnell(flux) -> None:
    assert type(flux.model.model_config).__name__ == "FluxSchnell"
    assert flux.model.diffusion_model.params.context_in_dim == CODE_WIDTH
    assert flux.model.diffusion_model.params.vec_in_dim == CODE_WIDTH


def test_the_vae_gives_pictures_back(vae, drawn: torch.Tensor) -> None:
    latent = vae.encode(drawn)
    assert latent.shape == (6, 16, 32, 32)
    assert decibels(vae.decode(latent), drawn) > VAE_FLOOR


def test_latents_have_the_spread_that_the_transformer_was_trained_on(flux, vae, drawn: torch.Tensor) -> None:
    spread = flux.model.process_latent_in(vae.encode(drawn)).std()
    assert 0.7 < spread < 1.4


def test_fifty_steps_draw_the_scene_that_was_asked_for(sampled: torch.Tensor) -> None:
    """The picture is closer to drawings of the same scene than to drawings of it at any other time of day."""
    assert sampled.shape == (1, 256, 256, 3)

    def closeness(time: str) -> float:
        drawings = [torch.tensor(draw_scene(DEFAULT_SCENE | {"time": time}, seed)) / 255 for seed in range(4)]
        return max(decibels(sampled[0], drawing) for drawing in drawings)

    others = [closeness(time) for time in CHOICES["time"] if time != DEFAULT_SCENE["time"]]
    assert closeness(DEFAULT_SCENE["time"]) > max(others) + 3


def test_fifty_steps_leave_edges_sharp(sampled: torch.Tensor) -> None:
    """The change from pixel to pixel is that of drawings: neither blurred nor grainy."""
    made = sampled.diff(dim=2).abs().mean()
    drawings = torch.stack([torch.tensor(draw_scene(DEFAULT_SCENE, seed)) / 255 for seed in range(4)])
    assert 0.6 < made / drawings.diff(dim=2).abs().mean() < 1.5
