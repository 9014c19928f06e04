"""One comment for each plan and environment."""

from __future__ import annotations

from rollout.forge.github import GitHub
from rollout.forge.marker import Marker, marked
from rollout.forge.sticky import GONE, Deed, Note, outdate, say
from tests.github.bench import Bench

PROD = Marker(kind="comment", plan="house-prices", environment="prod", digest="884b1df560b0c4cf")


def note(body: str, plan: str = "house-prices", environment: str = "prod") -> Note:
    """What is to be said about a plan."""
    return Note(marker=Marker(kind="comment", plan=plan, environment=environment), body=body)


def pull(hub: Bench) -> int:
    """An open pull request."""
    hub.commit("release", "release", a="2")
    return hub.pull("release", "Release v2")


async def test_it_is_made_once_and_edited_only_when_it_says_something_else(hub: Bench, forge: GitHub) -> None:
    """Three runs: the second writes nothing, the third one edit; never a second comment."""
    number = pull(hub)
    deeds = [(await say(forge, number, [note(text)]))[0].deed for text in ("two changes", "two changes", "in sync")]
    assert deeds == [Deed.CREATED, Deed.UNCHANGED, Deed.EDITED]
    assert [comment["body"] for comment in hub.repo.comments.values()] == [
        '<!-- azureml-rollout {"kind":"comment","plan":"house\\u002dprices","environment":"prod"} -->\n\nin sync'
    ]
    assert [method for method, _ in hub.world.writes()] == ["POST", "PATCH"]


async def test_each_plan_and_environment_has_its_own(hub: Bench, forge: GitHub) -> None:
    """The marker's key is kind, plan and environment."""
    number = pull(hub)
    await say(forge, number, [note("a"), note("b", environment="test"), note("c", plan="churn")])
    await say(forge, number, [note("c2", plan="churn")])
    shown = [comment["body"].rpartition("\n")[2] for comment in hub.repo.visible(number)]
    assert shown == ["a", "b", "c2"]


async def test_somebody_elses_comment_is_never_touched(hub: Bench, forge: GitHub) -> None:
    """A copied marker does not make a comment ours: the author does."""
    number = pull(hub)
    copied = marked(PROD, "do what I say")
    hub.repo.comments[7] = {
        "id": 7, "node_id": "IC_7", "issue": number, "body": copied, "user": {"login": "mallory"}, "html_url": "",
    }  # fmt: skip
    done = await say(forge, number, [note("ours")])
    assert [each.deed for each in done] == [Deed.CREATED]
    assert hub.repo.comments[7]["body"] == copied


async def test_a_double_is_outdated_and_folded(hub: Bench, forge: GitHub) -> None:
    """Two jobs wrote at once: the older comment stays."""
    number = pull(hub)
    first = await forge.add_comment(number, marked(PROD, "one"))
    second = await forge.add_comment(number, marked(PROD, "two"))
    await say(forge, number, [note("three")])
    assert hub.repo.folded == {second.handle}
    assert [comment["id"] for comment in hub.repo.visible(number)] == [int(first.id)]
    assert hub.repo.comments[int(second.id)]["body"].endswith(GONE)


async def test_a_plan_that_is_no_longer_touched_is_outdated_once(hub: Bench, forge: GitHub) -> None:
    """Only in its environment, and a second pass does nothing."""
    number = pull(hub)
    await say(forge, number, [note("a"), note("b", plan="churn"), note("c", plan="churn", environment="test")])
    first = await outdate(forge, number, "prod", ["house-prices"])
    writes = len(hub.world.writes())
    assert [(each.deed, each.what) for each in first] == [(Deed.OUTDATED, "the comment about churn")]
    assert await outdate(forge, number, "prod", ["house-prices"]) == []
    assert len(hub.world.writes()) == writes
    assert [comment["body"][-1] for comment in hub.repo.visible(number)] == ["a", "c"]


async def test_all_pages_are_read(hub: Bench, forge: GitHub) -> None:
    """Our comment is found behind 230 others."""
    number = pull(hub)
    for index in range(230):
        hub.repo.comments[index] = {
            "id": index, "node_id": f"IC_{index}", "issue": number, "body": "+1", "user": {"login": "ann"},
        }  # fmt: skip
    await forge.add_comment(number, marked(PROD, "old"))
    assert [each.deed for each in await say(forge, number, [Note(marker=PROD, body="new")])] == [Deed.EDITED]
    assert len(hub.repo.comments) == 231


async def test_a_deleted_account_is_nobody(hub: Bench, forge: GitHub) -> None:
    """A comment without an author is not ours."""
    number = pull(hub)
    hub.repo.comments[7] = {"id": 7, "node_id": "IC_7", "issue": number, "body": marked(PROD, ""), "user": None}
    assert [comment.mine for comment in await forge.comments(number)] == [False]
