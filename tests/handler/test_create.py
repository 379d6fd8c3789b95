"""Create, as sequences of requests over HTTP: what Partner Central and CloudFormation receive."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import boto3
import pytest
from botocore.exceptions import ClientError

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
    CEO,
    EMAIL,
    REGION,
    SALES,
    Cloud,
    Deployed,
    VirtualTime,
    contact,
    open_cloud,
    profile,
    properties,
)

RENAMED = properties(LegalName="Example Corporation")
SEVERAL = Readings(one_partner_per_catalog=False)
THROTTLED = ClientError({"Error": {"Code": "Throttling", "Message": ""}}, "DescribeStacks")


class TestNewPartner:
    """An account without a partner."""

    @pytest.mark.versions
    def test_partner_is_created_with_one_listing_and_one_call(self, cloud: Cloud) -> None:
        """Ask, look, read the code, ask again, act; and the profile id, which the simulator tells only when asked."""
        cloud.prepare()
        answer = cloud.create(properties(), RequestId="r")
        (partner,) = cloud.partners
        before = ["describe_stacks", "list_partners", "get_parameter", "describe_stacks"]
        assert cloud.asked == [*before, "create_partner", "get_profile_visibility"]
        assert answer.physical_id == partner.arn
        assert answer.data == {"Arn": partner.arn, "Id": partner.id, "ProfileId": partner.profile_id}
        assert partner.contact == contact()
        owner = Owner.of(cloud.stack_id, "Root", "Partner").to_tag()
        assert partner.tags == {"team": "alliances", OWNER_TAG: owner}, "partner and owner come into being together"
        (call,) = [request for request in cloud.simulator.requests if request.operation == "CreatePartner"]
        assert call.input["ClientToken"] == client_token(cloud.stack_id, "Partner", "r"), "nothing of the code is in it"

    @pytest.mark.versions
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
    def test_code_can_be_read_from_each_store(self, cloud: Cloud, source: dict[str, str]) -> None:
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
    @pytest.mark.parametrize("name", ["", "code", "alliance-secret"])
    def test_secret_is_read_in_the_region_of_its_arn_or_by_its_name_in_that_of_the_stack(
        self, cloud: Cloud, name: str, region: str
    ) -> None:
        """Also by a name that ends as a complete ARN would; secrets of the same name elsewhere hold something else."""
        code, right = cloud.prepare(), REGION if name else region
        endpoint = cloud.client("secretsmanager").meta.endpoint_url
        keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "x"}
        arns = {}
        for place in {REGION, region}:
            secrets = boto3.client("secretsmanager", endpoint_url=endpoint, region_name=place, **keys)
            content = code if place == right else "no"
            arns[place] = secrets.create_secret(Name=name or "code", SecretString=content)["ARN"]
        source = {"From": "SecretsManager", "SecretId": name or arns[region]}
        assert is_partner_arn(cloud.create(properties(EmailVerificationCode=source)).physical_id)

    def test_tags_are_sent_in_one_order_whatever_their_order_in_the_template(self, cloud: Cloud) -> None:
        """A repeated request with its client token must have the same body, or the service refuses it."""
        cloud.prepare()
        tags = [{"Key": key, "Value": key.upper()} for key in ("zulu", "alpha", "Mike", "cdk")]
        cloud.fail("CreatePartner", "internal-error", times=2)
        for order in (tags, tags[::-1], sorted(tags, key=str)):
            with suppress(HandlerError):
                cloud.create(properties(Tags=order), RequestId="r")
        calls = [request.input for request in cloud.simulator.requests if request.operation == "CreatePartner"]
        assert len(calls) > 1
        assert [tag["Key"] for tag in calls[0]["Tags"]] == ["Mike", "alpha", "cdk", OWNER_TAG, "zulu"]
        assert all(call == calls[0] for call in calls)

    @pytest.mark.parametrize("reading", list(ProfileIdAppears))
    def test_profile_id_is_pending_only_if_the_service_never_returns_it(
        self, moto_url: str, reading: ProfileIdAppears
    ) -> None:
        """At once, when asked for, or never: then the placeholder stands in the stack."""
        with open_cloud(moto_url, readings=Readings(profile_id=reading)) as cloud:
            cloud.prepare()
            answer = cloud.create(properties())
            never = reading is ProfileIdAppears.WITH_PROFILE
            assert answer.data["ProfileId"] == ("pending" if never else cloud.partners[0].profile_id)
            assert ("get_profile_visibility" in cloud.asked) == (reading is not ProfileIdAppears.AT_ONCE)

    @pytest.mark.parametrize("fails", [False, True])
    def test_timer_knows_the_new_partner_and_nothing_after_createpartner_fails_the_create(
        self, cloud: Cloud, fails: bool
    ) -> None:
        """It is told with a pending profile id before that is asked for, in case that the rest hangs."""
        cloud.prepare()
        if fails:
            cloud.fail("GetProfileVisibility", "internal-error", times=None)
            cloud.fail("GetPartner", "cut", times=None)
        early: list[Answer] = []
        answer = cloud.deliver(cloud.event("Create", properties()), None, early.append)
        assert early == [replace(answer, data={**answer.data, "ProfileId": "pending"})]
        assert (answer.data["ProfileId"] == "pending") == fails


class TestExistingPartner:
    """An account that has a partner already."""

    def test_redelivered_create_answers_alike_and_writes_nothing(self, cloud: Cloud) -> None:
        """Lambda may deliver an event twice."""
        cloud.prepare()
        first = cloud.create(properties(), RequestId="r")
        assert cloud.create(properties(), RequestId="r") == first
        assert cloud.writes() == ["CreatePartner"]

    def test_redeployed_stack_finds_its_partner_whatever_its_legal_name(self, cloud: Cloud) -> None:
        """After a rollback or a deletion, also with a corrected legal name; contact and tags follow the template."""
        cloud.prepare()
        first = cloud.create(properties())
        cloud.recreate_stack()
        changed = {**RENAMED, "AllianceLeadContact": contact(BusinessTitle="CEO"), "Tags": []}
        assert cloud.create(changed) == first
        assert cloud.writes() == ["CreatePartner", "PutAllianceLeadContact"]
        assert cloud.partners[0].contact == contact(BusinessTitle="CEO")

    @pytest.mark.parametrize("readings", [Readings(), SEVERAL], ids=["one partner", "several"])
    def test_partner_of_another_owner_is_refused_by_id_before_the_code_is_read(
        self, moto_url: str, readings: Readings
    ) -> None:
        """No code is stored, yet the error is about the partner; also where the service would allow several."""
        with open_cloud(moto_url, readings=readings) as cloud:
            foreign = cloud.add_partner("Other Corp")
            with pytest.raises(
                PartnerError, match=f"PartnerExists.*{foreign.id}, not from this stack.*existing_partner_id"
            ):
                cloud.create(properties())
            assert cloud.operations() == ["ListPartners", "ListTagsForResource"]

    @pytest.mark.versions
    @pytest.mark.parametrize("kind", ["access-denied", "garbled"])
    def test_unreadable_tags_are_never_treated_as_no_tags(self, moto_url: str, kind: str) -> None:
        """Beside a partner whose owner is unknown nothing is created; a body that breaks off counts as unread."""
        with open_cloud(moto_url, readings=SEVERAL) as cloud:
            cloud.add_partner("Other Corp")
            cloud.prepare()
            cloud.fail("ListTagsForResource", kind, times=None)
            with pytest.raises(CallError, match="(AccessDenied|IncompleteAnswer).*ListTagsForResource"):
                cloud.create(properties())
            assert cloud.writes() == []

    def test_adopted_partner_gets_tag_and_contact_and_nothing_is_created(self, cloud: Cloud) -> None:
        """The partner of another day gets our tag, the template's tags and contact; its other tags stay."""
        foreign = cloud.add_partner(tags={"cost": "1", OWNER_TAG: "another stack"}, contact=contact(LastName="Roe"))
        answer = cloud.create(properties(ExistingPartnerId=foreign.id))
        assert (answer.physical_id, answer.report.outcome.value) == (foreign.arn, "Adopted")
        assert cloud.writes() == ["TagResource", "PutAllianceLeadContact", "TagResource"]
        owner = Owner.of(cloud.stack_id, "Root", "Partner").to_tag()
        assert cloud.partners[0].tags == {"cost": "1", "team": "alliances", OWNER_TAG: owner}

    def test_adopting_a_missing_partner_creates_none(self, cloud: Cloud) -> None:
        """Even with a valid code at hand."""
        cloud.prepare()
        with pytest.raises(PartnerError, match="PartnerNotFound"):
            cloud.create(properties(ExistingPartnerId="partner-0123456789abc"))
        assert cloud.operations() == ["ListPartners"]

    def test_all_pages_are_searched(self, moto_url: str) -> None:
        """The own partner may stand on any page."""
        with open_cloud(moto_url, page_size=1) as cloud:
            cloud.prepare()
            first = cloud.create(properties())
            for number in range(3):
                cloud.add_partner(f"Other {number}")
            mark = cloud.mark
            assert cloud.create(properties()) == first
            assert cloud.operations(mark).count("ListPartners") == 4

    def test_partner_on_two_shifting_pages_counts_once(self, cloud: Cloud) -> None:
        """Else it would be two of ours."""
        summary = {"Arn": "arn:aws:partnercentral:us-east-1:1:catalog/AWS/partner/partner-1", "LegalName": "x"}
        pages = [{"PartnerSummaryList": [summary], "NextToken": "n"}, {"PartnerSummaryList": [summary]}]
        cloud.answer_instead("list_partners", *pages)
        assert len(cloud.aws(cloud.stack_id).partner_central.partners("AWS")) == 1

    def test_address_in_another_case_is_not_written_again(self, deployed: Deployed) -> None:
        """Else each later Create would spend a code on it."""
        deployed.cloud.account.change_contact(deployed.partner.id, Email=EMAIL.upper(), BusinessTitle="Alliance  Lead")
        deployed.cloud.recreate_stack()
        deployed.cloud.create(properties())
        assert deployed.writes() == []


