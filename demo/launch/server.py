"""Starts a real ComfyUI server, without a browser, that knows only this pack, and ends it again."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from .problem import Problem
from .status_line import StatusLine

HOST = "127.0.0.1"
# ComfyUI's whitelist compares folder names, and a clone can have any name: the pack is linked under this one.
PACK_FOLDER = "tap-accelerate"
# A proxy for the internet must not be used for a server on this machine.
LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Server:
    """A running ComfyUI."""

    url: str
    log: Path
    process: subprocess.Popen

    def get(self, path: str) -> object:
        """The JSON that the server answers to a GET."""
        with LOCAL.open(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def post(self, path: str, body: dict | None = None) -> None:
        """Sends a command such as /interrupt."""
        data = json.dumps(body or {}).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        LOCAL.open(request, timeout=30).close()

    def fetch(self, image: dict[str, str]) -> bytes:
        """The bytes of a picture that a node has saved; image: its entry in the node's output."""
        query = urllib.parse.urlencode({key: image[key] for key in ("filename", "subfolder", "type")})
        with LOCAL.open(f"{self.url}/view?{query}", timeout=30) as answer:
            return answer.read()

    def log_text(self) -> str:
        """What the server has printed so far, without colours."""
        return re.sub(r"\x1b\[[\d;]*m", "", self.log.read_text(encoding="utf-8", errors="replace"))


@contextlib.contextmanager
def running_server(
    comfyui: Path, pack: Path, base: Path, port: int | None = None, options: Sequence[str] = ()
) -> Iterator[Server]:
    """A server for the time of a `with`; models, inputs and outputs of this ComfyUI are below `base`."""
    port = free_port() if port is None else check_port(port)
    link_pack(pack, base)
    log = base / "server.log"
    command = [sys.executable, "main.py", *server_options(base, port), *options]
    # If this program is told to end, it must still end its server.
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(command, cwd=comfyui, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    try:
        server = Server(f"http://{HOST}:{port}", log, process)
        wait_until_ready(server)
        yield server
    finally:
        signal.signal(signal.SIGTERM, before)
        end_process(process)


def server_options(base: Path, port: int) -> list[str]:
    """The command line of ComfyUI: local, without browser, paid nodes, other packs or a database file."""
    options = ["--listen", HOST, "--port", str(port), "--base-directory", str(base), "--disable-auto-launch"]
    options += ["--disable-api-nodes", "--disable-all-custom-nodes", "--whitelist-custom-nodes", PACK_FOLDER]
    options += ["--database-url", "sqlite:///:memory:"]
    # Without --cpu, ComfyUI asks for an NVIDIA driver and stops where there is none.
    return options if has_gpu() else [*options, "--cpu"]


def has_gpu() -> bool:
    """Whether torch can use a graphics card here."""
    return torch.cuda.is_available() or torch.backends.mps.is_available()


def link_pack(pack: Path, base: Path) -> None:
    """Makes the folders of a new ComfyUI, with only the pack in custom_nodes."""
    for folder in ("custom_nodes", "input", "models", "output", "user"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    link = base / "custom_nodes" / PACK_FOLDER
    if link.exists() and link.samefile(pack):
        return
    if os.path.lexists(link):
        # It is a link to the place where the pack was before it was moved.
        link.rmdir() if os.name == "nt" else link.unlink()
    if os.name == "nt":
        # A junction, because symbolic links need special rights on Windows.
        import _winapi

        _winapi.CreateJunction(str(pack), str(link))
    else:
        link.symlink_to(pack, target_is_directory=True)


def free_port() -> int:
    """A port that no program listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def check_port(port: int) -> int:
    """The same port. Raises Problem if a program listens on it."""
    with socket.socket() as probe:
        if os.name == "posix":
            # The port of a server that has just ended can be used again; on Windows, this option would share a port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise Problem(f"Port {port} is taken: give another with --port, or none to get a free one.") from None
    return port


def wait_until_ready(server: Server, limit: float = 600.0) -> None:
    """Returns when the server answers. Raises Problem, with the reason, if it ended or takes too long."""
    status = StatusLine()
    while status.seconds() < limit:
        status.show("starting ComfyUI")
        if server.process.poll() is not None:
            status.clear()
            raise Problem(f"ComfyUI did not start: {last_words(server)} (all of it is in {server.log})")
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            server.get("/system_stats")
            status.clear()
            return
        time.sleep(0.25)
    raise Problem(f"ComfyUI did not answer within {limit:.0f} s: {last_words(server)} (all of it is in {server.log})")


def last_words(server: Server) -> str:
    """The last line that the server printed."""
    return server.log_text().strip().rpartition("\n")[2] or "it printed nothing"


def end_process(process: subprocess.Popen, patience: float = 15.0) -> None:
    """Ends this one process, by force if it does not end in time."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
