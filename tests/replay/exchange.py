"""One request and its answer, as the service's recording and the SDK's capture keep them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import pytest

REST: Final = Path(__file__).parents[2].parent / "shared" / "corpus" / "rest"
needs_data = pytest.mark.skipif(not REST.exists(), reason="no recorded traffic in ../shared")
FLOWS: Final = ("full-rollout", "scale-roundtrip", "variants")
_SCOPE: Final = re.compile(
    r"/subscriptions/[0-9a-f-]+/resourceGroups/\w+/providers/Microsoft\.MachineLearningServices/workspaces/\w+", re.I
)
_NAMES: Final = re.compile(r"(?<=/)(?:[0-9a-f]{64}|[0-9a-f]{8}-[0-9a-f-]{27}|o[de]:[^/]+)(?=/|$)")


@dataclass(frozen=True, slots=True)
class Exchange:
    """`number`: its place in its file. `path` is relative to the workspace, or starts with `/`."""

    source: str
    number: int
    method: str
    path: str
    query: Mapping[str, str]
    sent: Mapping[str, str]
    body: Any
    status: int
    headers: Mapping[str, str]
    answer: Any

    @property
    def name(self) -> str:
        """For a failing test to show."""
        return f"{self.source} {self.number}: {self.method} {self.path}"

    @property
    def operation(self) -> str:
        """What kind of request it is: the method and the path without names."""
        parts = self.path.strip("/").split("/")
        if "/mfeOperation" in self.path:
            return f"poll of {'a deployment' if '/od:' in self.path else 'an endpoint'}"
        if parts[0] == "upload" or ".blob." in parts[0]:
            return f"{self.method} blob" + (" metadata" if self.query.get("comp") == "metadata" else "")
        if self.path.endswith("/score") or self.path.startswith("/registry") or self.path.startswith("/mferp"):
            return {"/registrymanagement": "GET registry", "/mferp": "GET registry model"}.get(
                "/" + parts[0], "POST score"
            )
        kept = [part if index % 2 == 0 else "{}" for index, part in enumerate(parts)]
        return f"{self.method} {'/'.join(kept) or 'workspace'}"


def recording() -> list[Exchange]:
    """The service's own traffic, in the order of its time (the file groups it by what it shows)."""
    entries = json.loads((REST / "recordings" / "online_deployment_e2e.json").read_text())["entries"]
    found = [
        _made("recording", number, entry["method"], entry["url"], {}, entry["request"], entry["status"],
              entry["headers"], entry["response"], entry["date"])
        for number, entry in enumerate(entries)
    ]  # fmt: skip
    return [exchange for _, exchange in sorted(found, key=lambda pair: (pair[0], pair[1].number))]


def capture(flow: str) -> list[Exchange]:
    """What azure-ai-ml 1.35.2 sent, and what a mock answered it."""
    lines = (REST / "sdk-1.35.2-capture" / f"{flow}-flow.jsonl").read_text().splitlines()
    return [
        _made(flow, number, line["m"], line["u"], line["h"], line["req"], line["code"], line["rh"], line["resp"])[1]
        for number, line in enumerate(map(json.loads, lines))
    ]


def _made(
    source: str, number: int, method: str, url: str, sent: Mapping[str, str], body: Any, status: int,
    headers: Mapping[str, str], answer: Any, date: str = "",
) -> tuple[str, Exchange]:  # fmt: skip
    parts = urlsplit(url)
    path = parts.path
    if match := _SCOPE.match(path):
        path = path[match.end() :].lstrip("/")
    query = {name: value for name, value in parse_qsl(parts.query) if name != "sig"}
    return date, Exchange(source, number, method, path, query, sent, body, status, headers, answer)


def translated(value: Any, scope: str) -> Any:
    """A recorded value with the ids of another workspace: in their own and in lower-case letters."""
    text = _SCOPE.sub(lambda found: scope.lower() if found[0].islower() else scope, json.dumps(value))
    return json.loads(text)
