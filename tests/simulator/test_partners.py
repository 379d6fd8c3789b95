"""The simulator's rules of partners: creation, idempotency, names, codes, lists, contact, tags, and both readings."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest

from partner_central_simulator import ProfileIdAppears, Readings, Simulator, partners
from tests.simulator.calls import (
    ACCOUNT,
    CONTACT,
    EMAIL,
    OTHER_ACCOUNT,
    TAGS,
    ManualClock,
    business_codes,
    client_of,
    create_in_aws,
    field_problems,
    new_code,
    partner_request,
    refusal,
)

WRONG_CODE = [("EmailVerificationCode", "INVALID_VALUE")]
MISSING_CODE = [("EmailVerificationCode", "REQUIRED_FIELD_MISSING")]


def reading(**changes: Any) -> AbstractContextManager[Simulator]:
    """A verified simulator with other readings."""
    return Simulator(verified=True, readings=Readings(**changes))


def refused_creation(simulator: Simulator, code: str, account: str = ACCOUNT, **changes: Any) -> dict[str, Any]:
    """A creation in catalog AWS that must fail."""
    request = partner_request(**{"Catalog": "AWS", "EmailVerificationCode": code, **changes})
    return refusal(client_of(simulator, account).create_partner, **request)


def tags_of(client: Any, arn: str) -> dict[str, str]:
    """What ListTagsForResource shows."""
    return {tag["Key"]: tag["Value"] for tag in client.list_tags_for_resource(ResourceArn=arn)["Tags"]}


# --- Creation


@pytest.mark.versions
def test_created_partner_is_returned_by_the_read_operations(simulator: Simulator) -> None:
    """By id and by ARN."""
    client = client_of(simulator)
    made = create_in_aws(simulator, Tags=TAGS)
    assert made["Arn"] == f"arn:aws:partnercentral:us-east-1:{ACCOUNT}:catalog/AWS/partner/{made['Id']}"
    assert made["Profile"] == {"PrimarySolutionType": "SOFTWARE_PRODUCTS"}
    assert made["AllianceLeadContact"] == CONTACT
    for identifier in (made["Id"], made["Arn"]):
        seen = client.get_partner(Catalog="AWS", Identifier=identifier)
        members = ("Arn", "Id", "LegalName", "CreatedAt", "Profile")
        assert {name: seen[name] for name in members} == {name: made[name] for name in members}
        assert "AllianceLeadContact" not in seen
    contact = client.get_alliance_lead_contact(Catalog="AWS", Identifier=made["Id"])
    assert contact["AllianceLeadContact"] == CONTACT
    assert client.list_tags_for_resource(ResourceArn=made["Arn"])["Tags"] == TAGS


def test_partner_is_not_found_in_the_other_catalog(simulator: Simulator) -> None:
    """By id or by ARN."""
    made = create_in_aws(simulator)
    client = client_of(simulator)
    assert client.list_partners(Catalog="Sandbox")["PartnerSummaryList"] == []
    for identifier in (made["Id"], made["Arn"]):
        response = refusal(client.get_partner, Catalog="Sandbox", Identifier=identifier)
        assert response["Reason"] == "PARTNER_NOT_FOUND"


def test_unverified_account_gets_all_missing_verifications_in_one_error(unverified: Simulator) -> None:
    """In catalog AWS; the Sandbox needs none."""
    client = client_of(unverified)
    business, registrant = "INCOMPATIBLE_KNOW_YOUR_BUSINESS_STATUS", "INCOMPATIBLE_IDENTITY_VERIFICATION_STATUS"
    response = refused_creation(unverified, new_code(unverified, client))
    assert business_codes(response) == [business, registrant]
    unverified.account(ACCOUNT).set_verification("BUSINESS_VERIFICATION", "SUCCEEDED")
    assert business_codes(refused_creation(unverified, new_code(unverified, client))) == [registrant]
    assert client.create_partner(**partner_request())["Catalog"] == "Sandbox"


def test_second_partner_of_an_account_in_a_catalog_is_a_duplicate_whatever_its_name(simulator: Simulator) -> None:
    """Each catalog may have one, also of the same name: names are unique within a catalog."""
    create_in_aws(simulator)
    client = client_of(simulator)
    response = refused_creation(simulator, new_code(simulator, client), LegalName="Second Corp")
    assert response["Reason"] == "DUPLICATE_PARTNER"
    client.create_partner(**partner_request())


@pytest.mark.parametrize("catalog", ["AWS", "Sandbox"])
@pytest.mark.parametrize("name", ["Example Corp", "EXAMPLE corp", "Ex\N{FULLWIDTH LATIN SMALL LETTER A}mple Corp"])
def test_legal_name_is_taken_for_all_accounts_of_a_catalog_in_every_spelling(
    simulator: Simulator, catalog: str, name: str
) -> None:
    """Case and Unicode form make no difference."""
    simulator.account(OTHER_ACCOUNT).add_partner("Example Corp", catalog=catalog)
    code = new_code(simulator, client_of(simulator))
    response = refused_creation(simulator, code, Catalog=catalog, LegalName=name)
    assert response["Reason"] == "DUPLICATE_PARTNER"


@pytest.mark.parametrize(
    ("appears", "in_answers", "in_visibility"),
    [
        (ProfileIdAppears.AT_ONCE, True, True),
        (ProfileIdAppears.IN_VISIBILITY, False, True),
        (ProfileIdAppears.WITH_PROFILE, False, False),
    ],
)
def test_new_partner_has_its_profile_id_when_the_reading_says(
    appears: ProfileIdAppears, *, in_answers: bool, in_visibility: bool
) -> None:
    """And nowhere else."""
    with reading(profile_id=appears) as simulator:
        client = client_of(simulator)
        made = client.create_partner(**partner_request())
        which = {"Catalog": "Sandbox", "Identifier": made["Id"]}
        assert ("ProfileId" in made["Profile"]) is in_answers
        assert ("ProfileId" in client.get_partner(**which)["Profile"]) is in_answers
        if in_visibility:
            assert client.get_profile_visibility(**which)["ProfileId"].startswith("pprofile-")
        else:
            assert refusal(client.get_profile_visibility, **which)["Reason"] == "PARTNER_PROFILE_NOT_FOUND"


# --- Client tokens


def test_repeated_request_returns_the_same_partner_although_its_code_is_consumed(simulator: Simulator) -> None:
    """Same token, same body."""
    client = client_of(simulator)
    code = new_code(simulator, client)
    request = partner_request(Catalog="AWS", EmailVerificationCode=code, ClientToken="once", Tags=TAGS)
    first, second = client.create_partner(**request), client.create_partner(**request)
    assert (first["Arn"], first["CreatedAt"]) == (second["Arn"], second["CreatedAt"])
    assert len(simulator.account(ACCOUNT).partners) == 1


def test_ten_simultaneous_requests_with_one_token_make_one_partner(simulator: Simulator) -> None:
    """All learn its ARN."""
    request = partner_request(ClientToken="once")
    clients = [client_of(simulator) for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        arns = list(pool.map(lambda client: client.create_partner(**request)["Arn"], clients))
    assert len(set(arns)) == 1
    assert [partner.arn for partner in simulator.account(ACCOUNT).partners] == arns[:1]


def test_of_ten_simultaneous_requests_without_a_token_nine_are_duplicates(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check and creation are one step."""
    check = partners.is_name_taken

    def is_name_taken(*arguments: Any) -> bool:
        taken = check(*arguments)
        time.sleep(0.01)  # widens the gap between check and creation, in which a lock must keep others out
        return taken

    def attempt(client: Any) -> str:
        try:
            return str(client.create_partner(**partner_request())["Arn"])
        except client.exceptions.ConflictException as error:
            return str(error.response["Reason"])

    monkeypatch.setattr(partners, "is_name_taken", is_name_taken)
    with ThreadPoolExecutor(10) as pool:
        ends = list(pool.map(attempt, [client_of(simulator) for _ in range(10)]))
    assert ends.count("DUPLICATE_PARTNER") == 9


