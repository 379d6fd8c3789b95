"""Every history of a small scope ends well, in both readings of each undocumented rule."""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from itertools import product
from multiprocessing import Pool
from typing import Any

import pytest

from partner_account_handler.errors import HandlerError
from partner_account_handler.identity import OWNER_TAG, Owner
from partner_account_handler.outcome import Answer
from partner_account_handler.request import read_request
from partner_central_simulator import ProfileIdAppears, Readings
from tests.handler.cloud import contact, profile, properties
from tests.handler.explorer import ExploredWorld, History, HistoryError, Scenario, ScheduledEvent, deliver, explore
from tests.handler.stepping import CONNECT, WRITES, StackState

ROOT = "arn:aws:cloudformation:eu-west-1:123456789012:stack/Root/1"
OTHER = "arn:aws:cloudformation:eu-west-1:123456789012:stack/Other/1"
SWITCHES = (
    "failed_request_keeps_token",
    "reused_token_conflicts",
    "one_partner_per_catalog",
    "failed_attempt_spends_code",
)
OTHERWISE: tuple[dict[str, Any], ...] = (
    {"new_contact_email_needs_code": False},
    {"any_contact_change_needs_code": True},
    {"profile_id": ProfileIdAppears.IN_VISIBILITY},
    {"profile_id": ProfileIdAppears.WITH_PROFILE},
)
# Each combination of what decides on a CreatePartner; then each other reading, with the most permissive of those.
READINGS = [
    Readings(**{"profile_id": ProfileIdAppears.AT_ONCE, **values})
    for values in (
        *(dict(zip(SWITCHES, values, strict=True)) for values in product([True, False], repeat=len(SWITCHES))),
        *({**dict.fromkeys(SWITCHES, False), **other} for other in OTHERWISE),
    )
]
PERMISSIVE = 15
WORDY = len(READINGS) - 1
"""Where nothing tells a ProfileId, each delivery asks a dozen times: this one is explored with two faults only."""
MATTERING = {0, 7, 11, 13, 14, *range(PERMISSIVE, WORDY)}
"""All switches, one or none of them strict, so that each two have each pair of values; and each other reading."""
EMAIL, OTHER_EMAIL = "jane@example.com", "ann@example.com"


def wanted(legal_name: str, email: str = EMAIL, stack: str = "Root") -> dict[str, Any]:
    """Properties whose code is in the parameter named after the address."""
    return properties(
        LegalName=legal_name,
        AllianceLeadContact=contact(Email=email),
        EmailVerificationCode={"From": "ParameterStore", "Name": email},
        Owner={"StackName": stack, "ConstructPath": "Partner"},
    )


WANTED = wanted("Example Corp")
# Another contact: its code is not used up by the first partner, which else would stop the second by accident.
CORRECTED = wanted("Example Corporation", OTHER_EMAIL)
ELSEWHERE = wanted("Other Corp", OTHER_EMAIL, "Other")


def create(stack_id: str, request_id: str, props: dict[str, Any], after: int = 0) -> ScheduledEvent:
    """A Create."""
    event = {
        "RequestType": "Create",
        "StackId": stack_id,
        "RequestId": request_id,
        "LogicalResourceId": "Partner",
        "ResourceProperties": props,
    }
    return ScheduledEvent(read_request(event), after)


LATER = create(ROOT, "later", WANTED)


def in_status(status: str, operation: int) -> StackState:
    """A stack in its first, second, … operation."""
    return StackState(status=status, began=StackState.began + timedelta(seconds=operation))


def waiting(*stack_ids: str, verified_name: str = "") -> Any:
    """Stacks that wait for their partners; the code is at hand, and the business verified, perhaps under that name."""

    def prepare(world: ExploredWorld) -> None:
        if verified_name:
            world.verify(verified_name)
        world.stacks.update({stack_id: in_status("CREATE_IN_PROGRESS", 1) for stack_id in stack_ids})
        for email in (EMAIL, OTHER_EMAIL):
            world.send_code(email)

    return prepare


