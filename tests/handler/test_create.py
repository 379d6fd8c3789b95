"""Create, told as stories over the wire: what Partner Central receives, and what CloudFormation is told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from partner_account_handler.errors import (
    CallError,
    CodeError,
    HandlerError,
    NotWaitingError,
    PartnerError,
    RequestError,
)
from partner_account_handler.identity import OWNER_TAG, Owner, client_token, is_partner_arn
from partner_account_handler.outcome import Answer
from partner_central_simulator import ProfileIdAppears, Readings
from tests.handler.cloud import (
    ACCOUNT,
    EMAIL,
    REGION,
    Cloud,
    VirtualTime,
    contact,
    open_cloud,
    properties,
    sandbox,
)

TAGS = [{"Key": "team", "Value": "alliances"}]


def partners(cloud: Cloud) -> list[Any]:
    """All partners of the account."""
    return list(cloud.simulator.account(ACCOUNT).partners)


def writes(cloud: Cloud) -> list[str]:
    """The changing operations that Partner Central received."""
    return [name for name in cloud.operations() if not name.startswith(("Get", "List"))]


def add_partner(cloud: Cloud, name: str = "Example Corp", **more: Any) -> Any:
    """A partner that a human has created on another day."""
    return cloud.simulator.account(ACCOUNT).add_partner(legal_name=name, **more)


THROTTLED = ClientError({"Error": {"Code": "Throttling", "Message": ""}}, "DescribeStacks")


def create_asking(cloud: Cloud, time: VirtualTime, *failures: Exception | None) -> Answer:
    """Delivers a Create whose questions to CloudFormation end so, one after the other; None is answered."""
    left = iter(failures)

    def between(operation: str, call: Callable[..., Any], members: dict[str, Any]) -> Any:
        if operation == "describe_stacks" and (failure := next(left, None)):
            raise failure
        return call(**members)

    cloud.between = between
    return cloud.create(properties(), time)


class TestNewPartner:
    """An account without a partner."""

    def test_a_partner_is_created_with_one_look_and_one_call(self, cloud: Cloud) -> None:
        """Look, act, and the profile id, which the simulator tells only when asked for the visibility."""
        cloud.prepare()
        answer = cloud.create(properties())
        partner = partners(cloud)[0]
        assert cloud.operations() == ["ListPartners", "CreatePartner", "GetProfileVisibility"]
        assert answer.physical_id == partner.arn
        assert answer.data == {"Arn": partner.arn, "Id": partner.id, "ProfileId": partner.profile_id}
        assert is_partner_arn(partner.arn)

    def test_partner_and_proof_of_ownership_come_into_being_together(self, cloud: Cloud) -> None:
        """The ownership tag is sent in CreatePartner itself, beside the template's tags."""
        cloud.prepare()
        cloud.create(properties())
        assert partners(cloud)[0].tags == {
            "team": "alliances",
            OWNER_TAG: Owner.of(cloud.stack_id, "Root", "Partner").to_tag(),
        }
        assert partners(cloud)[0].contact == contact()

    def test_the_client_token_tells_nothing_of_the_code(self, cloud: Cloud) -> None:
        """It is made of the ids of the request alone: six digits could be guessed from a hash."""
        cloud.prepare()
        cloud.create(properties(), RequestId="r")
        (call,) = [request for request in cloud.simulator.requests if request.operation == "CreatePartner"]
        assert call.input["ClientToken"] == client_token(cloud.stack_id, "Partner", "r")

    def test_the_sandbox_needs_no_mail_and_creates_without_tags(self, cloud: Cloud) -> None:
        """It refuses them in CreatePartner; that it refuses the ownership tag afterwards as well does no harm."""
        answer = cloud.create(sandbox())
        assert "catalog/Sandbox/" in answer.physical_id
        assert cloud.operations() == ["ListPartners", "CreatePartner", "TagResource", "GetProfileVisibility"]
        assert partners(cloud)[0].tags == {}

    @pytest.mark.parametrize(
        "source",
        [
            {"From": "SecretsManager", "SecretId": "plain"},
            {"From": "SecretsManager", "SecretId": "json", "JsonField": "code"},
            {"From": "ParameterStore", "Name": "/partner/code"},
            {"From": "Parameter", "Value": "{code}"},
        ],
        ids=lambda source: "-".join(sorted(source)),
    )
    def test_the_code_may_be_kept_anywhere(self, cloud: Cloud, source: dict[str, str]) -> None:
        """With the blank line at its end that `echo` adds."""
        code = cloud.prepare()
        secrets = cloud.client("secretsmanager")
        arns = {
            "plain": secrets.create_secret(Name="plain", SecretString=f"{code}\n")["ARN"],
            "json": secrets.create_secret(Name="json", SecretString=f'{{"code": {code!r}}}'.replace("'", '"'))["ARN"],
        }
        source = {key: arns.get(value, value.format(code=code)) for key, value in source.items()}
        assert is_partner_arn(cloud.create(properties(EmailVerificationCode=source)).physical_id)

    @pytest.mark.parametrize("region", [REGION, "us-east-1", "ap-southeast-2"])
    def test_a_secret_is_read_in_the_region_of_its_arn(self, cloud: Cloud, region: str) -> None:
        """Wherever the stack is; a secret of the same name in another region holds something else."""
        code = cloud.prepare()
        arns = {
            found: secrets_of(cloud, found).create_secret(Name="code", SecretString=code if found == region else "no")
            for found in (REGION, "us-east-1", "ap-southeast-2")
        }
        source = {"From": "SecretsManager", "SecretId": arns[region]["ARN"]}
        assert is_partner_arn(cloud.create(properties(EmailVerificationCode=source)).physical_id)

    @pytest.mark.parametrize("name", ["code", "partner/code", "alliance-secret"])
    def test_a_secret_that_is_named_is_read_in_the_stacks_own_region(self, cloud: Cloud, name: str) -> None:
        """Also by a name that ends as a complete ARN would."""
        code = cloud.prepare()
        secrets_of(cloud, REGION).create_secret(Name=name, SecretString=code)
        secrets_of(cloud, "us-east-1").create_secret(Name=name, SecretString="no")
        source = {"From": "SecretsManager", "SecretId": name}
        assert is_partner_arn(cloud.create(properties(EmailVerificationCode=source)).physical_id)

    def test_tags_are_sent_in_one_order_whatever_their_order_in_the_template(self, cloud: Cloud) -> None:
        """A repeated request with its client token must have the same body, or the service refuses it."""
        cloud.prepare()
        tags = [{"Key": key, "Value": key.upper()} for key in ("zulu", "alpha", "Mike", "cdk")]
        cloud.simulator.faults.add("CreatePartner", "internal-error", times=2)
        for order in (tags, tags[::-1], sorted(tags, key=str)):
            with suppress(HandlerError):
                cloud.create(properties(Tags=order), RequestId="r")
        calls = [request.input for request in cloud.simulator.requests if request.operation == "CreatePartner"]
        keys = ["Mike", "alpha", "cdk", OWNER_TAG, "zulu"]
        assert len(calls) > 1
        assert [[tag["Key"] for tag in call["Tags"]] for call in calls] == [keys] * len(calls)
        assert all(call == calls[0] for call in calls)


