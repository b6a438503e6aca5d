"""TAP Choice Map Viewer as ComfyUI runs it: files of the last run, or a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import folder_paths
import pytest
import torch
from tap_pack.nodes.choice_map_viewer import TapChoiceMapViewer
from tap_pack.nodes.inputs.view import why_no_run
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.record.record import TapRecord

from made_records import made_record


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files go."""
    monkeypatch.setattr(folder_paths, "temp_directory", str(tmp_path))
    return tmp_path


def shown(record: TapRecord | None, after: object, folder: Path) -> dict:
    """The document that the node hands to the browser."""
    holder = RecordHolder()
    if record is not None:
        holder.fill(record)
    (named,) = TapChoiceMapViewer.execute(holder, after).ui["tap_choice_map"]
    assert named["type"] == "temp"
    return json.loads((folder / named["subfolder"] / named["filename"]).read_text(encoding="utf-8"))


def test_the_maps_lie_over_the_picture(temporary_folder: Path) -> None:
    document = shown(made_record(), torch.rand(1, 24, 40, 3), temporary_folder)
    assert document["grid"] == [1, 3, 5]
    assert (temporary_folder / "tap" / document["pictures"][0][0]).is_file()


def test_a_latent_at_after_gives_only_maps(temporary_folder: Path) -> None:
    document = shown(made_record(), {"samples": torch.zeros(1, 16, 6, 10)}, temporary_folder)
    assert "pictures" not in document and len(document["layers"]) == 4


def test_without_a_run_there_is_a_sentence(temporary_folder: Path) -> None:
    assert shown(None, torch.rand(1, 8, 8, 3), temporary_folder)["message"] == why_no_run(RecordHolder())


def test_a_record_that_does_not_fit_together_gives_a_sentence(temporary_folder: Path) -> None:
    record = made_record()
    record.grid = (1, 4, 4)
    assert "Run the sampler again" in shown(record, torch.rand(1, 8, 8, 3), temporary_folder)["message"]


def test_a_picture_of_another_shape_is_noted(temporary_folder: Path) -> None:
    assert "note" not in shown(made_record(), torch.rand(1, 24, 40, 3), temporary_folder)
    assert "same sampler" in shown(made_record(), torch.rand(1, 40, 24, 3), temporary_folder)["note"]


def test_two_runs_never_share_a_file(temporary_folder: Path) -> None:
    documents = [shown(made_record(), torch.rand(1, 8, 8, 3), temporary_folder) for _ in range(2)]
    assert documents[0]["run"] != documents[1]["run"]


def test_anything_but_a_record_is_refused() -> None:
    with pytest.raises(TapError, match="TAP_RECORD"):
        TapChoiceMapViewer.execute("nonsense", torch.rand(1, 8, 8, 3))