class TestCreateDeliveredAgain:
    """A Create that was answered long ago comes once more, while the stack is updated."""

    @pytest.fixture
    def later(self, deployed: Deployed) -> Deployed:
        """A partner that a later deployment has changed, in a stack that shows it; another deployment is going on."""
        deployed.update(properties(), {**CEO, "Tags": SALES})
        deployed.cloud.set_outputs(PartnerArn=deployed.arn, PartnerProfileId=deployed.partner.profile_id)
        deployed.cloud.begin_deployment()
        return deployed

    def test_redelivered_create_writes_nothing_to_a_partner_that_the_stack_shows(self, later: Deployed) -> None:
        """Neither tags nor contact go back to what they were at first."""
        mark = later.cloud.mark
        assert later.cloud.create(properties()).physical_id == later.arn
        assert later.cloud.writes(mark) == []

    def test_redelivered_create_writes_to_a_partner_that_the_stack_does_not_show(self, later: Deployed) -> None:
        """A lost answer, or a stack that was deleted: there the Create is the first that counts."""
        later.cloud.recreate_stack()
        later.cloud.create(properties())
        assert (later.partner.contact, later.partner.tags["team"]) == (contact(), "alliances")

    def test_partner_that_moves_within_the_stack_by_adoption_is_written_to(self, later: Deployed) -> None:
        """The stack shows it as the former construct's; the new one takes it over."""
        moved = properties(Owner={"StackName": "Root", "ConstructPath": "Company"}, ExistingPartnerId=later.partner.id)
        before = later.partner.tags[OWNER_TAG]
        assert later.cloud.create(moved, LogicalResourceId="Company").physical_id == later.arn
        assert later.partner.contact == contact()
        assert later.partner.tags[OWNER_TAG] != before


