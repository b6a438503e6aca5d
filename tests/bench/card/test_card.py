"""The command for a graphics card, tried on the processor; what it says where there is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from card import command as card
from models.random_weights import write_file

FLUX = "FLUX.1-dev"


def test_without_a_card_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "has_card", lambda: False)
    with pytest.raises(SystemExit) as ended:
        card.run([])
    assert str(ended.value).startswith("No graphics card was found: torch ") and "\n" not in str(ended.value)


def test_the_command_tries_itself_on_the_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import card.rows as rows_of_card

    jobs = [rows_of_card.Job("bf16", False, way) for way in ("stock", "N = 5")]
    monkeypatch.setattr(rows_of_card, "JOBS", jobs)
    arguments = ["--cpu", "--steps", "10", "--output", str(tmp_path)]
    card.run(arguments)
    rows = json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))["rows"]
    assert [row["way"] for row in rows] == [job.way for job in jobs]
    stock, tap = rows
    assert stock["full_steps"] == 10 and set(stock["launches"]) == {"full"} and not stock["cache_bytes"]
    assert tap["full_steps"] < 10 and tap["cache_bytes"] > 0 and tap["fallbacks"] == []
    assert 0 < tap["launches"]["skipped"]["launches"] < tap["launches"]["full"]["launches"]
    monkeypatch.setattr(rows_of_card.Bench, "row", lambda *_: pytest.fail("it was measured already"))
    card.run(arguments)


def test_every_job_has_its_model() -> None:
    """As it is, compiled by ComfyUI's node, and in fp8; each is loaded once."""
    from card.rows import JOBS, Bench
    from card.subjects import FP8, subject_of

    bench, seen = Bench(subject_of(None, None, True), 10, True), []
    for job in JOBS:
        model = bench._model(job.weights, job.compiled)
        assert bool(model.get_wrappers("apply_model", "torch.compile")) == job.compiled
        assert (model.model.diffusion_model.img_in.weight.dtype == FP8) == (job.weights == "fp8")
        seen += [] if any(model is one for one in seen) else [model]
    assert len(seen) == 3


def test_what_does_not_fit_is_left_out(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    from card.rows import JOBS, Bench
    from card.subjects import subject_of

    def row(bench: Bench, job: object) -> dict:
        if job.weights == "bf16":
            raise torch.OutOfMemoryError
        return {"way": job.way}

    monkeypatch.setattr(Bench, "row", row)
    assert [one["way"] for one in Bench(subject_of(None, None, True), 10, True).rows(JOBS)] == [
        job.way for job in JOBS if job.weights == "fp8"]
    assert "stock, bf16: left out, for it the graphics memory is too small." in capsys.readouterr().out


def test_launches_and_waits_of_a_card_are_told_from_operators() -> None:
    from card.profile import counted

    names = ["aten::mm", "cudaLaunchKernel", "cudaLaunchKernelExC", "cudaStreamSynchronize", "cudaMemcpyAsync"]
    assert counted(names) == (2, 1)
    assert counted(["aten::mm", "aten::_local_scalar_dense", "one evaluation of the model"]) == (2, 1)


def test_a_file_is_known_by_its_shapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from card import subjects

    file, size = tmp_path / "mine.safetensors", subjects.shrunk(subjects.SIZES[FLUX])
    write_file(size, file, torch.bfloat16)
    with pytest.raises(SystemExit, match=r"mine.safetensors is a Flux of a size that is not known here; add --shape"):
        subjects.subject_of(file, None, False)
    monkeypatch.setitem(subjects.SIZES, "small", size)
    subjects.size_of.cache_clear()
    subject = subjects.subject_of(file, None, False)
    assert subject.size == size and subject.name == "mine.safetensors"
    assert subject.load(fp8=True).model.diffusion_model.img_in.weight.dtype == torch.float8_e4m3fn
    with pytest.raises(SystemExit, match="There is no model called none"):
        subjects.subject_of(None, "none", True)
