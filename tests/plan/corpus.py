"""Microsoft's example files inside plans: the table of what becomes of each, how it is found out, and its page.

The examples lie beside the repository and are no part of it; the table (`corpus.yaml`) is. `python -m
tests.plan.corpus` tries every file and writes the table, `… --page` writes `docs/corpus.md` from the table alone.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from rollout.errors import PlanError
from rollout.plan.load import inspect_plan
from rollout.plan.loader import load_file

CORPUS: Final = Path(__file__).parents[2].parent / "shared" / "corpus" / "azureml-examples"
TABLE: Final = Path(__file__).with_name("corpus.yaml")
PAGE: Final = Path(__file__).parents[2] / "docs" / "corpus.md"
MODEL: Final = "azureml://registries/azureml/models/bert/versions/3"
IDENTITY: Final = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader"
WHY: Final[Mapping[str, str]] = {
    "PLAN102": "`az ml online-deployment create … --set model=…` gives the model on the command line; a plan has no "
    "command line, so it says it below `set`. Without a model and without an environment there is nothing to run.",
    "PLAN303": "The examples fetch these files by a script before they deploy; the copy has none of them.",
    "PLAN304": "The text stands for a name that somebody fills in, or is none that the service accepts (`_`). The plan "
    "supplies the endpoint's name.",
    "PLAN312": "The text stands for something that somebody fills in; the service would refuse it in the middle of the "
    "run.",
}
"""Why each reason is correct."""
_SIGNS: Final = ("nlineEndpoint.schema", "nlineDeployment.schema")
_KEYS: Final = ("endpoint_name", "auth_mode", "instance_type")
_LOCAL: Final = (
    ("model", "path"),
    ("code_configuration", "code"),
    ("environment", "conda_file"),
    ("environment", "build", "path"),
)
_FEATURES: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "identity": (("identity",),),
    "private network": (("public_network_access",),),
    "egress": (("egress_public_network_access",),),
    "custom container": (("environment", "inference_config"),),
    "docker build": (("environment", "build"),),
    "data collector": (("data_collector",),),
    "probes": (("liveness_probe",), ("readiness_probe",)),
    "request settings": (("request_settings",),),
    "scale settings": (("scale_settings",),),
    "resources": (("resources",),),
    "variables": (("environment_variables",),),
}
FORM: Final = """\
version: 1
name: corpus
endpoint: {endpoint}
candidate: {candidate}
stages:
  - deploy: candidate
  - traffic: 100
"""


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file: what it uses, the faults that it has as it is ([]: accepted), and what makes it acceptable: a patch
    (`set` of the plan) and local files that this copy of the examples lacks."""

    file: str
    kind: str
    uses: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    set: Mapping[str, Any] = {}
    lacks: tuple[str, ...] = ()

    @property
    def templates(self) -> bool:
        """Whether the file is text for a template engine, not for `az ml`."""
        return self.kind == "template"


def table() -> tuple[Row, ...]:
    """The committed rows."""
    return msgspec.convert(yaml.safe_load(TABLE.read_text()), tuple[Row, ...])


def files() -> list[Path]:
    """Every online endpoint and deployment file of the examples, by what is in it."""
    found = [path for pattern in ("*.yml", "*.yaml", "*.YAML") for path in CORPUS.rglob(pattern)]
    return sorted(path for path in dict.fromkeys(found) if _is_online(path))


def _is_online(path: Path) -> bool:
    text = path.read_text(errors="replace")
    if any(sign in text for sign in _SIGNS):
        return True
    data = load_file(path).data
    return "$schema" not in text and isinstance(data, dict) and any(key in data for key in _KEYS)


def tried(path: Path) -> Row:
    """What becomes of one file now: as it is, and with what it lacks."""
    name, text = path.relative_to(CORPUS).as_posix(), path.read_text(errors="replace")
    if "{{" in text:
        return Row(file=name, kind="template", faults=_faults(path, {}))
    data = yaml.safe_load(text)
    kind = "endpoint" if "auth_mode" in data else "deployment"
    faults = _faults(path, {})
    patch = dict(_patch(data, faults))
    lacks = tuple(".".join(place) for place in _LOCAL if any(f"PLAN303 {'.'.join(place)}:" in each for each in faults))
    return Row(file=name, kind=kind, uses=tuple(_uses(data)), faults=faults, set=patch, lacks=lacks)


