"""The policy's `promoted_from` in front of the emulator: prod's file edited by hand, and the ways on from there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Command, write_plan

POLICY = "version: 1\nkind: policy\nrules:\n  - {name: proven, promoted_from: dev}\n"
CASES = """\
version: 1
kind: policy-tests
cases:
  - {name: by hand, plan: prod/proven-prod.rollout.yml, expect: {refused: [proven]}}
  - {name: shown, plan: prod/proven-prod.rollout.yml, promoted: [dev], expect: passes}
  - {name: dev itself, plan: dev/proven-dev.rollout.yml, expect: passes}
"""


@pytest.fixture
def plans(rollout: Command, on_emulator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Dev's and prod's plan; both want v1, and nothing is released. Prod takes only what dev has promoted."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in ("dev", "prod"):
        Path(name).mkdir()
        path = write_plan(Path(name), f"proven-{name}")
        text = path.read_text().replace("  - {name: ok, approval: Is it good?}\n", "").replace("bake: 1h", "bake: 1s")
        path.write_text(text)
    plans = Path("dev/proven-dev.rollout.yml"), Path("prod/proven-prod.rollout.yml")
    environments = ", ".join(f"{{name: {plan.parent}, plan: {plan}}}" for plan in plans)
    Path("rollout.yaml").write_text(f"environments: [{environments}]\n")
    Path("policy.yaml").write_text(POLICY)
    Path("cases.yaml").write_text(CASES)
    return plans


def test_prods_file_edited_by_hand(rollout: Command, plans: tuple[Path, Path]) -> None:
    """Refused by `policy test`, `diff` and `apply` until dev has it; a run that has begun outlives dev's next release;
    broken glass goes on without."""
    dev, prod = plans

    def apply(plan: Path, *more: str) -> tuple[int, str]:
        ran = rollout("apply", plan, "--auto-approve", "-o", "json", *more)
        return ran.code, ran.json["decision"]["reason"]

    assert rollout("policy", "test", "cases.yaml").code == 0
    no = (
        "refused by policy: not shown by dev: proven-dev has no record of the plan proven-dev "
        "(rule `proven`, policy.yaml:4:5); release it there first, then `rollout promote-to`"
    )
    assert apply(prod, "--wait") == (6, no)
    shown = rollout("diff", prod, "-o", "json")
    assert (shown.code, shown.json["decision"]["reason"], shown.json["endpoint"]["exists"]) == (0, no, False)

    assert apply(dev, "--wait")[0] == 0
    assert apply(prod, "--until", "traffic-10")[0] == 0
    for model in ("v2", "v3"):
        (dev.parent / "model.txt").write_text(model)
        assert apply(dev, "--wait")[0] == 0, "dev moves on, and nothing of v1 is left there"
    rollout("reconcile", prod)
    assert apply(prod, "--wait")[0] == 0
    assert rollout("diff", prod, "--detailed-exitcode", "-o", "json").json["decision"]["status"] == "done"

    (prod.parent / "model.txt").write_text("by hand")
    code, reason = apply(prod, "--wait")
    assert (code, reason.partition(";")[0].startswith("refused by policy: not shown by dev: proven-dev has not")) == (
        6,
        True,
    )
    assert rollout("reconcile", prod).code == 6
    assert apply(prod, "--wait", "--break-glass", "dev is down")[0] == 0
    assert "break-glass: dev is down" in rollout("history", prod).out


@pytest.mark.parametrize(
    ("environments", "fault"),
    [
        ("[{name: test, plan: dev/proven-dev.rollout.yml}]", "policy.yaml:4:35: PLAN125"),
        ("[]", "policy.yaml:4:35: PLAN125"),
    ],
)
def test_an_environment_that_nobody_declared(
    rollout: Command, plans: tuple[Path, Path], environments: str, fault: str
) -> None:
    """A fault of the policy, with its place, offline."""
    Path("rollout.yaml").write_text(f"environments: {environments}\n")
    ran = rollout("validate", plans[1])
    assert (ran.code, ran.err.startswith(fault) or fault in ran.out) == (3, True), ran.out + ran.err