def secrets_of(cloud: Cloud, region: str) -> Any:
    """Secrets Manager of a region, as a human uses it."""
    return boto3.client(
        "secretsmanager",
        endpoint_url=cloud.client("secretsmanager").meta.endpoint_url,
        region_name=region,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="x",
    )


class TestExistingPartner:
    """An account that has a partner already."""

    def test_a_redelivered_create_answers_alike_and_writes_nothing(self, cloud: Cloud) -> None:
        """Lambda may deliver an event twice."""
        cloud.prepare()
        first = cloud.create(properties(), RequestId="r")
        assert cloud.create(properties(), RequestId="r") == first
        assert writes(cloud) == ["CreatePartner"]

    def test_a_stack_deployed_again_finds_its_partner_whatever_its_name(self, cloud: Cloud) -> None:
        """After a rollback or a deletion, also with a corrected legal name; contact and tags follow the template."""
        cloud.prepare()
        first = cloud.create(properties())
        cloud.recreate_stack()
        moved = properties(LegalName="Example Corporation", AllianceLeadContact=contact(BusinessTitle="CEO"), Tags=[])
        assert cloud.create(moved) == first
        assert writes(cloud) == ["CreatePartner", "PutAllianceLeadContact"]
        assert partners(cloud)[0].contact == contact(BusinessTitle="CEO")

    def test_a_foreign_partner_is_refused_and_named_before_the_code_is_read(self, cloud: Cloud) -> None:
        """No code is stored, yet the error is about the partner."""
        foreign = add_partner(cloud)
        with pytest.raises(PartnerError, match=foreign.id):
            cloud.create(properties())
        assert cloud.operations() == ["ListPartners", "ListTagsForResource"]

    def test_unreadable_tags_are_never_taken_for_none(self, cloud: Cloud) -> None:
        """The partner is not known to be of others."""
        add_partner(cloud, "Other Corp")
        cloud.prepare()
        cloud.simulator.faults.add("ListTagsForResource", "access-denied", times=None)
        with pytest.raises(CallError, match="AccessDenied"):
            cloud.create(properties())
        assert writes(cloud) == []

    def test_adoption_marks_the_partner_and_creates_nothing(self, cloud: Cloud) -> None:
        """The partner of another day gets our tag, the template's tags and contact; its other tags stay."""
        foreign = add_partner(cloud, tags={"cost": "1", OWNER_TAG: "another stack"}, contact=contact(LastName="Roe"))
        answer = cloud.create(properties(ExistingPartnerId=foreign.id))
        assert answer.physical_id == foreign.arn
        assert writes(cloud) == ["TagResource", "PutAllianceLeadContact", "TagResource"]
        owner = Owner.of(cloud.stack_id, "Root", "Partner").to_tag()
        assert partners(cloud)[0].tags == {"cost": "1", "team": "alliances", OWNER_TAG: owner}

    def test_adoption_of_nothing_creates_nothing(self, cloud: Cloud) -> None:
        """Even with a valid code at hand."""
        cloud.prepare()
        with pytest.raises(PartnerError, match="PartnerNotFound"):
            cloud.create(properties(ExistingPartnerId="partner-0123456789abc"))
        assert cloud.operations() == ["ListPartners"]

    def test_no_partner_is_created_beside_one_of_others_where_the_service_allows_several(self, moto_url: str) -> None:
        """AWS says to register one account once."""
        with open_cloud(moto_url, readings=Readings(one_partner_per_catalog=False)) as cloud:
            add_partner(cloud, "Other Corp")
            cloud.prepare()
            with pytest.raises(PartnerError, match="PartnerExists"):
                cloud.create(properties())
            assert writes(cloud) == []

    def test_all_pages_are_looked_through(self, moto_url: str) -> None:
        """The own partner may stand on any page."""
        with open_cloud(moto_url, page_size=1) as cloud:
            cloud.prepare()
            first = cloud.create(properties())
            for number in range(3):
                add_partner(cloud, f"Other {number}")
            mark = cloud.simulator.mark()
            assert cloud.create(properties()) == first
            assert [one.operation for one in cloud.simulator.requests_since(mark)].count("ListPartners") == 4


