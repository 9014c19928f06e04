"""Every fault of the language, verbatim: place, code, message, expectation and hint, all at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rollout.errors import PlanError
from rollout.plan.load import load_release
from tests.plan.conftest import DEPLOYMENT, ENDPOINT, ROLES

Refused = Callable[[str], list[str]]

HEAD = "version: 1\nname: house-prices\nendpoint: house/endpoint.yml\ncandidate: house/deployment.yml\nstages:\n"
KINDS = "one of deploy, scale, mirror, traffic, delete, smoke_test, compare, bake, metric, approval"
DURATION = "a duration such as `90s`, `30m`, `1h30m`, `2d` or `PT30M`"


def staged(*stages: str) -> str:
    """A plan with those stages; the first one is on line 6."""
    return HEAD + "".join(f"  - {stage}\n" for stage in stages)


def test_all_faults_at_once(refused: Refused) -> None:
    """A thoroughly broken plan gets one complete report, in the order of the file."""
    text = """\
version: 2
nam: house-prices
endpoint: house/endpont.yml
candidate: house/deployment.yml
stages:
  - deploy: candidat
  - trafic: 10
  - smoke_test: {request: [a.json], expect: {stauts: 200}}
  - smoke_test: [missing.json]
  - bake: 10
  - mirror: off
  - compare: {}
