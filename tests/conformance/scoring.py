"""What the deployments of the data-plane cases run, and how it gets into a workspace: uploaded as the SDK does it."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any, Final

import requests

from tests.conformance.target import Target

SCRIPT: Final = '''
"""Answers who it is; does what the request asks for."""
import json, logging, os, time

def init():
    if os.environ.get("FAIL_INIT"):
        raise RuntimeError("this model cannot be loaded")

def run(raw):
    ask = json.loads(raw)
    logging.warning("asked %s", ask.get("mark", ""))
    time.sleep(ask.get("sleep", 0))
    if ask.get("fail") or os.environ.get("FAIL_RUN"):
        raise ValueError("cannot score this")
    return {"version": os.environ.get("VERSION", "")}
'''
IMAGE: Final = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest"
CONDA: Final = """name: conformance
dependencies:
  - python=3.11
  - pip:
      - azureml-inference-server-http
"""


def uploaded(target: Target) -> dict[str, Any]:
    """Register the script and its environment; the properties of a deployment that runs them."""
    environment = target.ask("PUT", f"environments/conformance/versions/{_hash(CONDA)[:12]}", _environment())
    assert environment.ok, environment.text
    return {
        "codeConfiguration": {"codeId": code(target)["id"], "scoringScript": "score.py"},
        "environmentId": environment.json()["id"],
    }


def _environment() -> dict[str, Any]:
    return {"properties": {"condaFile": CONDA, "image": IMAGE, "isAnonymous": False, "isArchived": False}}


def code(target: Target, name: str = "", script: str = SCRIPT) -> dict[str, Any]:
    """Upload a script below a new code asset's own container and register it; the asset."""
    path = f"codes/{name or uuid.uuid4()}/versions/1"
    begun = target.ask("POST", f"{path}/startPendingUpload", {"pendingUploadType": "TemporaryBlobReference"})
    assert begun.status_code == 200, begun.text
    told = begun.json()["blobReferenceForConsumption"]
    container, _, signature = told["credential"]["sasUri"].partition("?")
    put = blob(target, "PUT", f"{container}/onlinescoring/score.py?{signature}", script.encode())
    assert put.status_code == 201, put.text
    digest = {"hash_sha256": _hash(script), "hash_version": "202208"}
    inner = {"codeUri": f"{container}/onlinescoring", "isAnonymous": True, "properties": digest}
    registered = target.ask("PUT", path, {"properties": inner})
    assert registered.ok, registered.text
    found: dict[str, Any] = registered.json()
    return found


def blob(target: Target, method: str, url: str, data: bytes | None = None, **headers: str) -> requests.Response:
    """One request to blob storage; its query is its key."""
    known = {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2021-08-06"} if method == "PUT" else {}
    known |= {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.request(method, url, data=data, headers=known, verify=target.verify, timeout=60)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
