"""Makes docs/faults.md by running it: each fault in each step of a stack's life, and the deployment after that.

    python -m tests.handler.fault_table > docs/faults.md

Partner Central is the simulator, CloudFormation and the code's store are moto, over HTTP; only time is virtual.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from typing import Any
from unittest import mock

from moto.server import ThreadedMotoServer

from partner_account_handler import log as handler_log
from partner_account_handler.identity import OWNER_TAG, Owner
from tests.handler.cloud import EMAIL, contact, open_cloud, profile
from tests.handler.fault_stage import (
    DENIED,
    NEW_EMAIL,
    NO_FAULT,
    OTHER_ACCOUNT,
    TIMEOUT,
    FaultCase,
    FaultStage,
    ProfileStage,
    StepOutcome,
    nothing,
)
from tests.handler.life_profiles import details_of
from tests.simulator.calls import ManualClock

START = "StartProfileUpdateTask"
WRITES = (
    *("CreatePartner", "TagResource", "PutAllianceLeadContact"),
    *(START, "CancelProfileUpdateTask", "PutProfileVisibility"),
)


@dataclass(frozen=True)
class FaultRow:
    """What became of one fault in one step."""

    sees: str
    left: str
    following: str


# The faults: each is what goes wrong, and what ends it before the next deployment


def _at(operations: Sequence[str], kind: str, **how: Any) -> Callable[[FaultStage], object]:
    return lambda stage: [stage.cloud.simulator.faults.add(operation, kind, **how) for operation in operations]


EVERY = ("*",)
TOLD_IN = ("CreatePartner", "GetPartner", "GetProfileVisibility")
ALWAYS: dict[str, Any] = {"times": None}


def _wrong_code(stage: FaultStage) -> None:
    right = stage.cloud.request_code(stage.address)
    stage.cloud.store_code(f"{(int(right) + 1) % 1_000_000:06d}")
    _at(EVERY, "echo", **ALWAYS)(stage)


def _right_code(stage: FaultStage) -> None:
    stage.cloud.prepare(stage.address)


def _free_name(stage: FaultStage) -> None:
    other = stage.cloud.simulator.account(OTHER_ACCOUNT)
    other.rename_partner(other.partners[0].id, "Another Corp")
    stage.cloud.prepare()


def _adopt(stage: FaultStage) -> None:
    if not stage.arn:
        stage.changes["ExistingPartnerId"] = stage.cloud.partners[0].id


def _business(status: str) -> Callable[[FaultStage], object]:
    return lambda stage: stage.cloud.account.set_verification("BUSINESS_VERIFICATION", status)


def _remove(stage: FaultStage) -> None:
    for partner in stage.cloud.partners:
        stage.cloud.account.delete_partner(partner.id)


def _tag(stage: FaultStage, owner: str) -> None:
    for partner in stage.cloud.partners:
        stage.cloud.account.tag_partner(partner.id, {OWNER_TAG: owner})


def _give_back(stage: FaultStage) -> None:
    if stage.arn:
        _tag(stage, Owner.of(stage.cloud.stack_id, "Root", "Partner").to_tag())


def _others_task(stage: FaultStage) -> None:
    stage.cloud.account.plan_profile_tasks(reads=None)
    _human(stage, "start_profile_update_task", TaskDetails=_details("Console"))
    stage.cloud.account.plan_profile_tasks()


def _cancel(stage: FaultStage) -> None:
    _human(stage, "cancel_profile_update_task", TaskId=stage.cloud.partners[0].tasks[-1].id)


def _use_up(stage: FaultStage) -> None:
    """What is left of ten tasks a day; the last one leaves the profile as it was."""
    (partner,) = stage.cloud.partners
    former = partner.profile.get("DisplayName", "Console")
    stage.cloud.account.plan_profile_tasks(reads=0)
    for number in range(len(partner.profile_updates), 10):
        _human(stage, "start_profile_update_task", TaskDetails=_details(former if number == 9 else f"Number {number}"))
    stage.cloud.account.plan_profile_tasks()


def _human(stage: FaultStage, operation: str, **members: Any) -> None:
    client = stage.cloud.client("partnercentral-account")
    getattr(client, operation)(Catalog="AWS", Identifier=stage.cloud.partners[0].id, **members)


def _details(name: str) -> dict[str, Any]:
    return details_of(profile("", DisplayName=name, PrimarySolutionType="SOFTWARE_PRODUCTS"))


PASSES = "it passes"
FAULTS = (
    NO_FAULT,
    FaultCase("throttled three times", PASSES, _at(EVERY, "throttle", times=3)),
    FaultCase("throttled throughout", PASSES, _at(EVERY, "throttle", **ALWAYS)),
    FaultCase("500 at each write, once", PASSES, _at(WRITES, "internal-error")),
    FaultCase("503 after each write, once", PASSES, _at(WRITES, "unavailable", after_commit=True)),
    FaultCase("500 throughout", PASSES, _at(EVERY, "internal-error", **ALWAYS)),
    FaultCase("503 throughout", PASSES, _at(EVERY, "unavailable", **ALWAYS)),
    FaultCase("every call takes 3 s", PASSES, nothing, each_call=3),
    FaultCase("every call takes 10 s", PASSES, nothing, each_call=10),
    FaultCase("each write hangs once, not executed", PASSES, _at(WRITES, "cut"), hangs=True),
    FaultCase("each write hangs once, executed", PASSES, _at(WRITES, "cut", after_commit=True), hangs=True),
    FaultCase("every call hangs", PASSES, _at(EVERY, "cut", **ALWAYS), hangs=True),
    FaultCase("connection cut before each write, once", PASSES, _at(WRITES, "cut")),
    FaultCase("connection cut after each write, once", PASSES, _at(WRITES, "cut", after_commit=True)),
    FaultCase("connection cut after each write, always", PASSES, _at(WRITES, "cut", after_commit=True, **ALWAYS)),
    FaultCase("every response is cut off, twice", PASSES, _at(EVERY, "garbled", times=2)),
    FaultCase("every response is cut off", PASSES, _at(EVERY, "garbled", **ALWAYS)),
    FaultCase(
        "connection cut after each write, always, and new partners never listed",
        PASSES,
        lambda stage: (
            _at(WRITES, "cut", after_commit=True, **ALWAYS)(stage),
            _at(["ListPartners"], "lagging-list", **ALWAYS)(stage),
        ),
    ),
    FaultCase("partners are listed 20 s late", PASSES, _at(["ListPartners"], "lagging-list", seconds=20, **ALWAYS)),
    FaultCase("partners are listed 60 s late", PASSES, _at(["ListPartners"], "lagging-list", seconds=60, **ALWAYS)),
    FaultCase(
        "partners' tags are returned 20 s late", PASSES, _at(["ListTagsForResource"], "no-tags", lasting=20, **ALWAYS)
    ),
    FaultCase(
        "partners' tags are returned 150 s late", PASSES, _at(["ListTagsForResource"], "no-tags", lasting=150, **ALWAYS)
    ),
    FaultCase("access denied for 20 s", PASSES, _at(EVERY, "access-denied", **ALWAYS, lasting=20)),
    FaultCase("access denied", "access is allowed", _at(EVERY, "access-denied", **ALWAYS)),
    FaultCase("no ProfileId in two reads", PASSES, _at(TOLD_IN, "no-profile-id", times=2)),
    FaultCase("never a ProfileId", "it appears", _at(TOLD_IN, "no-profile-id", **ALWAYS)),
    FaultCase("wrong code, echoed by the error", "a new code is stored", _wrong_code, _right_code, email=True),
    FaultCase(
        "the code's store is empty",
        "a new code is stored",
        lambda stage: stage.cloud.client("ssm").delete_parameter(Name="/partner/code"),
        _right_code,
        email=True,
    ),
    FaultCase("business not verified", "it is verified", _business("FAILED"), _business("SUCCEEDED")),
    FaultCase(
        "another company has the name",
        "that company is renamed, and a new code stored",
        lambda stage: stage.cloud.simulator.account(OTHER_ACCOUNT).add_partner("EXAMPLE CORP"),
        _free_name,
    ),
    FaultCase(
        "the account has another partner",
        "it is adopted, if none is ours",
        lambda stage: stage.cloud.account.add_partner("Example Corp", contact=contact()),
        _adopt,
    ),
    FaultCase("the partner is gone", "the resource is removed and added again", _remove, _right_code, gone=True),
    FaultCase(
        "the partner has another stack's tag",
        "our tag is restored",
        lambda stage: _tag(stage, "another stack"),
        _give_back,
    ),
    FaultCase(
        "delivered when the stack is no longer waiting",
        "nobody reads this response",
        lambda stage: stage.cloud.set_status("UPDATE_ROLLBACK_COMPLETE"),
        late=True,
    ),
    FaultCase("DescribeStacks is denied", "access is allowed", nothing, deaf=DENIED),
    FaultCase("DescribeStacks hangs", PASSES, nothing, deaf=TIMEOUT),
    FaultCase("DescribeStacks returns UPDATE_COMPLETE for 20 s", PASSES, nothing, stale=20),
    FaultCase("no response can be sent for 15 s", PASSES, nothing, unheard=15),
    FaultCase("no response can be sent", "the function's route to S3 is opened", nothing, unheard=inf),
)

OF_PROFILE_TOO = {
    *("none", "throttled throughout", "503 after each write, once", "500 throughout", "every call hangs"),
    *("connection cut after each write, always", "access denied", "never a ProfileId"),
    *("delivered when the stack is no longer waiting", "DescribeStacks is denied", "no response can be sent"),
}
PROFILE_FAULTS = (
    *(fault for fault in FAULTS if fault.name in OF_PROFILE_TOO),
    FaultCase("the review takes days", "it is still under way", _at([START], "review-takes-days", **ALWAYS)),
    FaultCase("the review fails", "the logo is corrected", _at([START], "review-fails", **ALWAYS)),
    FaultCase("somebody else's task is in progress", "they cancel it", _others_task, _cancel),
    FaultCase("the day's tasks are used up", "a day later", _use_up, lambda stage: stage.clock.advance(days=1)),
)


# The steps of a life: each tells one story under one fault, and returns its row


def _create(stage: FaultStage) -> FaultRow:
    """The first deployment."""
    stage.strike()
    return _then(stage, stage.create())


def _redelivered(stage: FaultStage) -> FaultRow:
    """The Create has succeeded, its response was lost, and Lambda redelivers the event."""
    stage.create()
    stage.strike()
    return _then(stage, stage.create())


def _update(stage: FaultStage) -> FaultRow:
    """A tag and the contact change; if that fails, the rollback follows while the fault lasts."""
    stage.create()
    if stage.coming.email:
        stage.address = NEW_EMAIL
    stage.strike()
    outcome = stage.update(stage.first(), stage.changed(), "UPDATE_IN_PROGRESS")
    left = stage.left()
    if outcome.success:
        return FaultRow(outcome.told, left, _further(stage, before=stage.changed()))
    back = stage.update(stage.changed(), stage.first(), "UPDATE_ROLLBACK_IN_PROGRESS")
    if not back.success and not stage.fault.late:
        left += f"; the rollback: {back.told}"
    return FaultRow(outcome.told, left, _further(stage, "CEO"))


def _rollback(stage: FaultStage, **moved: Any) -> FaultRow:
    """A tag and the contact have changed, another resource fails, and the reversed Update arrives."""
    stage.create()
    if stage.coming.email:
        stage.cloud.prepare(NEW_EMAIL)
    tried = {**stage.changed(), **moved}
    stage.update(stage.first(), tried, "UPDATE_IN_PROGRESS")
    stage.address = EMAIL
    stage.strike()
    outcome = stage.update(tried, stage.first(), "UPDATE_ROLLBACK_IN_PROGRESS")
    return FaultRow(outcome.told, stage.left(), _further(stage))


def _moved(stage: FaultStage) -> FaultRow:
    """The construct's id and the contact change; another resource fails, and the reversed Update arrives."""
    return _rollback(stage, Owner={"StackName": "Root", "ConstructPath": "Company"})