def test_known_token_with_another_body_is_a_conflict_even_if_only_the_code_differs(simulator: Simulator) -> None:
    """In its own account; in another the token means nothing."""
    client_of(simulator).create_partner(**partner_request(ClientToken="once"))
    request = partner_request(ClientToken="once", EmailVerificationCode="654321")
    assert refusal(client_of(simulator).create_partner, **request)["Reason"] == "CONFLICT_CLIENT_TOKEN"
    request["LegalName"] = "Other Corp"
    assert client_of(simulator, OTHER_ACCOUNT).create_partner(**request)["Id"]


def test_known_token_with_another_body_answers_the_first_result_in_another_reading() -> None:
    """Even for a body of another catalog."""
    with reading(reused_token_conflicts=False) as simulator:
        client = client_of(simulator)
        first = client.create_partner(**partner_request(ClientToken="once"))
        second = client.create_partner(**partner_request(ClientToken="once", Catalog="AWS", LegalName="Other Corp"))
        assert first["Arn"] == second["Arn"]


@pytest.mark.parametrize("keeps", [True, False])
def test_failed_request_keeps_its_token_as_the_reading_says(*, keeps: bool) -> None:
    """If it does, a corrected body needs another token; an unchanged one may be tried again in either case."""
    with reading(failed_request_keeps_token=keeps) as simulator:
        other, client = simulator.account(OTHER_ACCOUNT), client_of(simulator)
        taken = other.add_partner("Example Corp", catalog="Sandbox")
        request, corrected = (
            partner_request(ClientToken="once", LegalName=name) for name in ("Example Corp", "Free Corp")
        )
        assert refusal(client.create_partner, **request)["Reason"] == "DUPLICATE_PARTNER"
        if not keeps:
            assert client.create_partner(**corrected)["LegalName"] == "Free Corp"
            return
        assert refusal(client.create_partner, **corrected)["Reason"] == "CONFLICT_CLIENT_TOKEN"
        other.delete_partner(taken.id)
        assert client.create_partner(**request)["LegalName"] == "Example Corp"


