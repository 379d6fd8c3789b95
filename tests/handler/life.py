"""Lives of stacks that share an AWS account: CloudFormation, the humans and what must never happen, without HTTP.

What AWS leaves undecided narrows these checks:

* The owner of a partner is counted by tag. In the Sandbox the name decides too, where a partner has no tag or none can
  be read.
* A list hides only what the same event has created, where the account may have several partners: a list that hides
  more, and a corrected legal name, can't be told from an account without a partner.
* Tags lag behind for a minute and a half at most, and for Creates only, which wait for two: to an Update the partner of
  its stack is its own, unless it sees another's tag. In the Sandbox, which may take no tags, nobody waits for them:
  there they don't lag behind.
* A construct's path changes only where the account may have one partner. Elsewhere a list that lags may let it have a
  second one ("A second partner" in docs/limits.md).
* A Create that comes late meets no other Create at the same time, where the account may have several partners.
* A rollback is let through by the stack's status. If DescribeStacks never answers in a whole invocation, nobody can
  know of it: such faults strike Creates and forward Updates only.
* A late Update is refused by the stack's status too: it may write if DescribeStacks never answers.
* An Update writes what the template changed. What a rollback that was let through has left otherwise stays until the
  template changes it: so the last deployment changes the contact and each of its tags.
"""

from __future__ import annotations

import re
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import greenlet

from partner_account_handler.errors import REASON_LIMIT, HandlerError
from partner_account_handler.identity import OWNER_TAG, Owner, is_partner_arn, same_name
from partner_account_handler.outcome import Answer, Outcome, Report
from partner_account_handler.request import read_request
from partner_account_handler.stack_gate import TOLERANT
from partner_central_simulator import Readings
from partner_central_simulator.validation import problems
from tests.handler.cloud import ACCOUNT, REGION, properties, sandbox
from tests.handler.life_account import AwsAccount, contact_of, shown
from tests.handler.life_deliveries import CallFault, LifeDelivery, LifeStack, Records, figures
from tests.handler.life_profiles import (
    BASE,
    PROFILES,
    check_converged,
    check_profiles,
    check_success,
    is_profile,
    wanted_profile,
)
from tests.handler.life_profiles import remedy as remedy_of_profile
from tests.handler.stepping import MODEL, WRITES, AwsCall, StepClock, carried_out, importing, stepping


@dataclass(frozen=True)
class Way:
    """How a deployment goes.

    `rolled_back`: after so many calls of the handler another resource fails, or a human cancels. `beside`: a second
    delivery at the same time, of the same event (-1) or of an earlier one. `order`: who of several goes on next.
    `heard`: whether the handler's answer reaches CloudFormation. `taken_back_in`: the status in which a failed Update
    is taken back alone, with `no_rollback`; nothing if it isn't.
    """

    faults: tuple[CallFault, ...] = ()
    rolled_back: int | None = None
    rollback_faults: tuple[CallFault, ...] = ()
    beside: int | None = None
    order: tuple[int, ...] = ()
    heard: bool = True
    fresh_code: bool = True
    no_rollback: bool = False
    taken_back_in: str = ""
    old_shape: bool = False


FAULTLESS = Way()


