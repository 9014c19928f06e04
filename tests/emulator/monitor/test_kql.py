"""The Kusto subset: the queries of gates, value for value, and the refusals in Log Analytics' own shape."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.emulator.answers import Rejected
from rollout.emulator.monitor import kql_engine, kql_parser, traffic_table
from rollout.emulator.monitor.kql_tokens import tokens
from rollout.emulator.monitor.records import Scored
from rollout.emulator.settings import Scope

NOW = datetime(2026, 1, 1, 13, tzinfo=UTC)
TABLE = "AmlOnlineEndpointTrafficLog"


def line(minute: int, deployment: str, status: int, took: float, model: str = "200") -> Scored:
    """A request so many minutes ago."""
    at = NOW - timedelta(minutes=minute, seconds=-1)
    return Scored(at=at, endpoint="house", deployment=deployment, status=status, duration_ms=took, model_status=model)


LINES = [
    line(3, "blue", 200, 10),
    line(3, "blue", 200, 20),
    line(3, "green", 424, 30, "500"),
    line(2, "green", 200, 40),
    line(2, "green", 408, 5000, ""),
    line(1, "green", 200, 60),
]


def ask(query: str) -> tuple[list[str], list[list[Any]]]:
    """Columns as `name:type`, and rows."""
    tree = kql_parser.parse(query)
    table = kql_engine.run(tree.steps, traffic_table.table(Scope(), LINES), NOW)
    (answer,) = kql_engine.answer(table)["tables"]
    return [f"{column['name']}:{column['type']}" for column in answer["columns"]], answer["rows"]


GATE = f"""
{TABLE}
| where EndpointName == "house" and TimeGenerated > ago(10m)
| extend Class = strcat(tostring(ResponseCode / 100), "xx")
| summarize Requests = count() by DeploymentName, bin(TimeGenerated, 1m), Class  // by minute
| order by TimeGenerated asc, DeploymentName asc, Class asc
"""
SLOW = f"""{TABLE} | where DeploymentName == 'green'
| summarize Share = 1.0 * countif(TotalDurationMs > 45) / count(), P95 = percentile(TotalDurationMs, 95)"""


def test_count_by_deployment_minute_and_class() -> None:
    """The first query of gates."""
    columns, rows = ask(GATE)
    assert columns == ["DeploymentName:string", "TimeGenerated:datetime", "Class:string", "Requests:long"]
    assert rows == [
        ["blue", "2026-01-01T12:57:00Z", "2xx", 2],
        ["green", "2026-01-01T12:57:00Z", "4xx", 1],
        ["green", "2026-01-01T12:58:00Z", "2xx", 1],
        ["green", "2026-01-01T12:58:00Z", "4xx", 1],
        ["green", "2026-01-01T12:59:00Z", "2xx", 1],
    ]


def test_share_slower_than_a_limit() -> None:
    """The second one."""
    assert ask(SLOW) == (["Share:real", "P95:int"], [[0.5, 5000]])


VALUES: Mapping[str, list[list[Any]]] = {
    f"{TABLE} | count": [[6]],
    f"{TABLE} | where ResponseCode != \"200\" and ResponseCode != \"100\" | count": [[2]],
    f"{TABLE} | where ResponseCode in ('503', '408') or (ResponseCode == '424' and ModelStatusCode == '500') | count": [
        [2]
    ],
    f"{TABLE} | where ResponseCode !in (200) | count": [[2]],
    f"{TABLE} | where not(ResponseCode == 200) | count": [[2]],
    f"{TABLE} | where isempty(ModelStatusCode) | count": [[1]],
    f"{TABLE} | where isnotempty(ModelStatusCode) and ModelStatusCode >= 500 | count": [[1]],
    f"{TABLE} | where TotalDurationMs between (20 .. 40) | count": [[3]],
    f"{TABLE} | where DeploymentName =~ 'GREEN' and DeploymentName !~ 'blue' | count": [[4]],
    f"{TABLE} | where DeploymentName startswith 'gr' and _ResourceId contains '/onlineEndpoints/' | count": [[4]],
    f"{TABLE} | where TimeGenerated >= datetime(2026-01-01T12:58:00Z) | count": [[3]],
    f"{TABLE} | where TimeGenerated < ago(2m) and TimeGenerated < now() | count": [[3]],
    f"{TABLE} | where true and not(false) | take 0 | count": [[0]],
    f"{TABLE} | summarize by DeploymentName | sort by DeploymentName": [["green"], ["blue"]],
    f"{TABLE} | summarize dcount(DeploymentName), max(TotalDurationMs), min(TotalDurationMs)": [[2, 5000, 10]],
    f"{TABLE} | summarize avg(TotalDurationMs), sum(TotalDurationMs) by DeploymentName | order by DeploymentName asc": [
        ["blue", 15.0, 30],
        ["green", 1282.5, 5130],
    ],
    f"{TABLE} | summarize sumif(TotalDurationMs, ResponseCode == 200)": [[130]],
    f"{TABLE} | top 2 by TotalDurationMs | project TotalDurationMs, Twice = TotalDurationMs * 2": [
        [5000, 10000],
        [60, 120],
    ],
    f"{TABLE} | top 1 by TotalDurationMs asc | project iff(ResponseCode < 400, 'good', 'bad')": [["good"]],
    f"{TABLE} | take 1 | project 7 / 2, 7 / 2.0, 7 / 0, -1 + 3, round(2.55, 1), toint('x'), tolower('A')": [
        [3, 3.5, None, 2, 2.5, None, "a"]
    ],
    f"{TABLE} | where EndpointName == 'other' | summarize n = count(), p = percentile(TotalDurationMs, 5)": [[0, None]],
    f"{TABLE} | where EndpointName == 'other' | summarize n = count() by DeploymentName": [],
}  # fmt: skip


@pytest.mark.parametrize("query", VALUES)
def test_values(query: str) -> None:
    """Rows of a query."""
    assert ask(query)[1] == VALUES[query]


def test_names_that_kusto_gives() -> None:
    """Of columns that have none."""
    columns, _ = ask(
        f"{TABLE} | summarize count(), percentile(TotalDurationMs, 50), 1 + count() by bin(TimeGenerated, 1h)"
    )
    assert columns == ["TimeGenerated:datetime", "count_:long", "percentile_TotalDurationMs:int", "Column3:long"]


def test_types_without_rows() -> None:
    """An empty answer has the same columns."""
    columns, rows = ask(
        f"{TABLE} | where EndpointName == 'x' | project a = now(), b = 1.5 * 2, c = ResponseCode > 1, d = 1h"
    )
    assert (columns, rows) == (["a:datetime", "b:real", "c:bool", "d:timespan"], [])


def test_the_documented_columns() -> None:
    """Whatever the table has, with its type; failed requests as the service's own sample asks for them."""
    columns, rows = ask(
        f"{TABLE} | where ResponseCode == 424 | project TimeGenerated, Method, Path, EndpointName, ResponseCode, "
        "ModelStatusCode, TotalDurationMs, XRequestId | top 100 by TimeGenerated"
    )
    assert columns[4:7] == ["ResponseCode:int", "ModelStatusCode:int", "TotalDurationMs:int"]
    assert rows == [["2026-01-01T12:57:01Z", "POST", "/score", "house", 424, 500, 30, ""]]