class TestStackThatNoLongerWaits:
    """The stack is asked right before the irreversible call."""

    @pytest.mark.parametrize(
        "status", ["ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_COMPLETE", "CREATE_COMPLETE"]
    )
    @pytest.mark.parametrize("late", ["new", "adopting", "profile"])
    def test_late_create_neither_creates_nor_adopts_nor_writes_a_profile(
        self, cloud: Cloud, status: str, late: str
    ) -> None:
        """It would put an old contact and an old owner over what was deployed since."""
        cloud.prepare()
        other = cloud.add_partner(tags={OWNER_TAG: "another stack"}) if late != "new" else None
        wanted = properties(ExistingPartnerId=other.id if other else "")
        cloud.set_status(status)
        with pytest.raises(NotWaitingError, match=status):
            cloud.create(profile(other.arn) if other and late == "profile" else wanted)
        assert cloud.operations() == []

    def test_later_stack_with_the_same_name_is_not_described_instead(self, cloud: Cloud) -> None:
        """The stack is asked about by its id: the event of one that was deleted creates nothing for its successor."""
        cloud.prepare()
        deleted = cloud.stack_id
        cloud.recreate_stack()
        with pytest.raises(NotWaitingError, match="DELETE_COMPLETE"):
            cloud.create(properties(), StackId=deleted)
        assert cloud.operations() == []

    def test_no_partner_is_created_if_the_stack_cannot_be_described(self, cloud: Cloud) -> None:
        """What can't be learned is no permission."""
        cloud.prepare()
        cloud.stack_id = cloud.stack_id.replace("/Root/", "/Root-Gone/")
        with pytest.raises(CallError, match="DescribeStacks"):
            cloud.create(properties())
        assert cloud.writes() == []

    @pytest.mark.parametrize("later", [False, True], ids=["rolled back", "a later deployment"])
    def test_no_partner_is_created_if_the_stack_moves_on_between_calls(self, cloud: Cloud, later: bool) -> None:
        """It is asked before each call; a later deployment has a Create of its own, or wants none."""
        cloud.prepare()
        cloud.fail("CreatePartner", "throttle")
        time = VirtualTime()
        time.meanwhile = cloud.begin_deployment if later else lambda: cloud.set_status("ROLLBACK_IN_PROGRESS")
        with pytest.raises(NotWaitingError, match="another deployment" if later else "ROLLBACK_IN_PROGRESS"):
            cloud.create(properties(), time)
        assert cloud.partners == []

    def test_abandoned_create_does_not_write_to_the_partner_it_finds(self, deployed: Deployed) -> None:
        """The stack went on while a call was throttled."""
        deployed.cloud.recreate_stack()
        deployed.cloud.fail("GetAllianceLeadContact", "throttle")
        time = VirtualTime(meanwhile=lambda: deployed.cloud.set_status("ROLLBACK_IN_PROGRESS"))
        with pytest.raises(NotWaitingError):
            deployed.cloud.create(CEO, time)
        assert deployed.writes() == []

    def test_listing_that_became_stale_while_reading_the_code_is_repeated(self, cloud: Cloud) -> None:
        """A slow Secrets Manager leaves time for somebody else to create a partner."""
        cloud.prepare()
        time = VirtualTime()

        def slowly() -> None:
            time.seconds -= 60
            cloud.add_partner("Other Corp")

        cloud.happens_before("get_parameter", slowly)
        with pytest.raises(PartnerError, match="PartnerExists"):
            cloud.create(properties(), time)
        assert cloud.writes() == []

    def test_listing_that_became_stale_while_describing_the_stack_is_repeated(self, cloud: Cloud) -> None:
        """A silent CloudFormation leaves time as well: each try to ask it comes after a look of its own."""
        cloud.prepare()
        time = VirtualTime(meanwhile=lambda: cloud.add_partner("Other Corp", tags={OWNER_TAG: "another stack"}))
        cloud.answer_instead("describe_stacks", None, THROTTLED)
        with pytest.raises(PartnerError, match="PartnerExists"):
            cloud.create(properties(), time)
        assert cloud.writes() == []

    def test_no_partner_is_created_while_cloudformation_does_not_respond(self, cloud: Cloud) -> None:
        """Nothing is created, and nothing is waited for beyond the deadline."""
        cloud.prepare()
        time = VirtualTime()
        cloud.answer_instead("describe_stacks", None, *[THROTTLED] * 99)
        with pytest.raises(CallError, match="DescribeStacks"):
            cloud.create(properties(), time)
        assert time.seconds >= 45
        assert cloud.writes() == []

    def test_resource_added_to_an_existing_stack_can_create(self, cloud: Cloud) -> None:
        """Its Create comes in an update of the stack."""
        cloud.prepare()
        cloud.set_status("UPDATE_IN_PROGRESS")
        assert is_partner_arn(cloud.create(properties()).physical_id)


