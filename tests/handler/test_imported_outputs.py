"""What a stack shows, and another imports, stays as it is: no reader of an output makes a deployment fail.

Each story is told by the strict CloudFormation, which fails an update, and a rollback, that would change an export that
another stack imports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.handler.cloud import Cloud, Deployed, VirtualTime, contact, profile, properties, sandbox
from tests.handler.cloudformation import CustomResourceStack, DeployedFunction
from tests.handler.log_lines import lines_of

pytestmark = pytest.mark.slow

PENDING = "pending"
TITLES = iter(f"Title {number}" for number in range(1000))


def changed(wanted: dict[str, Any]) -> dict[str, Any]:
    """The same with another contact, or another description if it is a profile's."""
    if "PartnerArn" in wanted:
        return {**wanted, "Description": f"We give examples: {next(TITLES)}."}
    return {**wanted, "AllianceLeadContact": contact(BusinessTitle=next(TITLES))}


@dataclass
class ReadStack:
    """A stack whose partner, or profile, shows `pending` though the service has an id for it by now."""

    world: DeployedFunction
    stack: CustomResourceStack
    wanted: dict[str, Any]

    def update(self, **options: Any) -> str:
        """A deployment that changes something; returns the status that it ends in."""
        wanted = changed(self.wanted)
        self.stack.update(wanted, **options)
        if self.stack.status == "UPDATE_COMPLETE":
            self.wanted = wanted
        return self.stack.status

    @property
    def shown(self) -> str:
        """The profile id that the stack shows."""
        return self.stack.attributes["ProfileId"]

    @property
    def real(self) -> str:
        """The profile id that the service returns."""
        return str(self.world.cloud.partners[0].profile_id)

    def kept(self) -> list[str]:
        """The log lines about kept values."""
        (runtime,) = self.world.runtimes
        return [line["message"] for line in lines_of(runtime.output) if "import" in line["message"]]


def without_id(world: DeployedFunction, make: Any) -> None:
    """Does something while the service returns no profile id."""
    for operation in ("CreatePartner", "GetPartner", "GetProfileVisibility"):
        world.cloud.fail(operation, "no-profile-id", times=None)
    make()
    world.cloud.simulator.faults.clear()


def read_stack(world: DeployedFunction, kind: str, *, outputs: bool = True, **options: Any) -> ReadStack:
    """A stack with that type of resource, created while the service returned no profile id."""
    prefix: dict[str, Any] = {} if outputs else {"OutputPrefix": None}
    if kind == "PartnerAccount":
        wanted = {name: value for name, value in properties(**prefix).items() if value is not None}
    else:
        world.cloud.account.plan_profile_tasks(reads=0)
        wanted = profile(world.cloud.add_partner().arn, **prefix)
    stack = world.stack(kind=kind, **options)
    without_id(world, lambda: stack.create(wanted))
    assert (stack.status, stack.attributes["ProfileId"]) == ("CREATE_COMPLETE", PENDING)
    return ReadStack(world, stack, wanted)


KINDS = {"PartnerAccount": "Root-Partner-ProfileId", "PartnerProfile": "Root-Profile-ProfileId"}


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    """Each resource that has a ProfileId."""
    return str(request.param)


@pytest.fixture
def read(world: DeployedFunction, kind: str) -> ReadStack:
    """With the outputs that the construct makes."""
    return read_stack(world, kind)


def test_pending_that_nobody_imports_becomes_the_real_id(read: ReadStack) -> None:
    """And stays so; nothing is logged about imports."""
    for _ in range(2):
        assert (read.update(), read.shown, read.kept()) == ("UPDATE_COMPLETE", read.real, [])