def move(stack_id: str, status: str, operation: int) -> Any:
    """A stack changes to another status, perhaps in another operation."""
    return lambda world: world.stacks.update({stack_id: in_status(status, operation)})


def check_truth(history: History) -> None:
    """What each delivery reports is true, and each partner has an owner."""
    partners = history.world.partners
    assert all(is_careful(told) for told in history.told), "a CreatePartner without a look and a question of its own"
    assert not any(is_defect(result) for result in history.results), "a defect"
    assert arns(history.results) <= {partner.arn for partner in partners}, "a partner that the service doesn't know"
    assert all(OWNER_TAG in partner.tags for partner in partners), "a partner without owner"


def is_defect(result: Any) -> bool:
    """Whether a delivery has ended in a defect of the handler."""
    return isinstance(result, HandlerError) and result.code == "Defect"


def is_careful(told: Sequence[str]) -> bool:
    """Whether each CreatePartner, also a repeated one, comes right after a question, and after a look before that."""
    calls = ", ".join(line for line in told if not line.startswith("meanwhile"))
    *before, _ = calls.split("CreatePartner")
    return all(re.search(r"ListPartners (ok|lagging).*DescribeStacks ok, $", asked) for asked in before)


def arns(results: list[Any]) -> set[str]:
    """The partners that the answers name."""
    return {result.physical_id for result in results if isinstance(result, Answer)}


def check_one_each(history: History) -> None:
    """No stack and construct has two partners."""
    check_truth(history)
    owners = Counter(partner.tags[OWNER_TAG] for partner in history.world.partners)
    assert set(owners.values()) <= {1}, "two partners for one stack and construct"


def check_one(history: History) -> None:
    """All succeed alike by one token, and the next deployment finds the partner."""
    check_one_each(history)
    assert all(isinstance(result, Answer) for result in history.results), "so few faults can be waited out"
    assert len(arns(history.results)) == 1, "two answers"
    assert len(history.world.tokens) == 1, "one event has two tokens"
    world, before = history.world, [partner.arn for partner in history.world.partners]
    world.send_code(EMAIL)
    world.stacks[ROOT] = in_status("UPDATE_IN_PROGRESS", 9)
    found = deliver(world, LATER)
    assert isinstance(found, Answer), f"the next deployment fails: {found}"
    assert before == [found.physical_id], "the next deployment finds another"
    assert len(world.partners) == 1, "the next deployment creates a second"


def check_one_each_at_least(history: History) -> None:
    """One of them has its partner, whatever becomes of the other."""
    check_one_each(history)
    assert arns(history.results), "both fail"


def check_one_unless_overtaken(history: History) -> None:
    """Two partners, or a failure of the deployment that waits, only where nothing can help: see `is_overtaken`."""
    check_truth(history)
    if not is_overtaken(history):
        check_one_each(history)
        assert isinstance(history.results[1], Answer), "the deployment that waits fails"


def is_overtaken(history: History) -> bool:
    """Whether this history is one of those that nothing can help, which docs/limits.md lists.

    The list lagged behind a partner; the former deployment ended between the last question and the call; or its first
    question was answered only when the next one had begun. All of them take a service that allows several partners to
    an account, and a legal name that was changed meanwhile.
    """
    former, latter = history.told
    lagged = "ListPartners lagging" in latter
    asked = [place for place, line in enumerate(former) if line == "DescribeStacks ok"]
    strayed = bool(asked) and asked[0] > former.index("meanwhile 1")
    return lagged or strayed or any(_is_late(former, commit) for commit in _commits(former))


def _commits(told: Sequence[str]) -> list[int]:
    return [place for place, line in enumerate(told) if line in ("CreatePartner ok", "CreatePartner answer lost")]


def _is_late(told: Sequence[str], commit: int) -> bool:
    """The first stack operation was over when the call came, though not yet when the question before it did."""
    ended = told.index("meanwhile 0")
    question = max((place for place in range(commit) if not told[place].startswith("meanwhile")), default=commit)
    return told[question] == "DescribeStacks ok" and question < ended < commit