def _retried(stage: FaultStage) -> FaultRow:
    """A tag and the contact change; if that fails, it is retried, with the attempted properties as the old ones."""
    stage.create()
    if stage.coming.email:
        stage.address = NEW_EMAIL
    stage.strike()
    wanted = stage.changed()
    outcome, left = stage.update(stage.first(), wanted, "UPDATE_IN_PROGRESS"), stage.left()
    if outcome.success or stage.coming.gone:
        return FaultRow(outcome.told, left, _further(stage))
    stage.mend()
    return FaultRow(outcome.told, left, _deployed(stage, lambda: stage.update(wanted, wanted, "UPDATE_IN_PROGRESS")))


def _delete(stage: FaultStage) -> FaultRow:
    """The stack is deleted."""
    stage.create()
    stage.strike()
    outcome, left = stage.delete(), stage.left()
    stage.mend()
    return FaultRow(outcome.told, left, _deployed(stage, lambda: _again(stage)))


def _recreate(stage: FaultStage) -> FaultRow:
    """The stack was deleted, and is redeployed under its name immediately."""
    stage.create()
    stage.delete()
    stage.cloud.recreate_stack()
    stage.cloud.prepare()
    stage.strike()
    return _then(stage, stage.create())


def _then(stage: FaultStage, outcome: StepOutcome) -> FaultRow:
    """After a Create: an update where it succeeded; else the stack is rolled back, and deployed again."""
    left = stage.left()
    if outcome.success:
        return FaultRow(outcome.told, left, _further(stage))
    stage.mend()
    return FaultRow(outcome.told, left, _deployed(stage, lambda: _again(stage)))