def test_request_invalid_by_the_service_model_does_not_use_its_token(simulator: Simulator) -> None:
    """It never gets as far."""
    client = client_of(simulator)
    refusal(client.create_partner, **partner_request(ClientToken="once", EmailVerificationCode="x"))
    assert client.create_partner(**partner_request(ClientToken="once"))["Id"]


# --- Codes


@pytest.mark.parametrize("mistake", ["another code", "another address", "another account"])
def test_code_is_rejected_unless_sent_to_this_address_for_this_account(simulator: Simulator, mistake: str) -> None:
    """By the name of its member."""
    client = client_of(simulator)
    code = new_code(simulator, client, "john@example.com" if mistake == "another address" else EMAIL)
    if mistake == "another code":
        code = f"{(int(code) + 1) % 10**6:06}"
    account = OTHER_ACCOUNT if mistake == "another account" else ACCOUNT
    assert field_problems(refused_creation(simulator, code, account)) == WRONG_CODE


def test_newer_code_invalidates_the_older_one(simulator: Simulator) -> None:
    """The latest counts."""
    client = client_of(simulator)
    older = new_code(simulator, client)
    while new_code(simulator, client) == older:  # one time in a million
        pass
    assert field_problems(refused_creation(simulator, older)) == WRONG_CODE


def test_any_failed_attempt_consumes_the_code(simulator: Simulator) -> None:
    """The stricter reading."""
    admin = simulator.account(ACCOUNT)
    admin.set_verification("BUSINESS_VERIFICATION", "FAILED")
    code = new_code(simulator, client_of(simulator))
    assert business_codes(refused_creation(simulator, code)) == ["INCOMPATIBLE_KNOW_YOUR_BUSINESS_STATUS"]
    admin.set_verification("BUSINESS_VERIFICATION", "SUCCEEDED")
    assert field_problems(refused_creation(simulator, code)) == WRONG_CODE


