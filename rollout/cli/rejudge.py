"""`rollout rejudge`: what the checks of a bake showed, and what they would have shown by other terms; offline."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from math import log
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from rollout.cli import exits, options
from rollout.cli.options import Output
from rollout.cli.printing import publish_value
from rollout.core.evidence.judge import Finding, Terms
from rollout.core.evidence.recorded import Change, Recorded, read, rejudged
from rollout.core.evidence.verdicts import sentence, verdict
from rollout.errors import UsageError
from rollout.render.document import FORMAT_VERSION, Document, Measurement
from rollout.render.saved import decode
from rollout.render.sparks import BARS, spark
from rollout.render.styled import Line, line

_SHARE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%")
_WIDTH: Final = 60


class Share(click.ParamType[float]):
    """A percentage such as `0.5%`."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """From 0 to less than 1."""
        match = _SHARE.fullmatch(str(value))
        if match is None or float(match[1]) >= 100:
            self.fail(f"{value} is not a share; write a percentage such as 0.5%", param, ctx)
        return float(match[1]) / 100


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--alpha", type=click.FloatRange(0, 1, min_open=True, max_open=True), help="Another α of the rollout.")
@click.option("--tolerate", type=Share(), help="Another tolerated difference, such as 0.5%.")
@click.option("--at-most", type=Share(), help="Against this objective, instead of as the plan says.")
@options.plain_output
def rejudge(
    file: Path, alpha: float | None, tolerate: float | None, at_most: float | None, outputs: tuple[Output, ...]
) -> int:
    """Judge the recorded minutes of FILE again, saved by `apply --output json=FILE` (- for stdin).

    Without a flag: as it was judged, with the evidence over time. Offline, and always exit 0.
    """
    if at_most == 0:
        raise UsageError("no traffic can prove a share of 0%")
    change = Change(alpha=alpha, tolerate=tolerate, at_most=at_most)
    gates = {name: (found, *rejudged(found, change)) for name, found in _recorded(file).items()}
    told = {name: _value(*gate) for name, gate in gates.items()}
    lines = [text for name, gate in gates.items() for text in _lines(name, *gate)]
    publish_value({"format_version": FORMAT_VERSION, "gates": told}, lines, outputs)
    return exits.OK


def measurements(file: Path) -> Sequence[Measurement]:
    """What gates said in a saved result; "-" is stdin. Raises UsageError where it cannot be read."""
    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    document = decode(text, str(file))
    result = document.result if isinstance(document, Document) else None
    return result.measurements if result else ()


def _recorded(file: Path) -> Mapping[str, Recorded]:
    """The records in a saved document, by their gates' names."""
    said = measurements(file)
    found = {one.gate: one.evidence for one in said if one.evidence is not None and "checks" in one.evidence}
    if not found:
        hint = "a bake with checks, measured in that command, leaves them"
        raise UsageError(f"{file} has no recorded checks", hint=hint)
    try:
        return {name: read(evidence) for name, evidence in found.items()}
    except msgspec.ValidationError as error:
        raise UsageError(f"the recorded checks in {file} cannot be read: {error}") from error


def _value(found: Recorded, findings: tuple[Finding, ...], terms: Terms) -> Any:
    return verdict(findings, None, found.sides, terms, needs_proof=True).evidence["checks"]


def _lines(name: str, found: Recorded, findings: tuple[Finding, ...], terms: Terms) -> Iterator[Line]:
    yield line(f"{name}: α {terms.alpha:g}, of which {terms.share:.4g} to each check", "title")
    for finding in findings:
        yield line(f"  {finding.state.value:13} {sentence(finding, found.sides, terms)}")
        if finding.track:
            limit = log(1 / terms.share)
            yield line(f"  {'':13} {spark(finding.track, limit, _WIDTH)}")
            yield line(f"  {'':13} evidence that it is worse, {len(finding.track)} minutes; {BARS[-1]} is the limit")
