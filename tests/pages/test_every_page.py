"""Every page that shows commands is followed, but for what is listed with its reason; one emulator for all of them.

Each page runs in one shell, as a reader would type it, in a repository with a plan; a command that fails is a fault of
the page. `tests/pages/test_followed.py` compares what three pages show, letter by letter.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
import pytest

from rollout.cli.main import main
from rollout.emulator import process
from tests.cli.conftest import write_plan
from tests.pages.console import Command, agrees, commands
from tests.pages.test_followed import MAIN, ROOT

pytestmark = pytest.mark.slow
FOLLOWED: Final = frozenset({"tutorial.md", "adopt.md", "roll-back.md"})
"""By tests/pages/test_followed.py."""
CLOCK: Final = (
    'curl --fail --silent --request POST "$ROLLOUT_EMULATOR_URL/_emulator/clock" --data \'{"advance": 90000}\''
)
APPLY: Final = "rollout apply plans/house-prices.rollout.yml --auto-approve"
BEGIN: Final = "git add --all && git commit --quiet --message begin && git update-ref refs/remotes/origin/main HEAD"
DESCRIBE: Final = "sed -i 's/auth_mode: key/auth_mode: key, description: {}/' house-prices.rollout.yml"
"""A change of the endpoint alone: no deployment, whose SDK takes seconds to load."""
CHANGE: Final = f"(cd plans && {DESCRIBE.format('ci')}) && git commit --quiet --all --message description"


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader of a page has done before; which names are other here; where in the repository they are."""

    before: tuple[str, ...] = ()
    other: Mapping[str, str] = {}
    folder: str = "."


AGAIN: Final = 'rollout emulator stop; rollout emulator start --detach --no-processes && eval "$(rollout emulator env)"'
LONG: Final = frozenset({"ci.md", "dashboard.md", "emulator-as-a-tool.md", "emulator.md", "environments.md"})
"""Run with ROLLOUT_PAGES=1: many commands, each a process of its own."""
SHARED: Final = 'curl --fail --silent --cacert "$SHARED_CA" --request POST "$SHARED_URL'
SCENES: Final[Mapping[str, Scene]] = {
    "approval.md": Scene(folder="plans", before=(DESCRIBE.format("approval"),)),
    "azure-devops.md": Scene(),
    "ci.md": Scene(before=(BEGIN, CHANGE)),
    "dashboard.md": Scene(before=(f"{APPLY} --output json=applied.json",)),
    "emulator.md": Scene(),
    "environments.md": Scene(before=(CLOCK,)),
    "fleets.md": Scene(other={"house-0": "house-prices", "plans/fleet": str(ROOT / "plans/fleet")}),
    "gitlab.md": Scene(),
    "locking.md": Scene(other={"--lock lease": "--auto-approve --lock lease"}),
    "policy.md": Scene(folder="plans", other={"--break-glass": "--auto-approve --break-glass"}),
    "emulator-as-a-tool.md": Scene(  # the last: its traffic keeps the shared emulator busy
        other={
            "rollout emulator stop": AGAIN,
            "workspaces/emulator": "workspaces/$AZUREML_WORKSPACE_NAME",
            "resourceGroups/emulator": "resourceGroups/$AZURE_RESOURCE_GROUP",
            'curl --fail --silent --request POST "$ROLLOUT_EMULATOR_URL': SHARED,
            '"my-endpoint"': '"house-prices"',
            '"green": {"error_share"': '"blue": {"error_share"',
        },
    ),
}
INSTALLS: Final = "it is installed; tests/packaging does it"
POSTGRES: Final = "needs a Postgres; tests/store has one"
CLUSTER: Final = "needs a registry, a cluster or a subscription; the manifests are checked by tests/packaging"
BUILDS: Final = "makes a virtual environment of its own, or takes minutes"
CANNOT: Final[Mapping[str, Mapping[str, str]]] = {
    "ci.md": {"rollout publish comment": "needs a forge; tests/github/test_life.py"},
    "contributing.md": {"": "the suites themselves: hours, and this one among them"},
    "dashboard.md": {"pip install": INSTALLS, "rollout dashboard": "serves until it is stopped; tests/dashboard"},
    "emulator-as-a-tool.md": {"pip install": INSTALLS},
    "emulator.md": {"python -c 'from azure": "only loads the SDK, for seconds; tests/conformance uses it"},
    "environments.md": {"rollout publish": "needs a forge; tests/cli/test_promotion_life.py"},
    "fleets.md": {
        "rollout apply plans/fleet": "needs scoring, for a minute; tests/fleet",
        "rollout status plans/fleet": "the same",
    },
    "locking.md": {"rollout unlock": "the id is somebody's lease; tests/azure"},
    "README.md": {"": BUILDS + "; the third block is docs/tutorial.md's way"},
    "telemetry.md": {"": "needs a collector; tests/telemetry has one"},
    "workers.md": {
        "pip install": INSTALLS,
        "export": POSTGRES,
        "rollout": POSTGRES,
        "docker": CLUSTER,
        "kubectl": CLUSTER,
        "az ": CLUSTER,
    },
}