def _again(stage: FaultStage) -> StepOutcome:
    stage.cloud.recreate_stack()
    return stage.create("again")


def _further(stage: FaultStage, title: str = "CTO", before: dict[str, Any] | None = None) -> str:
    stage.mend()
    if stage.coming.gone:
        stage.arn = ""
        return _deployed(stage, lambda: _again(stage))
    former, wanted = before or stage.first(), stage.changed(title)
    return _deployed(stage, lambda: stage.update(former, wanted, "UPDATE_IN_PROGRESS"))


def _deployed(stage: FaultStage, deploy: Callable[[], StepOutcome]) -> str:
    """The next deployment, with a new code where it asks for one, and what it writes."""
    mark, told = stage.cloud.simulator.mark(), ""
    outcome = deploy()
    if not outcome.success and "Request a new code" in outcome.reason:
        told = "FAILED (new code needed), then "
        _right_code(stage)
        outcome = deploy()
    received = stage.cloud.simulator.requests_since(mark)
    written = [one.operation for one in received if one.operation in WRITES and one.status == 200]
    return f"{told}{outcome.told}: {', '.join(map(str, written)) or 'nothing to write'}"


def _create_profile(stage: FaultStage) -> FaultRow:
    """The first deployment of a profile, whose partner exists."""
    return _create(stage)


