"""Sends recorded requests to the emulator: what was given by the service then is given by the emulator now."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import requests

from tests.conformance import scoring
from tests.conformance.target import ENDED, Target, deployment_body, pause
from tests.replay.exchange import Exchange, translated

SCRIPT: Final = """
def init():
    pass

def run(raw):
    return [5215.1981315798685, 3726.995485938578]
"""
"""Answers what the recorded model answered."""
_PASSED_ON: Final = ("azureml-model-deployment", "x-ms-blob-type", "if-none-match")


@dataclass(slots=True)
class Live:
    """One flow on the emulator. What it has learnt on the way: operations, uploads, secrets, addresses."""

    target: Target
    operations: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, str] = field(default_factory=dict)
    latest_upload: str = ""
    store: str = ""
    store_sas: str = ""
    begun: list[str] = field(default_factory=list)
    key: str = ""
    uri: str = ""

    def send(self, exchange: Exchange) -> requests.Response:
        """The same request; a poll that saw the end waits for it."""
        if exchange.method in ("PUT", "DELETE") and "onlineEndpoints" in exchange.path:
            self.settle()
        self._make_deployments(exchange)
        answer = self._sent(exchange)
        if exchange.operation.startswith("poll") and (exchange.answer or {}).get("status") in ENDED:
            while answer.ok and answer.json()["status"] not in ENDED:
                assert pause(answer) < 10
                answer = self._sent(exchange)
        self._learn(exchange, answer)
        return answer

    def settle(self) -> None:
        """Wait for the end of what was begun: the recordings leave out most polls."""
        for url in self.begun:
            while self.target.ask("GET", url).json()["status"] not in ENDED:
                time.sleep(0.02)
        self.begun.clear()

    def _make_deployments(self, exchange: Exchange) -> None:
        """Weights may name deployments that no request has made: the mock did not mind, the service would."""
        if exchange.operation != "PUT onlineEndpoints/{}":
            return
        inner = exchange.body["properties"]
        for name in {**inner["traffic"], **inner["mirrorTraffic"]}:
            path = f"{exchange.path}/deployments/{name}"
            if self.target.ask("GET", path).status_code == 404:
                self.target.do("PUT", path, deployment_body(self.target.location, {}))

    def _sent(self, exchange: Exchange) -> requests.Response:
        path, query = exchange.path, dict(exchange.query)
        body = translated(exchange.body, self.target.scope)
        if "/mfeOperation" in path:
            return self.target.ask("GET", self.operations[_operation(path)])
        if path.startswith("/upload/") or ".blob." in path:
            return self._blob(exchange)
        if path.endswith("/score"):
            return self._score(exchange)
        if isinstance(body, dict) and path.startswith("codes/") and "codeUri" in body.get("properties", {}):
            body["properties"]["codeUri"] = f"{self.uploads[path].partition('?')[0]}/onlinescoring"
        api = query.pop("api-version", "")
        return self.target.ask(exchange.method, path, body, api=api, query=query)

    def _blob(self, exchange: Exchange) -> requests.Response:
        sas = self.latest_upload
        place = exchange.path.removeprefix("/upload/abc123/")
        if ".blob." in exchange.path:
            sas, place = f"{self.store}?{self.store_sas}", exchange.path.split("/", 3)[3]
        container, _, signature = sas.partition("?")
        comp = f"comp={exchange.query['comp']}&" if "comp" in exchange.query else ""
        kept = {k.lower(): v for k, v in exchange.sent.items() if k.lower() in _PASSED_ON or "x-ms-meta" in k.lower()}
        url = f"{container}/{place}?{comp}{signature}"
        data = _filled(exchange) if exchange.method == "PUT" else None
        return requests.request(
            exchange.method, url, data=data, headers=kept, verify=self.target.verify, timeout=30
        )  # fmt: skip

    def _score(self, exchange: Exchange) -> requests.Response:
        kept = {name.replace("-", "_"): value for name, value in exchange.sent.items() if name in _PASSED_ON}
        return self.target.score(self.uri, self.key, exchange.body, **kept)

    def _learn(self, exchange: Exchange, answer: requests.Response) -> None:
        if "Azure-AsyncOperation" in answer.headers:
            self.begun.append(answer.headers["Azure-AsyncOperation"])
        for header in ("Azure-AsyncOperation", "Location"):
            theirs = {name.lower(): value for name, value in exchange.headers.items()}.get(header.lower())
            if theirs and "/mfeOperation" in theirs and header in answer.headers:
                self.operations[_operation(theirs)] = answer.headers[header]
        found: Mapping[str, Any] = answer.json() if answer.ok and answer.text.startswith("{") else {}
        if reference := found.get("blobReferenceForConsumption"):
            self.latest_upload = reference["credential"]["sasUri"]
            self.uploads[exchange.path.removesuffix("/startPendingUpload")] = self.latest_upload
        self.store_sas = found.get("sasToken", self.store_sas)
        self.key = found.get("primaryKey") or found.get("accessToken") or self.key
        inner = found.get("properties") or {}
        self.uri = inner.get("scoringUri") or self.uri
        if "containerName" in inner:
            self.store = f"https://{inner['accountName']}.blob.core.windows.net/{inner['containerName']}"


def _operation(url: str) -> str:
    """`mfeOperationsStatus/oe:…`: the kind and the id."""
    return "/".join(url.partition("?")[0].split("/")[-2:])


def _filled(exchange: Exchange) -> bytes:
    """As many bytes as were uploaded; of the scoring script, one that answers as the recorded one did."""
    match = re.match(r"<(\d+) bytes>", str(exchange.body))
    size = int(match[1]) if match else 0
    text = SCRIPT if exchange.path.endswith("/score.py") else ""
    return text.encode().ljust(size) if size else b""


def furnish(target: Target, exchanges: list[Exchange]) -> None:
    """Register what the recorded workspace had before: assets that a deployment names and no request makes."""
    made = {exchange.path for exchange in exchanges if exchange.method == "PUT"}
    bodies = json.dumps(translated([[each.body, each.answer] for each in exchanges], target.scope))
    wanted = re.findall(rf'"{target.scope}/((codes|models|environments)/[^/"]+/versions/[^/"]+)"', bodies)
    for path, kind in sorted(set(wanted)):
        if path in made:
            continue
        if kind == "codes":
            scoring.code(target, path.split("/")[1], SCRIPT)
        else:
            _registered(target, path, kind)


def _registered(target: Target, path: str, kind: str) -> None:
    inner: dict[str, Any] = {"image": scoring.IMAGE}
    if kind == "models":
        store = target.read("datastores/workspaceblobstore")["properties"]
        sas = target.ask("POST", "datastores/workspaceblobstore/listSecrets", {}).json()["sasToken"]
        url = f"https://{store['accountName']}.blob.core.windows.net/{store['containerName']}/LocalUpload/m/model/m.pkl"
        assert scoring.blob(target, "PUT", f"{url}?{sas}", b"m").status_code == 201
        uri = "azureml://datastores/workspaceblobstore/paths/LocalUpload/m/model"
        inner = {"modelType": "custom_model", "modelUri": uri}
    assert target.ask("PUT", path, {"properties": inner}).ok