def pages() -> Iterator[Path]:
    """Every page that shows commands."""
    for path in (*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"):
        if re.search(r"^```(console|bash|sh)$", path.read_text(encoding="utf-8"), re.MULTILINE):
            yield path


def shown(path: Path) -> list[Command]:
    """The commands of a page; a block of a script is one."""
    text = path.read_text(encoding="utf-8")
    scripts = re.findall(r"^```(?:bash|sh)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [*commands(text), *(Command(script.strip(), ()) for script in scripts)]


def why_not(page: str, command: Command) -> str:
    """Why it cannot be run here; "" where it can."""
    return next((why for start, why in CANNOT.get(page, {}).items() if command.text.startswith(start)), "")


def test_no_page_is_forgotten() -> None:
    """Each is followed, or run; and no reason is left over."""
    found = {path.name: shown(path) for path in pages()}
    told = {name: [c for c in all_ if not why_not(name, c)] for name, all_ in found.items() if name not in FOLLOWED}
    assert {name for name, rest in told.items() if rest} == set(SCENES)
    for name, reasons in CANNOT.items():
        for start in reasons:
            assert any(command.text.startswith(start) for command in found[name]), (name, start)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One that is running, without scoring; what the plans ask for is released there, but for prod's."""
    folder = tmp_path_factory.mktemp("emulator")
    process.start(folder, speed=2000.0, extra=("--no-processes", "--no-throttle"))
    root = tmp_path_factory.mktemp("released") / "repository"
    write_repository(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROLLOUT_STATE_DIR", str(folder))
        patch.setenv("ROLLOUT_TARGET", "emulator")
        for plan in ("plans/house-prices.rollout.yml", "staging/plan.yml"):
            assert main(["apply", str(root / plan), "--auto-approve", "--wait"]) == 0
    yield folder
    process.stop(folder)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Their variables; plans for the emulator are there, in a repository."""
    write_repository(tmp_path / "repository")
    (tmp_path / "bin").mkdir()
    rollout = tmp_path / "bin/rollout"
    rollout.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{MAIN}' \"$@\"\n")
    rollout.chmod(0o755)
    people = {
        f"GIT_{who}_{what}": "reader@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    yield {
        "HOME": str(tmp_path),
        "PATH": f"{rollout.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}",
        "NO_COLOR": "1",
        "ROLLOUT_LIFETIME": "30d",  # the emulator's clock is a fast one
        **dict.fromkeys(people, "reader@example.com"),
    }
    process.stop(tmp_path / "repository/.rollout/emulator")


def write_repository(root: Path) -> None:
    """A plan `house-prices`, and two environments."""
    for folder, name, file in (
        ("plans", "house-prices", "house-prices.rollout.yml"),
        ("staging", "staging", "plan.yml"),
        ("prod", "prod", "plan.yml"),
    ):
        (root / folder).mkdir(parents=True)
        plan = write_plan(root / folder, name)
        text = plan.read_text().replace("  - {name: ok, approval: Is it good?}\n", "")
        head, _, rest = text.replace("1h", "1s").replace("  - delete: stable\n", "").partition("candidate:\n")
        inline, _, stages = rest.partition("stages:\n")
        plan.unlink()
        (root / folder / "deployment.yml").write_text("".join(line[2:] + "\n" for line in inline.splitlines()))
        (root / folder / file).write_text(f"{head}candidate: deployment.yml\nstages:\n{stages}")
    environments = "[{name: staging, plan: staging/plan.yml, require: {baked: 24h}}, {name: prod, plan: prod/plan.yml}]"
    (root / "rollout.yaml").write_text(f"environments: {environments}\n")
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(root)], check=True)


@pytest.mark.parametrize("name", SCENES)
def test_a_page_is_true(name: str, reader: dict[str, str], emulator: Path, tmp_path: Path) -> None:
    """Every command ends well, and prints what is shown below it."""
    if name in LONG and not os.environ.get("ROLLOUT_PAGES"):
        pytest.skip("ROLLOUT_PAGES=1 runs it, too")
    scene = SCENES[name]
    path = ROOT / "docs" / name
    known = process.env(emulator)
    if name.startswith("emulator"):
        reader |= {"SHARED_URL": known["ROLLOUT_EMULATOR_URL"], "SHARED_CA": known["CURL_CA_BUNDLE"]}
    else:
        reader |= {"ROLLOUT_STATE_DIR": str(emulator), "ROLLOUT_TARGET": "emulator"}
        reader |= {name: known[name] for name in ("ROLLOUT_EMULATOR_URL", "CURL_CA_BUNDLE")}
    wanted = [command for command in shown(path) if not why_not(name, command)]
    typed = [*(Command(text, ()) for text in scene.before), *wanted]
    script = []
    for command in typed:
        text = command.text
        for here, there in scene.other.items():
            text = text.replace(here, there)
        script.append(f'{text}\necho "--- ended with $?"')
    ended = subprocess.run(
        ["bash", "-c", "\n".join(script)], cwd=tmp_path / "repository" / scene.folder, env=reader,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    said = re.split(r"--- ended with (\d+)\n", ended.stdout)
    assert len(said) == 2 * len(typed) + 1, ended.stdout + ended.stderr
    wrong = [
        f"$ {command.text}\n{printed}exit code {code}"
        for command, printed, code in zip(typed, said[::2], said[1::2], strict=False)
        if code != "0" or not agrees(command.shown, printed)
    ]
    assert wrong == [], ended.stderr
