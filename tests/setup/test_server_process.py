"""Starting and ending the server, with a stand-in for ComfyUI's main.py."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tap_pack.demo.launch import server
from tap_pack.demo.launch.problem import Problem
from tap_pack.demo.launch.server import PACK_FOLDER, check_port, end_process, free_port, link_pack, running_server

ANSWERING = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")
HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
"""

HOLDING = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from launch.server import running_server
with running_server(Path(sys.argv[2]), Path(sys.argv[2]), Path(sys.argv[3])) as server:
    print(server.process.pid, flush=True)
    time.sleep(60)
"""


def stand_in(folder: Path, text: str) -> Path:
    """A ComfyUI folder with this main.py."""
    folder.mkdir()
    (folder / "main.py").write_text(text, encoding="utf-8")
    return folder


def test_a_taken_port_is_reported_in_one_line() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(Problem, match=f"Port {taken} is taken") as said:
            check_port(taken)
        assert "\n" not in str(said.value)
    assert check_port(taken) == taken


def test_the_demo_stops_at_a_taken_port_without_a_traceback(repository: Path, comfyui: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        command = [sys.executable, str(repository / "demo" / "run.py"), "--port", port]
        ran = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COMFYUI_PATH": str(comfyui)})
    assert ran.returncode == 1
    assert ran.stderr == f"Port {port} is taken: give another with --port, or none to get a free one.\n"


def test_a_free_port_can_be_bound() -> None:
    assert check_port(free_port()) > 0


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    broken = stand_in(tmp_path / "comfyui", 'import sys\nprint("first")\nsys.exit("\\x1b[31mno such model\\x1b[0m")\n')
    with (
        pytest.raises(Problem, match="ComfyUI did not start: no such model ") as said,
        running_server(broken, tmp_path, tmp_path / "base"),
    ):
        pytest.fail("it cannot have started")
    assert "\n" not in str(said.value)


def test_the_server_always_ends_with_its_block(tmp_path: Path) -> None:
    comfyui = stand_in(tmp_path / "comfyui", ANSWERING)
    with pytest.raises(KeyError), running_server(comfyui, tmp_path, tmp_path / "base") as up:
        assert up.get("/system_stats") == {}
        assert up.process.poll() is None
        raise KeyError
    assert up.process.poll() is not None


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process at once, without asking it")
def test_a_program_that_is_told_to_end_ends_its_server(tmp_path: Path, repository: Path) -> None:
    comfyui = stand_in(tmp_path / "comfyui", ANSWERING)
    command = [sys.executable, "-c", HOLDING, str(repository / "demo"), str(comfyui), str(tmp_path / "base")]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    server = next(int(line) for line in holder.stdout if line.strip().isdigit())
    os.kill(server, 0)
    holder.terminate()
    assert holder.wait(30) == 143
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process at once, without asking it")
def test_a_server_that_does_not_end_is_ended_by_force(tmp_path: Path) -> None:
    text = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\ntime.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"deaf\n"
    end_process(process, patience=0.2)
    assert process.returncode == -signal.SIGKILL


def test_the_pack_is_linked_under_its_own_name_and_nothing_else(tmp_path: Path) -> None:
    clone = tmp_path / "main"
    clone.mkdir()
    (clone / "__init__.py").touch()
    (tmp_path / "neighbour.py").touch()
    for _ in range(2):
        link_pack(clone, tmp_path / "base")
    custom_nodes = tmp_path / "base" / "custom_nodes"
    assert [path.name for path in custom_nodes.iterdir()] == [PACK_FOLDER]
    assert (custom_nodes / PACK_FOLDER / "__init__.py").exists()


def test_a_pack_that_was_moved_is_linked_again(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    link_pack(old, tmp_path / "base")
    old.rename(new)
    (tmp_path / "other").mkdir()
    for folder in (new, tmp_path / "other"):
        link_pack(folder, tmp_path / "base")
        assert (tmp_path / "base" / "custom_nodes" / PACK_FOLDER).samefile(folder)


@pytest.mark.parametrize(("gpu", "cpu_mode"), [(True, False), (False, True)])
def test_cpu_mode_only_without_a_graphics_card(gpu: bool, cpu_mode: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "has_gpu", lambda: gpu)
    options = server.server_options(Path("base"), 8188)
    assert ("--cpu" in options) == cpu_mode
    assert options[options.index("--listen") + 1] == "127.0.0.1"
