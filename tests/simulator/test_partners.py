"""The simulator's rules of partners: creation, idempotency, names, codes, lists, contact, tags, and both readings."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest

from partner_central_simulator import ProfileIdAppears, Readings, Simulator, partners
from tests.simulator.test_simulator import (
    ACCOUNT,
    CONTACT,
    EMAIL,
    ManualClock,
    client_of,
    field_problems,
    new_code,
    partner_request,
    refusal,
)

TAGS = [{"Key": "team", "Value": "alliances"}]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A simulator with strict readings, whose accounts are verified."""
    with Simulator(verified=True) as running:
        yield running


def reading(**changes: Any) -> AbstractContextManager[Simulator]:
    """The same with other readings."""
    return Simulator(verified=True, readings=Readings(**changes))


def create_in_aws(simulator: Simulator, account: str = ACCOUNT, **changes: Any) -> dict[str, Any]:
    """Create a partner in catalog AWS as a user does: request a code, read the e-mail, send the code."""
    client = client_of(simulator, account)
    email = changes.get("AllianceLeadContact", CONTACT)["Email"]
    code = new_code(simulator, client, email)
    request = partner_request(**{"Catalog": "AWS", "EmailVerificationCode": code, **changes})
    return dict(client.create_partner(**request))


def business_codes(response: dict[str, Any]) -> list[str]:
    """The code of each business problem in an error response."""
    assert response["Reason"] == "BUSINESS_VALIDATION_FAILED"
    return [detail["BusinessValidationError"]["Code"] for detail in response["ErrorDetails"]]