@pytest.mark.parametrize("shown_by", ["our output", "our output and a reference", "a reference", "the outermost stack"])
def test_imported_pending_is_kept_while_imported(world: DeployedFunction, kind: str, shown_by: str) -> None:
    """Each update succeeds, and its log says what was kept and why: `pending` in any own export counts as shown.

    The outputs of a nested stack aren't exported: its value is, two levels above.
    """
    reference = "Root:ExportsOutputFnGetAttResourceProfileId"  # as CDK names it
    exports = {} if shown_by == "our output" else {reference: "ProfileId"}
    middle = world.cloud.new_stack("Middle", world.cloud.stack_id) if shown_by == "the outermost stack" else ""
    read = read_stack(world, kind, outputs=shown_by != "a reference", parent_id=middle, exports=exports)
    if middle:
        world.cloud.set_outputs(middle, Passed=PENDING)
    world.cloud.set_imports({export: ["Reader"] for export in exports or [KINDS[kind]]})
    for number in (1, 2):
        assert (read.update(), read.shown, len(read.kept())) == ("UPDATE_COMPLETE", PENDING, number)
    world.cloud.set_imports({})
    assert (read.update(), read.shown) == ("UPDATE_COMPLETE", read.real)


def test_import_of_another_attribute_or_export_keeps_nothing(read: ReadStack) -> None:
    """The ARN doesn't change, and what another stack exports is no concern of this one."""
    read.world.cloud.set_imports({"Root-Partner-Arn": ["Reader"], "Root-Partner-Id": ["Reader"], "Other": ["Reader"]})
    assert (read.update(), read.shown) == ("UPDATE_COMPLETE", read.real)


@pytest.mark.parametrize("imported", [True, False])
@pytest.mark.parametrize("outputs", [True, False])
def test_rollback_shows_what_the_stack_showed_before(
    world: DeployedFunction, kind: str, *, imported: bool, outputs: bool
) -> None:
    """Whatever the forward update has answered, also if the reader began to import meanwhile."""
    export = "Own-ProfileId"
    read = read_stack(world, kind, outputs=outputs, exports={export: "ProfileId"})
    world.cloud.set_imports({export: ["Reader"]} if imported else {})
    assert read.update(another_fails=True) == "UPDATE_ROLLBACK_COMPLETE"
    assert read.shown == PENDING or not (imported or outputs)


def test_import_added_during_an_update_causes_a_rollback_and_nothing_else(read: ReadStack, kind: str) -> None:
    """The answer was sent before: CloudFormation refuses the export, and the rollback keeps what is imported."""
    read.stack.meanwhile = lambda: read.world.cloud.set_imports({KINDS[kind]: ["Reader"]})
    assert (read.update(), read.shown) == ("UPDATE_ROLLBACK_COMPLETE", PENDING)
    assert (read.update(), read.shown) == ("UPDATE_COMPLETE", PENDING)


def test_known_id_never_falls_back_while_the_service_returns_none(read: ReadStack) -> None:
    """Even without imports: the stack's own output has it."""
    assert read.update() == "UPDATE_COMPLETE"
    without_id(read.world, read.update)
    assert (read.stack.status, read.shown) == ("UPDATE_COMPLETE", read.real)


class TestWipedSandbox:
    """A Sandbox partner that was made anew has another ARN and id."""

    EXPORTS = ("Arn", "Id")

    @pytest.fixture
    def read(self, world: DeployedFunction) -> ReadStack:
        """Its partner is gone."""
        stack = world.stack()
        stack.create(sandbox())
        world.cloud.account.delete_partner(stack.attributes["Id"])
        return ReadStack(world, stack, sandbox())

    @pytest.mark.parametrize("imported", EXPORTS)
    def test_imported_value_of_the_former_partner_is_kept_while_imported(self, read: ReadStack, imported: str) -> None:
        """The resource is the new partner at once, and a later update finds it by its physical id."""
        before = dict(read.stack.attributes)
        read.world.cloud.set_imports({f"Root-Partner-{imported}": ["Reader"]})
        for _ in range(2):
            assert read.update() == "UPDATE_COMPLETE"
            assert read.stack.physical_id == read.world.arn() != before["Arn"]
            assert read.stack.attributes[imported] == before[imported]
            assert read.kept()
        assert read.world.cloud.partners[0].contact == read.wanted["AllianceLeadContact"]
        read.world.cloud.set_imports({})
        assert read.update() == "UPDATE_COMPLETE"
        assert read.stack.attributes["Arn"] == read.world.arn()
        assert read.stack.attributes["Id"] == read.world.cloud.partners[0].id

    def test_kept_value_is_not_mistaken_for_the_partner(self, read: ReadStack) -> None:
        """A Create that is delivered again finds the new one, and the next update asks about the new one only."""
        read.world.cloud.set_imports({"Root-Partner-Arn": ["Reader"]})
        read.update()
        mark = read.world.cloud.mark
        read.update()
        named = {request.input.get("Identifier") for request in read.world.cloud.simulator.requests[mark:]}
        assert named - {None} == {read.world.arn()}


