"""What a runner does with one step that runs a script: shell, environment files, commands in its output, masks.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

COMMAND = re.compile(r"^\s*::(?P<name>[a-z-]+)(?: (?P<properties>[^:]*(?:%3A[^:]*)*))?::(?P<data>.*)$")
FILES = ("OUTPUT", "ENV", "PATH", "STEP_SUMMARY", "STATE")
ANNOTATIONS = ("error", "warning", "notice")
SUMMARY_LIMIT = 1_048_576


@dataclass
class Log:
    """What a job printed, as it is shown: masked. Annotations are (level, title, message)."""

    masks: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    annotations: list[tuple[str, str, str]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def take(self, printed: str) -> None:
        """Read a step's output line by line."""
        for line in printed.splitlines():
            match = COMMAND.match(line)
            if match is None:
                self.lines.append(self._masked(line))
            else:
                self._command(match["name"], match["properties"] or "", decoded(match["data"]))

    def _command(self, name: str, properties: str, data: str) -> None:
        if name == "add-mask":
            self.masks.append(data)
        elif name in ANNOTATIONS:
            known = dict(pair.split("=", 1) for pair in properties.split(",") if "=" in pair)
            self.annotations.append((name, decoded(known.get("title", "")), self._masked(data)))
        elif name not in ("group", "endgroup", "debug"):
            self.unknown.append(name)

    def _masked(self, line: str) -> str:
        for secret in self.masks:
            line = line.replace(secret, "***") if secret else line
        return line

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)


@dataclass
class Ran:
    """How a script ended, and what it wrote into its files."""

    code: int
    outputs: dict[str, str]
    environment: dict[str, str]
    paths: list[str]
    summary: str


def decoded(text: str) -> str:
    """A command's data as it was meant."""
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


def run_script(
    script: str, folder: Path, place: Path, environment: Mapping[str, str], log: Log, interrupt_after: float = 0.0
) -> Ran:
    """Run it as `shell: bash` does, in `folder`; its files lie in `place`.

    `interrupt_after`: seconds until the job is cancelled, which signals the shell alone, as GitHub does.
    """
    place.mkdir(parents=True)
    files = {name: place / name for name in FILES}
    for path in files.values():
        path.touch()
    (place / "script.sh").write_text(script)
    process = subprocess.Popen(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(place / "script.sh")],
        cwd=folder,
        env={**environment, **{f"GITHUB_{name}": str(path) for name, path in files.items()}},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # As on a runner: a shell that starts tests in the background may have told its children to ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    printed = _printed(process, interrupt_after)
    log.take(printed)
    summary = files["STEP_SUMMARY"].read_text()
    return Ran(
        code=process.returncode,
        outputs=key_values(files["OUTPUT"].read_text()),
        environment=key_values(files["ENV"].read_text()),
        paths=files["PATH"].read_text().split(),
        summary=summary if len(summary.encode()) <= SUMMARY_LIMIT else "",
    )


def _printed(process: subprocess.Popen[str], interrupt_after: float) -> str:
    try:
        return process.communicate(timeout=interrupt_after or 300)[0]
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGINT)
        return process.communicate(timeout=7.5)[0]


def key_values(text: str) -> dict[str, str]:
    """`KEY=VALUE` lines and `KEY<<DELIMITER` blocks; the last word about a key counts."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        name, arrow, delimiter = line.partition("<<")
        if arrow and "=" not in name:
            block = []
            for inner in lines:
                if inner == delimiter:
                    break
                block.append(inner)
            else:
                raise AssertionError(f"the block of {name} has no end")
            found[name] = "\n".join(block)
        elif line:
            name, sign, value = line.partition("=")
            assert sign, f"not understood: {line}"
            found[name] = value
    return found
