"""Hostile inputs: what somebody might put into a repository, by malice or by mistake, and the answer to each.

`page()` is `docs/hostile-inputs.md`; write it again with `python -m tests.plan.hostile > docs/hostile-inputs.md`.
"""

# ruff: noqa: E501 - a table

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from rollout.errors import PlanError
from rollout.plan.fleet_files import inspect_fleet
from rollout.plan.load import inspect_plan
from tests.plan.conftest import DEPLOYMENT, ENDPOINT, ROLES

Setup = Callable[[Path], None]
SLOWEST = 1.0
"""Seconds of processor time that an answer may take."""

OVERLAY = "overlays/prod.yml"
"""Where a case that is about an overlay puts it."""
TOP = "version: 1\nkind: overlay\n"
FLEET = "fleet.yml"
"""Where a case that is about a fleet puts it; then that is read."""

_HEAD = """\
# Hostile inputs

Written by the tests (`python -m tests.plan.hostile`), which also hold that each answer takes less than a second of
processor time. Every
file is read in a repository (there is a `.git`) with a good plan, except for what is told. `valid` is an answer too: the
second column then says what the input means.

Beside the table, mutated inputs: plans, `az ml` files, requests, overlays and `rollout.yaml` changed in their structure
and as texts, each read in a process with at most 1 GB of memory. Measured on 2026-11-22 by
`ROLLOUT_FUZZ=100000 pytest -s tests/plan/test_fuzz.py`: 100,000 inputs, of which 10,382 were valid and all others were
refused by errors of our own (34 codes); the slowest took 0.25 s of processor time, the process 51 MB of memory. Every
run of the tests reads 2,000.
"""


class Case(NamedTuple):
    """One input: what it is, how it is made, the code of the fault that tells it ("" if the plan is valid), what it means."""

    title: str
    setup: Setup
    code: str = ""
    meaning: str = ""


def plan(text: str | bytes) -> Setup:
    """The plan is that."""
    return file("plan.yml", text)


def file(name: str, text: str | bytes) -> Setup:
    """That file holds that."""

    def write(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text if isinstance(text, bytes) else text.encode())

    return write


def change(old: str, new: str, name: str = "plan.yml") -> Setup:
    """Something else stands in that file."""

    def write(root: Path) -> None:
        text = (root / name).read_text()
        assert old in text
        (root / name).write_text(text.replace(old, new, 1))

    return write


def link(name: str, target: str) -> Setup:
    """That file is a link."""

    def make(root: Path) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    return make


def pipe(name: str) -> Setup:
    """That file is a named pipe that nobody writes."""

    def make(root: Path) -> None:
        (root / name).unlink(missing_ok=True)
        os.mkfifo(root / name)

    return make


def both(*setups: Setup) -> Setup:
    """One after the other."""

    def make(root: Path) -> None:
        for setup in setups:
            setup(root)

    return make


def bomb(levels: int, width: int) -> str:
    """Aliases of aliases."""
    rows = ["a0: &a0 [x, x]"]
    rows += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * width) + "]" for n in range(1, levels)]
    return "\n".join(rows) + "\n"


def instances(value: str) -> Setup:
    """The deployment's instance count is written so."""
    return change("instance_count: 2", f"instance_count: {value}", "house/deployment.yml")


def stage(text: str) -> Setup:
    """One more stage."""
    return change("  - traffic: 10\n", f"  - traffic: 10\n  - {text}\n")


def fleet(waves: str, more: str = "") -> Setup:
    """A fleet of the plan, with these waves. Its deployment is any endpoint's."""
    free = change("endpoint_name: house-prices\n", "", "house/deployment.yml")
    unnamed = change("name: house-prices\n", "", "house/endpoint.yml")
    text = f"version: 1\nkind: fleet\nname: prices\ntemplate: plan.yml\n{more}waves: {waves}\n"
    return both(free, unnamed, file(FLEET, text))