class TestTwoInOneStack:
    """A partner and its profile show a profile id each, under exports of their own."""

    @pytest.fixture
    def both(self, world: DeployedFunction) -> tuple[ReadStack, ReadStack]:
        """The partner was created without an id, the profile later, with one."""
        account = read_stack(world, "PartnerAccount")
        world.cloud.account.plan_profile_tasks(reads=0)
        wanted = profile(world.arn())
        stack = world.stack(kind="PartnerProfile", beside=account.stack)
        stack.update(wanted)
        assert stack.attributes == {"ProfileId": account.real, "TaskStatus": "SUCCEEDED"}
        return account, ReadStack(world, stack, wanted)

    def test_imported_pending_of_one_construct_and_imported_id_of_another_are_kept(
        self, world: DeployedFunction, both: tuple[ReadStack, ReadStack]
    ) -> None:
        """Neither takes the other's value, in updates and rollbacks of both."""
        account, own = both
        world.cloud.set_imports({export: ["Reader"] for export in KINDS.values()})
        for fails in (False, True, False):
            for read, shown in ((account, PENDING), (own, account.real)):
                status = "UPDATE_ROLLBACK_COMPLETE" if fails else "UPDATE_COMPLETE"
                assert (read.update(another_fails=fails), read.shown) == (status, shown)

    def test_import_of_another_constructs_id_keeps_no_pending(
        self, world: DeployedFunction, both: tuple[ReadStack, ReadStack]
    ) -> None:
        """Each reader locks what it reads."""
        account, _ = both
        world.cloud.set_imports({KINDS["PartnerProfile"]: ["Reader"]})
        assert (account.update(), account.shown) == ("UPDATE_COMPLETE", account.real)


def test_template_that_only_adds_output_prefix_writes_nothing(world: DeployedFunction) -> None:
    """As when the package is updated: manual changes are kept."""
    former = {name: value for name, value in properties().items() if name != "OutputPrefix"}
    stack = world.stack()
    stack.create(former)
    world.cloud.account.change_contact(world.cloud.partners[0].id, BusinessTitle="CTO")
    mark = world.cloud.mark
    stack.update(properties())
    assert (stack.status, world.cloud.writes(mark)) == ("UPDATE_COMPLETE", [])


def test_imported_task_status_is_kept(world: DeployedFunction) -> None:
    """The construct doesn't export it; the user may."""
    world.cloud.account.plan_profile_tasks(reads=None)
    wanted = profile(world.cloud.add_partner().arn)
    stack = world.stack(kind="PartnerProfile", exports={"Status": "TaskStatus"})
    stack.create(wanted)
    world.cloud.set_imports({"Status": ["Reader"]})
    world.cloud.account.plan_profile_tasks(reads=0)
    stack.update(changed(wanted))
    assert (stack.status, stack.attributes["TaskStatus"]) == ("UPDATE_COMPLETE", "IN_PROGRESS")
    world.cloud.set_imports({})
    stack.update(changed(wanted))
    assert (stack.status, stack.attributes["TaskStatus"]) == ("UPDATE_COMPLETE", "SUCCEEDED")


def test_profile_of_another_partner_keeps_the_imported_id_of_the_former_ones(world: DeployedFunction) -> None:
    """It is a replacement, whose profile is written all the same."""
    world.cloud.account.plan_profile_tasks(reads=0)
    former, latter = world.cloud.add_partner(), world.cloud.add_partner("Other Corp", catalog="Sandbox")
    stack = world.stack(kind="PartnerProfile")
    stack.create(profile(former.arn))
    world.cloud.set_imports({KINDS["PartnerProfile"]: ["Reader"]})
    stack.update(profile(latter.arn))
    assert (stack.status, stack.physical_id) == ("UPDATE_COMPLETE", f"profile-of-{latter.id}")
    assert stack.attributes["ProfileId"] == former.profile_id
    assert world.cloud.account.partner(latter.id).has_profile