class TestCreation:
    """CreatePartner, and what can be read afterwards."""

    def test_story(self, simulator: Simulator) -> None:
        """What was created is what the reading operations show."""
        client = client_of(simulator)
        made = create_in_aws(simulator, Tags=TAGS)
        by_id, by_arn = (
            client.get_partner(Catalog="AWS", Identifier=identifier) for identifier in (made["Id"], made["Arn"])
        )
        assert made["Arn"] == f"arn:aws:partnercentral:us-east-1:{ACCOUNT}:catalog/AWS/partner/{made['Id']}"
        assert made["Profile"] == {"PrimarySolutionType": "SOFTWARE_PRODUCTS"}
        assert made["AllianceLeadContact"] == CONTACT
        for seen in (by_id, by_arn):
            assert {name: seen[name] for name in ("Arn", "Id", "LegalName", "CreatedAt", "Profile")} == {
                name: made[name] for name in ("Arn", "Id", "LegalName", "CreatedAt", "Profile")
            }
            assert "AllianceLeadContact" not in seen
        contact = client.get_alliance_lead_contact(Catalog="AWS", Identifier=made["Id"])
        assert contact["AllianceLeadContact"] == CONTACT
        assert client.list_tags_for_resource(ResourceArn=made["Arn"])["Tags"] == TAGS

    def test_catalogs_apart(self, simulator: Simulator) -> None:
        """A partner of one catalog is not found in the other, by id or by ARN."""
        made = create_in_aws(simulator)
        client = client_of(simulator)
        assert client.list_partners(Catalog="Sandbox")["PartnerSummaryList"] == []
        for identifier in (made["Id"], made["Arn"]):
            assert refusal(client.get_partner, Catalog="Sandbox", Identifier=identifier)["Reason"] == (
                "PARTNER_NOT_FOUND"
            )

    def test_unverified(self) -> None:
        """In catalog AWS an account that is new to Partner Central hears of both missing verifications at once."""
        with Simulator() as simulator:
            client = client_of(simulator)
            request = partner_request(Catalog="AWS", EmailVerificationCode=new_code(simulator, client))
            response = refusal(client.create_partner, **request)
            assert business_codes(response) == [
                "INCOMPATIBLE_KNOW_YOUR_BUSINESS_STATUS",
                "INCOMPATIBLE_IDENTITY_VERIFICATION_STATUS",
            ]
            simulator.account(ACCOUNT).set_verification("BUSINESS_VERIFICATION", "SUCCEEDED")
            request["EmailVerificationCode"] = new_code(simulator, client)
            response = refusal(client.create_partner, **request)
            assert business_codes(response) == ["INCOMPATIBLE_IDENTITY_VERIFICATION_STATUS"]
            assert client.create_partner(**partner_request())["Catalog"] == "Sandbox"

    def test_second_partner(self, simulator: Simulator) -> None:
        """One partner per account and catalog: another is a duplicate, whatever its name."""
        create_in_aws(simulator)
        client = client_of(simulator)
        code = new_code(simulator, client)
        request = partner_request(Catalog="AWS", LegalName="Second Corp", EmailVerificationCode=code)
        assert refusal(client.create_partner, **request)["Reason"] == "DUPLICATE_PARTNER"
        client.create_partner(**partner_request())

    def test_several_partners(self) -> None:
        """Read otherwise, an account may have several."""
        with reading(one_partner_per_catalog=False) as simulator:
            create_in_aws(simulator)
            create_in_aws(simulator, LegalName="Second Corp")
            assert len(simulator.account(ACCOUNT).partners) == 2

    @pytest.mark.parametrize("catalog", ["AWS", "Sandbox"])
    @pytest.mark.parametrize("name", ["Example Corp", "EXAMPLE corp", "Ex\N{FULLWIDTH LATIN SMALL LETTER A}mple Corp"])
    def test_unique_names(self, simulator: Simulator, catalog: str, name: str) -> None:
        """A legal name is taken for all accounts of a catalog, in every spelling that folds to the same."""
        simulator.account("222222222222").add_partner("Example Corp", catalog=catalog)
        client = client_of(simulator)
        code = new_code(simulator, client)
        request = partner_request(Catalog=catalog, LegalName=name, EmailVerificationCode=code)
        assert refusal(client.create_partner, **request)["Reason"] == "DUPLICATE_PARTNER"

    def test_names_of_other_catalogs(self, simulator: Simulator) -> None:
        """A name that is taken in the Sandbox is free in catalog AWS."""
        simulator.account("222222222222").add_partner("Example Corp", catalog="Sandbox")
        assert create_in_aws(simulator)["LegalName"] == "Example Corp"

    def test_sandbox_tags(self, simulator: Simulator) -> None:
        """The Sandbox refuses tags at creation and later, even none of them, and shows none."""
        client = client_of(simulator)
        for tags in (TAGS, []):
            response = refusal(client.create_partner, **partner_request(Tags=tags))
            assert field_problems(response) == [("Tags", "ACTION_NOT_PERMITTED")]
        made = client.create_partner(**partner_request())
        response = refusal(client.tag_resource, ResourceArn=made["Arn"], Tags=TAGS)
        assert field_problems(response) == [("Tags", "ACTION_NOT_PERMITTED")]
        response = refusal(client.untag_resource, ResourceArn=made["Arn"], TagKeys=["team"])
        assert field_problems(response) == [("TagKeys", "ACTION_NOT_PERMITTED")]
        assert client.list_tags_for_resource(ResourceArn=made["Arn"])["Tags"] == []

    def test_sandbox_may_take_tags_after_creation_in_another_reading(self) -> None:
        """Then they are set, shown and removed as in catalog AWS; in CreatePartner they are refused all the same."""
        with reading(sandbox_takes_tags_later=True) as simulator:
            client = client_of(simulator)
            response = refusal(client.create_partner, **partner_request(Tags=TAGS))
            assert field_problems(response) == [("Tags", "ACTION_NOT_PERMITTED")]
            arn = client.create_partner(**partner_request())["Arn"]
            client.tag_resource(ResourceArn=arn, Tags=TAGS)
            assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == TAGS
            client.untag_resource(ResourceArn=arn, TagKeys=[tag["Key"] for tag in TAGS])
            assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == []


class TestProfileId:
    """The three readings of when a ProfileId appears."""

    @pytest.mark.parametrize(
        ("appears", "in_answers", "in_visibility"),
        [
            (ProfileIdAppears.AT_ONCE, True, True),
            (ProfileIdAppears.IN_VISIBILITY, False, True),
            (ProfileIdAppears.WITH_PROFILE, False, False),
        ],
    )
    def test_newborn(self, appears: ProfileIdAppears, *, in_answers: bool, in_visibility: bool) -> None:
        """A newborn partner's ProfileId is where the reading says, and nowhere else."""
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