drift: heel
"""
    assert refused(text) == [
        "plan.yml:1:1: PLAN102: name: `name` is missing",
        "plan.yml:1:10: PLAN111: version: version `2` is not known | version: 1",
        "plan.yml:2:1: PLAN101: nam: unknown key `nam` | one of bootstrap, candidate, capacity, deployments, drift, "
        "endpoint, ignore, kind, name, on_failure, on_revert, policy, refuse_hazards, slots, stages, target, version | "
        "did you mean `name`?",
        "plan.yml:3:11: PLAN303: endpoint: `house/endpont.yml` does not exist | a file, relative to .",
        "plan.yml:6:13: PLAN205: stages[0].deploy: `candidat` is no deployment of this plan | one of candidate, stable"
        " | did you mean `candidate`?",
        f"plan.yml:7:5: PLAN106: stages[1]: `trafic` is not a kind of stage | {KINDS} | did you mean `traffic`?",
        "plan.yml:8:17: PLAN102: stages[2].smoke_test.requests: `requests` is missing",
        "plan.yml:8:18: PLAN101: stages[2].smoke_test.request: unknown key `request` | one of concurrency, deployment, "
        "expect, limit, repetitions, requests, time_limit | did you mean `requests`?",
        "plan.yml:8:46: PLAN101: stages[2].smoke_test.expect.stauts: unknown key `stauts` | one of assertions, golden, "
        "schema, status | did you mean `status`?",
        "plan.yml:9:18: PLAN303: stages[3].smoke_test[0]: `missing.json` does not exist | a file, relative to .",
        f"plan.yml:10:11: PLAN104: stages[4].bake: `10` has no unit | {DURATION} | did you mean `10s` or `10m`?",
        "plan.yml:11:13: PLAN105: stages[5].mirror: `off` is not a weight | a whole percentage from 0 to 50, or `none`"
        " | write `none`: in YAML 1.1 `off` is a boolean",
        "plan.yml:12:14: PLAN102: stages[6].compare.requests: `requests` is missing",
        "plan.yml:13:8: PLAN110: drift: `heel` is not known here | `heal`, `report` or `hold`",
    ]


@pytest.mark.parametrize(
    ("stages", "lines"),
    [
        (["deploy: candidate"], [
            "plan.yml:6:3: PLAN202: stages: no stage gives traffic to the candidate | traffic stages that end with 100"
            " | add `- traffic: 100`"]),
        (["deploy: candidate", "traffic: 50"], [
            "plan.yml:7:14: PLAN202: stages[1].traffic: the last traffic stage gives 50 % | 100"
            " | a rollout ends with all traffic: add `- traffic: 100`"]),
        (["deploy: candidate", "traffic: 50", "traffic: 10", "traffic: 100"], [
            "plan.yml:8:14: PLAN203: stages[2].traffic: the candidate's weight falls from 50 to 10 | at least 50"
            " | only a failed gate or a person lowers a weight"]),
        (["deploy: candidate", "traffic: 0", "traffic: 100"], [
            "plan.yml:7:14: PLAN203: stages[1].traffic: a candidate starts with no traffic anyway"
            " | a weight from 1 to 100 | leave this stage out"]),
        (["deploy: candidate", "traffic: 101", "mirror: 51", "traffic: '10'", "traffic: 1.5"], [
            "plan.yml:7:14: PLAN105: stages[1].traffic: 101 is out of range | a whole percentage from 0 to 100",
            "plan.yml:8:13: PLAN105: stages[2].mirror: 51 is out of range | a whole percentage from 0 to 50",
            "plan.yml:9:14: PLAN105: stages[3].traffic: `10` is not a whole number | a whole percentage from 0 to 100"
            " | write `10` without quotes",
            "plan.yml:10:14: PLAN105: stages[4].traffic: `1.5` is not a whole number"
            " | a whole percentage from 0 to 100"]),
        (["deploy: candidate", "traffic: {stable: 80, candidate: 10}", "traffic: 100"], [
            "plan.yml:7:14: PLAN210: stages[1].traffic: the weights sum to 90 | weights that sum to 100"]),
        (["traffic: 100", "deploy: candidate"], [
            "plan.yml:6:5: PLAN204: stages[0]: this stage needs the candidate, which is deployed later"
            " | `- deploy: candidate` before it"]),
        (["traffic: 100"], [
            "plan.yml:6:3: PLAN204: stages: no stage deploys the candidate | `- deploy: candidate` first"]),
        (["deploy: candidate", "deploy: candidate", "traffic: 100"], [
            "plan.yml:7:5: PLAN204: stages[1]: the candidate is deployed twice | one deploy stage"]),
        (["deploy: candidate", "traffic: 10", "mirror: 10", "traffic: 100"], [
            "plan.yml:8:5: PLAN204: stages[2]: a deployment has live traffic or mirrored traffic, never both"
            " | mirror stages before the first traffic stage"]),
        (["deploy: candidate", "delete: stable", "traffic: 100"], [
            "plan.yml:7:5: PLAN204: stages[1]: stable is deleted before the candidate has all traffic"
            " | one delete, behind `traffic: 100`",
            "plan.yml:8:5: PLAN204: stages[2]: this stage stands behind the deletion of stable, which ends the rollout"
            " | it before the delete stage"]),
        (["deploy: candidate", "traffic: 100", "delete: candidate"], [
            "plan.yml:8:13: PLAN204: stages[2].delete: the candidate cannot be deleted by its own rollout | `stable`"]),
        (["deploy: stable", "traffic: 100"], [
            "plan.yml:6:13: PLAN206: stages[0].deploy: `stable` is stable: it cannot be deployed here"
            " | a deployment of candidate | what serves is deployed by `bootstrap`, and by becoming the candidate"]),
        (["deploy: candidate", "mirror: {stable: 10}", "traffic: 100"], [
            "plan.yml:7:13: PLAN206: stages[1].mirror: only the candidate can be mirrored to | the candidate alone"]),
        (["deploy: candidate", "scale: {candidate: 2, stable: 2}", "traffic: 100"], [
            "plan.yml:7:12: PLAN206: stages[1].scale: a scale stage is about one deployment | one name"]),
        (["{deploy: candidate, name: a}", "{traffic: 100, name: a}"], [
            "plan.yml:6:31: PLAN207: stages[0].name: two stages are called `a` | names that differ",
            "plan.yml:7:26: PLAN207: stages[1].name: two stages are called `a` | names that differ"]),
        (["deploy: candidate", *["bake: 1m"] * 37, "traffic: 100"], [
            "plan.yml:43:5: PLAN211: stages[37]: 37 gates: what they say is kept in the endpoint's tags"
            " | at most 36 gates"]),
        (["deploy: candidate", "{traffic: 100, bake: 1m}", "bake", "name: x"], [
            "plan.yml:7:5: PLAN106: stages[1]: a stage has one kind, this one has 2: traffic, bake"
            " | one kind a stage | make each of them a stage of its own",
            f"plan.yml:8:5: PLAN106: stages[2]: a stage must be a mapping | {KINDS} | write `- bake: …`",
            f"plan.yml:9:5: PLAN106: stages[3]: the stage has no kind | {KINDS}"]),
        (["deploy: candidate", "{scale: 2, on_failure: keep, timeout: 1m}", "bake: {for: 1m, checks: []}",
          "traffic: 100"], [
            "plan.yml:7:28: PLAN112: stages[1].on_failure: nothing fails at a `scale` stage"
            " | `on_failure` at a gate or a deploy stage",
            "plan.yml:7:43: PLAN112: stages[1].timeout: a `scale` stage has no `timeout`: the service ends its"
            " operations by itself | `timeout` at a gate: smoke_test, compare, bake, metric, approval",
            "plan.yml:8:29: PLAN103: stages[2].bake.checks: a gate has 1 to 20 checks, this one has 0"
            " | a list of checks"]),
        (["deploy: candidate", "metric: {}", "bake: soon", "traffic: 100",
          "{bake: {for: 1m, limit: 1h}, timeout: 1h}"], [
            "plan.yml:7:13: PLAN102: stages[1].metric.checks: `checks` is missing",
            f"plan.yml:8:11: PLAN104: stages[2].bake: `soon` is not a duration | {DURATION}",
            "plan.yml:10:43: PLAN103: stages[4].timeout: a gate has a `timeout` or a `limit`, which are the same"
            " | one of them"]),
    ],
)  # fmt: skip
def test_stages(refused: Refused, stages: list[str], lines: list[str]) -> None:
    """What is wrong with stages, each alone or in their order."""
    assert refused(staged(*stages)) == lines


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("name: house-prices", "name: House", [
            "plan.yml:2:7: PLAN108: name: `House` has upper-case letters | a lower-case name"
            " | the service ignores case: write `house`"]),
        ("name: house-prices", "name: a--b", [
            "plan.yml:2:7: PLAN108: name: `a--b` is not a name that the service accepts"
            " | 3 to 32 lower-case letters, digits and single dashes, starting with a letter"]),
        ("name: house-prices", "name: 7", [
            "plan.yml:2:7: PLAN108: name: `7` is not a name | a name in letters, digits and single dashes"]),
        ("version: 1", "version: 1\nkind: fleet", [
            "plan.yml:2:7: PLAN111: kind: kind `fleet` is not a plan | kind: plan (or no `kind` at all)"]),
        ("version: 1", "version: 1\ntarget: emulator", [
            "plan.yml:2:9: PLAN103: target: `emulator` is not a workspace"
            " | subscription_id, resource_group and workspace"
            " | a target's name belongs on the command line: `--target NAME`"]),
        ("version: 1", "version: 1\ntarget: {subscription_id: 1, resource_group: ml, workspace: '${WS}'}", [
            "plan.yml:2:27: PLAN103: target.subscription_id: `1` is not text | text | quote it",
            "plan.yml:2:61: PLAN109: target.workspace: the variable `WS` is not declared"
                " | a name below `variables:` in rollout.yaml | write `$${` for a literal `${`"]),
        ("version: 1", "version: 1\nslots: [blue, blue]", [
            "plan.yml:2:15: PLAN209: slots[1]: both slots are called `blue` | two names that differ"]),
        ("version: 1", "version: 1\nslots: [blue]", [
            "plan.yml:2:8: PLAN103: slots: expected at least 2 entries here"]),
        ("version: 1", "version: 1\nbootstrap: [{deploy: stable}]", [
            "plan.yml:2:1: PLAN201: bootstrap: `bootstrap` does not belong to this form of a plan"
            " | `slots` beside `candidate`, `bootstrap` beside `deployments`",
            "plan.yml:2:12: PLAN208: bootstrap: the bootstrap gives no traffic | `- traffic:` with 100"]),
        ("candidate: house/deployment.yml", "candidat: house/deployment.yml", [
            "plan.yml:1:1: PLAN201: the plan says nowhere what to deploy | `candidate:` (or `deployments:`)"
            " | did you mean `candidate`?",
            "plan.yml:4:1: PLAN101: candidat: unknown key `candidat`"
            " | one of bootstrap, candidate, capacity, deployments,"
            " drift, endpoint, ignore, kind, name, on_failure, on_revert, policy, refuse_hazards, slots, stages,"
            " target, version"
            " | did you mean `candidate`?"]),
        ("candidate: house/deployment.yml", "candidate: house", [
            "plan.yml:4:12: PLAN303: candidate: `house` is a directory | a file, relative to ."]),
        ("candidate: house/deployment.yml", "candidate: {file: house/deployment.yml, tags: {}}", [
            "plan.yml:4:41: PLAN101: candidate.tags: unknown key `tags` beside `file` | file, set"
            " | put `tags` below `set`"]),
        ("candidate: house/deployment.yml", "candidate: [1]", [
            "plan.yml:4:12: PLAN103: candidate: `[1]` is neither a path nor a mapping"
            " | the path of an `az ml` file, its content inline, or {file, set}"]),
        ("candidate: house/deployment.yml", "candidate: {file: house/deployment.yml, set: {instance_type: 4}}", [
            "plan.yml:4:62: PLAN103: candidate.set.instance_type: `4` is not text | text | quote it"]),
    ],
)  # fmt: skip
def test_top_level(refused: Refused, old: str, new: str, lines: list[str]) -> None:
    """What is wrong outside of the stages."""
    assert refused(ROLES.replace(old, new)) == lines


LITERAL = "version: 1\nname: house-prices\nendpoint: house/endpoint.yml\ndeployments:\n"


@pytest.mark.parametrize(
    ("deployments", "stages", "line"),
    [
        (["blue"], ["deploy: blue", "traffic: {blue: 100}"],
         "plan.yml:5:3: PLAN206: deployments: a rollout has two deployments, this plan has 1: blue"
         " | two: what serves, and what wants to | for one file and alternating names use `candidate` and `slots`"),
        (["blue", "green"], ["deploy: green", "traffic: {blue: 90, green: 10}"],
         "plan.yml:8:3: PLAN202: stages: no stage gives all traffic to a deployment"
         " | a last traffic stage with 100 | for example `- traffic: {green: 100}`"),
        (["blue", "green"], ["deploy: green", "traffic: {blue: 100}"],
         "plan.yml:9:14: PLAN206: stages[1].traffic: `blue` gets all traffic, but no stage deploys it"
         " | `- deploy: blue` before it | the candidate is the deployment that the stages deploy and end with 100"),
        (["blue", "green"], ["deploy: green", "traffic: {bleu: 90, green: 10}", "traffic: {green: 100}"],
         "plan.yml:9:21: PLAN205: stages[1].traffic.bleu: `bleu` is no deployment of this plan"
         " | one of candidate, stable, blue, green | did you mean `blue`?"),
    ],
)  # fmt: skip
def test_literal_plans_without_two_roles(
    refused: Refused, deployments: list[str], stages: list[str], line: str
) -> None:
    """A literal plan that cannot be read as stable and candidate is refused with the reason."""
    named = "".join(f"  {name}: house/deployment.yml\n" for name in deployments)
    assert refused(LITERAL + named + "stages:\n" + "".join(f"  - {stage}\n" for stage in stages)) == [line]


@pytest.mark.parametrize(
    ("file", "old", "new", "line"),
    [
        ("deployment", "instance_type", "instance_tpye",
         "house/deployment.yml:1:1: PLAN102: instance_type: `instance_type` is missing"
         " | for example `instance_type: Standard_DS3_v2`"),
        ("deployment", "endpoint_name: house-prices", "endpoint_name: other",
         "house/deployment.yml:2:16: PLAN304: endpoint_name: the file says `other`, the plan says `house-prices`"
         " | `house-prices`, or no `endpoint_name` | the plan supplies the name: the line may be left out"),
        ("deployment", "code: code/", "code: cod/",
         "house/deployment.yml:6:9: PLAN303: code_configuration.code: `cod/` does not exist"
         " | a path relative to house"),
        ("deployment", "score.py", "scor.py",
         "house/deployment.yml:7:19: PLAN303: code_configuration.scoring_script: `scor.py` does not exist in `code/`"
         " | did you mean `score.py`?"),
        ("deployment", "model:\n  path: model/", "model: model/",
         "house/deployment.yml:3:8: PLAN103: model: `model/` is not a reference to a model | `azureml:NAME:VERSION`"
         " | for local files write `model: {path: model/}`"),
        ("deployment", "instance_count: 2", "instance_count: 0",
         "house/deployment.yml:12:17: PLAN103: instance_count: a deployment has at least one instance | 1 or more"),
        ("deployment", "instance_count: 2", "app_insights_enabled: yes",
         "house/deployment.yml:12:23: PLAN103: app_insights_enabled: `yes` is not true or false | true or false"
         " | only `true` and `false` are read as booleans here"),
        ("endpoint", "auth_mode: key", "auth_mode: kee",
         "house/endpoint.yml:3:12: PLAN110: auth_mode: `kee` is not known here | one of aad_token, aml_token, key"
         " | did you mean `key`?"),
        ("endpoint", "auth_mode: key", "traffic: {blue: 100}",
         "house/endpoint.yml:3:1: PLAN305: traffic: `traffic` in the endpoint's file contradicts the plan: its stages"
         " decide the weights | remove `traffic` here"),
        ("endpoint", "name: house-prices", "name: '{{NAME}}'",
         "house/endpoint.yml:2:7: PLAN108: name: `{{NAME}}` is not a name that the service accepts"
         " | 3 to 32 letters, digits and single dashes, starting with a letter"),
        ("endpoint", "tags: {team: ml}", "tags: [1]",
         "house/endpoint.yml:4:7: PLAN103: tags: this value is not a mapping | a mapping"),
        ("endpoint", ENDPOINT, "- a list\n", "house/endpoint.yml:1:1: PLAN012: the file is not a mapping"
            " | `key: value` lines"),
    ],
)  # fmt: skip
def test_az_files(project: Path, refused: Refused, file: str, old: str, new: str, line: str) -> None:
    """What is wrong in a file that the plan names is shown in that file."""
    text = {"deployment": DEPLOYMENT, "endpoint": ENDPOINT}[file]
    assert old in text
    (project / f"house/{file}.yml").write_text(text.replace(old, new))
    assert refused(ROLES)[0] == line


def test_what_is_no_mapping(refused: Refused) -> None:
    """A YAML file that is a list or a word is no plan."""
    assert refused("- a\n") == ["plan.yml:1:1: PLAN012: the file is not a mapping | `version: 1` and more"]


def test_a_missing_plan(project: Path) -> None:
    """A plan that does not exist is a fault with exit code 3, not a traceback."""
    with pytest.raises(PlanError, match=r"^nowhere.yml: PLAN001: no such file$") as caught:
        load_release(Path("nowhere.yml"))
    assert caught.value.exit_code == 3


def test_mirror_on_kubernetes(project: Path, refused: Refused) -> None:
    """Kubernetes endpoints cannot mirror; the plan says so before the service does."""
    (project / "house/endpoint.yml").write_text(ENDPOINT + "compute: azureml:cluster\n")
    (project / "house/deployment.yml").write_text(DEPLOYMENT + "type: kubernetes\n")
    assert refused(staged("deploy: candidate", "mirror: 10", "traffic: 100")) == [
        "plan.yml:7:5: PLAN204: stages[1]: a Kubernetes endpoint cannot mirror traffic | no mirror stage"
    ]


@pytest.mark.parametrize(
    ("endpoint", "kind", "answer"),
    [
        (
            ENDPOINT,
            "type: kubernetes\n",
            "house/deployment.yml:13:7: PLAN311: type: a kubernetes deployment cannot live on this endpoint, which"
            " has no `compute` | `type: managed` | name the cluster in the endpoint's file: `compute: azureml:NAME`",
        ),
        (
            ENDPOINT + "compute: azureml:cluster\n",
            "",
            "house/deployment.yml:1:1: PLAN311: type: a managed deployment cannot live on this endpoint, which has a"
            " `compute` | `type: kubernetes`",
        ),
    ],
)
def test_two_computes(project: Path, refused: Refused, endpoint: str, kind: str, answer: str) -> None:
    """The service would refuse it in the middle of the run."""
    (project / "house/endpoint.yml").write_text(endpoint)
    (project / "house/deployment.yml").write_text(DEPLOYMENT + kind)
    assert refused(ROLES) == [answer]


@pytest.mark.parametrize(
    ("old", "new", "answer"),
    [
        (
            "model:\n  path: model/\n",
            "model: azureml:house\n",
            "3:8: PLAN312: model: `azureml:house` names no version | {form} | `azureml:house:1`?",
        ),
        (
            "model:\n  path: model/\n",
            "model: azureml://registries/<REGISTRY>/models/house/versions/1\n",
            "3:8: PLAN312: model: `azureml://registries/<REGISTRY>/models/house/versions/1` is not a reference yet"
            " | {form} | fill in what `<REGISTRY>` stands for",
        ),
        (
            DEPLOYMENT[DEPLOYMENT.index("environment:") : DEPLOYMENT.index("instance_type:")],
            "environment: runtime:1\n",
            "8:14: PLAN312: environment: `runtime:1` is not a reference to a registered environment"
            " | {form} | `azureml:runtime:1`?",
        ),
    ],
)
def test_references(project: Path, refused: Refused, old: str, new: str, answer: str) -> None:
    """What can be no asset is said before anything is written."""
    assert old in DEPLOYMENT
    (project / "house/deployment.yml").write_text(DEPLOYMENT.replace(old, new))
    form = "`azureml:NAME:VERSION`, `azureml:NAME@LABEL` or an ARM or registry id"
    assert refused(ROLES) == ["house/deployment.yml:" + answer.format(form=form)]


@pytest.mark.parametrize(
    ("identity", "answer"),
    [
        (
            "{type: user_assigned, user_assigned_identities: [{resource_id: mine}]}",
            "5:74: PLAN312: identity.user_assigned_identities[0].resource_id: `mine` is not the id of an identity",
        ),
        (
            "{type: user_assigned}",
            "5:11: PLAN102: identity.user_assigned_identities: no user-assigned identity is named",
        ),
    ],
)
def test_identities(project: Path, refused: Refused, identity: str, answer: str) -> None:
    """An identity that cannot be one is said before the endpoint is created."""
    (project / "house/endpoint.yml").write_text(ENDPOINT + f"identity: {identity}\n")
    form = "`/subscriptions/…/providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME`"
    assert refused(ROLES) == [f"house/endpoint.yml:{answer} | {form}"]


def test_nothing_to_run(project: Path, refused: Refused) -> None:
    """A file to which the command line used to add the model."""
    (project / "house/deployment.yml").write_text("instance_type: Standard_DS3_v2\ninstance_count: 1\n")
    assert refused(ROLES) == [
        "house/deployment.yml:1:1: PLAN102: model: the deployment has neither `model` nor `environment`: there is"
        " nothing to run | `model` (MLflow and Triton models need nothing else) or `environment`"
        " | what `az ml … --set model=…` gives stands in the plan: {file: …, set: {model: …}}"
    ]


def test_an_empty_model_folder(project: Path, refused: Refused) -> None:
    """A folder without a file to upload would be refused by the SDK in the middle of a run."""
    (project / "house/model/model.json").unlink()
    assert refused(ROLES) == [
        "house/deployment.yml:4:9: PLAN307: model.path: `model/` holds no file to upload | a folder with files"
    ]