UNREADABLE = {
    f"{TABLE} | join other": ("join", 1, 30),
    f"{TABLE}\n| where": ("<EOF>", 2, 7),
    f"{TABLE} | where a ==": ("<EOF>", 1, 40),
    f"{TABLE} where": ("where", 1, 28),
    f"{TABLE} | take x": ("x", 1, 35),
    f"{TABLE} | summarize frobnicate(x)": ("frobnicate", 1, 40),
    f"{TABLE} | where a ? b": ("?", 1, 38),
    f"{TABLE} | where t > datetime(soon)": ("soon", 1, 49),
    f"{TABLE} | where (a == 1": ("<EOF>", 1, 43),
    "": ("<EOF>", 1, 0),
}


@pytest.mark.parametrize("query", UNREADABLE)
def test_what_cannot_be_parsed(query: str) -> None:
    """`SYN0002` at the token, two levels down; so is what the emulator does not know."""
    token, row, column = UNREADABLE[query]
    with pytest.raises(Rejected) as caught:
        kql_parser.parse(query)
    assert caught.value.status == 400
    assert caught.value.error == {
        "message": "The request had some invalid properties",
        "code": "BadArgumentError",
        "innererror": {
            "code": "SyntaxError",
            "message": "A recognition error occurred in the query.",
            "innererror": {
                "code": "SYN0002",
                "message": f"Query could not be parsed at '{token}' on line [{row},{column}]",
                "line": row,
                "pos": column,
                "token": token,
            },
        },
    }


MEANINGLESS = {
    f"{TABLE} | where Colour == 1": "'where' operator: Failed to resolve column or scalar expression named 'Colour'",
    f"{TABLE} | project Colour": "'project' operator: Failed to resolve column or scalar expression named 'Colour'",
    f"{TABLE} | project Path | where Method == 'GET'": (
        "'where' operator: Failed to resolve column or scalar expression named 'Method'"
    ),
    f"{TABLE} | summarize Path": "'summarize' operator: Failed to resolve scalar expression named 'Path'",
    f"{TABLE} | where Path > 1": "Unexpected types of arguments for '>': string, long",
}


@pytest.mark.parametrize("query", MEANINGLESS)
def test_what_makes_no_sense(query: str) -> None:
    """A name that nothing has, types that do not go together."""
    with pytest.raises(Rejected) as caught:
        ask(query)
    inner = caught.value.error["innererror"]
    assert (inner["code"], inner["innererror"]["message"]) == ("SemanticError", MEANINGLESS[query])


@given(st.text(alphabet="AmlT | where()=<>,'\"0123456789.\n\\/-+*", max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """Nothing else can happen."""
    with suppress(Rejected):
        kql_parser.parse(text)


def test_comments_and_strings() -> None:
    """A comment ends with its line; quotes are left by a backslash."""
    found = [token.text for token in tokens("a // b\n| c == 'it\\'s' 'x' 1.5h")]
    assert found == ["a", "|", "c", "==", "'it\\'s'", "'x'", "1.5h", "<EOF>"]