class TestAsking:
    """The stack is asked right before the irreversible call."""

    @pytest.mark.parametrize("status", ["ROLLBACK_IN_PROGRESS", "DELETE_COMPLETE", "CREATE_COMPLETE"])
    def test_a_stack_that_no_longer_waits_gets_no_partner(self, cloud: Cloud, status: str) -> None:
        """An event may arrive hours late."""
        cloud.prepare()
        cloud.set_status(status)
        with pytest.raises(NotWaitingError, match=status):
            cloud.create(properties())
        assert writes(cloud) == []

    def test_a_later_stack_of_the_same_name_is_not_asked_in_place_of_the_own_one(self, cloud: Cloud) -> None:
        """The stack is asked about by its id: the event of one that was deleted creates nothing for its successor."""
        cloud.prepare()
        deleted = cloud.stack_id
        cloud.recreate_stack()
        with pytest.raises(NotWaitingError, match="DELETE_COMPLETE"):
            cloud.create(properties(), StackId=deleted)
        assert cloud.operations() == []

    def test_an_unknown_stack_gets_no_partner(self, cloud: Cloud) -> None:
        """What can't be learned is no permission."""
        cloud.prepare()
        cloud.stack_id = cloud.stack_id.replace("/Root/", "/Root-Gone/")
        with pytest.raises(CallError, match="DescribeStacks"):
            cloud.create(properties())
        assert writes(cloud) == []

    @pytest.mark.parametrize("status", ["CREATE_COMPLETE", "DELETE_COMPLETE"])
    def test_a_late_create_adopts_nothing_either(self, cloud: Cloud, status: str) -> None:
        """It would put an old contact and an old owner over what was deployed since."""
        foreign = add_partner(cloud, tags={OWNER_TAG: "another stack"})
        cloud.set_status(status)
        with pytest.raises(NotWaitingError, match=status):
            cloud.create(properties(ExistingPartnerId=foreign.id))
        assert writes(cloud) == []

    def test_a_stack_that_gives_up_between_two_calls_gets_no_partner(self, cloud: Cloud) -> None:
        """It is asked before each call, not before the first alone."""
        cloud.prepare()
        cloud.simulator.faults.add("CreatePartner", "throttle")
        time = VirtualTime(meanwhile=lambda: cloud.set_status("ROLLBACK_IN_PROGRESS"))
        with pytest.raises(NotWaitingError, match="ROLLBACK_IN_PROGRESS"):
            cloud.create(properties(), time)
        assert partners(cloud) == []

    def test_a_later_deployment_of_the_stack_is_not_taken_for_this_one(self, cloud: Cloud) -> None:
        """It has a Create of its own, or wants none."""
        cloud.prepare()
        cloud.simulator.faults.add("CreatePartner", "throttle")
        with pytest.raises(NotWaitingError, match="another deployment"):
            cloud.create(properties(), VirtualTime(meanwhile=cloud.begin_deployment))
        assert partners(cloud) == []

    def test_a_look_that_has_become_old_is_repeated(self, cloud: Cloud) -> None:
        """A slow Secrets Manager leaves time for somebody else to create a partner."""
        cloud.prepare()
        time = VirtualTime()

        def slowly(operation: str, call: Callable[..., Any], members: dict[str, Any]) -> Any:
            if operation == "get_parameter":
                time.seconds -= 60
                add_partner(cloud, "Other Corp")
            return call(**members)

        cloud.between = slowly
        with pytest.raises(PartnerError, match="PartnerExists"):
            cloud.create(properties(), time)
        assert writes(cloud) == []

    def test_nor_does_a_look_grow_old_while_the_stack_is_asked(self, cloud: Cloud) -> None:
        """A silent CloudFormation leaves time as well: each try to ask it comes after a look of its own."""
        cloud.prepare()
        time = VirtualTime(meanwhile=lambda: add_partner(cloud, "Other Corp", tags={OWNER_TAG: "another stack"}))
        with pytest.raises(PartnerError, match="PartnerExists"):
            create_asking(cloud, time, None, THROTTLED)
        assert writes(cloud) == []

    def test_a_silent_cloudformation_makes_no_refusal_doubtful(self, cloud: Cloud) -> None:
        """A question that was lost has created nothing: a wrong code still fails at once."""
        cloud.prepare()
        cloud.store_code("000000")
        time = VirtualTime()
        with pytest.raises(CallError, match="EmailVerificationCode:INVALID_VALUE"):
            create_asking(cloud, time, None, ReadTimeoutError(endpoint_url=""))
        assert time.pauses == [0.5]

    def test_a_cloudformation_that_is_silent_to_the_end_gets_no_partner(self, cloud: Cloud) -> None:
        """Nothing is created, and nothing is waited for beyond the deadline."""
        cloud.prepare()
        time = VirtualTime()
        with pytest.raises(CallError, match="DescribeStacks"):
            create_asking(cloud, time, None, *[THROTTLED] * 99)
        assert time.seconds >= 45
        assert writes(cloud) == []

    def test_a_resource_added_to_a_stack_may_create(self, cloud: Cloud) -> None:
        """Its Create comes in an update of the stack."""
        cloud.prepare()
        cloud.set_status("UPDATE_IN_PROGRESS")
        assert is_partner_arn(cloud.create(properties()).physical_id)


