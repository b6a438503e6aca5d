"""The rules that keep the pack small and its parts apart."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tap_pack import comfy_entrypoint

from rooms import PAGE, Arrow, arrows, circle, why_not, written

ROOT = Path(__file__).resolve().parents[1]
OURS = ("nodes", "tap_core", "web", "demo", "bench", "tests")
LINES = 300
# What every room of tap_core speaks: value types and protocols.
WORDS = {"__init__", "closeness", "errors", "noise_level", "predictor", "schedule", "timeline", "token_grid"}


def source_files(*folders: str, kinds: tuple[str, ...] = (".py",)) -> list[Path]:
    """The pack's own files of these kinds, below these folders or anywhere."""
    found = [path for folder in folders or OURS for path in (ROOT / folder).rglob("*") if path.suffix in kinds]
    return sorted(found if folders else [*found, ROOT / "__init__.py"])


def imported(file: Path) -> Iterator[str]:
    """The outermost names of the modules that a file imports, wherever in it; relative imports are not among them."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.partition(".")[0]


@pytest.fixture(scope="module")
def comfy_modules(comfyui: Path) -> set[str]:
    """Every module and package that ComfyUI's own folder makes importable."""
    packages = {path.name for path in comfyui.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    names = packages | {path.stem for path in comfyui.glob("*.py")}
    assert {"comfy", "comfy_api", "comfy_execution", "nodes", "folder_paths", "server"} <= names
    return names


@pytest.fixture(scope="module")
def node_classes() -> list[type]:
    """What ComfyUI is told about."""
    return asyncio.run(asyncio.run(comfy_entrypoint()).get_node_list())


def test_tap_core_knows_nothing_of_comfyui(comfy_modules: set[str]) -> None:
    files = source_files("tap_core")
    assert len(files) > 5
    assert [(file.name, name) for file in files for name in imported(file) if name in comfy_modules] == []


def test_tap_core_needs_no_more_than_is_said() -> None:
    """PIL draws pictures, numpy reads arrays and safetensors writes files; all come with ComfyUI."""
    needed = {"tap_core/record": {"safetensors"}, "tap_core/pictures": {"PIL", "numpy"},
              "tap_core/calibrate": {"numpy"}}
    for file in source_files("tap_core"):
        room = file.parent.relative_to(ROOT).as_posix()
        others = set(imported(file)) - set(sys.stdlib_module_names) - {"torch"}
        assert others <= needed.get(room, set()), file
    said = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert "`tap_core` imports torch, numpy, PIL and safetensors, and nothing of ComfyUI." in " ".join(said.split())


def test_only_the_bridge_knows_comfyui_internals(comfy_modules: set[str]) -> None:
    allowed = {"comfy_api", "folder_paths"}
    files = [file for file in source_files("nodes") if "comfy_bridge" not in file.parts]
    assert [(file.name, name) for file in files for name in imported(file) if name in comfy_modules - allowed] == []


def test_every_import_goes_to_a_room_that_may_be_imported() -> None:
    found = arrows("tap_core", "nodes", "bench")
    assert len(found) > 500
    assert [why for arrow in found if (why := why_not(arrow))] == []


def test_an_import_that_may_not_be_is_told_where_it_belongs() -> None:
    assert why_not(Arrow("tap_core/engine/step.py", "tap_core/predictors/pool.py", 9)) == ""
    assert why_not(Arrow("tap_core/engine/step.py", "tap_core/timeline.py", 9)) == ""
    wrong = why_not(Arrow("tap_core/engine/step.py", "tap_core/record/record.py", 9))
    assert wrong.startswith("tap_core/engine/step.py, line 9, imports tap_core/record/record.py, but tap_core/engine/")
    assert "a room that may import tap_core/record/ (tap_core/sampling, tap_core/calibrate," in wrong
    for other in ("tap_core/engine/step.py", "nodes/accelerate.py"):
        assert why_not(Arrow("tap_core/timeline.py", other, 1)) != ""
    assert why_not(Arrow("nodes/comfy_bridge/run/wrappers.py", "nodes/accelerate.py", 1)) != ""
    assert why_not(Arrow("bench/models/stage.py", "bench/placement/bench.py", 1)) != ""


def test_no_files_import_one_another_in_a_circle() -> None:
    found = circle(arrows("tap_core", "nodes", "demo", "bench"))
    assert not found, f"{' -> '.join(found)}: move what both need into a file of its own."


def test_a_circle_is_found() -> None:
    line = [Arrow("a.py", "b.py", 1), Arrow("b.py", "c.py", 1), Arrow("a.py", "c.py", 1), Arrow("d.py", "a.py", 1)]
    assert circle(line) == []
    assert circle([*line, Arrow("c.py", "b.py", 1)]) == ["b.py", "c.py", "b.py"]


def test_no_import_hides_from_these_rules() -> None:
    """Under TYPE_CHECKING a circle can be hidden; the root of the pack alone has a reason, as nothing loads there."""
    files = source_files("tap_core", "nodes", "bench", "demo")
    assert [str(file.relative_to(ROOT)) for file in files if "TYPE_CHECKING" in file.read_text(encoding="utf-8")] == []


def test_the_root_of_tap_core_holds_words_alone() -> None:
    found = {file.stem for file in (ROOT / "tap_core").glob("*.py")} - WORDS
    assert not found, (f"tap_core/{min(found)}.py: tap_core/ itself holds only the value types and protocols of "
                       "every room. Put the file into the room that does this work; CONTRIBUTING.md lists the rooms.")


def test_no_node_imports_another() -> None:
    nodes = {f"nodes/{file.name}" for file in (ROOT / "nodes").glob("*.py")} - {"nodes/__init__.py"}
    crossing = [f"{arrow.source}, line {arrow.line}, imports {arrow.target}: what both use belongs in nodes/inputs/"
                for arrow in arrows("nodes") if {arrow.source, arrow.target} <= nodes]
    assert crossing == []


def test_the_drawing_of_the_rooms_is_that_of_today() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page), "run python3 tests/support/rooms.py"