# What CloudFormation answers, or doesn't: without its stand-in

TIMEOUT = ReadTimeoutError(endpoint_url="")
DENIED, THROTTLED = (ClientError({"Error": {"Code": code}}, "") for code in ("AccessDenied", "Throttling"))


@pytest.mark.parametrize("unanswered", ["list_imports", "describe_stacks"])
@pytest.mark.parametrize("failure", [TIMEOUT, DENIED, THROTTLED], ids=["hangs", "denied", "throttled"])
def test_value_is_kept_in_time_if_imports_are_unknown(cloud: Cloud, unanswered: str, failure: Exception) -> None:
    """Neither that question nor one about the stack around may cost the update, or its time."""
    root = cloud.stack_id
    cloud.stack_id = nested = cloud.new_stack("Nested", root)
    deployed = Deployed(cloud)
    cloud.set_outputs(nested, PartnerArn=deployed.arn, PartnerId=deployed.partner.id, PartnerProfileId=PENDING)
    cloud.set_outputs(root, Own=(PENDING, "Own"))
    time = VirtualTime()

    def between(operation: str, call: Callable[..., Any], members: dict[str, Any]) -> Any:
        if operation == unanswered and members.get("StackName") != nested:
            time.seconds -= 7
            raise failure
        return call(**members)

    cloud.between = between
    answer = deployed.update(properties(), changed(properties()), time)
    assert answer.data == {"Arn": deployed.arn, "Id": deployed.partner.id, "ProfileId": PENDING}
    assert deployed.writes() == ["PutAllianceLeadContact"]
    assert time.seconds >= 17


@pytest.mark.parametrize("kind", KINDS)
def test_unchanged_values_cause_no_import_lookup(cloud: Cloud, kind: str) -> None:
    """An ordinary update makes no request more than before."""
    deployed = Deployed(cloud)
    cloud.account.plan_profile_tasks(reads=0)
    wanted = profile(deployed.arn) if kind == "PartnerProfile" else properties()
    made = cloud.create(wanted)
    exported: dict[str, Any] = {f"{wanted['OutputPrefix']}{name}": (value, name) for name, value in made.data.items()}
    cloud.set_outputs(**{**exported, "ProfileTaskStatus": "SUCCEEDED"})
    cloud.asked.clear()
    cloud.update(made.physical_id, wanted, changed(wanted))
    assert "list_imports" not in cloud.asked


# Outputs of the user's own


def without_outputs(world: DeployedFunction, **exports: str) -> tuple[CustomResourceStack, dict[str, Any]]:
    """A profile without the construct's outputs, whose attributes the user exports."""
    world.cloud.account.plan_profile_tasks(reads=0)
    wanted = profile(world.cloud.add_partner().arn, OutputPrefix=None)
    stack = world.stack(kind="PartnerProfile", exports=exports)
    return stack, wanted


@pytest.mark.parametrize("gained", [{}, {"OutputPrefix": "Profile"}], ids=["without outputs", "gaining outputs"])
@pytest.mark.parametrize("another_fails", [False, True])
def test_imported_task_status_that_the_user_exports_is_kept(
    world: DeployedFunction, gained: dict[str, str], *, another_fails: bool
) -> None:
    """In an update, and in its rollback."""
    stack, wanted = without_outputs(world, Own="TaskStatus")
    world.cloud.account.plan_profile_tasks(reads=None)
    stack.create(wanted)
    world.cloud.set_imports({"Own": ["Reader"]})
    world.cloud.account.plan_profile_tasks(reads=0)
    stack.update(changed(wanted | gained), another_fails=another_fails)
    assert stack.status == ("UPDATE_ROLLBACK_COMPLETE" if another_fails else "UPDATE_COMPLETE")
    assert stack.attributes["TaskStatus"] == "IN_PROGRESS"