class TestOpenEndings:
    """CreatePartner whose outcome nobody knows."""

    @pytest.mark.parametrize("kind", ["cut", "internal-error", "unavailable"])
    @pytest.mark.parametrize("after_commit", [True, False])
    def test_one_lost_answer_costs_a_look_and_no_second_partner(
        self, cloud: Cloud, kind: str, after_commit: bool
    ) -> None:
        """Found if it was carried out, else called again with the same token and body."""
        cloud.prepare()
        cloud.simulator.faults.add("CreatePartner", kind, after_commit=after_commit)
        answer = cloud.create(properties())
        assert [partner.arn for partner in partners(cloud)] == [answer.physical_id]
        assert writes(cloud).count("CreatePartner") == (1 if after_commit else 2)

    def test_a_partner_that_the_list_does_not_show_yet_is_answered_by_the_same_token(self, cloud: Cloud) -> None:
        """The service knows the request again."""
        cloud.prepare()
        cloud.simulator.faults.add("CreatePartner", "cut", after_commit=True)
        cloud.simulator.faults.add("ListPartners", "lagging-list", times=3)
        answer = cloud.create(properties())
        assert [partner.arn for partner in partners(cloud)] == [answer.physical_id]
        calls = [request for request in cloud.simulator.requests if request.operation == "CreatePartner"]
        assert len({request.input["ClientToken"] for request in calls}) == 1

    def test_answers_lost_for_ever_fail_in_time_and_the_next_deployment_finds_the_partner(self, cloud: Cloud) -> None:
        """Nothing is lost by failing: the tag tells whose it is."""
        cloud.prepare()
        cloud.simulator.faults.add("CreatePartner", "cut", times=None, after_commit=True)
        cloud.simulator.faults.add("ListPartners", "lagging-list", times=None)
        time = VirtualTime()
        with pytest.raises(CallError, match="no certain outcome.*Deploy again"):
            cloud.create(properties(), time)
        assert time.seconds >= 45
        cloud.simulator.faults.clear()
        cloud.recreate_stack()
        assert cloud.create(properties()).physical_id == partners(cloud)[0].arn
        assert len(partners(cloud)) == 1

    def test_throttling_is_waited_for(self, cloud: Cloud) -> None:
        """Each call in turn."""
        cloud.prepare()
        for operation in ("ListPartners", "CreatePartner", "GetProfileVisibility"):
            cloud.simulator.faults.add(operation, "throttle")
        assert cloud.create(properties()).data["ProfileId"].startswith("pprofile-")

    def test_a_policy_that_has_not_settled_is_waited_for(self, cloud: Cloud) -> None:
        """IAM is eventually consistent: the first calls of a new role may be denied."""
        cloud.prepare()
        cloud.simulator.faults.add("ListPartners", "access-denied", times=2)
        cloud.simulator.faults.add("CreatePartner", "access-denied", times=2)
        assert is_partner_arn(cloud.create(properties()).physical_id)

    def test_a_lasting_denial_fails_soon(self, cloud: Cloud) -> None:
        """Not only at the deadline."""
        cloud.simulator.faults.add("ListPartners", "access-denied", times=None)
        time = VirtualTime()
        with pytest.raises(CallError, match="AccessDenied"):
            cloud.create(properties(), time)
        assert 60 < time.seconds < 95

    def test_two_deliveries_at_once_make_one_partner_and_answer_alike(self, cloud: Cloud) -> None:
        """Both have looked before either has acted."""
        cloud.prepare()
        cloud.simulator.faults.add("CreatePartner", "delay", times=2, seconds=0.3)
        answers: list[Any] = []
        deliveries = [
            threading.Thread(target=lambda: answers.append(cloud.create(properties(), RequestId="r"))) for _ in range(2)
        ]
        for delivery in deliveries:
            delivery.start()
        for delivery in deliveries:
            delivery.join()
        assert len(partners(cloud)) == 1
        assert answers[0] == answers[1]


