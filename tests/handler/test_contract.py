"""CloudFormation's contract over whole lives of stacks; the first ones with the asset in Lambda's own runtime.

`tests/handler/cloudformation.py` fails a story with a ContractError as soon as an answer breaks the contract.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from partner_account_handler import response
from partner_account_handler.clock import MARGIN_SECONDS
from partner_account_handler.identity import OWNER_TAG
from tests.handler.cloud import contact, properties, sandbox
from tests.handler.cloudformation import (
    Bucket,
    ContractError,
    DeployedFunction,
    Function,
    Put,
    checked,
)
from tests.handler.log_lines import without_times

pytestmark = pytest.mark.slow

LATE = 58.0
"""Seconds of an invocation that has six for its work: the handler keeps back 52, and gives up soon."""

TRIES = 3
"""How often an answer is put that nobody takes, in two seconds; the function would take sixteen."""

CEO = properties(AllianceLeadContact=contact(BusinessTitle="CEO"))
FOREIGN: list[Any] = [
    {},
    None,
    [],
    "text",
    {"RequestType": "Create", "ResourceProperties": properties()},
    {"Records": [{"eventSource": "aws:s3", "ResponseURL": "https://localhost/"}]},
    {"canary": "canary"},
]


@pytest.fixture
def lambda_world(world: DeployedFunction) -> Iterator[DeployedFunction]:
    """The built asset in Lambda's own runtime; it stays warm from its first invocation on."""
    made = replace(world, function=Function(world.start, warm=True))
    with made.function:
        yield made


@pytest.fixture(params=["warm", "fresh"])
def either(request: pytest.FixtureRequest, world: DeployedFunction) -> DeployedFunction:
    """The same, once warm and once with a fresh process for each invocation."""
    return replace(world, function=Function(world.start, warm=request.param == "warm"))


class TestLife:
    """What every stack goes through."""

    def test_create_update_and_delete_keep_one_partner_and_one_id(self, either: DeployedFunction) -> None:
        """A changed contact is written; a deleted stack leaves the partner, and the next one of its name finds it."""
        stack = either.stack()
        with either.function:
            stack.create(properties())
            arn, attributes = either.arn(), stack.attributes
            assert (stack.status, stack.physical_id) == ("CREATE_COMPLETE", arn)
            assert set(attributes) == {"Arn", "Id", "ProfileId"}
            stack.update(CEO)
            assert (stack.status, stack.physical_id, stack.attributes) == ("UPDATE_COMPLETE", arn, attributes)
            stack.delete()
            assert stack.status == "DELETE_COMPLETE"
            stack.create_again(CEO)
        assert (stack.status, stack.physical_id) == ("CREATE_COMPLETE", arn)
        assert either.cloud.partners[0].contact == contact(BusinessTitle="CEO")

    def test_a_sandbox_that_was_wiped_replaces_the_resource(self, world: DeployedFunction) -> None:
        """An Update answers the new partner's ARN, and the Delete of the old one changes nothing."""
        stack = world.stack()
        stack.create(sandbox())
        gone = stack.physical_id
        world.cloud.account.delete_partner(stack.attributes["Id"])
        stack.update(sandbox(AllianceLeadContact=contact(BusinessTitle="CEO")))
        assert (stack.status, stack.physical_id, stack.attributes["Arn"]) == ("UPDATE_COMPLETE", *[world.arn()] * 2)
        assert (stack.requests[-1]["RequestType"], stack.requests[-1]["PhysicalResourceId"]) == ("Delete", gone)