def test_files_stay_short() -> None:
    files = source_files(kinds=(".py", ".js"))
    assert len(files) > 20
    lengths = {str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    assert {name: length for name, length in lengths.items() if length >= LINES} == {}


def test_the_root_imports_neither_torch_nor_comfyui() -> None:
    script = (
        "import importlib.util, sys\n"
        "spec = importlib.util.spec_from_file_location('pack', sys.argv[1])\n"
        "pack = sys.modules['pack'] = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(pack)\n"
        "print(sorted({'torch', 'comfy', 'comfy_api', 'pack.nodes'} & set(sys.modules)))\n"
        # With both, ComfyUI takes the old mapping alone.
        "print(hasattr(pack, 'comfy_entrypoint'), hasattr(pack, 'NODE_CLASS_MAPPINGS'))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script, str(ROOT / "__init__.py")], capture_output=True, text=True)
    assert ran.stdout == "[]\nTrue False\n", ran.stderr


def test_every_schema_builds(node_classes: list[type]) -> None:
    names = {node.__name__ for node in node_classes}
    assert {"TapAccelerate", "TapChoiceMap", "TapReport", "TapDemoScene"} <= names
    for node in node_classes:
        schema = node.GET_SCHEMA()
        assert schema.node_id == node.__name__
        assert schema.node_id.startswith("Tap")
        assert schema.display_name and schema.description and schema.category.startswith("tap")


def test_every_input_explains_itself(node_classes: list[type]) -> None:
    silent = [f"{node.__name__}.{i.id}" for node in node_classes for i in node.GET_SCHEMA().inputs if not i.tooltip]
    assert silent == []


def test_node_ids_are_literals_equal_to_their_class_names() -> None:
    """The registry reads them from the source text, without running it."""
    found = {}
    for file in source_files("nodes"):
        for kind in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(kind, ast.ClassDef):
                continue
            for word in (word for call in ast.walk(kind) if isinstance(call, ast.Call) for word in call.keywords):
                if word.arg == "node_id":
                    assert isinstance(word.value, ast.Constant), f"{file.name}: {kind.name}"
                    found[kind.name] = word.value.value
    assert len(found) >= 4
    assert all(name == node_id for name, node_id in found.items())


def test_ruff_has_nothing_to_say() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", str(ROOT)], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("room", ["seam", "run", "live"])
def test_the_page_of_the_bridge_names_every_file_of_a_room(room: str) -> None:
    bridge = ROOT / "nodes" / "comfy_bridge"
    page = (bridge / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in (bridge / room).glob("*.py")} - {"__init__.py"}
    assert sorted(name for name in files if f"`{name}`" not in page) == []