def _update_profile(stage: FaultStage) -> FaultRow:
    """The name changes, and the profile becomes public; if that fails, the rollback follows while the fault lasts."""
    return _update(stage)


def _rollback_profile(stage: FaultStage) -> FaultRow:
    """The name has changed and the profile is public; another resource fails, and the reversed Update arrives."""
    return _rollback(stage)


PROFILE_STEPS = {
    "Create of a profile": _create_profile,
    "Update of a profile": _update_profile,
    "Rollback of an Update of a profile": _rollback_profile,
}
STEPS = {
    "Create": _create,
    "Create, delivered again": _redelivered,
    "Update": _update,
    "Update without rollback": _retried,
    "Rollback of an Update": _rollback,
    "Rollback of an Update that moves the construct": _moved,
    "Delete": _delete,
    "Create after a Delete": _recreate,
    **PROFILE_STEPS,
}


HEAD = """\
# Faults and their outcomes: timeouts, lost responses, rollbacks

Generated by running the handler: `python -m tests.handler.fault_table > docs/faults.md`. Each line is one run against
the simulator over HTTP (in its default readings), and an in-process stand-in for CloudFormation;
a test fails if this file differs from the results.

Each step has one row for the outcome without a fault, and one for each fault with another outcome.

* **The user sees** the response to CloudFormation: the status, and the beginning of the reason, without the
  remedy that follows. If no response can be sent, CloudFormation gives up after five minutes.
* **What is left**: the account's partners, and whether the contact is that of the former template or the new one; or
  the same for the profile.
* **The next deployment** follows after the fault has ended as listed here, and names what it writes. After a failed
  Create the stack is rolled back and redeployed under its name; after the other steps the template changes again.

"""