def two_deployments(former: dict[str, Any], latter: dict[str, Any], verified_name: str = "") -> Scenario:
    """The former has ended, and the latter has begun, whenever; the latter has corrected the legal name."""
    return Scenario(
        prepare=waiting(ROOT, verified_name=verified_name),
        events=[create(ROOT, "r1", former), create(ROOT, "r2", latter, after=2)],
        meanwhile=[move(ROOT, "UPDATE_ROLLBACK_COMPLETE", 1), move(ROOT, "UPDATE_IN_PROGRESS", 2)],
        check=check_one_unless_overtaken,
    )


FORMER = wanted("Example Corp")
TRIED = {
    **wanted("Example Corp"),
    "AllianceLeadContact": contact(BusinessTitle="CEO"),
    "Owner": {"StackName": "Root", "ConstructPath": "Company"},
}
NEXT = {**FORMER, "AllianceLeadContact": contact(BusinessTitle="CTO")}


def deployed(world: ExploredWorld) -> None:
    """A stack that has its partner, and is being updated."""
    waiting(ROOT)(world)
    deliver(world, create(ROOT, "r", FORMER))
    world.stacks[ROOT] = in_status("UPDATE_IN_PROGRESS", 2)


@cache
def deployed_arn() -> str:
    """The partner that is deployed in each reading: its id is counted up."""
    deployed(world := ExploredWorld(READINGS[0]))
    return world.partners[0].arn


def update(request_id: str, previous: dict[str, Any], props: dict[str, Any], after: int = 0) -> ScheduledEvent:
    """An Update."""
    event = {
        "RequestType": "Update",
        "StackId": ROOT,
        "RequestId": request_id,
        "LogicalResourceId": "Partner",
        "PhysicalResourceId": deployed_arn(),
        "OldResourceProperties": previous,
        "ResourceProperties": props,
    }
    return ScheduledEvent(read_request(event), after)


def check_rolled_back(history: History) -> None:
    """The rollback succeeds, and the stack is locked out of nothing: its next Update brings what it says."""
    check_truth(history)
    _, back, *_ = history.results
    assert isinstance(back, Answer), f"UPDATE_ROLLBACK_FAILED: {back}"
    world = history.world
    world.stacks[ROOT] = in_status("UPDATE_IN_PROGRESS", 3)
    found = deliver(world, update("next", FORMER, NEXT))
    assert isinstance(found, Answer), f"the next Update fails: {found}"
    (partner,) = world.partners
    assert partner.contact == NEXT["AllianceLeadContact"], "the next Update writes another contact"
    ours = Owner.of(ROOT, "Root", "Partner")
    assert Owner.from_tag(partner.tags[OWNER_TAG]).is_same_construct(ours), "the next Update leaves another owner"


def check_way_back(history: History) -> None:
    """And the ownership tag names the path of the stack's template again, unless the rollback didn't see it."""
    owner = Owner.from_tag(history.world.partners[0].tags[OWNER_TAG])
    unseen = "ListTagsForResource without tags" in history.told[1]
    assert unseen or owner.is_same_construct(Owner.of(ROOT, "Root", "Partner")), (
        "the rollback leads away from the template"
    )
    check_rolled_back(history)


FORWARD, BACKWARD = update("r1", FORMER, TRIED), update("r2", TRIED, FORMER, after=1)


def rolling_back(world: ExploredWorld) -> None:
    """A stack that has tried another construct id, and is being rolled back."""
    deployed(world)
    deliver(world, FORWARD)
    world.stacks[ROOT] = in_status("UPDATE_ROLLBACK_IN_PROGRESS", 2)


