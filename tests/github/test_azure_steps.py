"""The steps of the generated pipelines as an agent runs them: sign-in by a service connection, diff, apply, thread."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollout.cli.main import main
from rollout.emulator import process
from tests.azure_devops.rest import ORGANISATION
from tests.github.bench import NAME, TOKEN
from tests.github.office import Office, executable, machine
from tests.github.steps import Log, Ran, run_script

pytestmark = pytest.mark.slow
STEPS = ".azure-pipelines/rollout-steps.yml"
CONNECTION = "5c1f0f5e-0000-0000-0000-00000000c0de"
PARAMETER = re.compile(r"\$\{\{ parameters\.(\w+) \}\}")
VARIABLE = re.compile(r"^##vso\[task\.setvariable variable=(\w+);isOutput=true\](.*)$", re.MULTILINE)


class Agent:
    """Runs the steps of the template with given parameters, in the checkout."""

    def __init__(self, team: Office, folder: Path, known: Mapping[str, str]) -> None:
        self.team, self.folder, self.count = team, folder, 0
        project, _, name = NAME.partition("/")
        url = team.bench.world.url
        self.base = {
            **machine(dict(known)),
            "TF_BUILD": "True",
            "SYSTEM_COLLECTIONURI": f"{url}/{ORGANISATION}/",
            "SYSTEM_TEAMPROJECT": project,
            "BUILD_REPOSITORY_NAME": name,
            "BUILD_REPOSITORY_PROVIDER": "TfsGit",
            "SYSTEM_OIDCREQUESTURI": f"{url}/{ORGANISATION}/_oidc",
            "AGENT_TEMPDIRECTORY": str(folder),
            "ROLLOUT_EXECUTABLE": str(executable(folder)),
        }
        self.connection = {
            "AZURESUBSCRIPTION_TENANT_ID": known["AZURE_TENANT_ID"],
            "AZURESUBSCRIPTION_CLIENT_ID": known["AZURE_CLIENT_ID"],
            "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": CONNECTION,
        }
        template = yaml.safe_load((team.checkout / STEPS).read_text())
        self.defaults = {one["name"]: one.get("default", "") for one in template["parameters"]}
        install, _, self.signed, _, keep, tell = template["steps"]
        assert install["displayName"] == "Install rollout"
        assert next(iter(keep.values()))[0]["publish"] == "${{ parameters.reports }}"
        (self.run_step,) = next(iter(self.signed.values()))
        (self.tell_step,) = next(iter(tell.values()))

    def run(self, pull: Mapping[str, str], **given: str) -> tuple[Ran, Log, dict[str, str]]:
        """Rollout, then the step that tells people; how the first ended, and its variables."""
        parameters = {**self.defaults, **given}
        log = Log()
        script, env = self.run_step["inputs"]["inlineScript"], {**self.connection, **pull}
        ran = self._script(script, env | self._env(self.run_step, parameters), log)
        text = log.text
        self._script(self.tell_step["bash"], {**pull, **self._env(self.tell_step, parameters)}, log)
        return ran, log, dict(VARIABLE.findall(text))

    def _env(self, step: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, str]:
        assert step["env"]["SYSTEM_ACCESSTOKEN"] == "$(System.AccessToken)"
        filled = {key: PARAMETER.sub(lambda found: parameters[found[1]], text) for key, text in step["env"].items()}
        return {**filled, "SYSTEM_ACCESSTOKEN": TOKEN}

    def _script(self, script: str, env: Mapping[str, str], log: Log) -> Ran:
        self.count += 1
        return run_script(script, self.team.checkout, self.folder / f"step-{self.count}", {**self.base, **env}, log)


def test_diff_and_apply_on_an_agent(team: Office, emulator: Path, tmp_path: Path) -> None:
    """The connection's own assertions, one thread, statuses, and exactly the change set that was shown."""
    assert main(["init", str(team.checkout), "--ci", "azure-devops"]) == 0
    agent = Agent(team, tmp_path, process.env(emulator))
    head = team.release("v2", "release")
    number = team.bench.pull("release", "Release v2")
    pull = {"SYSTEM_PULLREQUEST_PULLREQUESTID": str(number), "SYSTEM_PULLREQUEST_SOURCECOMMITID": head}
    ran, log, told = agent.run(pull, command="diff", publish="comment status", documents="change-sets", lifetime="7d")
    assert (ran.code, told["has_changes"], told["exit_code"]) == (0, "true", "0"), log.text
    assert team.bench.world.assertions == [f"sc:{CONNECTION}"], "azure-identity asked for it by itself"
    (thread,) = team.bench.repo.comments.values()
    assert ("🟡 **proposed**" in thread["body"], thread["status"]) == (True, "active")
    assert [one["state"] for one in team.bench.repo.statuses[f"pull {number}"]] == ["success"]

    commit = team.bench.repo.merge(number)
    merged = {"BUILD_SOURCEVERSION": commit}
    ran, log, told = agent.run(
        merged,
        command="apply",
        approved="change-sets",
        reports="reports",
        publish="comment status revert",
        eachStage="true",
    )
    assert [page.suffix for page in (team.checkout / "reports").iterdir()] == [".html"]
    assert (ran.code, told["exit_code"]) == (0, "0"), log.text
    assert ("✅ **done**" in thread["body"], thread["status"]) == (True, "closed"), log.text
    assert {state for state, _ in team.statuses(commit).values()} == {"success"}
    assert TOKEN not in log.text
    assert "task.logissue type=warning" not in log.text