class TestFailedCreate:
    """A Create that fails leaves nothing that anybody must mend."""

    def test_delete_after_a_failed_create_has_the_id_of_the_failed_answer(self, either: DeployedFunction) -> None:
        """The stack rolls back; with a right code the next one of its name succeeds."""
        either.cloud.store_code("000000")
        stack = either.stack()
        with either.function:
            stack.create(properties())
            assert "EmailVerificationCode" in stack.reason
            assert stack.requests[-1]["PhysicalResourceId"].startswith("not-created-")
            assert (stack.status, either.cloud.partners) == ("ROLLBACK_COMPLETE", [])
            either.cloud.prepare()
            stack.create_again(properties())
        assert (stack.status, stack.physical_id) == ("CREATE_COMPLETE", either.arn())

    def test_update_after_a_failed_create_without_rollback_sends_a_create_again(self, world: DeployedFunction) -> None:
        """`cdk deploy --no-rollback` leaves CREATE_FAILED; the corrected stack is updated, its failed id deleted."""
        world.cloud.store_code("000000")
        stack = world.stack()
        stack.create(properties(), rollback=False)
        failed = stack.physical_id
        assert stack.status == "CREATE_FAILED"
        world.cloud.prepare()
        stack.update(properties())
        assert (stack.status, stack.physical_id) == ("UPDATE_COMPLETE", world.arn())
        assert [request["RequestType"] for request in stack.requests] == ["Create", "Create", "Delete"]
        assert stack.requests[-1]["PhysicalResourceId"] == failed

    def test_delete_with_a_generated_id_may_overtake_the_create(self, lambda_world: DeployedFunction) -> None:
        """Another resource fails, CloudFormation gives up while CreatePartner runs: what it makes is found later."""
        world = lambda_world
        stack = world.stack()
        world.cloud.simulator.faults.add("CreatePartner", "delay", seconds=15)
        with ThreadPoolExecutor(1) as pool, Function(world.start, warm=True) as other:
            create = stack.request("Create", properties())
            running = pool.submit(stack.deliver, create)
            while "CreatePartner" not in world.cloud.operations():
                time.sleep(0.02)
                assert not running.done()
            world.cloud.set_status("ROLLBACK_IN_PROGRESS", stack.id)
            delete = stack.request("Delete", properties(), PhysicalResourceId=stack.made_up_id())
            answer = stack.deliver(delete, function=other)
            world.cloud.simulator.faults.release()
            made = running.result()
        assert (answer or {})["Status"] == "SUCCESS"
        assert (made or {})["PhysicalResourceId"] == world.arn()
        stack.create_again(properties())
        assert (stack.status, stack.physical_id) == ("CREATE_COMPLETE", world.arn())


class TestUpdate:
    """No rollback fails for our sake."""

    def test_failure_of_another_resource_reverses_the_update(self, either: DeployedFunction) -> None:
        """The reversed Update restores contact and tags, with the same id."""
        stack = either.stack()
        with either.function:
            stack.create(properties())
            tagged = {**CEO, "Tags": [{"Key": "team", "Value": "sales"}, {"Key": "more", "Value": "x"}]}
            stack.update(tagged, another_fails=True)
        assert (stack.status, stack.physical_id) == ("UPDATE_ROLLBACK_COMPLETE", either.arn())
        (partner,) = either.cloud.partners
        assert partner.contact == contact()
        assert {**partner.tags, OWNER_TAG: ""} == {"team": "alliances", OWNER_TAG: ""}

    @pytest.mark.parametrize("shape", [{"SchemaVersion": "0", "Name": "Example Corp"}, {"SchemaVersion": "2"}])
    def test_code_and_resource_are_updated_together_and_rolled_back(
        self, world: DeployedFunction, shape: dict[str, str]
    ) -> None:
        """Old properties of a shape that this code can't read count as all changed; to return to them does no harm."""
        stack = world.stack()
        stack.create(properties())
        for another_fails, status in ((True, "UPDATE_ROLLBACK_COMPLETE"), (False, "UPDATE_COMPLETE")):
            stack.was_deployed_as(shape)
            stack.update(CEO, another_fails=another_fails)
            assert (stack.status, stack.physical_id) == (status, world.arn())
            assert stack.attributes["Arn"] == stack.physical_id
        assert world.cloud.partners[0].contact["BusinessTitle"] == "CEO"


class TestProperties:
    """Whatever a template holds arrives as CloudFormation, or an emulator, hands it over."""

    def test_scalars_arrive_as_strings(self, world: DeployedFunction) -> None:
        """A number and a boolean in a template reach the service as the text that they have become."""
        stack = world.stack()
        tags = [{"Key": "cost-center", "Value": 4711}, {"Key": "public", "Value": True}]
        stack.create(properties(LegalName=365, ServiceTimeout=300, Tags=tags))
        assert stack.status == "CREATE_COMPLETE"
        assert stack.requests[0]["ResourceProperties"]["ServiceTimeout"] == "300"
        (partner,) = world.cloud.partners
        assert partner.legal_name == "365"
        assert {"cost-center": "4711", "public": "true"}.items() <= partner.tags.items()

    def test_native_json_types_are_read_or_rejected_by_name(self, world: DeployedFunction) -> None:
        """An emulator may leave them: unread ones don't matter, the others are reported, all at once."""
        stack = world.stack()
        typed = properties(ServiceTimeout=300, LegalName=365, Tags=[{"Key": "public", "Value": True}])
        refused = stack.deliver({**stack.request("Create", {}), "ResourceProperties": typed})
        assert refused is not None
        assert refused["Status"] == "FAILED"
        assert "LegalName is not a string; Tags is not a list of Key and Value" in refused["Reason"]
        taken = stack.deliver({**stack.request("Create", {}), "ResourceProperties": properties(ServiceTimeout=300)})
        assert (taken or {})["Status"] == "SUCCESS"