def test_only_success_consumes_the_code_in_another_reading() -> None:
    """A failure leaves it as it was."""
    with reading(failed_attempt_spends_code=False, one_partner_per_catalog=False) as simulator:
        client = client_of(simulator)
        code = new_code(simulator, client)
        refused_creation(simulator, f"{(int(code) + 1) % 10**6:06}")
        client.create_partner(**partner_request(Catalog="AWS", EmailVerificationCode=code))
        assert field_problems(refused_creation(simulator, code, LegalName="Second Corp")) == WRONG_CODE


def test_sandbox_accepts_any_six_digits_sends_no_email_and_consumes_no_code(simulator: Simulator) -> None:
    """A code for the same address stays good for catalog AWS; nor is there a quota."""
    client = client_of(simulator)
    code = new_code(simulator, client)
    for _ in range(6):
        client.send_email_verification_code(Catalog="Sandbox", Email=EMAIL)
    assert len(simulator.outbox) == 1
    assert client.create_partner(**partner_request(EmailVerificationCode="000000"))["Id"]
    assert not simulator.outbox[0].spent
    assert client.create_partner(**partner_request(Catalog="AWS", EmailVerificationCode=code))["Id"]


def test_five_codes_are_sent_to_an_address_within_24_hours(simulator: Simulator, clock: ManualClock) -> None:
    """Each address has its own count."""
    client = client_of(simulator)
    for _ in range(5):
        new_code(simulator, client)
        clock.advance(hours=1)
    response = refusal(client.send_email_verification_code, Catalog="AWS", Email=EMAIL)
    assert response["Error"]["Code"] == "ServiceQuotaExceededException"
    assert response["Reason"] == "LIMIT_EXCEEDED_NUMBER_OF_EMAIL"
    new_code(simulator, client, "john@example.com")
    clock.advance(hours=19)
    new_code(simulator, client)
    assert len(simulator.outbox) == 7


# --- Lists


@pytest.mark.versions
@pytest.mark.parametrize(("count", "sizes"), [(5, [2, 2, 1]), (2, [2]), (0, [0])])
def test_pages_are_ordered_oldest_first(count: int, sizes: list[int]) -> None:
    """By opaque tokens, as boto3's paginator walks them; a list that fills its page has no further one."""
    with Simulator(page_size=2) as simulator:
        made = [simulator.account(ACCOUNT).add_partner(f"Corp {number}").id for number in range(count)]
        pages = list(client_of(simulator).get_paginator("list_partners").paginate(Catalog="AWS"))
        assert [len(page["PartnerSummaryList"]) for page in pages] == sizes
        assert [partner["Id"] for page in pages for partner in page["PartnerSummaryList"]] == made


@pytest.mark.parametrize("token", ["nonsense", "e30=", "W10=", "MQ==", "bnVsbA==", "ü"])
def test_unknown_page_token_is_rejected(simulator: Simulator, token: str) -> None:
    """By its member."""
    response = refusal(client_of(simulator).list_partners, Catalog="AWS", NextToken=token)
    assert field_problems(response) == [("NextToken", "INVALID_VALUE")]


def test_page_token_is_invalid_in_another_account_or_catalog() -> None:
    """It is of no answer that they have had."""
    with Simulator(page_size=1) as simulator:
        for number in range(2):
            simulator.account(ACCOUNT).add_partner(f"Corp {number}")
        token = client_of(simulator).list_partners(Catalog="AWS")["NextToken"]
        for account, catalog in ((OTHER_ACCOUNT, "AWS"), (ACCOUNT, "Sandbox")):
            response = refusal(client_of(simulator, account).list_partners, Catalog=catalog, NextToken=token)
            assert field_problems(response) == [("NextToken", "INVALID_VALUE")]


# --- The alliance lead contact

TITLE, ADDRESS = {"BusinessTitle": "CTO"}, {"Email": "john@example.com"}