class TestRefusals:
    """What Partner Central, or the handler before it, refuses."""

    def test_a_wrong_code_fails_at_once_with_its_remedy(self, cloud: Cloud) -> None:
        """And the corrected one succeeds on the same stack."""
        wrong = f"{(int(cloud.prepare()) + 1) % 1_000_000:06d}"
        cloud.store_code(wrong)
        time = VirtualTime()
        with pytest.raises(CallError, match="EmailVerificationCode:INVALID_VALUE.*Request a new code") as caught:
            cloud.create(properties(), time)
        assert time.pauses == []
        assert wrong not in str(caught.value)
        cloud.prepare()
        assert is_partner_arn(cloud.create(properties()).physical_id)

    def test_an_unverified_business_is_told_what_to_do(self, cloud: Cloud) -> None:
        """The business validation code stands in the reason."""
        cloud.prepare()
        cloud.simulator.account(ACCOUNT).set_verification("BUSINESS_VERIFICATION", "PENDING_CUSTOMER_ACTION")
        with pytest.raises(CallError, match="INCOMPATIBLE_KNOW_YOUR_BUSINESS_STATUS.*Verify the business"):
            cloud.create(properties())

    def test_a_name_that_is_taken_is_told_after_half_a_minute(self, cloud: Cloud) -> None:
        """It may be our own, not visible yet; so no other token is tried."""
        cloud.prepare()
        cloud.simulator.account("999999999999").add_partner(legal_name="EXAMPLE CORP")
        time = VirtualTime()
        with pytest.raises(CallError, match="DUPLICATE_PARTNER.*legal name is taken"):
            cloud.create(properties(), time)
        assert writes(cloud) == ["CreatePartner"]
        assert 150 <= time.seconds < 160

    @pytest.mark.parametrize("stored", ["12345", "abcdef", ""])
    def test_what_is_no_code_is_not_sent(self, cloud: Cloud, stored: str) -> None:
        """A try with it might be counted."""
        cloud.client("secretsmanager").create_secret(Name="code", SecretString=f'{{"code": "{stored}"}}')
        source = {"From": "SecretsManager", "SecretId": "code", "JsonField": "code"}
        with pytest.raises(CodeError, match="not six digits"):
            cloud.create(properties(EmailVerificationCode=source))
        assert writes(cloud) == []

    def test_a_code_that_is_nowhere_is_a_clear_error(self, cloud: Cloud) -> None:
        """With the remedy for the place it was looked for in."""
        with pytest.raises(CallError, match="ParameterNotFound.*with the code"):
            cloud.create(properties())
        source = {"From": "SecretsManager", "SecretId": "nowhere"}
        with pytest.raises(CallError, match="ResourceNotFoundException.*store the code"):
            cloud.create(properties(EmailVerificationCode=source))

    def test_values_that_were_tokens_at_synth_are_checked_before_the_code_is_read(self, cloud: Cloud) -> None:
        """All at once, by their names, against the service model."""
        wrong = properties(LegalName="Secret\tCorp", AllianceLeadContact=contact(Email="secret", LastName="x" * 81))
        with pytest.raises(
            RequestError, match="LegalName.*AllianceLeadContact.LastName.*AllianceLeadContact.Email"
        ) as e:
            cloud.create(wrong)
        assert "Secret" not in str(e.value)
        assert cloud.operations() == ["ListPartners"]