class TestBucket:
    """The place of the answer may fail too."""

    def test_slow_bucket_gets_the_same_answer_again(self, world: DeployedFunction) -> None:
        """An answer is stored although its sender has stopped to wait for the confirmation."""
        world.bucket.delays[:] = [30]
        stack = world.stack()
        stack.create(properties())
        assert (stack.status, len(world.bucket.puts)) == ("CREATE_COMPLETE", 2)

    @pytest.fixture
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The answer is given up after two seconds."""
        monkeypatch.setattr(response, "SEND_SECONDS", 2.0)

    @pytest.mark.usefixtures("impatient")
    @pytest.mark.parametrize("failure", ["refuses", "gone"])
    def test_undelivered_answer_fails_the_deployment_and_nothing_else(
        self, world: DeployedFunction, failure: str
    ) -> None:
        """CloudFormation waits for ServiceTimeout, and deletes an id it has made up; the partner is found later.

        If the bucket is out of reach there is no partner yet; to refuse is only possible when it is there.
        """
        world.bucket.is_gone = failure == "gone"
        world.bucket.statuses[:] = TRIES * [403]
        stack = world.stack()
        stack.create(properties(), rollback=False, seconds=MARGIN_SECONDS + 2)
        assert len(world.cloud.partners) == (0 if failure == "gone" else 1)
        assert (stack.reason, stack.status) == ("no response was received", "CREATE_FAILED")
        world.bucket.is_gone = False
        world.bucket.statuses.clear()
        stack.create_again(properties())
        made_up = stack.requests[1]["PhysicalResourceId"]
        assert made_up.startswith("Root-Partner-")
        assert (stack.status, stack.physical_id) == ("CREATE_COMPLETE", world.arn())

    @pytest.mark.usefixtures("impatient")
    def test_an_update_whose_answer_is_lost_is_rolled_back(self, world: DeployedFunction) -> None:
        """It was carried out; the reversed Update undoes it."""
        stack = world.stack()
        stack.create(properties())
        world.bucket.statuses[:] = TRIES * [503]
        stack.update(CEO)
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert world.cloud.partners[0].contact == contact()


@pytest.mark.slow
def test_hanging_service_is_answered_before_the_function_times_out(world: DeployedFunction) -> None:
    """The call had been carried out: the stack rolls back, and the next one of its name has the partner."""
    world.cloud.simulator.faults.add("CreatePartner", "hang", after_commit=True)
    world.cloud.prepare(EMAIL)
    stack = world.stack()
    stack.create(birds(), seconds=LATE)
    assert stack.reason.startswith("ReadTimeoutError: CreatePartner had no certain outcome")
    assert (stack.status, len(world.bucket.puts)) == ("ROLLBACK_COMPLETE", 2)
    stack.create_again(birds())
    assert (stack.status, stack.physical_id) == ("CREATE_COMPLETE", world.arn())
    require_secrecy(world)


# Secrecy: a canary in each value that must not be seen

EMAIL = "canary@example.com"
WRONG_CODE = "918273"
CANARIES = contact(FirstName="Canaryfirst", LastName="Canarylast", Email=EMAIL, BusinessTitle="Canarytitle")


def birds(**changes: Any) -> dict[str, Any]:
    """Properties that are all canaries."""
    tags = [{"Key": "canary", "Value": "canary"}]
    return {**properties(LegalName="Canary Legal Name", AllianceLeadContact=CANARIES, Tags=tags), **changes}


def require_secrecy(world: DeployedFunction) -> None:
    """Neither the function's log nor any answer holds a value of the user's, a code, or a URL's signature."""
    log = without_times(world.function.stopped_output())
    assert '"outcome"' in log
    told = [log, *(put.body.decode() for put in world.bucket.puts)]
    codes = [mail.code for mail in world.cloud.simulator.outbox]
    secrets = ["canary", "presigned", WRONG_CODE, *codes]
    assert [secret for secret in secrets for text in told if secret in text.lower()] == []


def test_a_contradicted_client_token_shows_no_secret(world: DeployedFunction) -> None:
    """The same Create is redelivered, and finds another code stored."""
    world.cloud.simulator.faults.add("*", "echo", times=None)
    stack = world.stack()
    create = stack.request("Create", birds())
    for code, reason in ((WRONG_CODE, "EmailVerificationCode:"), (world.cloud.request_code(EMAIL), "CONFLICT_CLIENT")):
        world.cloud.store_code(code)
        assert reason in (stack.deliver(create, LATE) or {})["Reason"]
    require_secrecy(world)


