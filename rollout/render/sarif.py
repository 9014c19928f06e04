"""Findings as SARIF 2.1.0, for code scanning: a rule for each code with its help, a stable fingerprint for each result.

GitHub reads at most 25,000 results of a run and shows 5,000; of a file it takes at most 10 MB compressed. The most
severe come first, and a notification says how many are left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final
from urllib.parse import quote

from rollout.core.hazards import HAZARDS
from rollout.plan.codes import CODES
from rollout.render import findings as kinds
from rollout.render import harmless
from rollout.render.document import AnyDocument, Finding
from rollout.render.saved import to_json

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
MOST: Final = 5_000
_LONGEST: Final = 2_000
_LEVELS: Final = {"error": "error", "warning": "warning", "notice": "note"}
_OTHERS: Final = {
    kinds.DRIFT: (
        "drift",
        "A managed field of the live endpoint is not what the files say, and the plan did not move it.",
    ),
    kinds.STOPPED: (
        "held, refused or rolled back",
        "Nothing moves until a person, a new goal or a corrected gate does.",
    ),
    kinds.FAILED: ("no result", "The command came to no result."),
    kinds.GATE: ("a gate failed", "A gate said FAIL; what was promoted gets all traffic back."),
    kinds.PENDING: ("changes to come", "What the plan would still do."),
}


def sarif(document: AnyDocument) -> str:
    """One run with all findings, as JSON text."""
    found = kinds.findings(document)
    rules = sorted({finding.code for finding in found})
    run = {
        "tool": {"driver": {**_driver(), "rules": list(map(_rule, rules))}},
        "automationDetails": {"id": "rollout/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(len(found))],
        "results": [_result(finding, rules) for finding in found[:MOST]],
    }
    return to_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _driver() -> dict[str, Any]:
    try:
        found = version("azureml-rollout")
    except PackageNotFoundError:  # run from a checkout that is not installed
        found = "0.0.0"
    return {"name": "rollout", "semanticVersion": found}


def _invocation(count: int) -> dict[str, Any]:
    told: dict[str, Any] = {"executionSuccessful": True}
    if count > MOST:
        text = f"{count - MOST} more findings are left out"
        told["toolExecutionNotifications"] = [{"level": "warning", "message": {"text": text}}]
    return told


def _rule(code: str) -> dict[str, Any]:
    title, text = _explained(code)
    warns = code.startswith(("LINT", kinds.DRIFT, kinds.PENDING))
    return {
        "id": code,
        "shortDescription": {"text": title},
        "fullDescription": {"text": text},
        "help": {"text": text, "markdown": f"{text}\n\nSee `rollout explain {code}`." if code in CODES else text},
        "defaultConfiguration": {"level": "warning" if warns else "error"},
    }


def _explained(code: str) -> tuple[str, str]:
    if code in CODES:
        return CODES[code].title, CODES[code].text
    if code in _OTHERS:
        return _OTHERS[code]
    name = code.removeprefix(f"{kinds.HAZARD}-")
    return harmless.line(code), HAZARDS.get(name, "A code of another version of rollout.")


def _result(found: Finding, rules: list[str]) -> dict[str, Any]:
    text = " ".join(_sentences(found)).strip() or found.code or "–"
    return {
        "ruleId": found.code,
        "ruleIndex": rules.index(found.code),
        "level": _LEVELS[found.severity],
        "message": {"text": text},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(found.file)}, "region": _region(found)}}],
        "partialFingerprints": {"rollout/v1": _fingerprint(found.code, found.file, found.path, found.message)},
    }


def _sentences(found: Finding) -> Iterator[str]:
    yield harmless.line(found.message, _LONGEST)
    if found.expected:
        yield f"Expected: {harmless.line(found.expected, _LONGEST)}."
    if found.hint:
        yield f"Hint: {harmless.line(found.hint, _LONGEST)}."


def _region(found: Finding) -> dict[str, int]:
    """A fault of the file as a whole is shown at its first line."""
    column = {"startColumn": found.column} if found.column else {}
    return {"startLine": max(1, found.line), **column}


def _uri(file: str) -> str:
    """A relative path as a relative reference; absolute ones as `file:` URIs."""
    path = harmless.line(file, _LONGEST).replace("\\", "/") or "."
    while path.startswith("./"):
        path = path[2:]
    return f"file://{quote(path)}" if path.startswith("/") else quote(path or ".")


def _fingerprint(*parts: Iterable[str]) -> str:
    """The same finding keeps it when lines move: neither line nor column is in it."""
    text = "\0".join(map(str, parts))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
