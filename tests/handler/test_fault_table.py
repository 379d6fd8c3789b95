"""docs/faults.md matches its generated output, and nothing in it breaks what the project promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.handler.fault_table import PROFILE_STEPS, STEPS, FaultRow, document, faults_of, open_stage, rows

pytestmark = pytest.mark.slow  # each fault in each step

DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.md"
UNHEARD = "no response can be sent"
NOBODY_WAITS = "delivered when the stack is no longer waiting"


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, dict[FaultRow, list[str]]]]:
    """The outcomes of all steps, each with the faults that end so."""
    with open_stage() as stage:
        yield {title: rows(stage, step) for title, step in STEPS.items()}


def test_document_matches_its_generated_output(told: dict[str, dict[FaultRow, list[str]]]) -> None:
    """After a change of the handler: `python -m tests.handler.fault_table > docs/faults.md`, and read it."""
    assert "".join(document(told)) == DOCUMENT.read_text("utf-8")


def test_each_fault_is_listed_for_each_step(told: dict[str, dict[FaultRow, list[str]]]) -> None:
    """None gets lost in the grouping."""
    for title, found in told.items():
        names = sorted(fault.name for fault in faults_of(STEPS[title]))
        assert sorted(name for group in found.values() for name in group) == names


def test_no_construct_ever_has_two_partners(told: dict[str, dict[FaultRow, list[str]]]) -> None:
    """Whatever happened, and whatever was deployed after it."""
    for row in (row for title, found in told.items() if title not in PROFILE_STEPS for row in found):
        assert row.left.startswith(("1 partner", "no partners"))
        assert row.following.count("CreatePartner") <= int("no partners" in row.left)


def test_the_next_deployment_always_works(told: dict[str, dict[FaultRow, list[str]]]) -> None:
    """At most it requires a new code first."""
    for found in told.values():
        for row in found:
            assert row.following.removeprefix("FAILED (new code needed), then ").startswith("SUCCESS")


def test_no_rollback_fails(told: dict[str, dict[FaultRow, list[str]]]) -> None:
    """Neither alone nor after an Update that failed with the same fault; no stack waits for late ones.

    If no response can be sent, every rollback fails, as for every custom resource.
    """
    rollbacks = [found for title, found in told.items() if title.startswith("Rollback of")]
    assert len(rollbacks) == 3
    for row, names in (ended for rollback in rollbacks for ended in rollback.items()):
        assert row.sees.startswith("SUCCESS") or names in ([NOBODY_WAITS], [UNHEARD])
    for title in ("Update", "Update of a profile"):
        assert [names for row, names in told[title].items() if "the rollback" in row.left] == [[UNHEARD]]


def test_nothing_is_written_if_no_answer_can_be_sent(told: dict[str, dict[FaultRow, list[str]]]) -> None:
    """No step changes anything, and only the log reports each."""
    for step, left in {
        "Create": "no partners",
        "Update": "former contact",
        "Rollback of an Update": "new contact",
        "Create of a profile": "no profile",
        "Update of a profile": "former profile",
        "Rollback of an Update of a profile": "new profile",
    }.items():
        (row,) = [row for row, names in told[step].items() if UNHEARD in names]
        assert left in row.left
        assert row.sees.startswith("no response; in the log: ")


def test_task_of_another_owner_is_never_canceled(told: dict[str, dict[FaultRow, list[str]]]) -> None:
    """It is still there after each step."""
    for step in PROFILE_STEPS:
        (row,) = [row for row, names in told[step].items() if "somebody else's task is in progress" in names]
        assert "a task in progress" in row.left


def test_every_delete_succeeds(told: dict[str, dict[FaultRow, list[str]]]) -> None:
    """Nothing but a lost answer can fail it."""
    assert {row.sees for row, names in told["Delete"].items() if names != [UNHEARD]} == {"SUCCESS"}