class TestUnknownOutcome:
    """CreatePartner of which nobody knows whether it was carried out."""

    @pytest.mark.versions
    @pytest.mark.parametrize("kind", ["cut", "internal-error", "unavailable"])
    @pytest.mark.parametrize("after_commit", [True, False])
    def test_one_lost_answer_takes_another_listing_and_no_second_partner(
        self, cloud: Cloud, kind: str, after_commit: bool
    ) -> None:
        """Found if it was carried out, else called again with the same token and body."""
        cloud.prepare()
        cloud.fail("CreatePartner", kind, after_commit=after_commit)
        answer = cloud.create(properties())
        assert [partner.arn for partner in cloud.partners] == [answer.physical_id]
        assert cloud.writes().count("CreatePartner") == (1 if after_commit else 2)

    def test_unlisted_new_partner_is_returned_for_the_same_token(self, cloud: Cloud) -> None:
        """The service knows the request again."""
        cloud.prepare()
        cloud.fail("CreatePartner", "cut", after_commit=True)
        cloud.fail("ListPartners", "lagging-list", times=3)
        answer = cloud.create(properties())
        assert [partner.arn for partner in cloud.partners] == [answer.physical_id]
        calls = [request for request in cloud.simulator.requests if request.operation == "CreatePartner"]
        assert len({request.input["ClientToken"] for request in calls}) == 1

    def test_lasting_denial_fails_before_the_deadline(self, cloud: Cloud) -> None:
        """After a minute and a half."""
        cloud.fail("ListPartners", "access-denied", times=None)
        time = VirtualTime()
        with pytest.raises(CallError, match="AccessDenied"):
            cloud.create(properties(), time)
        assert 60 < time.seconds < 95

    def test_slow_service_still_creates_the_partner(self, cloud: Cloud) -> None:
        """Where each call takes its time, so does the look; it is repeated once, not for ever."""
        cloud.prepare()
        assert is_partner_arn(cloud.create(properties(), VirtualTime(each_call=10)).physical_id)