class Life(AwsAccount):
    """An account, its stacks, and what CloudFormation and humans do to them."""

    def __init__(self, readings: Readings, records: Records, verified_name: str = "") -> None:
        super().__init__(readings, verified_name)
        self._records = records
        self.old_is_attempted = False
        """Whether a retry's OldResourceProperties are the last attempted ones: AWS documents it nowhere."""
        self.stacks: dict[str, LifeStack] = {}
        self.live: dict[str, LifeStack] = {}
        self.events: list[dict[str, Any]] = []
        self.made_by: dict[str, str] = {}
        self.own_tasks: set[str] = set()
        """The profile tasks that a stack has started, not a human."""
        self.tokens: dict[str, str] = {}
        """The client tokens of profile tasks, by the requests."""
        self.publishable: set[str] = set()
        """The partners whose profile a template, or a human, has made public at some time."""
        self._count = 0

    def perform(self, delivery: LifeDelivery, call: AwsCall) -> dict[str, Any]:
        """Carries out a call of a delivery."""
        if call.operation == "DescribeStacks":
            return self.stacks[call.members["StackName"]].described()
        if call.operation == "ListImports":
            return importing(self.live.values(), call)
        if call.operation in {"GetParameter", "GetSecretValue"}:
            return self.stored_code(call)
        return self._partner_central(delivery, call)

    def _partner_central(self, delivery: LifeDelivery, call: AwsCall) -> dict[str, Any]:
        if call.operation in WRITES:
            delivery.before_write(call)
        errors = list(problems(MODEL.operation_model(call.operation).input_shape, call.members))
        assert not errors, f"{call.operation} that botocore or AWS would refuse"
        answer = carried_out(self.service, call)
        if call.operation == "CreatePartner":
            self.made_by.setdefault(answer["Arn"], delivery.event["RequestId"])
        if call.operation == "StartProfileUpdateTask":
            self.own_tasks.add(answer["TaskId"])
        return answer

    def may_write(self, event: dict[str, Any], partner: Any) -> bool:
        """Whether an event gives its handler a right to change a partner."""
        wanted = event["ResourceProperties"]
        if is_profile(event):
            return bool(wanted.get("PartnerArn") == partner.arn)
        if event["RequestType"] == "Create" and wanted["ExistingPartnerId"] == partner.id:
            return True
        if self.made_by.get(partner.arn) == event["RequestId"]:
            return True
        at_home = event.get("PhysicalResourceId") == partner.arn
        if partner.catalog == "Sandbox" and (at_home or same_name(partner.legal_name, wanted.get("LegalName", ""))):
            return True
        if OWNER_TAG not in partner.tags or "Owner" not in wanted:
            return bool(at_home)
        owner = Owner.from_tag(partner.tags[OWNER_TAG])
        ours = Owner.of(event["StackId"], wanted["Owner"]["StackName"], wanted["Owner"]["ConstructPath"])
        return bool(owner.stack == ours.stack if at_home else owner.is_same_construct(ours))

    # What must hold

    def check_answer(self, delivery: LifeDelivery) -> None:
        """Holds the end of a delivery against what must hold for each."""
        texts = [*self._records.texts, repr(delivery.answer)]
        self._records.texts.clear()
        if delivery.error:
            assert len(str(delivery.error)) <= REASON_LIMIT, "a reason too long for CloudFormation"
            texts += traceback.format_exception(delivery.error)
        self._check_silence(" ".join(texts))
        if delivery.answer:
            self._check_success(delivery, delivery.answer)

    def _check_silence(self, text: str) -> None:
        numbers = re.findall(r"(?<![0-9A-Za-z])[0-9]{6}(?![0-9A-Za-z])", text)
        assert not self.all_codes.intersection(numbers), f"a code in {text}"
        assert "canary" not in text.lower(), f"a value of the user's in {text}"

    def _check_success(self, delivery: LifeDelivery, answer: Answer) -> None:
        event = delivery.event
        if is_profile(event):
            check_success(self, delivery, answer)
            return
        if "/catalog/AWS/" in event.get("PhysicalResourceId", ""):
            assert answer.physical_id == event["PhysicalResourceId"], "another physical id"
        if not TOLERANT.intersection({delivery.first_told, delivery.told}):
            assert self.partner(answer.physical_id), "success without a partner"
        if delivery.outputs.get("PartnerArn") == answer.physical_id:
            known = delivery.outputs["PartnerProfileId"]
            is_kept = known not in {partner.profile_id for partner in self.partners}  # of one that was wiped
            assert is_kept or known == answer.data["ProfileId"], f"ProfileId fell back to {answer.data['ProfileId']}"

    def check(self) -> None:
        """What must hold after each step."""
        tagged = [(partner.catalog, partner.tags[OWNER_TAG]) for partner in self.partners if OWNER_TAG in partner.tags]
        tags = ((catalog, (owner := Owner.from_tag(tag)).stack, owner.path) for catalog, tag in tagged)
        owners = Counter(tags)
        assert not owners or max(owners.values()) == 1, "two partners of one stack and construct"
        for arn, made in self.foreign.items():
            assert shown(self.partner(arn)) == made, "a foreign partner was touched"
        check_profiles(self)
        for stack in self.live.values():
            assert not stack.status.endswith(("ROLLBACK_FAILED", "DELETE_FAILED")), stack.status
            assert not is_partner_arn(stack.arn) or "/Sandbox/" in stack.arn or self.partner(stack.arn), (
                "a stack without its partner"
            )

    # CloudFormation

    def deploy(self, name: str, changes: dict[str, Any], way: Way = FAULTLESS) -> HandlerError | None:
        """Creates or updates a stack with a changed template; tells why the handler refused, if it did."""
        if name == PROFILES and not self.partners:
            return None
        stack = self.live.get(name)
        if stack is None or stack.status == "ROLLBACK_COMPLETE":
            stack = self._new_stack(name, stack.template if stack else BASE if name == PROFILES else _BASE)
        known = {key: value for key, value in changes.items() if key in stack.template}
        stack.template = {**stack.template, **known, **({} if self.readings.one_partner_per_catalog else _AT_HOME)}
        if way.fresh_code:
            self.request_code(stack)
        wanted = self._wanted(stack)
        if stack.arn and wanted == stack.deployed and stack.status != "UPDATE_FAILED":
            return None
        self._begin(stack)
        if stack.status != "CREATE_IN_PROGRESS":
            stack.status = "UPDATE_IN_PROGRESS"
        figures["deployments"] += 1
        return self._update(stack, wanted, way) if stack.arn else self._create(stack, wanted, way)

    def _begin(self, stack: LifeStack) -> None:
        """Another operation of the stack begins."""
        self._count += 1
        stack.began = self.now + timedelta(microseconds=self._count)

    def _new_stack(self, name: str, template: dict[str, Any]) -> LifeStack:
        if name in self.live:
            self.live[name].status = "DELETE_COMPLETE"
        self._count += 1
        stack_id = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/{self._count}"
        stack = self.live[name] = self.stacks[stack_id] = LifeStack(name=name, id=stack_id, template=template)
        return stack

    def _wanted(self, stack: LifeStack) -> dict[str, Any]:
        template = stack.template
        if stack.name == PROFILES:
            return wanted_profile(self, stack)
        made = {
            "LegalName": template["legal_name"].format(stack.name),
            "PrimarySolutionType": template["solution"],
            "AllianceLeadContact": contact_of(template["email"].format(stack.name), template["title"]),
            "ExistingPartnerId": self._adopted(template["existing"]),
            "Owner": {"StackName": stack.name, "ConstructPath": template["path"]},
        }
        if template["catalog"] == "Sandbox":
            return sandbox(**made)
        tags = [{"Key": key, "Value": value} for key, value in template["tags"].items()]
        return properties(**made, Tags=tags, EmailVerificationCode=self._code_source(stack))

    def _adopted(self, existing: int | None) -> str:
        if existing is None:
            return ""
        return self.partners[existing % len(self.partners)].id if self.partners else "partner-0000000000000"

    def _code_source(self, stack: LifeStack) -> dict[str, str]:
        code = self._codes.get(stack.name, "999999")
        secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:/{stack.name}"
        return {
            "ParameterStore": {"From": "ParameterStore", "Name": f"/{stack.name}"},
            "SecretsManager": {"From": "SecretsManager", "SecretId": secret, "JsonField": "code"},
            "Parameter": {"From": "Parameter", "Value": code},
        }[stack.template["code"]]

    def _event(self, kind: str, stack: LifeStack, wanted: dict[str, Any], **more: Any) -> dict[str, Any]:
        self._count += 1
        event = {
            "RequestType": kind,
            "StackId": stack.id,
            "RequestId": str(self._count),
            "LogicalResourceId": "Partner",
            "ResourceType": f"Custom::Partner{'Profile' if stack.name == PROFILES else 'Account'}",
            "ResourceProperties": wanted,
            **more,
        }
        if wanted.get("Visibility") == "PUBLIC":
            self.publishable.add(wanted["PartnerArn"])
        self.events.append(event)
        self._end_foreignness(event)
        return event

    def _end_foreignness(self, event: dict[str, Any]) -> None:
        for partner in self.partners:
            if partner.arn in self.foreign and not is_profile(event) and self.may_write(event, partner):
                del self.foreign[partner.arn]

    def _create(self, stack: LifeStack, wanted: dict[str, Any], way: Way) -> HandlerError | None:
        delivery = LifeDelivery(self, self._event("Create", stack, wanted), way.faults)
        updating = stack.status == "UPDATE_IN_PROGRESS"

        def roll_back() -> list[LifeDelivery]:
            stack.status = "UPDATE_ROLLBACK_IN_PROGRESS" if updating else "ROLLBACK_IN_PROGRESS"
            self._retain(stack, f"{stack.name}-Partner-1ABC")
            return []

        rolled_back = self._run([delivery, *self._beside(delivery, way)], way, roll_back)
        if delivery.answer and way.heard and not rolled_back:
            self._complete(stack, delivery.answer, wanted, "UPDATE_COMPLETE" if updating else "CREATE_COMPLETE")
        elif way.no_rollback and not rolled_back:
            stack.status = "UPDATE_FAILED" if updating else "CREATE_FAILED"
        else:
            roll_back()
            stack.status = "UPDATE_ROLLBACK_COMPLETE" if updating else "ROLLBACK_COMPLETE"
        return delivery.error

    def _update(self, stack: LifeStack, wanted: dict[str, Any], way: Way) -> HandlerError | None:
        had_own_path = self._has_own_path(stack)
        last = stack.attempted if self.old_is_attempted and stack.attempted else stack.deployed
        old = {"SchemaVersion": "0"} if way.old_shape else last
        stack.attempted = {}
        delivery = LifeDelivery(
            self,
            self._event("Update", stack, wanted, OldResourceProperties=old, PhysicalResourceId=stack.arn),
            way.faults,
        )
        reversed_updates: list[LifeDelivery] = []

        def roll_back() -> list[LifeDelivery]:
            stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
            arn = delivery.answer.physical_id if delivery.answer and way.heard else stack.arn
            event = self._event("Update", stack, old, OldResourceProperties=wanted, PhysicalResourceId=arn)
            reversed_updates.append(LifeDelivery(self, event, way.rollback_faults, spared="DescribeStacks"))
            return reversed_updates

        rolled_back = self._run([delivery, *self._beside(delivery, way)], way, roll_back)
        if delivery.answer and way.heard and not rolled_back:
            self._complete(stack, delivery.answer, wanted, "UPDATE_COMPLETE")
        elif way.no_rollback and not rolled_back:
            self._take_back_alone(stack, delivery, way)
        else:
            if not rolled_back:
                self._run(roll_back(), way)
            self._rolled_back(stack, reversed_updates[0])
            is_faulty = way.faults or way.rollback_faults or way.beside is not None or way.old_shape
            assert is_faulty or not had_own_path or self._has_own_path(stack), "the rollback leads away"
        stack.template = {**stack.template, **self._back(stack)}
        return delivery.error

    def _take_back_alone(self, stack: LifeStack, failed: LifeDelivery, way: Way) -> None:
        """With `--no-rollback` the failed resource alone goes back, in a status that nobody documents; or it stays."""
        event = failed.event
        stack.attempted = event["ResourceProperties"]
        if way.taken_back_in:
            stack.status = way.taken_back_in
            members = {"OldResourceProperties": stack.attempted, "PhysicalResourceId": stack.arn}
            reversed_update = self._event("Update", stack, event["OldResourceProperties"], **members)
            delivery = LifeDelivery(self, reversed_update, way.rollback_faults, spared="DescribeStacks")
            self._run([delivery], way)
            assert delivery.answer or way.taken_back_in == "UPDATE_IN_PROGRESS", "a stack in need of a human"
        stack.status = "UPDATE_FAILED"

    def _has_own_path(self, stack: LifeStack) -> bool:
        """Whether the ownership tag names the path that the stack's template has, or another stack."""
        partner = self.partner(stack.arn)
        if stack.name == PROFILES or partner is None or OWNER_TAG not in partner.tags:
            return True
        owner, wanted = Owner.from_tag(partner.tags[OWNER_TAG]), stack.deployed["Owner"]
        ours = Owner.of(stack.id, wanted["StackName"], wanted["ConstructPath"])
        return owner.stack != ours.stack or owner.path == ours.path

    def _rolled_back(self, stack: LifeStack, delivery: LifeDelivery) -> None:
        if delivery.answer is None:
            stack.status = "UPDATE_ROLLBACK_FAILED"
            raise AssertionError(f"UPDATE_ROLLBACK_FAILED: {delivery.error}")
        self._complete(stack, delivery.answer, stack.deployed, "UPDATE_ROLLBACK_COMPLETE")

    def _back(self, stack: LifeStack) -> dict[str, Any]:
        """After a failed Update humans go back to what is deployed, where they can't go on."""
        names = {"catalog": "Catalog", "legal_name": "LegalName", "solution": "PrimarySolutionType"}
        return {name: stack.deployed[member] for name, member in names.items() if name in stack.template}

    def _complete(self, stack: LifeStack, answer: Answer, wanted: dict[str, Any], status: str) -> None:
        if stack.arn and stack.arn != answer.physical_id:
            self._retain(stack, stack.arn)
        stack.status, stack.arn, stack.deployed = status, answer.physical_id, wanted
        shown, stack.outputs = stack.outputs, {wanted["OutputPrefix"] + key: told for key, told in answer.data.items()}
        kinds = {"Partner": {"Arn", "Id", "ProfileId"}, "Profile": {"ProfileId", "TaskStatus"}}
        assert set(answer.data) == kinds[wanted["OutputPrefix"]], "an attribute is missing"
        for output in stack.imported:
            assert stack.outputs[output] == shown.get(output), f"{output} changes, which another stack imports"

    def _beside(self, delivery: LifeDelivery, way: Way) -> list[LifeDelivery]:
        if way.beside is None:
            return []
        event = delivery.event if way.beside < 0 else self.events[way.beside % len(self.events)]
        creates = {event["RequestType"], delivery.event["RequestType"]} == {"Create"} and event is not delivery.event
        if event["RequestType"] == "Delete" or (creates and not self.readings.one_partner_per_catalog):
            return []
        return [LifeDelivery(self, event, way.rollback_faults)]

    def _run(
        self, deliveries: list[LifeDelivery], way: Way, meanwhile: Callable[[], list[LifeDelivery]] | None = None
    ) -> bool:
        """Lets deliveries go on, call by call, and tells whether they were rolled back meanwhile."""
        order, calls, rolled_back = iter(way.order), 0, False
        running = list(deliveries)
        while True:
            waiting = [delivery for delivery in running if delivery.pending]
            due = way.rolled_back is not None and (calls >= way.rolled_back or not waiting)
            if meanwhile and due and not rolled_back:
                rolled_back = True
                running += meanwhile()
            elif waiting:
                waiting[next(order, 0) % len(waiting)].go_on()
                calls += 1
                _let_others_go_on()
            else:
                return rolled_back

    def together(self, order: Sequence[int], *operations: Callable[[], Any]) -> None:
        """Lets several deployments go on at the same time, call by call."""
        turns = iter(order)
        running = [greenlet.greenlet(operation) for operation in operations]
        while running:
            running[next(turns, 0) % len(running)].switch()
            running = [one for one in running if not one.dead]

    def redeliver(self, number: int, faults: Sequence[CallFault] = ()) -> None:
        """Lambda delivers an earlier event again; CloudFormation does not hear the answer."""
        event = self.events[number % len(self.events)]
        if event["RequestType"] != "Delete":
            self._run([LifeDelivery(self, event, faults)], FAULTLESS)

    def read(self, name: str, output: int, *, lets_go: bool) -> None:
        """Another stack imports an output, or nobody does any longer."""
        stack = self.live.get(name)
        if lets_go or stack is None or not stack.outputs:
            for one in self.live.values():
                one.imported.clear()
        else:
            stack.imported.add(sorted(stack.outputs)[output % len(stack.outputs)])

    def delete(self, name: str) -> None:
        """Deletes a stack."""
        stack = self.live.pop(name)
        stack.imported.clear()
        stack.status = "DELETE_IN_PROGRESS"
        self._retain(stack, stack.arn or "not-created-1")
        stack.status = "DELETE_COMPLETE"

    def remove(self, name: str) -> None:
        """Removes the partner from a stack that stays."""
        stack = self.live[name]
        stack.imported.clear()
        self._begin(stack)
        self._retain(stack, stack.arn or "not-created-1")
        stack.status, stack.arn, stack.deployed, stack.outputs = "UPDATE_COMPLETE", "", {}, {}

    def _retain(self, stack: LifeStack, physical_id: str) -> None:
        """A Delete, as CloudFormation would send it without the policy Retain."""
        event = self._event("Delete", stack, stack.deployed or {}, PhysicalResourceId=physical_id)
        answer = stepping(read_request(event), StepClock(180.0, lambda: self.now)).switch()
        assert answer == Answer(physical_id, {}, Report(Outcome.RETAINED)), "DELETE_FAILED"

    # The end

    def converge(self, name: str) -> None:
        """Without faults and with a fresh code, a deployment succeeds once its human has followed the remedies."""
        if name == PROFILES and not self.partners:
            return
        self._count += 1
        self.pass_a_day()
        self.account.plan_profile_tasks(reads=0)
        tags = self.live[name].template.get("tags", {})
        changes = {"title": f"Canary {self._count}", "tags": {key: str(self._count) for key in (*tags, "last")}}
        error = self.deploy(name, {**changes, "display_name": f"Example {self._count}"})
        for _ in range(3):
            if error and name == PROFILES and remedy_of_profile(self, error, self.live[name]):
                error = self.deploy(name, {})
            elif error and (remedy := self._remedy(error, self.live[name])):
                figures["remedies followed"] += 1
                error = self.deploy(name, remedy)
        stack = self.live[name]
        figures["refused at the end" if error else "converged"] += 1
        if error:
            is_decided = name != PROFILES and self._is_decided(error, stack)
            assert is_decided, f"no remedy of ours helps: {error}"
        else:
            self._check_converged(stack)

    def _remedy(self, error: HandlerError, stack: LifeStack) -> dict[str, Any]:
        """What a human changes in the template, as the error says; nothing if it is for others to act."""
        partners = self.partners
        if error.code == "CreateOnly" and (own := self.partner(stack.arn)):
            return {"legal_name": own.legal_name, "solution": own.profile["PrimarySolutionType"]}
        if error.code in {"PartnerNotFound", "OtherPartner"}:
            return {"existing": None}
        if error.code == "PartnerExists":
            return {"existing": next(i for i, partner in enumerate(partners) if f"{partner.id}," in str(error))}
        if error.code == "LegalNameDiffers":
            return {"legal_name": partners[stack.template["existing"] % len(partners)].legal_name}
        return {"legal_name": self.verified_name} if "INCOMPATIBLE_LEGAL_NAME" in str(error) else {}

    def _check_converged(self, stack: LifeStack) -> None:
        assert stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, stack.status
        if stack.name == PROFILES:
            check_converged(self, stack)
            return
        partner, wanted = self.partner(stack.arn), stack.deployed
        assert partner.contact == wanted["AllianceLeadContact"], "another contact than the template's"
        if partner.catalog == "AWS":
            expected = {tag["Key"]: tag["Value"] for tag in wanted["Tags"]}
            assert expected.items() <= partner.tags.items(), "other tags than the template's"
            assert Owner.from_tag(partner.tags[OWNER_TAG]).is_same_construct(stack.owner), "another owner"

    def _is_decided(self, error: HandlerError, stack: LifeStack) -> bool:
        """Whether the refusal names what only a human can decide, and is true."""
        catalog, wanted = stack.template["catalog"], self._wanted(stack)
        neighbours = [partner for partner in self.partners if partner.catalog == catalog]
        others = [
            partner
            for partner in neighbours
            if not Owner.from_tag(partner.tags.get(OWNER_TAG, "")).is_same_construct(stack.owner)
        ]
        adopting = bool(wanted["ExistingPartnerId"])
        if error.code == "OtherOwner":
            return Owner.from_tag(self.partner(stack.arn).tags[OWNER_TAG]).stack != stack.owner.stack
        if "INCOMPATIBLE_LEGAL_NAME" in str(error):
            return not same_name(self.verified_name, wanted["LegalName"])
        if error.code == "PartnerExists" and catalog == "Sandbox":
            return any(same_name(partner.legal_name, wanted["LegalName"]) for partner in others)
        if error.code == "PartnerExists":
            return bool(others) and not adopting
        if error.code == "ConflictException/DUPLICATE_PARTNER":
            taken = any(same_name(partner.legal_name, wanted["LegalName"]) for partner in others)
            return taken or (self.readings.one_partner_per_catalog and bool(others))
        return adopting and error.code in {"PartnerNotFound", "LegalNameDiffers", "SeveralPartners"}


_AT_HOME = {"path": "Partner"}


def _let_others_go_on() -> None:
    parent = greenlet.getcurrent().parent
    if parent is not None:
        parent.switch()


_BASE = {
    "catalog": "AWS",
    "legal_name": "Canary {}",
    "solution": "SOFTWARE_PRODUCTS",
    "title": "Canary",
    "email": "canary@{}.example",
    "tags": {"team": "1"},
    "code": "ParameterStore",
    "existing": None,
    "path": "Partner",
}
