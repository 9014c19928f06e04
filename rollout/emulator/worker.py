"""The fork server: starts scoring processes in about 0.1 s instead of 1 s. Runs in the *user's* interpreter.

It is started by file path (`python worker.py`), so it may import the standard library and
azureml-inference-server-http only, never `rollout`. It speaks JSON lines: requests to start something on
stdin, `{"started": …}` and `{"exited": …}` on stdout. When stdin ends, its parent is gone, however it died, and
it takes every scoring process with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import select
import shlex
import signal
import sys
from typing import Any

PREWARMED = (
    "azure.monitor.opentelemetry.exporter",
    "azureml_inference_server_http.amlserver",
    "flask",
    "flask_cors",
    "gunicorn.app.wsgiapp",
    "gunicorn.workers.sync",
    "inference_schema.schema_util",
    "opentelemetry.sdk.trace.export",
    "pydantic_settings",
)
"""What the server imports anyway. Never its own `server` package: it reads its configuration when imported."""

_PR_SET_PDEATHSIG = 1


def prewarm() -> None:
    """Import the server's dependencies once, for all. A missing one shows in the log of the first start."""
    for module in PREWARMED:
        with contextlib.suppress(Exception):
            importlib.import_module(module)


def die_with_parent(parent: int) -> None:
    """Ask the kernel for SIGTERM when `parent` dies (Linux; elsewhere the end of stdin has to do)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


def become_server(request: dict[str, Any], parent: int) -> None:
    """Turn this freshly forked process into a scoring server, bound to loopback. Never returns normally."""
    die_with_parent(parent)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _redirect(request["log"])
    os.environ.update(request["environment"])
    os.chdir(request["app_root"])
    from azureml_inference_server_http import amlserver

    _set_up_gunicorn(request["app_root"])
    amlserver.DEFAULT_HOST = "127.0.0.1"  # it has no flag for that, and its own default is every interface
    script = os.path.join(request["app_root"], request["script"])
    sys.argv = ["azmlinfsrv", "--entry_script", script, "--port", str(request["port"])]
    amlserver.run()


def _set_up_gunicorn(app_root: str) -> None:
    """Say where to work (its default was fixed when it was imported), and that no control socket is wanted.

    Newer versions open one in the home directory, the same one for all instances.
    """
    ours = ["--chdir", app_root]
    settings = importlib.import_module("gunicorn.config").KNOWN_SETTINGS
    if any(setting.name == "control_socket_disable" for setting in settings):
        ours.append("--no-control-socket")
    os.environ["GUNICORN_CMD_ARGS"] = f"{shlex.join(ours)} {os.environ.get('GUNICORN_CMD_ARGS', '')}"


def _redirect(log: str) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (descriptor, 1), (descriptor, 2)):
        os.dup2(source, target)


def start(request: dict[str, Any]) -> int:
    """Fork one scoring process; its process id (it leads a process group of its own)."""
    parent = os.getpid()
    pid = os.fork()
    with contextlib.suppress(OSError):  # both sides say it, so that neither can be too late
        os.setpgid(pid, pid)
    if pid:
        return pid
    try:
        become_server(request, parent)
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 1)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def reap() -> list[tuple[int, int]]:
    """Process ids and exit codes of the children that have ended (negative: killed by that signal)."""
    ended = []
    with contextlib.suppress(ChildProcessError):
        while (child := os.waitpid(-1, os.WNOHANG))[0]:
            ended.append((child[0], os.waitstatus_to_exitcode(child[1])))
    return ended


def say(**message: Any) -> None:
    """One line to the emulator; if nobody listens any more, stdin will end too."""
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(message).encode() + b"\n")


def signal_group(pid: int, number: int) -> None:
    """Send a signal to a scoring process and its workers; one that is gone already is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def wake_on_exit() -> int:
    """A descriptor that becomes readable when a child ends."""
    wake, ring = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(ring, False)
    signal.set_wakeup_fd(ring)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return wake


def requests(chunks: list[bytes]) -> list[dict[str, Any]]:
    """Take the whole lines out of what was read so far; the rest of a line stays in `chunks`."""
    *lines, rest = b"".join(chunks).split(b"\n")
    chunks[:] = [rest]
    return [json.loads(line) for line in lines]


def serve() -> None:
    """The loop: start what stdin asks for, tell what has ended, until stdin ends."""
    wake = wake_on_exit()
    children: set[int] = set()
    chunks: list[bytes] = []
    while True:
        ready, _, _ = select.select([0, wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
            for pid, code in reap():
                children.discard(pid)
                signal_group(pid, signal.SIGKILL)  # workers that outlived their master still hold the port
                say(exited=pid, code=code)
        if 0 in ready:
            if not (chunk := os.read(0, 65536)):
                break
            chunks.append(chunk)
            for request in requests(chunks):
                children.add(pid := start(request))
                say(started=pid, ticket=request["ticket"])
    for pid in children:
        signal_group(pid, signal.SIGKILL)


def main() -> None:
    """Warm up, say so, serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the emulator, which then ends our stdin
    prewarm()
    say(ready=True)
    serve()


if __name__ == "__main__":
    main()