def test_imported_id_is_kept_while_the_service_returns_none(world: DeployedFunction) -> None:
    """Also by a profile that was moved, whose outputs have other names now."""
    stack, wanted = without_outputs(world, Own="ProfileId")
    stack.create(wanted | {"OutputPrefix": "Profile"})
    shown = stack.attributes["ProfileId"]
    world.cloud.set_imports({"Own": ["Reader"]})
    for prefix in ({"OutputPrefix": "Moved"}, {}):
        without_id(world, lambda prefix=prefix: stack.update(changed(wanted | prefix)))
        assert (stack.status, stack.attributes["ProfileId"]) == ("UPDATE_COMPLETE", shown)


@pytest.mark.parametrize("kind", KINDS)
def test_imported_partner_id_is_kept_in_a_rollback_while_the_service_is_down(
    world: DeployedFunction, kind: str
) -> None:
    """Without outputs of the construct's own."""
    read = read_stack(world, kind, outputs=False, exports={"Own": "ProfileId"})
    assert (read.update(), read.shown) == ("UPDATE_COMPLETE", read.real)
    world.cloud.set_imports({"Own": ["Reader"]})
    world.cloud.fail("*", "internal-error", times=None)
    assert (read.update(), read.shown) == ("UPDATE_ROLLBACK_COMPLETE", read.real)


def test_imported_pending_that_the_user_exports_by_names_like_ours_is_kept(cloud: Cloud) -> None:
    """It can't be distinguished from another construct's, and keeping it does no harm."""
    partner = cloud.add_partner()
    cloud.account.plan_profile_tasks(reads=0)
    first = profile(partner.arn, OutputPrefix=None)
    made = cloud.create(first)
    cloud.set_outputs(UserProfileId=(PENDING, "Id"), UserTaskStatus=("IN_PROGRESS", "Status"))
    cloud.set_imports({"Id": ["Reader"], "Status": ["Reader"]})
    cloud.set_status("UPDATE_IN_PROGRESS")
    answer = cloud.update(made.physical_id, first, changed(first))
    assert answer.data == {"ProfileId": PENDING, "TaskStatus": "IN_PROGRESS"}


def test_imported_arn_exported_by_the_user_is_kept_after_the_sandbox_is_wiped(world: DeployedFunction) -> None:
    """Without outputs of the construct's own."""
    wanted = {name: value for name, value in sandbox().items() if name != "OutputPrefix"}
    stack = world.stack(exports={"Own": "Arn"})
    stack.create(wanted)
    shown = stack.attributes["Arn"]
    world.cloud.account.delete_partner(stack.attributes["Id"])
    world.cloud.set_imports({"Own": ["Reader"]})
    stack.update(changed(wanted))
    assert (stack.status, stack.attributes["Arn"]) == ("UPDATE_COMPLETE", shown)


@pytest.mark.parametrize("shows_pending", [False, True])
def test_imported_pending_of_the_partner_is_not_the_profiles(world: DeployedFunction, *, shows_pending: bool) -> None:
    """Neither at its Create, nor where it shows `pending` too."""
    account = read_stack(world, "PartnerAccount")
    world.cloud.account.plan_profile_tasks(reads=0)
    stack, wanted = world.stack(kind="PartnerProfile", beside=account.stack), profile(world.arn())
    if shows_pending:
        without_id(world, lambda: stack.update(wanted))
        assert stack.attributes["ProfileId"] == PENDING
        wanted = changed(wanted)
    world.cloud.set_imports({KINDS["PartnerAccount"]: ["Reader"]})
    stack.update(wanted)
    assert (stack.status, stack.attributes["ProfileId"]) == ("UPDATE_COMPLETE", account.real)


def test_answer_on_timeout_keeps_imported_values(cloud: Cloud) -> None:
    """It is prepared when the task has started, with the imports looked up then."""
    partner = cloud.add_partner()
    cloud.account.plan_profile_tasks(reads=0)
    first = profile(partner.arn, OutputPrefix=None)
    made = cloud.create(first)
    cloud.set_outputs(Id=(made.data["ProfileId"], "Id"), Status=("SUCCEEDED", "Status"))
    cloud.set_imports({"Id": ["Reader"], "Status": ["Reader"]})
    cloud.set_status("UPDATE_IN_PROGRESS")
    told: list[Any] = []
    event = cloud.event("Update", changed(first), first, PhysicalResourceId=made.physical_id)
    cloud.deliver(event, on_timeout=told.append)
    assert told[0].data == made.data