class TestRefusals:
    """What Partner Central, or the handler before it, refuses."""

    @pytest.mark.versions
    def test_wrong_code_fails_at_once_with_its_remedy_and_a_new_one_succeeds(self, cloud: Cloud) -> None:
        """On the same stack."""
        wrong = f"{(int(cloud.prepare()) + 1) % 1_000_000:06d}"
        cloud.store_code(wrong)
        time = VirtualTime()
        with pytest.raises(CallError, match="EmailVerificationCode:INVALID_VALUE.*Request a new code") as caught:
            cloud.create(properties(), time)
        assert time.pauses == []
        assert wrong not in str(caught.value)
        cloud.prepare()
        assert is_partner_arn(cloud.create(properties()).physical_id)

    def test_refusal_is_reported_even_if_the_last_listing_fails(self, cloud: Cloud) -> None:
        """It says more: the code is wrong, whatever denies the list."""
        cloud.prepare()
        cloud.store_code("000000")
        denied = ClientError({"Error": {"Code": "AccessDeniedException"}}, "ListPartners")
        cloud.answer_instead("list_partners", None, *[denied] * 99)
        with pytest.raises(CallError, match="EmailVerificationCode:INVALID_VALUE"):
            cloud.create(properties())

    def test_another_owners_new_partner_is_reported_instead_of_the_refusal(self, cloud: Cloud) -> None:
        """A new code would help nobody any more."""
        cloud.prepare()
        cloud.store_code("000000")
        cloud.happens_before("create_partner", lambda: cloud.add_partner("Other Corp"))
        with pytest.raises(PartnerError, match="PartnerExists"):
            cloud.create(properties())
        assert cloud.writes() == ["CreatePartner"]

    def test_taken_legal_name_fails_after_half_a_minute(self, cloud: Cloud) -> None:
        """It may be our own, not visible yet; so no other token is tried."""
        cloud.prepare()
        cloud.simulator.account("999999999999").add_partner(legal_name="EXAMPLE CORP")
        time = VirtualTime()
        with pytest.raises(CallError, match="DUPLICATE_PARTNER.*legal name is taken"):
            cloud.create(properties(), time)
        assert cloud.writes() == ["CreatePartner"]
        assert 150 <= time.seconds < 160

    @pytest.mark.parametrize(
        ("stored", "reason"),
        [('{"code": "12345"}', "six digits"), ('{"code": "abcdef"}', "six digits"), ('{"code": ""}', "six digits")]
        + [(text, "isn't a JSON object with the field") for text in ("123456", "{}", "[1]")],
    )
    def test_value_that_is_not_six_digits_is_not_sent(self, cloud: Cloud, stored: str, reason: str) -> None:
        """A try with it might be counted."""
        cloud.client("secretsmanager").create_secret(Name="code", SecretString=stored)
        source = {"From": "SecretsManager", "SecretId": "code", "JsonField": "code"}
        with pytest.raises(CodeError, match=reason) as caught:
            cloud.create(properties(EmailVerificationCode=source))
        assert cloud.writes() == []
        assert not [text for text in ("12345", "abcdef") if text in str(caught.value)]

    def test_missing_code_fails_with_the_remedy_of_its_store(self, cloud: Cloud) -> None:
        """For the place it was looked for in."""
        with pytest.raises(CallError, match="ParameterNotFound.*with the code"):
            cloud.create(properties())
        source = {"From": "SecretsManager", "SecretId": "nowhere"}
        with pytest.raises(CallError, match="ResourceNotFoundException.*store the code"):
            cloud.create(properties(EmailVerificationCode=source))

    @pytest.mark.versions
    def test_values_that_were_tokens_at_synth_are_checked_before_the_code_is_read(self, cloud: Cloud) -> None:
        """All at once, by their names, against the service model."""
        wrong = properties(LegalName="Secret\tCorp", AllianceLeadContact=contact(Email="secret", LastName="x" * 81))
        names = "LegalName.*AllianceLeadContact.LastName.*AllianceLeadContact.Email"
        with pytest.raises(RequestError, match=names) as caught:
            cloud.create(wrong)
        assert "Secret" not in str(caught.value)
        assert cloud.operations() == ["ListPartners"]

    @pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov", "aws-iso", "aws-eusc"])
    def test_other_partition_is_refused_before_any_call(self, cloud: Cloud, partition: str) -> None:
        """There the service would reject the credentials, as if a permission were missing."""
        elsewhere = cloud.stack_id.replace("arn:aws:", f"arn:{partition}:")
        with pytest.raises(
            PartnerError, match=f"WrongPartition: .* partition {partition}, which has no.* such as us-east-1"
        ):
            cloud.create(properties(), StackId=elsewhere)
        assert cloud.operations() == []

    def test_errors_carry_neither_names_nor_code_though_the_service_echoes_them(self, cloud: Cloud) -> None:
        """The service's message is never repeated."""
        code = cloud.prepare()
        cloud.fail("*", "echo", times=None)
        cloud.account.set_verification("BUSINESS_VERIFICATION", "FAILED")
        with pytest.raises(HandlerError, match="INCOMPATIBLE_KNOW_YOUR_BUSINESS_STATUS") as caught:
            cloud.create(properties(LegalName="Canary Corp"))
        assert not [secret for secret in (code, "Canary", EMAIL, "Jane") if secret in str(caught.value)]
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