class TestProfileId:
    """ProfileId is optional in the create response."""

    @pytest.mark.parametrize("reading", list(ProfileIdAppears))
    def test_each_reading_of_the_service_ends_well(self, moto_url: str, reading: ProfileIdAppears) -> None:
        """At once, when asked for, or never: then the placeholder stands in the stack."""
        with open_cloud(moto_url, readings=Readings(profile_id=reading)) as cloud:
            cloud.prepare()
            answer = cloud.create(properties())
            never = reading is ProfileIdAppears.WITH_PROFILE
            assert answer.data["ProfileId"] == ("pending" if never else partners(cloud)[0].profile_id)

    def test_nothing_that_follows_the_creation_makes_it_fail(self, cloud: Cloud) -> None:
        """A failed Create would let the next one look for what this one made."""
        cloud.prepare()
        cloud.simulator.faults.add("GetProfileVisibility", "internal-error", times=None)
        cloud.simulator.faults.add("GetPartner", "cut", times=None)
        assert cloud.create(properties()).data["ProfileId"] == "pending"


def test_errors_carry_neither_names_nor_code_even_if_the_service_echoes_them(cloud: Cloud) -> None:
    """The service's message is never repeated."""
    code = cloud.prepare()
    cloud.simulator.faults.add("*", "echo", times=None)
    cloud.simulator.account(ACCOUNT).set_verification("BUSINESS_VERIFICATION", "FAILED")
    with pytest.raises(HandlerError) as caught:
        cloud.create(properties(LegalName="Canary Corp"))
    for secret in (code, "Canary", EMAIL, "Jane"):
        assert secret not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_slow_service_is_created_against_all_the_same(cloud: Cloud) -> None:
    """Where each call takes its time, so does the look; it is repeated once, not for ever."""
    cloud.prepare()
    assert is_partner_arn(cloud.create(properties(), VirtualTime(each_call=10)).physical_id)