def members(*names: str) -> str:
    """Members of a template."""
    return f"[{', '.join(f'{{name: {name}}}' for name in names)}]"


_BIG = "9" * 390
CASES: tuple[Case, ...] = (
    Case("an empty file", plan(""), "PLAN004"),
    Case("only a comment", plan("# nothing\n"), "PLAN004"),
    Case("only a byte order mark", plan("\ufeff"), "PLAN004"),
    Case("a byte order mark before a good plan", plan("\ufeff" + ROLES), meaning="the mark is skipped"),
    Case("UTF-16", plan(ROLES.encode("utf-16")), "PLAN003"),
    Case("Latin-1", plan(b"name: caf\xe9\n"), "PLAN003"),
    Case("a NUL byte", plan("version: 1\nname: a\0b\n"), "PLAN005"),
    Case("an escape character", plan("name: \x1b[31mred\n"), "PLAN005"),
    Case("a lone surrogate", plan(b"name: \xed\xa0\x80\n"), "PLAN003"),
    Case("binary data", plan(bytes(range(256)) * 40), "PLAN003"),
    Case("Windows line ends", plan(ROLES.replace("\n", "\r\n")), meaning="the same plan"),
    Case("a tab as indentation", change("  - deploy", "\t- deploy"), "PLAN005"),
    Case("a tab after a colon", change("name: ", "name:\t"), meaning="white space"),
    Case("an unclosed bracket", plan("version: [1\n"), "PLAN005"),
    Case("an unclosed quote", plan("name: 'house\n"), "PLAN005"),
    Case("two documents", plan(ROLES + "---\n" + ROLES), "PLAN006"),
    Case("a document end, then more", plan(ROLES + "...\nname: other\n"), "PLAN005"),
    Case("a Python tag", change("name: house-prices", "name: !!python/object/apply:os.system [id]"), "PLAN007"),
    Case("a tag of one's own", change("house/endpoint.yml", "!include house/endpoint.yml"), "PLAN007"),
    Case("a binary tag", change("name: house-prices", "name: !!binary aG91c2U="), "PLAN007"),
    Case("a set tag", change("name: house-prices", "name: !!set {a, b}"), "PLAN007"),
    Case("a tag directive", plan("%TAG ! tag:evil.example,2024:\n---\n" + ROLES.replace("10", "!x 10", 1)), "PLAN007"),
    Case("an unknown YAML version", plan("%YAML 9.9\n---\n" + ROLES), "PLAN005"),
    Case("an alias bomb of 9 levels", plan(bomb(9, 9)), "PLAN008"),
    Case("an alias bomb of 40 levels", plan(bomb(40, 2)), "PLAN008"),
    Case("an alias bomb through merge keys", plan("".join(
        ["a0: &a0 {x: 1}\n", *(f"a{n}: &a{n} {{<<: [" + ", ".join([f"*a{n - 1}"] * 9) + f"], k{n}: 1}}\n" for n in range(1, 12))]
    )), "PLAN008"),
    Case("an alias that contains itself", plan("a: &a [*a]\n"), "PLAN008"),
    Case("an alias without an anchor", plan("name: *nobody\n"), "PLAN005"),
    Case("a merge of text", plan("<<: text\n" + ROLES), "PLAN011"),
    Case("100 nested lists", plan("a: " + "[" * 100 + "]" * 100 + "\n"), "PLAN009"),
    Case("100,000 opening brackets", plan("[" * 100_000), "PLAN009"),
    Case("100,000 opening braces", plan("{a: " * 100_000), "PLAN009"),
    Case("300 nested mappings", plan("".join(" " * n + "a:\n" for n in range(300))), "PLAN009"),
    Case("dashes without end", plan("- " * 50_000 + "a\n"), "PLAN009"),
    Case("two megabytes", plan("# " + "x" * 2_000_000), "PLAN008"),
    Case("200,000 values", plan("a: [" + "1," * 200_000 + "1]\n"), "PLAN008"),
    Case("9,000 keys", plan("".join(f"k{n}: 1\n" for n in range(9_000))), "PLAN101"),
    Case("9,000 times the same key", plan(ROLES + "k: 1\n" * 9_000), "PLAN010"),
    Case("9,000 keys in an `az ml` file", file("house/deployment.yml", "".join(f"k{n}: 1\n" for n in range(9_000))),
        "PLAN101"),
    Case("a key of 900,000 characters", plan("? " + "k" * 900_000 + "\n: 1\n"), "PLAN102"),
    Case("a word of 900,000 characters", file(
        "house/endpoint.yml", "auth_mode: " + "k" * 900_000 + "\n"), "PLAN110"),
    Case("20,000 stages", plan(ROLES + "  - traffic: 100\n" * 20_000), "PLAN008"),
    Case("5,000 empty stages", plan(ROLES + "  - {}\n" * 5_000), "PLAN103"),
    Case("150 empty stages", plan(ROLES + "  - {}\n" * 150), "PLAN106"),
    Case("9,000 deployments", plan("version: 1\nname: abc\ndeployments:\n"
        + "".join(f"  abc{n}: house/deployment.yml\n" for n in range(9_000)) + "stages: []\n"), "PLAN102"),
    Case("one line of 900,000 characters", change("name: house-prices", "name: " + "x" * 900_000), "PLAN108"),
    Case("a key twice", change("name: house-prices", "name: house-prices\nname: other"), "PLAN010"),
    Case("a list as a key", plan("[a, b]: 1\n"), "PLAN011"),
    Case("a template's braces", change("name: house-prices", "name: {{ name }}"), "PLAN011"),
    Case("a question mark for a key", plan("? {a: 1}\n: 2\n"), "PLAN011"),
    Case("a list at the top", plan("- version: 1\n"), "PLAN012"),
    Case("a word at the top", plan("hello\n"), "PLAN012"),
    Case("`yes` as a name", change("name: house-prices", "name: yes"), meaning="the text `yes`: YAML 1.2"),
    Case("`no` as a name", change("name: house-prices", "name: no"), "PLAN108"),
    Case("`NO` where true or false is asked for", file(
        "house/deployment.yml", DEPLOYMENT + "app_insights_enabled: NO\n"), "PLAN103"),
    Case("`off` as a mirror weight", stage("mirror: off"), "PLAN105"),
    Case("`true` as a weight", stage("traffic: true"), "PLAN105"),
    Case("`1e3` as a weight", stage("traffic: 1e1"), "PLAN105"),
    Case("`1e400`, beyond every number", stage("traffic: 1e400"), "PLAN105"),
    Case("`0x32` as a weight", stage("traffic: 0x32"), meaning="50, as YAML 1.2 says"),
    Case("`050` as a weight", stage("traffic: 050"), meaning="50, not octal 40: YAML 1.2"),
    Case("`1_0` as a weight", stage("traffic: 1_0"), "PLAN105"),
    Case("`.nan` as a weight", stage("traffic: .nan"), "PLAN105"),
    Case("`-1` as a weight", stage("traffic: -1"), "PLAN105"),
    Case("a sexagesimal duration", stage("bake: 1:30"), "PLAN104"),
    Case("a number of 390 digits as a weight", stage(f"traffic: {_BIG}"), "PLAN105"),
    Case("a number of 390 digits as a count", instances(_BIG), "PLAN103"),
    Case("a number of 5,000 digits as a count", instances("9" * 5000), "PLAN103"),
    Case("a duration of 390 digits", stage(f"bake: {_BIG}s"), "PLAN104"),
    Case("a version of 390 digits", change("version: 1", f"version: {_BIG}"), "PLAN111"),
    Case("`1.0` as the version", change("version: 1", "version: 1.0"), "PLAN105"),
    Case("a date as a name", change("name: house-prices", "name: 2024-01-01"), "PLAN108"),
    Case("letters of another script in a name", change("name: house-prices", "name: hоuse-prices"), "PLAN108"),
    Case("a right-to-left override in a name", change("name: house-prices", "name: \u202ehouse"), "PLAN108"),
    Case("a path to /etc/passwd", change("house/deployment.yml", "/etc/passwd"), "PLAN308"),
    Case("a path upwards", change("house/deployment.yml", "../../../../../../../etc/passwd"), "PLAN308"),
    Case("a link out of the repository", both(
        link("house/out.yml", "/etc/passwd"), change("house/deployment.yml", "house/out.yml")), "PLAN308"),
    Case("a request outside", stage("smoke_test: [/etc/passwd]"), "PLAN308"),
    Case("a request that is a link outside", both(
        link("house/request.json", "/etc/hostname"), stage("smoke_test: [house/request.json]")), "PLAN308"),
    Case("code outside", change("code: code/", "code: /usr/lib", "house/deployment.yml"), "PLAN308"),
    Case("a model by `set` outside", change(
        "house/deployment.yml", "{file: house/deployment.yml, set: {model: {path: /etc}}}"), "PLAN308"),
    Case("a link among the code to /", link("house/code/all", "/"), "PLAN308"),
    Case("a link among the code to a key", link("house/code/key", "/etc/passwd"), "PLAN308"),
    Case("a link among the code that goes in circles", link("house/code/loop", "."), meaning="not followed again"),
    Case("two links in a circle", both(
        link("house/a.yml", "b.yml"), link("house/b.yml", "a.yml"), change("house/deployment.yml", "house/a.yml")),
        "PLAN303"),
    Case("a dangling link among the code", link("house/code/gone", "nowhere"), "PLAN306"),
    Case("the plan itself is a link outside", link("plan.yml", "/etc/hostname"), "PLAN308"),
    Case("the plan is a device that never ends", link("plan.yml", "/dev/zero"), "PLAN308"),
    Case("the plan is a pipe", pipe("plan.yml"), "PLAN309"),
    Case("a deployment that is a pipe", pipe("house/deployment.yml"), "PLAN303"),
    Case("a request that is a pipe", both(pipe("house/request.json"), stage("smoke_test: [house/request.json]")), "PLAN303"),
    Case("a pipe among the code", pipe("house/code/score.py"), "PLAN309"),
    Case("the plan is a folder", both(lambda root: (root / "plan.yml").unlink(), file("plan.yml/x", "")), "PLAN002"),
    Case("a path with a NUL", change("house/deployment.yml", '"a\\0b"'), "PLAN303"),
    Case("a path of 5,000 characters", change("house/deployment.yml", "x" * 5000), "PLAN303"),
    Case("the plan as its own deployment", change("house/deployment.yml", "plan.yml"), "PLAN101"),
    Case("a request of deeply nested JSON", both(
        file("house/request.json", "[" * 100_000), stage("smoke_test: [house/request.json]")), "PLAN401"),
    Case("a request with NaN", both(
        file("house/request.json", "[NaN]"), stage("smoke_test: [house/request.json]")), "PLAN401"),
    Case("a request with a number of 5,000 digits", both(
        file("house/request.json", "9" * 5000), stage("smoke_test: [house/request.json]")), "PLAN401"),
    Case("a schema with a pattern that never ends", stage(
        "smoke_test: {requests: [house/request.json], expect: {schema: {pattern: '(a+)+$'}}}"),
        meaning="patterns are compiled, never run here"),
    Case("a schema that is no schema", stage(
        "smoke_test: {requests: [house/request.json], expect: {schema: {type: 7}}}"), "PLAN402"),
    Case("an expression nested 1,000 times", stage(
        "smoke_test: {requests: [house/request.json], expect: {assertions: ['" + "(" * 1000 + "']}}"), "PLAN403"),
    *(Case(f"an alpha of {alpha}", stage(f"bake: {{for: 30m, checks: error_rate, alpha: {alpha}}}"), code)
      for alpha, code in (
          ("0", "PLAN501"), ("1", "PLAN501"), ("-0.05", "PLAN501"), (".nan", "PLAN501"), (".inf", "PLAN501"),
          ("1e-999", "PLAN501"), ("true", "PLAN501"), ("'0.05'", "PLAN501"))),
    Case("a metric that the source does not have", stage(
        "bake: {for: 30m, checks: {metric: {name: drift, bad: b, total: t}}}"), "PLAN502"),
    Case("latency of quantiles", stage("metric: {checks: {latency: 500ms}}"), "PLAN503"),
    Case("errors of a source that has none of its own", stage(
        "metric: {checks: error_rate, source: {prometheus: https://prometheus.example}}"), "PLAN502"),
    Case("a comparison of an empty file", both(
        file("house/recorded.jsonl", "\n\n"), stage("compare: house/recorded.jsonl")), "PLAN401"),
    Case("a comparison of lines that are no JSON", both(
        file("house/recorded.jsonl", '{"a": 1}\nno\n'), stage("compare: house/recorded.jsonl")), "PLAN401"),
    Case("a comparison of lines with NaN", both(
        file("house/recorded.jsonl", '{"a": NaN}\n'), stage("compare: house/recorded.jsonl")), "PLAN401"),
    Case("a comparison of a line that is nested 100,000 deep", both(
        file("house/recorded.jsonl", "[" * 100_000 + "]" * 100_000), stage("compare: house/recorded.jsonl")), "PLAN401"),
    Case("a comparison of 1,001 lines", both(
        file("house/recorded.jsonl", "1\n" * 1001), stage("compare: house/recorded.jsonl")), "PLAN401"),
    Case("a comparison of a line of 21 MB", both(
        file("house/recorded.jsonl", f'"{"a" * 21_000_000}"'), stage("compare: house/recorded.jsonl")), "PLAN401"),
    *(Case(f"a comparison with the data asset {name!r}", stage(f"compare: '{name}'"), "PLAN401")
      for name in ("azureml:", "azureml:a", "azureml:a@latest", "azureml:a:1:2", "azureml:../x:1",
                   "azureml://registries/r/data/a/versions/1", "azureml:" + "a" * 300 + ":1")),
    Case("a comparison with a data asset that has a body", stage(
        "compare: {requests: [{file: 'azureml:a:1', body: 1}]}"), "PLAN401"),
    Case("a comparison with a file outside of the repository", stage("compare: ../../../etc/passwd"), "PLAN308"),
    Case("a comparison by what is no JMESPath", both(
        file("house/recorded.jsonl", "1\n"), stage("compare: {requests: house/recorded.jsonl, rows: '['}")), "PLAN403"),
    Case("a comparison of rows and of labels", both(
        file("house/recorded.jsonl", "1\n"), stage("compare: {requests: house/recorded.jsonl, rows: a, labels: b}")), "PLAN405"),
    Case("a comparison that accepts 101 %", both(
        file("house/recorded.jsonl", "1\n"), stage("compare: {requests: house/recorded.jsonl, at_most: 101%}")), "PLAN506"),
    Case("a comparison with an infinite tolerance", both(
        file("house/recorded.jsonl", "1\n"), stage("compare: {requests: house/recorded.jsonl, numeric: {absolute: .inf}}")), "PLAN103"),
    Case("a comparison of times of one request", both(
        file("house/recorded.jsonl", "1\n"), stage("compare: {requests: house/recorded.jsonl, latency_ratio: 1.5}")), "PLAN405"),
    Case("a bake that nobody asks", change(
        "deploy: candidate\n", "deploy: candidate\n  - bake: {for: 30m, checks: error_rate}\n"), "PLAN504"),
    Case("a metric that nobody asks", change(
        "deploy: candidate\n", "deploy: candidate\n  - metric: error_rate\n"), "PLAN504"),
    Case("a bake against a stable that nobody asks", change(
        "traffic: 100", "traffic: 100\n  - bake: {for: 30m, checks: error_rate}"), "PLAN504"),
    Case("a bake that asks for what cannot be proven", stage(
        "bake: {for: 30m, checks: {error_rate: {tolerate: 0%}}}"), "PLAN504"),
    Case("a bake whose limit is over before the counts are there", stage(
        "bake: {for: 30m, checks: error_rate, limit: 1m}"), "PLAN504"),
    Case("a bake that may end after its time", stage(
        "bake: {for: 30m, checks: error_rate, at_least: 31m}"), "PLAN103"),
    Case("a metric that waits less than an alert takes", stage(
        "metric: {checks: {alert: slow}, limit: 1m}"), "PLAN504"),
    Case("an alert rule that climbs out of its group", stage("metric: {checks: {alert: ../../slow}}"), "PLAN507"),
    Case("an alert rule with a query of its own", stage(
        "metric: {checks: {alert: /subscriptions/s/resourceGroups/g/providers/Microsoft.Insights/metricAlerts/a?x=1}}"),
        "PLAN507"),
    Case("an alert rule of 10,000 characters", stage("metric: {checks: {alert: " + "a" * 10_000 + "}}"), "PLAN507"),
    Case("a resource that is no alert rule", stage(
        "metric: {checks: {alert: /subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d}}"), "PLAN507"),
    Case("a secret of the runner as a variable", both(
        file("rollout.yaml", "variables: {A: {from_env: GITHUB_TOKEN}}\n"), change("house-prices", "'${A}'")), "PLAN115"),
    Case("a receiver's address with its secret", file(
        "rollout.yaml", "notifications: [{name: a, apprise: 'slack://TOKEN/TOKEN/TOKEN'}]\n"), "PLAN123"),
    Case("a webhook as an address", file(
        "rollout.yaml", "notifications: [{name: a, webhook: 'https://example.com/?key=TOKEN'}]\n"), "PLAN123"),
    Case("an event that does not exist", file(
        "rollout.yaml", "notifications: [{name: a, apprise: A, events: [rolledback]}]\n"), "PLAN110"),
    Case("a template that reaches into objects", file(
        "rollout.yaml", "notifications: [{name: a, apprise: A, body: '${plan.__class__}'}]\n"), "PLAN124"),
    Case("a template with a field that does not exist", file(
        "rollout.yaml", "notifications: [{name: a, apprise: A, body: $SLACK_URL}]\n"), "PLAN124"),
    Case("21 receivers", file(
        "rollout.yaml", "notifications: [" + ",".join(f"{{name: a{n}, apprise: A}}" for n in range(21)) + "]\n"), "PLAN103"),
    Case("a variable that nobody declared", change("name: house-prices", "name: ${HOME}"), "PLAN109"),
    Case("a variable in a variable", both(
        file("rollout.yaml", "variables: {A: '${B}', B: x}\n"),
        change("version: 1", "version: 1\ntarget: {subscription_id: '${A}', resource_group: g, workspace: w}")),
        meaning="the value is `${B}`: values are not looked at again"),
    Case("5,000 uses of a variable", both(
        file("rollout.yaml", "variables: {A: " + "x" * 1000 + "}\n"),
        change("version: 1", "version: 1\nx: [" + "'${A}'," * 5_000 + "a]")), "PLAN008"),
    Case("a variable's value of 5,000 characters", file("rollout.yaml", "variables: {A: " + "x" * 5000 + "}\n"), "PLAN103"),
    Case("an expression of another tool", change("name: house-prices", "name: '${{ secrets.KEY }}'"), "PLAN109"),
    Case("an alias bomb as `rollout.yaml`", file("rollout.yaml", bomb(9, 9)), "PLAN008"),
    Case("an alias bomb as an overlay", file(OVERLAY, bomb(9, 9)), "PLAN008"),
    Case("an overlay with a Python tag", file(OVERLAY, TOP + "name: !!python/name:os.system\n"), "PLAN007"),
    Case("an overlay with a key twice", file(OVERLAY, TOP + "drift: heal\ndrift: hold\n"), "PLAN010"),
    Case("an overlay of two documents", file(OVERLAY, TOP + "---\n" + TOP), "PLAN006"),
    Case("an overlay that is empty", file(OVERLAY, ""), "PLAN004"),
    Case("an overlay with a NUL byte", file(OVERLAY, TOP + "drift: he\0al\n"), "PLAN005"),
    Case("an overlay that is a link outside", link(OVERLAY, "/etc/hostname"), "PLAN308"),
    Case("an overlay with a path outside", file(OVERLAY, TOP + "candidate: {file: ../../etc/passwd}\n"), "PLAN303"),
    Case("an overlay nested 100 levels deep", file(OVERLAY, TOP + "a: " + "[" * 100 + "]" * 100 + "\n"), "PLAN009"),
    Case("an overlay for 9,000 stages", file(
        OVERLAY, TOP + "stages:\n" + "".join(f"  s{n}: {{traffic: 5}}\n" for n in range(9_000))), "PLAN116"),
    Case("`rollout.yaml` of two documents", file("rollout.yaml", "version: 1\n---\nversion: 1\n"), "PLAN006"),
    Case("`rollout.yaml` with a tab", file("rollout.yaml", "defaults:\n\tdrift: heal\n"), "PLAN005"),
    Case("`rollout.yaml` that is not UTF-8", file("rollout.yaml", b"variables: {A: caf\xe9}\n"), "PLAN003"),
    Case("`rollout.yaml` with a key twice", file("rollout.yaml", "version: 1\nversion: 1\n"), "PLAN010"),
    Case("an `az ml` file with a NUL byte", file("house/deployment.yml", "model: a\0b\n"), "PLAN005"),
    Case("an `az ml` file of two documents", file("house/endpoint.yml", ENDPOINT + "---\n" + ENDPOINT), "PLAN006"),
    Case("an `az ml` file that is empty", file("house/endpoint.yml", ""), "PLAN004"),
    Case("an `az ml` file in UTF-16", file("house/endpoint.yml", ENDPOINT.encode("utf-16")), "PLAN003"),
    Case("a request that is not UTF-8", both(
        file("house/request.json", b'["caf\xe9"]'), stage("smoke_test: [house/request.json]")), "PLAN401"),
    Case("an alias bomb as an `az ml` file", file("house/deployment.yml", bomb(9, 9)), "PLAN008"),
    Case("an `az ml` file with a Python tag", file(
        "house/endpoint.yml", ENDPOINT + "description: !!python/name:os.system\n"), "PLAN007"),
    Case("a fleet whose waves wait for each other", fleet(f"[{{name: a, after: b, members: {members('one')}}}, {{name: b, members: {members('two')}}}]"), "PLAN601"),
    Case("a fleet whose wave waits for itself", fleet(f"[{{name: a, after: [a], members: {members('one')}}}]"), "PLAN601"),
    Case("a ring of 100 waves", fleet("[" + ", ".join(f"{{name: w{n}, after: [w{(n + 1) % 100}], members: {members(f'm-{n}')}}}" for n in range(100)) + "]"), "PLAN601"),
    Case("100 waves that each wait for all the others", fleet("[" + ", ".join(f"{{name: w{n}, after: [{', '.join(f'w{k}' for k in range(100) if k != n)}], members: {members(f'm-{n}')}}}" for n in range(100)) + "]"), "PLAN601"),
    Case("a fleet with a wave that is not there", fleet(f"[{{name: a, after: [b], members: {members('one')}}}]"), "PLAN602"),
    Case("a fleet with an empty wave", fleet("[{name: a, members: []}]"), "PLAN103"),
    Case("a fleet with the same member twice", fleet(f"[{{name: a, members: {members('one', 'one')}}}]"), "PLAN604"),
    Case("a fleet with the same endpoint twice", fleet("[{name: a, members: [{name: one}, {name: two, set: {endpoint: {set: {name: one}}}}]}]"), "PLAN604"),
    Case("a fleet of a plan that is not there", fleet("[{name: a, members: [missing.yml]}]"), "PLAN303"),
    Case("a fleet of itself", fleet("[{name: a, members: [fleet.yml]}]"), "PLAN606"),
    Case("a fleet of an invalid plan", both(fleet(f"[{{name: a, members: {members('one', 'two')}}}]"), change("  - traffic: 100\n", "")), "PLAN202"),
    Case("a fleet of a device", fleet("[{name: a, members: [/dev/zero]}]"), "PLAN303"),
    Case("a fleet of a plan outside of the repository", both(fleet("[{name: a, members: [link.yml]}]"), link("link.yml", "/etc/hostname")), "PLAN308"),
    Case("a member whose `set` makes its plan invalid", fleet("[{name: a, members: [{name: one, set: {stages: null}}]}]"), "PLAN102"),
    Case("a member with a value for an undeclared variable", fleet("[{name: a, members: [{name: one, variables: {HOME: x}}]}]"), "PLAN607"),
    Case("5,000 members in a wave", fleet("[{name: a, members: [" + ", ".join(f"m-{n}.yml" for n in range(5_000)) + "]}]"), "PLAN103"),
    Case("a fleet that gives a name as a list", fleet("[{name: a, members: [{name: [one]}]}]"), "PLAN108"),
    Case("an error budget of 1000%", fleet(f"[{{name: a, members: {members('one')}}}]", "error_budget: 1000%\n"), "PLAN105"),
)  # fmt: skip