class TestTokens:
    """Idempotency by ClientToken."""

    def test_repetition(self, simulator: Simulator) -> None:
        """The same token and body answer the same partner, although its code is spent."""
        client = client_of(simulator)
        code = new_code(simulator, client)
        request = partner_request(Catalog="AWS", EmailVerificationCode=code, ClientToken="once", Tags=TAGS)
        first, second = client.create_partner(**request), client.create_partner(**request)
        assert first["Arn"] == second["Arn"]
        assert first["CreatedAt"] == second["CreatedAt"]
        assert len(simulator.account(ACCOUNT).partners) == 1

    def test_at_the_same_time(self, simulator: Simulator) -> None:
        """Ten simultaneous requests with one token make one partner, and all learn its ARN."""
        request = partner_request(ClientToken="once")
        clients = [client_of(simulator) for _ in range(10)]
        with ThreadPoolExecutor(10) as pool:
            arns = list(pool.map(lambda client: client.create_partner(**request)["Arn"], clients))
        assert len(set(arns)) == 1
        assert [partner.arn for partner in simulator.account(ACCOUNT).partners] == arns[:1]

    def test_without_common_token(self, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of simultaneous requests without a common token one makes a partner; the others are duplicates."""
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

    def test_other_body(self, simulator: Simulator) -> None:
        """The same token with another body is a conflict, be it only another code."""
        client = client_of(simulator)
        client.create_partner(**partner_request(ClientToken="once"))
        request = partner_request(ClientToken="once", EmailVerificationCode="654321")
        assert refusal(client.create_partner, **request)["Reason"] == "CONFLICT_CLIENT_TOKEN"

    def test_first_result(self) -> None:
        """Read otherwise, the first result is answered, even for a body of another catalog."""
        with reading(reused_token_conflicts=False) as simulator:
            client = client_of(simulator)
            first = client.create_partner(**partner_request(ClientToken="once"))
            second = client.create_partner(**partner_request(ClientToken="once", Catalog="AWS", LegalName="Other Corp"))
            assert first["Arn"] == second["Arn"]

    def test_failed_request(self, simulator: Simulator) -> None:
        """A failed request keeps its token: a corrected one needs another, an unchanged one may be tried again."""
        self._fail(simulator)
        client = client_of(simulator)
        corrected = partner_request(ClientToken="once", LegalName="Free Corp")
        assert refusal(client.create_partner, **corrected)["Reason"] == "CONFLICT_CLIENT_TOKEN"
        simulator.account("222222222222").delete_partner(simulator.account("222222222222").partners[0].id)
        assert client.create_partner(**partner_request(ClientToken="once"))["LegalName"] == "Example Corp"

    def test_forgotten_failure(self) -> None:
        """Read otherwise, a failed request leaves its token free."""
        with reading(failed_request_keeps_token=False) as simulator:
            self._fail(simulator)
            corrected = partner_request(ClientToken="once", LegalName="Free Corp")
            assert client_of(simulator).create_partner(**corrected)["LegalName"] == "Free Corp"

    def test_invalid_request(self, simulator: Simulator) -> None:
        """A request that the model rules out never gets as far as its token."""
        client = client_of(simulator)
        refusal(client.create_partner, **partner_request(ClientToken="once", EmailVerificationCode="x"))
        assert client.create_partner(**partner_request(ClientToken="once"))["Id"]

    def test_accounts_apart(self, simulator: Simulator) -> None:
        """A token of one account means nothing in another."""
        client_of(simulator).create_partner(**partner_request(ClientToken="once"))
        other = client_of(simulator, "222222222222")
        assert other.create_partner(**partner_request(ClientToken="once", LegalName="Other Corp"))["Id"]

    @staticmethod
    def _fail(simulator: Simulator) -> None:
        simulator.account("222222222222").add_partner("Example Corp", catalog="Sandbox")
        response = refusal(client_of(simulator).create_partner, **partner_request(ClientToken="once"))
        assert response["Reason"] == "DUPLICATE_PARTNER"


class TestCodes:
    """The codes that are sent by e-mail."""

    WRONG = ("EmailVerificationCode", "INVALID_VALUE")

    def attempt(self, simulator: Simulator, code: str, account: str = ACCOUNT, **changes: Any) -> dict[str, Any]:
        """A creation in catalog AWS that must fail."""
        request = partner_request(**{"Catalog": "AWS", "EmailVerificationCode": code, **changes})
        return refusal(client_of(simulator, account).create_partner, **request)

    def test_wrong(self, simulator: Simulator) -> None:
        """Another code than the one in the e-mail is refused by its member's name."""
        code = new_code(simulator, client_of(simulator))
        wrong = f"{(int(code) + 1) % 10**6:06}"
        assert field_problems(self.attempt(simulator, wrong)) == [self.WRONG]

    def test_of_another_address(self, simulator: Simulator) -> None:
        """A code holds for the address it was sent to."""
        code = new_code(simulator, client_of(simulator), "john@example.com")
        assert field_problems(self.attempt(simulator, code)) == [self.WRONG]

    def test_of_another_account(self, simulator: Simulator) -> None:
        """A code holds for the account that requested it."""
        code = new_code(simulator, client_of(simulator))
        assert field_problems(self.attempt(simulator, code, account="222222222222")) == [self.WRONG]

    def test_superseded(self, simulator: Simulator) -> None:
        """A newer code makes the older one worthless."""
        client = client_of(simulator)
        older = new_code(simulator, client)
        while new_code(simulator, client) == older:  # one time in a million
            pass
        assert field_problems(self.attempt(simulator, older)) == [self.WRONG]

    def test_spent_by_failure(self, simulator: Simulator) -> None:
        """An attempt that fails for any reason spends the code."""
        simulator.account(ACCOUNT).set_verification("BUSINESS_VERIFICATION", "FAILED")
        code = new_code(simulator, client_of(simulator))
        assert business_codes(self.attempt(simulator, code)) == ["INCOMPATIBLE_KNOW_YOUR_BUSINESS_STATUS"]
        simulator.account(ACCOUNT).set_verification("BUSINESS_VERIFICATION", "SUCCEEDED")
        assert field_problems(self.attempt(simulator, code)) == [self.WRONG]

    def test_survives_failure(self) -> None:
        """Read otherwise, the code can be used again after a failure, but not after a success."""
        with reading(failed_attempt_spends_code=False, one_partner_per_catalog=False) as simulator:
            client = client_of(simulator)
            code = new_code(simulator, client)
            self.attempt(simulator, f"{(int(code) + 1) % 10**6:06}")
            request = partner_request(Catalog="AWS", EmailVerificationCode=code)
            client.create_partner(**request)
            assert field_problems(self.attempt(simulator, code, LegalName="Second Corp")) == [self.WRONG]

    def test_sandbox(self, simulator: Simulator) -> None:
        """The Sandbox takes any six digits, and sends no e-mail."""
        client = client_of(simulator)
        for _ in range(6):
            client.send_email_verification_code(Catalog="Sandbox", Email=EMAIL)
        assert simulator.outbox == []
        assert client.create_partner(**partner_request(EmailVerificationCode="000000"))["Id"]

    def test_sandbox_spends_none(self, simulator: Simulator) -> None:
        """A partner of the Sandbox leaves a code for the same address as it was, for the one in catalog AWS."""
        client = client_of(simulator)
        code = new_code(simulator, client)
        client.create_partner(**partner_request(Catalog="Sandbox"))
        assert not simulator.outbox[-1].spent
        assert client.create_partner(**partner_request(Catalog="AWS", EmailVerificationCode=code))["Id"]

    def test_five_a_day(self) -> None:
        """Five codes a day are sent to an address, counted over 24 hours, each address for itself."""
        clock = ManualClock()
        with Simulator(clock=clock) as simulator:
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


class TestLists:
    """ListPartners and its pages."""

    def test_pages(self) -> None:
        """Pages follow each other by opaque tokens, oldest first, and boto3's paginator walks them."""
        with Simulator(page_size=2) as simulator:
            made = [simulator.account(ACCOUNT).add_partner(f"Corp {number}").id for number in range(5)]
            pages = list(client_of(simulator).get_paginator("list_partners").paginate(Catalog="AWS"))
            assert [len(page["PartnerSummaryList"]) for page in pages] == [2, 2, 1]
            assert [partner["Id"] for page in pages for partner in page["PartnerSummaryList"]] == made

    def test_exact_page(self) -> None:
        """A list that fills its page exactly has no further one."""
        with Simulator(page_size=2) as simulator:
            for number in range(2):
                simulator.account(ACCOUNT).add_partner(f"Corp {number}")
            assert "NextToken" not in client_of(simulator).list_partners(Catalog="AWS")

    @pytest.mark.parametrize("token", ["nonsense", "e30=", "W10=", "MQ==", "bnVsbA==", "ü"])
    def test_foreign_tokens(self, simulator: Simulator, token: str) -> None:
        """A token that no answer gave is refused."""
        response = refusal(client_of(simulator).list_partners, Catalog="AWS", NextToken=token)
        assert field_problems(response) == [("NextToken", "INVALID_VALUE")]

    def test_tokens_of_others(self) -> None:
        """A token leads nobody into another account's list or another catalog's."""
        with Simulator(page_size=1) as simulator:
            for number in range(2):
                simulator.account(ACCOUNT).add_partner(f"Corp {number}")
            token = client_of(simulator).list_partners(Catalog="AWS")["NextToken"]
            for account, catalog in (("222222222222", "AWS"), (ACCOUNT, "Sandbox")):
                response = refusal(client_of(simulator, account).list_partners, Catalog=catalog, NextToken=token)
                assert field_problems(response) == [("NextToken", "INVALID_VALUE")]


class TestContact:
    """PutAllianceLeadContact."""

    def test_same_address(self, simulator: Simulator) -> None:
        """Names and title change without a code."""
        made = create_in_aws(simulator)
        client, changed = client_of(simulator), {**CONTACT, "BusinessTitle": "CTO"}
        which = {"Catalog": "AWS", "Identifier": made["Arn"]}
        assert client.put_alliance_lead_contact(**which, AllianceLeadContact=changed)["AllianceLeadContact"] == changed
        assert client.get_alliance_lead_contact(**which)["AllianceLeadContact"] == changed

    def test_new_address(self, simulator: Simulator) -> None:
        """Another e-mail address needs the code that was sent to it."""
        made = create_in_aws(simulator)
        client, changed = client_of(simulator), {**CONTACT, "Email": "john@example.com"}
        request = {"Catalog": "AWS", "Identifier": made["Id"], "AllianceLeadContact": changed}
        response = refusal(client.put_alliance_lead_contact, **request)
        assert field_problems(response) == [("EmailVerificationCode", "REQUIRED_FIELD_MISSING")]
        old = new_code(simulator, client)
        response = refusal(client.put_alliance_lead_contact, **request, EmailVerificationCode=old)
        assert field_problems(response) == [("EmailVerificationCode", "INVALID_VALUE")]
        code = new_code(simulator, client, "john@example.com")
        client.put_alliance_lead_contact(**request, EmailVerificationCode=code)
        assert simulator.account(ACCOUNT).partner(made["Id"]).contact == changed

    def test_new_address_without_code(self) -> None:
        """Read otherwise, no code is needed; but one that is sent must be right."""
        with reading(new_contact_email_needs_code=False) as simulator:
            made = create_in_aws(simulator)
            client, changed = client_of(simulator), {**CONTACT, "Email": "john@example.com"}
            request = {"Catalog": "AWS", "Identifier": made["Id"], "AllianceLeadContact": changed}
            response = refusal(client.put_alliance_lead_contact, **request, EmailVerificationCode="000000")
            assert field_problems(response) == [("EmailVerificationCode", "INVALID_VALUE")]
            client.put_alliance_lead_contact(**request)
            assert simulator.account(ACCOUNT).partner(made["Id"]).contact == changed

    @pytest.mark.parametrize("operation", ["get_partner", "get_alliance_lead_contact", "get_profile_visibility"])
    def test_unknown_partner(self, simulator: Simulator, operation: str) -> None:
        """A partner that does not exist is not found."""
        call = getattr(client_of(simulator), operation)
        response = refusal(call, Catalog="AWS", Identifier="partner-0123456789abc")
        assert response["Error"]["Code"] == "ResourceNotFoundException"
        assert response["Reason"] == "PARTNER_NOT_FOUND"


class TestTags:
    """TagResource, UntagResource and ListTagsForResource."""

    def test_change(self, simulator: Simulator) -> None:
        """Tags are added, changed by their keys, and removed; removing what is not there is no mistake."""
        arn = create_in_aws(simulator, Tags=TAGS)["Arn"]
        client = client_of(simulator)
        client.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": ""}, {"Key": "cost", "Value": "42"}])
        assert self._tags(client, arn) == {"team": "", "cost": "42"}
        client.untag_resource(ResourceArn=arn, TagKeys=["team", "nothing"])
        assert self._tags(client, arn) == {"cost": "42"}

    def test_total(self, simulator: Simulator) -> None:
        """A partner has no more than 200 tags, over however many requests; a refused request adds none."""
        many = [{"Key": str(number), "Value": ""} for number in range(199)]
        arn = create_in_aws(simulator, Tags=many)["Arn"]
        client = client_of(simulator)
        two = [{"Key": "a", "Value": ""}, {"Key": "b", "Value": ""}]
        response = refusal(client.tag_resource, ResourceArn=arn, Tags=two)
        assert field_problems(response) == [("Tags", "TOO_MANY_VALUES")]
        assert len(self._tags(client, arn)) == 199
        client.tag_resource(ResourceArn=arn, Tags=[two[0], many[0]])

    def test_fifty_keys(self, simulator: Simulator) -> None:
        """No more than fifty keys are removed at once."""
        arn = create_in_aws(simulator)["Arn"]
        response = refusal(client_of(simulator).untag_resource, ResourceArn=arn, TagKeys=list(map(str, range(51))))
        assert field_problems(response) == [("TagKeys", "TOO_MANY_VALUES")]

    @pytest.mark.parametrize(
        ("tags", "code"),
        [
            ([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}], "DUPLICATE_VALUE"),
            ([{"Key": "AWS:a", "Value": "1"}], "INVALID_VALUE"),
        ],
    )
    def test_refused(self, simulator: Simulator, tags: list[dict[str, str]], code: str) -> None:
        """A key must not occur twice, nor begin with aws:, at creation and later."""
        client = client_of(simulator)
        response = refusal(
            client.create_partner,
            **partner_request(Catalog="AWS", EmailVerificationCode=new_code(simulator, client), Tags=tags),
        )
        assert field_problems(response) == [("Tags", code)]
        arn = create_in_aws(simulator)["Arn"]
        assert field_problems(refusal(client.tag_resource, ResourceArn=arn, Tags=tags)) == [("Tags", code)]

    @staticmethod
    def _tags(client: Any, arn: str) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in client.list_tags_for_resource(ResourceArn=arn)["Tags"]}


