"""The faults that a rehearsal injects into its first deployment, for the simulator, and their outcomes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from partner_account_rehearsal.assembly import Assembly
from partner_account_rehearsal.partners import partners_of, profiles_of

FAILING_TYPE = "Custom::FailsInThisRehearsal"
# The custom resource of a function that doesn't exist: it fails as soon as it is created.
_FAILING = {
    "Type": FAILING_TYPE,
    "Properties": {"ServiceToken": {"Fn::Sub": "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:absent"}},
}


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: what `--fault` calls it.
        meaning: what happens, in plain words.
        survived: whether the deployment that meets it succeeds anyway; otherwise the stack is rolled back.
        takes: how long the deployment takes, if that is long.
        orders: the faults to add to the simulator; the deployment meets this one by the first one's operation.
    """

    name: str
    meaning: str
    survived: bool = False
    takes: str = ""
    orders: Sequence[Mapping[str, Any]] = ()

    @property
    def is_of_profile(self) -> bool:
        """Whether only an app with a profile meets it."""
        return any(order["operation"] == "StartProfileUpdateTask" for order in self.orders)

    def is_met(self, operations: Collection[str]) -> bool:
        """Whether one of these requests meets it."""
        met = self.orders[0]["operation"]
        return met in operations or (met == "*" and bool(operations))


WRONG_CODE = Fault("wrong-code", "the code that is stored is not the one from the e-mail")
ROLLBACK = Fault("rollback", "another resource of the stack fails after the partner was created or updated")

FAULTS = {
    fault.name: fault
    for fault in (
        ROLLBACK,
        WRONG_CODE,
        Fault(
            "throttle",
            "Partner Central throttles CreatePartner three times",
            survived=True,
            orders=[{"operation": "CreatePartner", "kind": "throttle", "times": 3}],
        ),
        Fault(
            "cut",
            "the connection is cut after CreatePartner has taken effect",
            survived=True,
            orders=[{"operation": "CreatePartner", "kind": "cut", "after_commit": True}],
        ),
        Fault(
            "answer-lost",
            "no response to CreatePartner ever arrives, and the new partner isn't listed yet",
            takes="over two minutes",
            orders=[
                {"operation": "CreatePartner", "kind": "cut", "times": None, "after_commit": True},
                {"operation": "ListPartners", "kind": "lagging-list", "times": None},
            ],
        ),
        Fault(
            "access-denied",
            "Partner Central denies every call",
            takes="over a minute",
            orders=[{"operation": "*", "kind": "access-denied", "times": None}],
        ),
        Fault(
            "review-fails",
            "the review of the profile fails: its logo is rejected",
            orders=[{"operation": "StartProfileUpdateTask", "kind": "review-fails"}],
        ),
        Fault(
            "review-takes-days",
            "the review of the profile takes days",
            survived=True,
            takes="over a minute",
            orders=[{"operation": "StartProfileUpdateTask", "kind": "review-takes-days", "times": None}],
        ),
    )
}


def failing_copy(assembly: Assembly, folder: Path) -> Assembly:
    """The assembly, in another folder, with a resource that fails when all others exist.

    It is in each stack that has a partner or a profile.
    """
    copied = assembly.copy_to(folder)
    own = {one.stack.id for one in (*partners_of(copied.stacks), *profiles_of(copied.stacks))}
    for stack in (one for one in copied.stacks if one.id in own):
        resources = stack.template["Resources"]
        failing = {**_FAILING, "DependsOn": [*resources]}
        stack.replace_template({**stack.template, "Resources": {**resources, "FailsInThisRehearsal": failing}})
    return copied