@contextlib.contextmanager
def made(case: Case) -> Iterator[Path]:
    """A repository with that input, which is the working directory meanwhile."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / ".git").mkdir()
        for name, text in {
            "plan.yml": ROLES,
            "house/endpoint.yml": ENDPOINT,
            "house/deployment.yml": DEPLOYMENT,
            "house/model/model.json": "{}",
            "house/code/score.py": "",
            "house/conda.yml": "name: house\n",
            "house/request.json": "{}",
        }.items():
            file(name, text)(root)
        os.chdir(root)
        try:
            case.setup(root)
            yield root
        finally:
            os.chdir(before)


def answer(case: Case) -> tuple[list[str], float]:
    """The faults as people see them (none for a valid plan), and how many seconds that took."""
    with made(case) as root:
        start = time.process_time()
        try:
            if os.path.lexists(FLEET):
                inspect_fleet(Path(FLEET), environment={})
                return [], time.process_time() - start
            overlay = Path(OVERLAY) if os.path.lexists(OVERLAY) else None
            inspect_plan(Path("plan.yml"), overlay=overlay, environment={})
        except PlanError as error:
            lines = [str(fault).replace(str(root.resolve()), ".") for fault in error.faults]
        else:
            lines = []
        return lines, time.process_time() - start


def page() -> str:
    """The table of all inputs and answers."""
    rows = [f"| {_cell(case.title)} | {_told(case)} |" for case in CASES]
    counted = f"\n{len(CASES)} inputs.\n\n| input | answer |\n| --- | --- |\n"
    return _HEAD + counted + "\n".join(rows) + "\n"


def _told(case: Case) -> str:
    lines, _ = answer(case)
    if not lines:
        return f"valid: {_cell(case.meaning)}"
    first = next(line for line in lines if f": {case.code}: " in line)
    first = first if len(first) <= 200 else f"{first[:120]} … {first[-60:]}"
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    return f"`` {_cell(first)} ``{more}"


def _cell(text: str) -> str:
    shown = "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)
    return shown.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
