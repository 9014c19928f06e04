"""Is that answer what was expected? Pure: an answer and an expectation in, the first objection out ("" if none)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from rollout.core.gate_bodies import Expectation, Golden
from rollout.gates.differing import NOTHING, differing, is_number
from rollout.gates.words import body, cut, value
from rollout.ports import ScoringAnswer

_MODEL_STATUS: Final = "ms-azureml-model-error-statuscode"
_NO_JSON: Final = object()


def objection(expect: Expectation, answer: ScoringAnswer, time_limit: float | None) -> str:
    """What is wrong with the answer: what was expected, and what came."""
    if answer.status not in expect.status:
        return _wrong_status(expect, answer)
    if time_limit is not None and answer.seconds > time_limit:
        return f"expected an answer within {time_limit:g} s, got it after {answer.seconds:.2f} s"
    return next(_content(expect, answer), "")


def _wrong_status(expect: Expectation, answer: ScoringAnswer) -> str:
    wanted = " or ".join(str(status) for status in expect.status)
    headers = {name.lower(): text for name, text in answer.headers.items()}
    inner = headers.get(_MODEL_STATUS, "")
    model = f" (the model said {inner})" if inner else ""
    return f"expected status {wanted}, got {answer.status}{model}: {body(answer)}"


def _content(expect: Expectation, answer: ScoringAnswer) -> Iterator[str]:
    if expect.schema is None and not expect.assertions and expect.golden is None:
        return
    document = _json(answer.body)
    if document is _NO_JSON:
        yield f"expected JSON, got: {body(answer)}"
        return
    if expect.schema is not None:
        yield from _schema(expect.schema, document)
    for assertion in expect.assertions:
        yield from _assertion(assertion, document)
    if expect.golden is not None:
        yield from differences(expect.golden, expect.golden.answer, document, "$")


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return _NO_JSON


def _schema(schema: Any, document: Any) -> Iterator[str]:
    import jsonschema  # seconds that `validate` must not pay

    checker = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    error = jsonschema.exceptions.best_match(checker(schema).iter_errors(document))
    if error is not None:
        yield f"the answer does not fit the schema at {error.json_path}: {cut(error.message)}"


def _assertion(expression: str, document: Any) -> Iterator[str]:
    import jmespath

    try:
        found = jmespath.search(expression, document)
    except jmespath.exceptions.JMESPathError as error:
        yield f"the assertion `{expression}` cannot be evaluated: {cut(str(error))}"
        return
    if found is None or found is False or found in ("", [], {}):
        yield f"the assertion `{expression}` gave {value(found)} for {value(document)}"


def differences(golden: Golden, expected: Any, found: Any, path: str) -> Iterator[str]:
    """Every place where the answer is not the golden one, numbers within the tolerance."""
    for place in differing(golden.absolute, golden.relative, expected, found, path):
        tolerance = _tolerance(golden) if is_number(place.one) and is_number(place.other) else ""
        yield f"expected {_shown(place.one)} at {place.path}, got {_shown(place.other)}{tolerance}"


def _shown(found: Any) -> str:
    return "nothing" if found is NOTHING else value(found)


def _tolerance(golden: Golden) -> str:
    parts = [f"{golden.absolute:g}"] if golden.absolute else []
    parts += [f"{golden.relative:g} of it"] if golden.relative else []
    return f" (tolerance {' or '.join(parts)})" if parts else ""