class TestDesk:
    """What happens outside the API shows in the API."""

    @pytest.mark.parametrize(
        ("change", "seen"),
        [
            (lambda desk, id_: desk.rename_partner(id_, "New Name"), {"legal_name": "New Name"}),
            (lambda desk, id_: desk.tag_partner(id_, {"a": "b"}), {"tags": {"team": "alliances", "a": "b"}}),
            (lambda desk, id_: desk.untag_partner(id_, "team"), {"tags": {}}),
            (
                lambda desk, id_: desk.change_contact(id_, LastName="Roe"),
                {"contact": {**CONTACT, "LastName": "Roe"}},
            ),
        ],
        ids=["rename", "tag", "untag", "contact"],
    )
    def test_changes(self, simulator: Simulator, change: Callable[[Any, str], None], seen: dict[str, Any]) -> None:
        """Support renames, and humans change tags and contact; every client sees it."""
        made = create_in_aws(simulator, Tags=TAGS)
        change(simulator.account(ACCOUNT), made["Id"])
        client, which = client_of(simulator), {"Catalog": "AWS", "Identifier": made["Id"]}
        tags = client.list_tags_for_resource(ResourceArn=made["Arn"])["Tags"]
        now = {
            "legal_name": client.get_partner(**which)["LegalName"],
            "contact": client.get_alliance_lead_contact(**which)["AllianceLeadContact"],
            "tags": {tag["Key"]: tag["Value"] for tag in tags},
        }
        assert now == {"legal_name": "Example Corp", "contact": CONTACT, "tags": {"team": "alliances"}, **seen}

    def test_refresh(self, simulator: Simulator) -> None:
        """After the yearly refresh of the Sandbox the partner is gone, its name is free, and so is its token."""
        client = client_of(simulator)
        made = client.create_partner(**partner_request(ClientToken="once"))
        simulator.account(ACCOUNT).delete_partner(made["Id"])
        assert client.list_partners(Catalog="Sandbox")["PartnerSummaryList"] == []
        assert client.create_partner(**partner_request(ClientToken="once"))["Id"] != made["Id"]

    def test_copies(self, simulator: Simulator) -> None:
        """What the desk shows can be changed without changing the state."""
        simulator.account(ACCOUNT).add_partner("Example Corp").tags["a"] = "b"
        simulator.account(ACCOUNT).partners[0].tags["a"] = "b"
        assert simulator.account(ACCOUNT).partners[0].tags == {}