@contextmanager
def open_stage() -> Iterator[FaultStage]:
    """A stage, with all servers it needs."""
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    clock = ManualClock()
    logging.disable(logging.CRITICAL)
    try:
        with mock.patch.object(handler_log, "_say"), open_cloud(f"http://{host}:{port}", clock=clock) as cloud:
            yield FaultStage(cloud, clock)
    finally:
        logging.disable(logging.NOTSET)
        moto.stop()


def faults_of(step: Callable[[FaultStage], FaultRow]) -> Sequence[FaultCase]:
    """The faults that strike a step."""
    return PROFILE_FAULTS if step in PROFILE_STEPS.values() else FAULTS


def rows(stage: FaultStage, step: Callable[[FaultStage], FaultRow]) -> dict[FaultRow, list[str]]:
    """The outcomes of a step, each with the faults that end so."""
    found: dict[FaultRow, list[str]] = {}
    if step in PROFILE_STEPS.values():
        stage = ProfileStage(stage.cloud, stage.clock)
    for fault in faults_of(step):
        stage.begin(fault)
        found.setdefault(step(stage), []).append(fault.name)
    return found


def document(told: Mapping[str, Mapping[FaultRow, list[str]]]) -> Iterator[str]:
    """The whole document, line by line."""
    yield HEAD
    yield "| fault | how it ends |\n|---|---|\n"
    yield from (
        f"| {fault.name} | {fault.ends} |\n"
        for fault in {**dict.fromkeys(FAULTS[1:]), **dict.fromkeys(PROFILE_FAULTS[1:])}
    )
    for title, found in told.items():
        yield f"\n## {title}\n\n{STEPS[title].__doc__}\n\n"
        yield "| fault | the user sees | what is left | the next deployment |\n|---|---|---|---|\n"
        for row, names in found.items():
            harmless = NO_FAULT.name in names
            for name in ["none, or one without its own row"] if harmless else names:
                yield f"| {name} | {_with_code(row.sees)} | {row.left} | {_with_code(row.following)} |\n"


def _with_code(text: str) -> str:
    """Operations, errors and members, which a page may break, set as code."""
    return re.sub(r"\b(?!CloudFormation)([A-Z][a-z]+[A-Z][\w/:]*\w|[A-Z]+(_[A-Z]+)+)", r"`\g<0>`", text)


def main() -> None:
    """Prints the document."""
    with open_stage() as stage:
        sys.stdout.writelines(document({title: rows(stage, step) for title, step in STEPS.items()}))


if __name__ == "__main__":
    main()
