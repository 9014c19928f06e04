"""Plain git beside the work tree."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rollout.errors import RolloutError, UsageError
from rollout.forge.git import Git, branch_name
from tests.github.bench import NAME, TOKEN, Bench, git


def test_files_are_restored_on_top(hub: Bench) -> None:
    """Changed ones are as they were, new ones are gone, deleted ones are back; nobody's work tree or index moved."""
    before = hub.commit("one", **{"a.txt": "1", "b.txt": "1"}, deep__c_dot_txt="1")
    (hub.checkout / "b.txt").unlink()
    after = hub.commit("two", **{"a.txt": "2", "new one.txt": "1"}, deep__c_dot_txt="2", other="2")
    (hub.checkout / "a.txt").write_text("mine")
    made = Git(hub.checkout).restored(after, before, ["a.txt", "b.txt", "new one.txt", "deep/c.txt"], "Take it back\n")
    shown = git(hub.checkout, "show", "--format=%P %an %s", "--no-renames", "--name-status", made)
    assert shown.splitlines() == [
        f"{after} azureml-rollout Take it back", "", "M\ta.txt", "A\tb.txt", "M\tdeep/c.txt", "D\tnew one.txt",
    ]  # fmt: skip
    assert git(hub.checkout, "status", "--porcelain") == "M a.txt"
    assert (hub.checkout / "a.txt").read_text() == "mine"


def test_the_same_restoration_is_the_same_commit(hub: Bench) -> None:
    """Two runners agree without talking."""
    before, after = hub.commit("one", a="1"), hub.commit("two", a="2")
    tree = Git(hub.checkout)
    assert tree.restored(after, before, ["a"], "m") == tree.restored(after, before, ["a"], "m")


def test_the_patch_applies(hub: Bench, tmp_path: Path) -> None:
    """What --patch writes is what `git am` takes, binary files too."""
    before = hub.commit("one", a="1")
    (hub.checkout / "model.bin").write_bytes(bytes(range(256)))
    after = hub.push("two", "main")
    tree = Git(hub.checkout)
    made = tree.restored(after, before, ["model.bin"], "Take it back")
    patch = tmp_path / "back.patch"
    patch.write_text(tree.patch(made))
    git(hub.checkout, "am", "--quiet", str(patch))
    assert git(hub.checkout, "rev-parse", "HEAD^{tree}") == git(hub.checkout, "rev-parse", f"{before}^{{tree}}")


def test_pushed_with_the_token_and_never_over_others_work(hub: Bench) -> None:
    """A branch that is there stays as it is."""
    before, after = hub.commit("one", a="1"), hub.commit("two", a="2")
    tree = Git(hub.checkout)
    made = tree.restored(after, before, ["a"], "m")
    url = f"{hub.world.url}/{NAME}.git"
    assert tree.push(made, "back", url, TOKEN, hub.world.url)
    assert hub.repo.git("rev-parse", "back") == made
    assert not tree.push(after, "back", url, TOKEN, hub.world.url)
    assert hub.repo.git("rev-parse", "back") == made


def test_a_token_that_may_not_push(hub: Bench) -> None:
    """Git's own sentence; the token is in no message."""
    hub.world.add_token(TOKEN, permissions={"contents": "read"})
    made = hub.commit("one", a="1")
    with pytest.raises(RolloutError, match=r"git push failed: .*403") as raised:
        Git(hub.checkout).push(made, "back", f"{hub.world.url}/{NAME}.git", TOKEN, hub.world.url)
    assert TOKEN not in str(raised.value)


def test_the_work_tree_beside_is_gone_afterwards(hub: Bench) -> None:
    """Git knows of it no more either."""
    tree = Git(hub.checkout)
    with tree.checkout("HEAD") as place:
        assert (place / "README.md").read_text() == "models\n"
    assert len(git(hub.checkout, "worktree", "list").splitlines()) == 1


def test_no_repository(tmp_path: Path) -> None:
    """Said, with the remedy."""
    with pytest.raises(UsageError, match="is in no git repository"):
        Git(tmp_path)


@pytest.mark.parametrize(
    "plan", ["house-prices", "../../main", "-x", "a b\n::error::x", "$(id)", "ü", "", ".lock", "a.." * 80]
)
def test_any_plan_gives_a_branch(plan: str) -> None:
    """Git accepts it, and it stays below our own folder of branches."""
    name = branch_name(plan, "1b73eb2ecf0000000000")
    assert subprocess.run(["git", "check-ref-format", "--branch", name], capture_output=True).returncode == 0
    assert name.startswith("rollout/revert/")
    assert (name[-11:], name.count("/")) == ("-1b73eb2ecf", 2)
