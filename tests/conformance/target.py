"""The workspace under test, by plain HTTP: the emulator's, or a real one."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import requests

API: Final = "2024-04-01"
ARM: Final = "https://management.azure.com/.default"
INFERENCE: Final = "https://ml.azure.com/.default"
ENDED: Final = ("Succeeded", "Failed", "Canceled")
SECONDS: Final = 1800.0
"""No operation is waited for longer than the service itself waits (`x-ms-async-operation-timeout: PT30M`)."""
_PREFIX: Final = '{{"errors":{{"":["'
_SUFFIX: Final = '"]}},"title":"One or more validation errors occurred."}}'


@dataclass
class Target:
    """One workspace. `token` gives a bearer token for a scope; `door` is None for a real workspace."""

    management: str
    subscription: str
    group: str
    workspace: str
    token: Callable[[str], str]
    verify: str | bool = True
    doors: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.verify, self.session.trust_env = self.verify, False

    @property
    def emulated(self) -> bool:
        """Whether this is the emulator, with faults and time on demand."""
        return bool(self.doors)

    @property
    def scope(self) -> str:
        """The workspace's ARM id."""
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self.workspace}"
        )

    @functools.cached_property
    def location(self) -> str:
        """The workspace's region."""
        found: str = self.ask("GET", "").json()["location"]
        return found

    def ask(
        self, method: str, path: str, body: Any = None, *, api: str = API, headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> requests.Response:  # fmt: skip
        """One request to Resource Manager: below the workspace, or from the root if the path starts with `/`."""
        known = {"Authorization": f"Bearer {self.token(ARM)}", **(headers or {})}
        url = path if path.startswith("https://") else self.management + self._path(path)
        params = {} if path.startswith("https://") else {"api-version": api, **(query or {})}
        return self.session.request(method, url, json=body, params=params, headers=known, timeout=60)

    def _path(self, path: str) -> str:
        return path if path.startswith("/") else f"{self.scope}/{path}".rstrip("/")

    def read(self, path: str, **query: str) -> Any:
        """The body of a GET that works."""
        answer = self.ask("GET", path, None, query=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def end_of(self, begun: requests.Response) -> dict[str, Any]:
        """Poll what a write began, as slowly as the service asks, to its end; the last poll."""
        assert begun.status_code in (201, 202), begun.text
        deadline = time.monotonic() + SECONDS
        while True:
            poll = self.ask("GET", begun.headers["Azure-AsyncOperation"])
            body: dict[str, Any] = poll.json()
            if body["status"] in ENDED:
                return body
            assert time.monotonic() < deadline, body
            time.sleep(pause(poll))

    def do(self, method: str, path: str, body: Any = None) -> requests.Response:
        """A write that must succeed, to its end; the first answer."""
        begun = self.ask(method, path, body)
        if begun.headers.get("Azure-AsyncOperation"):
            end = self.end_of(begun)
            assert end["status"] == "Succeeded", end
        assert begun.ok, begun.text
        return begun

    def refuses(self, answer: requests.Response, says: str, status: int = 400) -> None:
        """Assert a refusal. Its status and words are the emulator's; of a real workspace only the refusal is known."""
        if self.emulated:
            assert (answer.status_code, says in sentence(answer)) == (status, True), answer.text
        else:
            assert 400 <= answer.status_code < 500, answer.text

    def door(self, method: str, door: str, body: Any = None) -> Any:
        """One of the emulator's own doors."""
        answer = self.session.request(method, f"{self.doors}/{door}", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fail_next(self, operation: str, code: str, message: str = "asked for") -> None:
        """Let the next operation of this kind fail (emulator only)."""
        effect = {"kind": "fail", "operation": operation, "code": code, "message": message}
        self.door("PUT", "faults", [{"effect": effect}])

    def score(self, uri: str, key: str, body: Any = None, **headers: str) -> requests.Response:
        """One scoring request; header names with `_` for `-`, `authorization` replaces the key's."""
        known = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        known = {name: value for name, value in known.items() if name.lower() not in given}
        data = json.dumps({} if body is None else body)
        return requests.post(uri, data=data, headers={**known, **given}, verify=self.verify, timeout=60)


def pause(poll: requests.Response) -> float:
    """Seconds until the next poll: what the service asks for, or five."""
    if milliseconds := poll.headers.get("x-ms-retry-after-ms"):
        return int(milliseconds) / 1000
    return float(poll.headers.get("Retry-After", 5))


def error(answer: requests.Response) -> dict[str, Any]:
    """The ARM error of a refusal."""
    assert answer.status_code >= 400, (answer.status_code, answer.text)
    found: dict[str, Any] = answer.json()["error"]
    return found


def sentence(answer: requests.Response) -> str:
    """What a refusal says to people, out of its envelope."""
    found = error(answer)
    details = found.get("details") or [found]
    text: str = details[0]["message"]
    return text.removeprefix(_PREFIX).removesuffix(_SUFFIX)


def endpoint_body(location: str, traffic: Any = None, mirror: Any = None, **properties: Any) -> dict[str, Any]:
    """What the SDK sends for an endpoint."""
    weights = {"traffic": traffic or {}, "mirrorTraffic": mirror or {}}
    return {
        "location": location,
        "identity": {"type": "SystemAssigned"},
        "tags": {},
        "properties": {"authMode": "Key", "properties": {}, **weights, **properties},
    }


def deployment_body(location: str, content: Mapping[str, Any], capacity: int = 1, **properties: Any) -> dict[str, Any]:
    """What the SDK sends for a managed deployment; `content` is what it runs."""
    known: dict[str, Any] = {
        "endpointComputeType": "Managed",
        "instanceType": "Standard_DS3_v2",
        "model": None,
        "properties": {},
        "environmentVariables": {},
        "appInsightsEnabled": False,
    }
    return {
        "location": location,
        "tags": {},
        "sku": {"name": "Default", "capacity": capacity},
        "properties": {**known, **content, **properties},
    }