@pytest.mark.parametrize(
    ("new_address", "any_change", "change", "needs_code"),
    [
        (True, False, TITLE, False),
        (True, False, ADDRESS, True),
        (True, False, TITLE | ADDRESS, True),
        (False, False, ADDRESS, False),
        (False, True, TITLE, True),
        (False, True, ADDRESS, False),
        (False, True, TITLE | ADDRESS, True),
        (True, True, {}, False),
    ],
)
def test_contact_changes_need_a_code_as_the_two_readings_say(
    *, new_address: bool, any_change: bool, change: dict[str, str], needs_code: bool
) -> None:
    """Each reading for itself: of a new address, and of any other change."""
    with reading(new_contact_email_needs_code=new_address, any_contact_change_needs_code=any_change) as simulator:
        client, changed = client_of(simulator), CONTACT | change
        request = {"Catalog": "AWS", "Identifier": create_in_aws(simulator)["Id"], "AllianceLeadContact": changed}
        if needs_code:
            assert field_problems(refusal(client.put_alliance_lead_contact, **request)) == MISSING_CODE
            request["EmailVerificationCode"] = new_code(simulator, client, changed["Email"])
        assert client.put_alliance_lead_contact(**request)["AllianceLeadContact"] == changed
        assert simulator.account(ACCOUNT).partner(request["Identifier"]).contact == changed


@pytest.mark.parametrize("needed", [True, False])
def test_code_of_a_new_contact_address_must_be_the_one_sent_there(*, needed: bool) -> None:
    """Also where none is needed."""
    with reading(new_contact_email_needs_code=needed) as simulator:
        which = {"Catalog": "AWS", "Identifier": create_in_aws(simulator)["Arn"]}
        client = client_of(simulator)
        request = {**which, "AllianceLeadContact": CONTACT | ADDRESS, "EmailVerificationCode": "000000"}
        assert field_problems(refusal(client.put_alliance_lead_contact, **request)) == WRONG_CODE
        request["EmailVerificationCode"] = new_code(simulator, client)
        assert field_problems(refusal(client.put_alliance_lead_contact, **request)) == WRONG_CODE
        assert client.get_alliance_lead_contact(**which)["AllianceLeadContact"] == CONTACT


# --- Tags


def test_tags_are_added_changed_by_their_keys_and_removed(simulator: Simulator) -> None:
    """Keys that aren't there are no mistake; case makes a difference."""
    arn = create_in_aws(simulator, Tags=TAGS)["Arn"]
    client = client_of(simulator)
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": ""}, {"Key": "Team", "Value": "42"}])
    assert tags_of(client, arn) == {"team": "", "Team": "42"}
    client.untag_resource(ResourceArn=arn, TagKeys=["team", "nothing"])
    assert tags_of(client, arn) == {"Team": "42"}


def test_tag_keys_ignore_case_in_another_reading() -> None:
    """The later one replaces the former; either removes it."""
    with reading(tag_keys_ignore_case=True) as simulator:
        arn = create_in_aws(simulator, Tags=TAGS)["Arn"]
        client = client_of(simulator)
        client.tag_resource(ResourceArn=arn, Tags=[{"Key": "Team", "Value": "42"}])
        assert tags_of(client, arn) == {"Team": "42"}
        client.untag_resource(ResourceArn=arn, TagKeys=["TEAM"])
        assert tags_of(client, arn) == {}


@pytest.mark.versions
def test_partner_has_at_most_200_tags_across_requests(simulator: Simulator) -> None:
    """A request that would exceed them adds none; fifty keys are removed at once at most."""
    many = [{"Key": str(number), "Value": ""} for number in range(199)]
    arn = create_in_aws(simulator, Tags=many)["Arn"]
    client = client_of(simulator)
    two = [{"Key": "a", "Value": ""}, {"Key": "b", "Value": ""}]
    response = refusal(client.tag_resource, ResourceArn=arn, Tags=two)
    assert field_problems(response) == [("Tags", "TOO_MANY_VALUES")]
    assert len(tags_of(client, arn)) == 199
    client.tag_resource(ResourceArn=arn, Tags=[two[0], many[0]])
    response = refusal(client.untag_resource, ResourceArn=arn, TagKeys=list(map(str, range(51))))
    assert field_problems(response) == [("TagKeys", "TOO_MANY_VALUES")]


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}], "DUPLICATE_VALUE"),
        ([{"Key": "AWS:a", "Value": "1"}], "INVALID_VALUE"),
    ],
)
def test_duplicate_or_aws_prefixed_tag_keys_are_rejected(
    simulator: Simulator, tags: list[dict[str, str]], code: str
) -> None:
    """At creation and later."""
    client = client_of(simulator)
    response = refused_creation(simulator, new_code(simulator, client), Tags=tags)
    assert field_problems(response) == [("Tags", code)]
    arn = create_in_aws(simulator)["Arn"]
    assert field_problems(refusal(client.tag_resource, ResourceArn=arn, Tags=tags)) == [("Tags", code)]