def test_whole_life_of_a_stack_logs_no_secret(lambda_world: DeployedFunction) -> None:
    """Success after a lost connection, refused and lost answers, failed Updates, rollbacks, and what is no request."""
    world = lambda_world
    world.cloud.prepare(EMAIL)
    faults = world.cloud.simulator.faults
    faults.add("*", "echo", times=None)
    faults.add("CreatePartner", "cut", after_commit=True)
    world.bucket.statuses[:] = [403]
    stack = world.stack()
    stack.create(birds())
    moved = birds(AllianceLeadContact={**CANARIES, "Email": "canary-two@example.com"})
    stack.update(moved)
    stack.update(birds(LegalName="Canary Two"))
    world.bucket.is_gone = True
    stack.update(birds(Tags=[]), seconds=6)  # as long as it is tried then to send the answer
    for foreign in FOREIGN:
        world.function.invoke(foreign)
    world.bucket.is_gone = False
    stack.delete()
    assert [stack.history.count(end) for end in ("UPDATE_ROLLBACK_COMPLETE", "DELETE_COMPLETE")] == [2, 1]
    require_secrecy(world)


# The stand-in itself: a contract that is not checked can't be broken


@pytest.mark.parametrize(
    ("changes", "breach"),
    [
        ({"Data": {"Arn": "x" * 4096}}, "more than 4096"),
        ({"Data": {"Count": 1, "Is": True}}, "no strings as Count, Is"),
        ({"Data": []}, "Data is not a map"),
        ({"Status": "OK"}, "neither SUCCESS nor FAILED"),
        ({"Status": "FAILED"}, "no Reason"),
        ({"RequestId": "old"}, "RequestId is not that"),
        ({"StackId": "x", "LogicalResourceId": "y"}, "StackId is not that.*; LogicalResourceId is not that"),
        ({"PhysicalResourceId": ""}, "PhysicalResourceId is empty"),
        ({"PhysicalResourceId": None}, "PhysicalResourceId is empty"),
        ({"PhysicalResourceId": "x" * 1025}, "more than 1024"),
        ({"PhysicalResourceId": "other"}, "not that of the resource"),
        ({"NoEcho": "false"}, "NoEcho is no boolean"),
        ({"Secret": "x"}, "knows no Secret"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_refused(changes: dict[str, Any], breach: str) -> None:
    """Each rule of the contract alone."""
    with pytest.raises(ContractError, match=breach):
        checked(DELETE, [put(**changes)])


def test_an_envelope_that_breaks_the_contract_is_refused() -> None:
    """The URL is signed for one PUT, without a content type; refused and late ones may be repeated as they were."""
    good = put()
    assert checked(DELETE, [good]) == checked(DELETE, [replace(good, status=503), good]) == json.loads(good.body)
    assert checked(DELETE, [replace(good, slow=True), good]) is not None
    assert checked(DELETE, []) is checked(DELETE, [replace(good, status=403)]) is None
    for wrong in (
        [good, good],
        [replace(good, status=503), put(Reason="x")],
        [replace(good, content_type="application/json")],
        [replace(good, query="X-Amz-Signature=other")],
        [replace(good, body=b"{")],
        [replace(good, body=b"[]")],
    ):
        with pytest.raises(ContractError):
            checked(DELETE, wrong)


def test_answer_at_an_unknown_url_is_detected(bucket: Bucket) -> None:
    """As crhelper gives it to an event of another kind, or a timer after its invocation."""
    bucket.url("a")
    bucket.puts.append(replace(put(), name="b"))
    with pytest.raises(ContractError, match="no delivery was given"):
        bucket.require_one_answer_each()
    bucket.puts[:] = [replace(put(), name="a")] * 2
    with pytest.raises(ContractError, match="more than one answer"):
        bucket.require_one_answer_each()
    bucket.puts.clear()


DELETE = {
    "RequestType": "Delete",
    "ResponseURL": "https://localhost/a?X-Amz-Signature=s",
    "StackId": "stack",
    "RequestId": "request",
    "LogicalResourceId": "Partner",
    "PhysicalResourceId": "id",
}


def put(**changes: Any) -> Put:
    """A good answer to that Delete, but for the changes."""
    ids = {name: DELETE[name] for name in ("StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId")}
    body = json.dumps({"Status": "SUCCESS", **ids, **changes}).encode()
    return Put("a", "X-Amz-Signature=s", "", body, 200, slow=False)