# What docs/limits.md calls possible

ANOTHER = properties(LegalName="Another Corp")


def _deploy_again_while_the_list_lags(cloud: Cloud) -> None:
    """The stack was deleted, its name corrected, and its partner is not listed yet."""
    cloud.prepare()
    cloud.create(properties())
    cloud.recreate_stack()
    cloud.prepare()
    cloud.fail("ListPartners", "lagging-list", times=None, seconds=3600)
    try:
        cloud.create(ANOTHER)
    finally:
        cloud.simulator.faults.clear()


def test_lagging_list_with_a_corrected_name_may_create_a_second_partner(moto_url: str) -> None:
    """Where the service allows several; the next Create names both, and takes the one that keeps its tag."""
    with open_cloud(moto_url, readings=SEVERAL) as cloud:
        _deploy_again_while_the_list_lags(cloud)
        ids = [partner.id for partner in cloud.account.partners]
        cloud.recreate_stack()
        with pytest.raises(PartnerError, match=f"SeveralPartners: {ids[0]}, {ids[1]} .*owner tag from those"):
            cloud.create(ANOTHER)
        cloud.account.untag_partner(ids[0], OWNER_TAG)
        assert cloud.create(ANOTHER).data["Id"] == ids[1]


def test_lagging_list_with_a_corrected_name_fails_a_deployment_if_an_account_has_one_partner(
    cloud: Cloud,
) -> None:
    """The second call is refused, and the next one finds the first partner."""
    with pytest.raises(CallError, match="DUPLICATE_PARTNER"):
        _deploy_again_while_the_list_lags(cloud)
    cloud.recreate_stack()
    (partner,) = cloud.account.partners
    assert cloud.create(ANOTHER).physical_id == partner.arn