@pytest.mark.parametrize("later", [False, True])
def test_sandbox_rejects_tags_at_creation_and_accepts_them_later_as_the_reading_says(*, later: bool) -> None:
    """At creation it refuses even an empty list of them."""
    with reading(sandbox_takes_tags_later=later) as simulator:
        client = client_of(simulator)
        for tags in (TAGS, []):
            response = refusal(client.create_partner, **partner_request(Tags=tags))
            assert field_problems(response) == [("Tags", "ACTION_NOT_PERMITTED")]
        arn = client.create_partner(**partner_request())["Arn"]
        tag, untag = {"ResourceArn": arn, "Tags": TAGS}, {"ResourceArn": arn, "TagKeys": ["team"]}
        if later:
            client.tag_resource(**tag)
            assert tags_of(client, arn) == {"team": "alliances"}
            client.untag_resource(**untag)
        else:
            assert field_problems(refusal(client.tag_resource, **tag)) == [("Tags", "ACTION_NOT_PERMITTED")]
            assert field_problems(refusal(client.untag_resource, **untag)) == [("TagKeys", "ACTION_NOT_PERMITTED")]
        assert tags_of(client, arn) == {}


# --- What happens outside the API


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda admin, id_: admin.rename_partner(id_, "New Name"), {"legal_name": "New Name"}),
        (lambda admin, id_: admin.tag_partner(id_, {"a": "b"}), {"tags": {"team": "alliances", "a": "b"}}),
        (lambda admin, id_: admin.untag_partner(id_, "team"), {"tags": {}}),
        (lambda admin, id_: admin.change_contact(id_, LastName="Roe"), {"contact": {**CONTACT, "LastName": "Roe"}}),
    ],
    ids=["rename", "tag", "untag", "contact"],
)
def test_changes_by_support_and_people_are_visible_to_every_client(
    simulator: Simulator, change: Callable[[Any, str], None], seen: dict[str, Any]
) -> None:
    """And all else is as it was."""
    made = create_in_aws(simulator, Tags=TAGS)
    change(simulator.account(ACCOUNT), made["Id"])
    client, which = client_of(simulator), {"Catalog": "AWS", "Identifier": made["Id"]}
    now = {
        "legal_name": client.get_partner(**which)["LegalName"],
        "contact": client.get_alliance_lead_contact(**which)["AllianceLeadContact"],
        "tags": tags_of(client, made["Arn"]),
    }
    assert now == {"legal_name": "Example Corp", "contact": CONTACT, "tags": {"team": "alliances"}, **seen}


def test_sandbox_refresh_frees_partner_name_and_token(simulator: Simulator) -> None:
    """No call deletes a partner otherwise."""
    client = client_of(simulator)
    made = client.create_partner(**partner_request(ClientToken="once"))
    simulator.account(ACCOUNT).delete_partner(made["Id"])
    assert client.list_partners(Catalog="Sandbox")["PartnerSummaryList"] == []
    assert client.create_partner(**partner_request(ClientToken="once"))["Id"] != made["Id"]


def test_account_admin_and_outbox_return_copies(simulator: Simulator) -> None:
    """A test that changes them doesn't change the state."""
    client_of(simulator).send_email_verification_code(Catalog="AWS", Email="jane@example.com")
    simulator.outbox[0].spent = True
    assert not simulator.outbox[0].spent
    admin = simulator.account(ACCOUNT)
    admin.add_partner("Example Corp").tags["a"] = "b"
    admin.partners[0].tags["a"] = "b"
    assert admin.partners[0].tags == {}
    with pytest.raises(KeyError):
        admin.partner("partner-0123456789abc")