VERIFIED = "the same where the corrected name is the verified one"
SCENARIOS = {
    "two deliveries of one Create": Scenario(
        prepare=waiting(ROOT),
        events=[create(ROOT, "r", WANTED), create(ROOT, "r", WANTED)],
        check=check_one,
    ),
    "a Create against one of a former deployment": two_deployments(WANTED, CORRECTED),
    VERIFIED: two_deployments(WANTED, CORRECTED, "Example Corporation"),
    "two stacks in one account": Scenario(
        prepare=waiting(ROOT, OTHER),
        events=[create(ROOT, "r1", WANTED), create(OTHER, "r2", ELSEWHERE)],
        check=check_one_each_at_least,
    ),
}
UPDATES = {
    "an Update with another construct id, and its rollback": Scenario(
        prepare=deployed,
        events=[FORWARD, BACKWARD],
        meanwhile=[move(ROOT, "UPDATE_ROLLBACK_IN_PROGRESS", 2)],
        check=check_rolled_back,
    ),
    "that rollback, and the former Update delivered again": Scenario(
        prepare=rolling_back,
        events=[replace(FORWARD, after=0), replace(BACKWARD, after=0)],
        check=check_way_back,
    ),
}


def profile_event(kind: str, request_id: str, name: str, former: str = "", after: int = 0) -> ScheduledEvent:
    """A Create or Update of the partner's profile, which gives it that name."""
    event = {
        "RequestType": kind,
        "ResourceType": "Custom::PartnerProfile",
        "StackId": ROOT,
        "RequestId": request_id,
        "LogicalResourceId": "Profile",
        "ResourceProperties": profile(deployed_arn(), DisplayName=name),
    }
    if former:
        event["OldResourceProperties"] = profile(deployed_arn(), DisplayName=former)
        event["PhysicalResourceId"] = f"profile-of-{deployed_arn().rpartition('/')[2]}"
    return ScheduledEvent(read_request(event), after)


def with_profile(world: ExploredWorld) -> None:
    """A partner whose stack has its profile, and is being updated; tasks end when they are looked at twice."""
    deployed(world)
    deliver(world, profile_event("Create", "p", "First"))
    world.plan_profile_tasks(2)


def own_profile(world: ExploredWorld) -> tuple[Any, list[str]]:
    """The name that the profile has, and the statuses of its tasks."""
    (partner,) = world.partners
    return partner.profile.get("DisplayName"), [task.status for task in partner.tasks]


def check_one_task(history: History) -> None:
    """All deliveries succeed alike by one task."""
    assert all(isinstance(result, Answer) for result in history.results), "so few faults can be waited out"
    assert own_profile(history.world) == ("First", ["SUCCEEDED"])


def check_profile_rolled_back(history: History) -> None:
    """The rollback succeeds, at most one task is started by each request, and the next Update brings what it says."""
    assert not any(is_defect(result) for result in history.results), "a defect"
    _, back = history.results
    assert isinstance(back, Answer), f"UPDATE_ROLLBACK_FAILED: {back}"
    _, tasks = own_profile(history.world)
    assert len(tasks) <= len(history.results) + 1, "a request has started two tasks"
    world = history.world
    world.stacks[ROOT] = in_status("UPDATE_IN_PROGRESS", 3)
    found = deliver(world, profile_event("Update", "next", "Third", former="First"))
    if isinstance(found, HandlerError) and is_started_late(history.told[0]):
        assert "CancelProfileUpdateTask" in str(found), f"the next Update fails: {found}"
        world.cancel_profile_task()
        found = deliver(world, profile_event("Update", "again", "Third", former="First"))
    assert isinstance(found, Answer), f"the next Update fails: {found}"
    assert own_profile(world)[0] == "Third", "the next Update leaves another profile"


def is_started_late(told: Sequence[str]) -> bool:
    """Whether the call was under way when the rollback began, which may have looked for tasks already."""
    started = [place for place, line in enumerate(told) if line.startswith("StartProfileUpdateTask")]
    return any(place > told.index("meanwhile 0") for place in started)


PROFILES = {
    "two deliveries of one Create of a profile": Scenario(
        prepare=deployed,
        events=[profile_event("Create", "p", "First"), profile_event("Create", "p", "First")],
        check=check_one_task,
    ),
    "an Update of a profile, and its rollback": Scenario(
        prepare=with_profile,
        events=[
            profile_event("Update", "r1", "Second", former="First"),
            profile_event("Update", "r2", "First", former="Second", after=1),
        ],
        meanwhile=[move(ROOT, "UPDATE_ROLLBACK_IN_PROGRESS", 2)],
        check=check_profile_rolled_back,
    ),
}


