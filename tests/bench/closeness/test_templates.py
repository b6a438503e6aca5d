"""The table of what people run names the templates with its settings."""

from closeness.courses import TWO_MODELS
from closeness.templates import FOLDER, templates_of


def test_settings_are_read_from_one_sampler_and_from_one_in_parts() -> None:
    found = templates_of()
    assert found[50, "euler", 4.0] == ["Qwen-Image"]
    assert found[30, "uni_pc", 6.0] == ["Wan 2.1"]
    # In parts: without a guider for two prompts, with one, and with a scheduler of its own.
    assert "HunyuanVideo" in found[20, "euler", 1.0]
    assert found[26, "euler", 3.5] == ["Chroma"]
    assert found[20, "euler_ancestral", 4.0] == ["LTX-2"]
    assert found[20, TWO_MODELS, 3.5] == ["Wan 2.2"]


def test_every_template_of_a_model_is_there_once() -> None:
    names = [name for models in templates_of().values() for name in models]
    assert len(names) == len(set(names)) == len(list(FOLDER.glob("* Faster *.json"))) > 16
