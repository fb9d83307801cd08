"""Starts a host's own server on one of our small apps."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_S = 60
APPS = Path(__file__).parent / "apps"

# how each is started, and where its app is then
COMMANDS = {
    "marimo": ("marimo run {app} --headless --no-token --host 127.0.0.1 --port {port}", ""),
}


@contextmanager
def serving(host: str, home: Path) -> Iterator[str]:
    """The address of our app in a host, while the block runs. ``home`` keeps what the host writes.

    Raises:
        RuntimeError: If the hosts are not installed, or the server does not start; with its log.
    """
    commands = Path(os.environ.get("NSM_WIDGETS_HOSTS", ".cache/hosts-venv/bin")).absolute()
    command, place = COMMANDS[host]
    if not (commands / host).is_file():
        raise RuntimeError(f"{commands / host} must be there, and is not. 'make test-hosts' installs it.")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = command.format(app=APPS / f"{host}_app.py", port=port).split()
    log = home / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [commands / words[0], *words[1:]],
            cwd=home,
            env={**os.environ, "HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_S
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{host} did not start:\n{log.read_text()[-4000:]}")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/{place}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