READINGS_OF_PROFILES = [
    Readings(),
    Readings(
        canceled_task_is_shown=False, unchanged_profile_starts_task=True, profile_id=ProfileIdAppears.WITH_PROFILE
    ),
    Readings(approved_logo_is_copied=False, profile_id=ProfileIdAppears.AT_ONCE),
]
CASES = [
    (scenario, number)
    for scenario in SCENARIOS
    for number in range(len(READINGS))
    if scenario != VERIFIED or number >= PERMISSIVE  # the others are about names that are taken, or codes
]
CASES += [(scenario, number) for scenario in UPDATES for number in (0, PERMISSIVE, WORDY)]
CASES += [(scenario, number) for scenario in PROFILES for number in range(len(READINGS_OF_PROFILES))]
ALL = SCENARIOS | UPDATES | PROFILES


@pytest.mark.parametrize("scenario", ALL)
def test_each_history_with_one_fault_ends_well_in_the_readings_that_matter(scenario: str) -> None:
    """Each order of the calls, and a fault at any point; `make soak` takes three, and all readings of `CASES`."""
    for name, number in CASES:
        if name == scenario and (name in PROFILES or number in MATTERING):
            assert _explored(1, (scenario, number)) > 10_000


def check_answerable(history: History) -> None:
    """Nothing is changed by a delivery whose answer could not be sent."""
    for told in history.told:
        calls = [tuple(line.split(" ", 1)) for line in told if not line.startswith("meanwhile")]
        for place, (operation, _) in enumerate(calls):
            heard = [outcome for name, outcome in calls[:place] if name == CONNECT]
            assert operation not in WRITES or heard[-1:] == ["ok"], f"{operation} without a way for the answer"


@pytest.mark.parametrize("scenario", ["two deliveries of one Create", *UPDATES, *PROFILES])
def test_nothing_is_changed_in_any_history_while_no_answer_can_be_sent(scenario: str) -> None:
    """The connection for the answer fails at any point; what was checked before holds as well."""
    plain = ALL[scenario]

    def check(history: History) -> None:
        check_answerable(history)
        plain.check(history)

    events = [replace(event, connects=True) for event in plain.events]
    assert explore(replace(plain, events=events, check=check, faults=1), READINGS[0]) > 10_000


def test_broken_invariant_is_reported_decision_by_decision() -> None:
    """Else all of the above would prove nothing: a check that never holds is reported with its history."""

    def never(history: History) -> None:
        assert not history.world.partners, "there is a partner"

    with pytest.raises(HistoryError, match=r"(?s)there is a partner.*0 CreatePartner ok"):
        explore(replace(SCENARIOS["two deliveries of one Create"], check=never, faults=0), READINGS[0])


def _explored(faults: int, case: tuple[str, int]) -> int:
    """How many histories there are; of Updates, and where nothing tells a ProfileId, with two faults at most."""
    scenario, number = case
    most = 3 if scenario in SCENARIOS and number != WORDY else 2
    readings = (READINGS_OF_PROFILES if scenario in PROFILES else READINGS)[number]
    return explore(replace(ALL[scenario], faults=min(faults, most)), readings)


def main() -> None:
    """Explores all histories, in all readings, and prints how many there were."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.handler.test_exploration", description="Go through all histories."
    )
    parser.add_argument("--faults", type=int, default=3)
    faults = parser.parse_args().faults
    with Pool() as pool:
        for scenario in (*PROFILES, *UPDATES, *SCENARIOS):
            began, cases = time.monotonic(), [case for case in CASES if case[0] == scenario]
            histories = sum(pool.imap_unordered(partial(_explored, faults), cases))
            told = f"of {scenario}, in {len(cases)} readings, {time.monotonic() - began:.0f} s"
            print(f"{histories:>24,} histories {told}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