def _patch(data: Mapping[str, Any], faults: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    said = " ".join(faults)
    if "PLAN304 endpoint_name" in said:
        yield "endpoint_name", None
    if "PLAN102 model" in said or "PLAN312 model" in said:
        yield "model", MODEL
    if "PLAN312 identity" in said:
        yield "identity", {"user_assigned_identities": [{"resource_id": IDENTITY}]}


def _uses(data: Mapping[str, Any]) -> Iterator[str]:
    if data.get("type") == "kubernetes" or data.get("compute"):
        yield "Kubernetes"
    model = data.get("model")
    kind = model.get("type") if isinstance(model, Mapping) else None
    if kind in ("mlflow_model", "triton_model"):
        yield {"mlflow_model": "MLflow", "triton_model": "Triton"}[kind]
    if isinstance(model, str):
        yield "registry model" if "/registries/" in model else "registered model"
    environment = data.get("environment")
    if isinstance(environment, str):
        yield "registry environment" if "/registries/" in environment else "registered environment"
    yield from (name for name, places in _FEATURES.items() if any(_at(data, place) is not None for place in places))
    if kind == "mlflow_model" and not data.get("code_configuration"):
        yield "no scoring script"


def _at(data: Any, place: tuple[str, ...]) -> Any:
    for part in place:
        data = data.get(part) if isinstance(data, Mapping) else None
    return data


def _faults(path: Path, patch: Mapping[str, Any]) -> tuple[str, ...]:
    """The faults of a plan with that file, as `CODE place: message`."""
    with tempfile.TemporaryDirectory() as folder:
        plan = Path(folder) / "plan.yml"
        plan.write_text(plan_text(path, patch))
        try:
            inspect_plan(plan, environment={})
        except PlanError as error:
            told = [f"{fault.code} {fault.path}: {fault.message}".replace(" :", ":") for fault in error.faults]
            return tuple(each.replace(str(path.parent), "FOLDER") for each in told)
    return ()


def plan_text(path: Path, patch: Mapping[str, Any], endpoint: str = "") -> str:
    """A plan with that file in it. Its other part is the smallest that fits."""
    data = load_file(path).data
    found = data if isinstance(data, dict) else {}
    named = msgspec.json.encode({"file": str(path), **({"set": patch} if patch else {})}).decode()
    if "nlineEndpoint" in path.read_text(errors="replace") or "auth_mode" in found:
        kind = "type: kubernetes, " if found.get("compute") else ""
        least = f"{{{kind}model: azureml:prices:1, instance_type: Standard_DS3_v2, instance_count: 1}}"
        return FORM.format(endpoint=named, candidate=least)
    said = str(found.get("endpoint_name") or "")
    name = endpoint or (said if said.replace("-", "").isalnum() else "corpus")
    compute = ", compute: azureml:cluster" if found.get("type") == "kubernetes" else ""
    return FORM.format(endpoint=f"{{name: {name}, auth_mode: key{compute}}}", candidate=named)


def completed(row: Row, folder: Path) -> Path:
    """The file with a copy of its surroundings below `folder`, and what this copy of the examples lacks made there."""
    source, online = CORPUS / row.file, CORPUS / "cli" / "endpoints" / "online"
    above = online if source.is_relative_to(online) else source.parents[1]
    for path in above.rglob("*"):
        if path.is_file():
            _copy(path, folder / path.relative_to(above))
    copied = folder / source.relative_to(above)
    data = load_file(copied).data
    for place in row.lacks:
        path = copied.parent / str(_at(data, tuple(place.split("."))))
        file = path if place.endswith("_file") else path / "Dockerfile"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("name: made\n")
    return copied


def _copy(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, to)


def page() -> str:
    """`docs/corpus.md`."""
    rows = table()
    counts = Counter("template" if row.templates else "accepted" if not row.faults else "refused" for row in rows)
    head = f"""\
# Real files

Every online endpoint and deployment file of [azureml-examples](https://github.com/Azure/azureml-examples) that the
tests have a copy of, inside a plan: accepted as it is, or refused for the reason that stands there. Written by
`python -m tests.plan.corpus --page` from `tests/plan/corpus.yaml`; where the copy is, the tests try every file again.

{len(rows)} files: {counts["accepted"]} accepted as they are, {counts["refused"]} refused as they are and accepted with
what the last column says, {counts["template"]} texts for a template engine (`{{{{…}}}}`), which are left aside. Every
accepted deployment, and every one that is with the last column, is deployed on the emulator by `rollout apply`, and the
next `rollout diff` is empty (`tests/cli/test_deploy_corpus.py`; all of them with `ROLLOUT_CORPUS=1`).

| file | uses | answer | accepted with |
|---|---|---|---|
"""
    return head + "".join(_line(row) for row in rows if not row.templates) + _templates(rows)


def _line(row: Row) -> str:
    answer = "<br>".join(f"`{fault}`" if "`" not in fault else f"`` {fault} ``" for fault in row.faults) or "accepted"
    wanted = [f"`set: {{{key}: {_short(value)}}}`" for key, value in row.set.items()]
    wanted += [f"the files of `{place}`" for place in row.lacks]
    return f"| `{row.file}` | {', '.join(row.uses) or row.kind} | {answer} | {', '.join(wanted)} |\n"


def _short(value: Any) -> str:
    if value is None:
        return "null"
    return str(value) if isinstance(value, str) else "…"


def _templates(rows: tuple[Row, ...]) -> str:
    listed = "".join(f"* `{row.file}`\n" for row in rows if row.templates)
    reasons = "".join(f"* `{code}`: {why}\n" for code, why in WHY.items())
    return f"\nWhy these reasons are right:\n\n{reasons}\nTemplates:\n\n{listed}"


def main(arguments: list[str]) -> None:
    """Write the page (`--page`) or the table."""
    if "--page" in arguments:
        sys.stdout.write(page())
        return
    rows = [msgspec.to_builtins(tried(path)) for path in files()]
    sys.stdout.write(yaml.safe_dump(rows, sort_keys=False, allow_unicode=True, width=118))


if __name__ == "__main__":
    main(sys.argv[1:])
