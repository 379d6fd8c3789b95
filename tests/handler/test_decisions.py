"""The handler's decisions, each a pure function: identity, which partner is meant, what follows a failed call."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ParamValidationError, ReadTimeoutError

from partner_account_handler.calls import call_error
from partner_account_handler.create import Next, next_step
from partner_account_handler.errors import REASON_LIMIT, CallError, PartnerError
from partner_account_handler.existing import choose
from partner_account_handler.failure import CallFailure, CallOutcome
from partner_account_handler.identity import (
    OWNER_TAG,
    Owner,
    catalog_of,
    client_token,
    is_partner_arn,
    partner_id,
    same_name,
)
from partner_account_handler.partner import Partner
from partner_account_handler.remedies import BY_CODE, BY_DETAIL, BY_OUTCOME, BY_REASON
from partner_account_handler.request import Properties, read_properties
from partner_account_handler.stack_gate import ObservedStack
from tests.handler.cloud import properties, sandbox

STACK_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/Root/1-2"
OURS = Owner.of(STACK_ID, "Root", "Partner")
THEIRS = Owner.of(STACK_ID, "Other", "Partner")
WANTED = read_properties(properties())
SANDBOX = read_properties(sandbox())


def a_partner(number: int, owner: Owner | None = None, name: str = "Example Corp") -> Partner:
    """A partner as a look shows it."""
    arn = f"arn:aws:partnercentral:us-east-1:123456789012:catalog/AWS/partner/partner-{number:013d}"
    return Partner(arn, name, tags={} if owner is None else {OWNER_TAG: owner.to_tag()})


def adopting(partner: Partner, wanted: Properties = WANTED) -> Properties:
    """Properties that adopt that partner."""
    return replace(wanted, existing_partner_id=partner.id)


class TestIdentity:
    """Tokens, tags, ARNs and names."""

    def test_a_redelivered_event_has_the_same_token_and_a_new_attempt_another(self) -> None:
        """The token depends on the three ids of the event, and on nothing else."""
        token = client_token(STACK_ID, "Partner", "r1")
        assert token == client_token(STACK_ID, "Partner", "r1")
        others = {
            client_token(STACK_ID, "Partner", "r2"),
            client_token(STACK_ID, "Other", "r1"),
            client_token(f"{STACK_ID}3", "Partner", "r1"),
        }
        assert len({token, *others}) == 4
        assert re.fullmatch(r"[A-Za-z0-9-_]{1,64}", token)

    def test_the_owner_outlives_the_stack_but_not_its_name(self) -> None:
        """A stack deployed again under its name owns what it owned; nothing else does."""
        owner = Owner.of(STACK_ID, "Root", "Partner")
        assert owner == Owner.of(STACK_ID.replace("1-2", "3-4"), "Root", "Partner")
        others = [
            Owner.of(STACK_ID.replace("eu-west-1", "us-east-1"), "Root", "Partner"),
            Owner.of(STACK_ID.replace("123456789012", "210987654321"), "Root", "Partner"),
            Owner.of(STACK_ID, "Root2", "Partner"),
        ]
        assert owner.stack not in {other.stack for other in others}
        elsewhere = Owner.of(STACK_ID, "Root", "Elsewhere")
        assert elsewhere.stack == owner.stack
        assert not elsewhere.is_same_construct(owner)
        assert Owner.of(STACK_ID, "a", "b/c") != Owner.of(STACK_ID, "a/b", "c")

    @pytest.mark.parametrize("value", ["", "/", "theirs", "a/b/c/d", "0" * 64])
    def test_a_tag_of_another_form_is_no_construct_of_ours(self, value: str) -> None:
        """A human, or a former version, may have written anything there."""
        ours = Owner.of(STACK_ID, "Root", "Partner")
        assert not Owner.from_tag(value).is_same_construct(ours)
        assert Owner.from_tag(value).stack != ours.stack

    @pytest.mark.parametrize(
        ("arn", "catalog"),
        [
            ("arn:aws:partnercentral:us-east-1:123456789012:catalog/AWS/partner/partner-0000000000001", "AWS"),
            ("arn:aws:partnercentral:us-east-1:123456789012:catalog/Sandbox/partner/partner-x1", "Sandbox"),
            ("arn:aws:partnercentral::123456789012:partner/partner-x1", None),
            ("arn:aws:partnercentral-account:us-east-1:123456789012:partner/partner-x1", None),
        ],
    )
    def test_an_arn_of_partner_central_is_a_partner_whatever_its_form(self, arn: str, catalog: str | None) -> None:
        """The service may change its form, and CreatePartner has been answered by then."""
        assert is_partner_arn(arn)
        assert catalog_of(arn) == catalog
        assert partner_id(arn).startswith("partner-")

    @pytest.mark.parametrize("made_up", ["", "Root-Partner-1A2B3C", "not-created-0123", "arn:aws:iam::1:role/r"])
    def test_an_id_that_is_no_arn_of_partner_central_is_no_partner(self, made_up: str) -> None:
        """CloudFormation makes up ids, and a failed Create has one."""
        assert not is_partner_arn(made_up)

    def test_names_are_compared_as_people_read_them(self) -> None:
        """Case, width and blanks don't make another company."""
        assert same_name("Example  Corp ", "EXAMPLE \uff23orp")
        assert not same_name("Example Corp", "Example Corp.")


class TestProfileId:
    """The last known profile id, from the stack's own outputs."""

    ARN = "arn:aws:partnercentral:us-east-1:123456789012:catalog/AWS/partner/partner-0000000000001"
    ONE, TWO = "pprofile-0000000000001", "pprofile-0000000000002"

    def known(self, outputs: dict[str, str]) -> str | None:
        """What is known from these outputs."""
        stack = ObservedStack("UPDATE_IN_PROGRESS", datetime.now(UTC), outputs, "Root")
        return stack.attribute("ProfileId", self.ARN)

    @pytest.mark.parametrize("shown", [ONE, "pending"])
    def test_it_stands_beside_the_arn(self, shown: str) -> None:
        """Even where the user has given the ARN another output of his own, and the stack another partner."""
        outputs = {"MyArn": self.ARN, "PartnerArn": self.ARN, "PartnerProfileId": shown, "OtherProfileId": self.TWO}
        assert self.known(outputs) == shown

    @pytest.mark.parametrize(
        "outputs",
        [
            {},
            {"ExportsOutputFnGetAttX": ONE},
            {"PartnerArn": f"{ARN[:-1]}2", "PartnerProfileId": TWO},
            {"MyArn": ARN},
        ],
    )
    def test_otherwise_it_is_unknown(self, outputs: dict[str, str]) -> None:
        """It may be another partner's: a wrong one would be worse than none."""
        assert self.known(outputs) is None


class TestLook:
    """Which partner a Create is about."""

    def test_an_empty_account_has_none(self) -> None:
        """Then, and only then, one may be created."""
        assert choose(WANTED, OURS, []) is None

    def test_ours_is_known_by_its_tag_whatever_its_name(self) -> None:
        """A corrected legal name must not lead to a second partner."""
        mine = a_partner(1, OURS, "Other Name")
        assert choose(WANTED, OURS, [a_partner(2, THEIRS), mine]) is mine

    @pytest.mark.parametrize("owner", [None, THEIRS])
    def test_one_that_is_not_ours_is_refused_and_named(self, owner: Owner | None) -> None:
        """Even if it has the same legal name."""
        with pytest.raises(PartnerError, match="partner-0000000000002.*existing_partner_id"):
            choose(WANTED, OURS, [a_partner(2, owner)])

    def test_several_of_ours_are_for_a_human_to_choose_from(self) -> None:
        """Both are named."""
        with pytest.raises(PartnerError, match="partner-0000000000001, partner-0000000000002"):
            choose(WANTED, OURS, [a_partner(1, OURS), a_partner(2, OURS)])

    def test_adoption_takes_the_named_one_even_from_another_stack(self) -> None:
        """That is how a partner moves."""
        theirs = a_partner(2, THEIRS)
        assert choose(adopting(theirs), OURS, [a_partner(1), theirs]) is theirs

    def test_adoption_of_an_unknown_one_never_creates(self) -> None:
        """It is an error that names the id."""
        with pytest.raises(PartnerError, match="no partner-0000000000009"):
            choose(adopting(a_partner(9)), OURS, [a_partner(1)])
        with pytest.raises(PartnerError, match="no partner-0000000000009"):
            choose(adopting(a_partner(9)), OURS, [])

    def test_adoption_of_another_beside_ours_is_refused(self) -> None:
        """It would leave one construct with two partners."""
        with pytest.raises(PartnerError, match="already has partner-0000000000001"):
            choose(adopting(a_partner(2)), OURS, [a_partner(1, OURS), a_partner(2)])

    def test_adoption_under_another_name_is_refused(self) -> None:
        """A wrong id is more likely than a wrong name."""
        other = a_partner(2, name="Somebody Else")
        with pytest.raises(PartnerError, match="another legal name") as caught:
            choose(adopting(other), OURS, [other])
        assert "Somebody" not in str(caught.value)

    def test_adoption_of_ours_needs_no_name(self) -> None:
        """Support may have renamed it since."""
        mine = a_partner(1, OURS, "New Name")
        assert choose(adopting(mine), OURS, [mine]) is mine

    def test_the_sandbox_knows_ours_by_name_since_it_refuses_tags(self) -> None:
        """Another name there is another partner, and no obstacle."""
        same, other = a_partner(1, name="EXAMPLE corp"), a_partner(2, name="Other")
        assert choose(SANDBOX, OURS, [other, same]) is same
        assert choose(SANDBOX, OURS, [other]) is None


def failed(ending: CallOutcome, reason: str = "") -> CallError:
    """A failed CreatePartner."""
    return CallError(CallFailure("CreatePartner", ending, "SomeException", reason))


class TestNextStep:
    """What a failed CreatePartner calls for."""

    @pytest.mark.parametrize("ending", [CallOutcome.UNKNOWN, CallOutcome.THROTTLED, CallOutcome.DENIED])
    def test_what_may_pass_is_called_again(self, ending: CallOutcome) -> None:
        """With the same token: the service knows it."""
        assert next_step([failed(ending)], may_pass=True) is Next.RESEND

    @pytest.mark.parametrize("reason", ["DUPLICATE_PARTNER", "CONFLICT_CLIENT_TOKEN"])
    def test_a_conflict_is_looked_after_but_never_called_again(self, reason: str) -> None:
        """The partner may be ours, and not in the list yet."""
        assert next_step([failed(CallOutcome.REFUSED, reason)], may_pass=False) is Next.POLL_BRIEFLY

    @pytest.mark.parametrize(
        ("detail", "step"),
        [("LegalName:DUPLICATE_VALUE", Next.POLL_BRIEFLY), ("LegalName:INVALID_VALUE", Next.GIVE_UP)],
    )
    def test_a_name_that_is_taken_is_a_conflict_however_it_is_told(self, detail: str, step: Next) -> None:
        """As a validation error it may be about our own partner too."""
        refusal = CallError(CallFailure("CreatePartner", CallOutcome.REFUSED, "ValidationException", "", (detail,)))
        assert next_step([refusal], may_pass=False) is step

    def test_after_an_open_ending_even_a_refusal_is_doubted(self) -> None:
        """The first call may have used up the code, and created the partner."""
        assert (
            next_step([failed(CallOutcome.UNKNOWN), failed(CallOutcome.REFUSED)], may_pass=False)
            is Next.POLL_UNTIL_DEADLINE
        )

    def test_a_refusal_ends_it(self) -> None:
        """What can't succeed on retry fails at once."""
        assert next_step([failed(CallOutcome.THROTTLED), failed(CallOutcome.REFUSED)], may_pass=False) is Next.GIVE_UP


def refused(code: str, status: int = 400, **more: object) -> ClientError:
    """What botocore raises, with a message that echoes the input."""
    response: Any = {
        "Error": {"Code": code, "Message": "Secret Corp 123456"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    response.update(more)
    return ClientError(response, "CreatePartner")


class TestFaults:
    """AWS's errors, reduced to names and a remedy."""

    @pytest.mark.parametrize(
        ("cause", "ending"),
        [
            (refused("ThrottlingException"), CallOutcome.THROTTLED),
            (refused("InternalServerException", 500), CallOutcome.UNKNOWN),
            (refused("", 503), CallOutcome.UNKNOWN),
            (refused("AccessDeniedException", Reason="ACCESS_DENIED"), CallOutcome.DENIED),
            (refused("AccessDeniedException", Reason="INCOMPATIBLE_BENEFIT_AWS_PARTNER_STATE"), CallOutcome.REFUSED),
            (refused("ValidationException"), CallOutcome.REFUSED),
            (ReadTimeoutError(endpoint_url="https://x"), CallOutcome.UNKNOWN),
            (ConnectTimeoutError(endpoint_url="https://x"), CallOutcome.UNKNOWN),
            (ParamValidationError(report="Secret Corp"), CallOutcome.REFUSED),
        ],
    )
    def test_endings(self, cause: Exception, ending: CallOutcome) -> None:
        """Only what surely was not carried out counts as refused or throttled."""
        error = call_error("CreatePartner", cause)
        assert error.failure.call_outcome is ending
        assert "Secret" not in str(error)
        assert "123456" not in str(error)

    def test_details_name_field_and_code_and_choose_the_remedy(self) -> None:
        """A wrong code says what to do about a wrong code."""
        error = call_error(
            "CreatePartner",
            refused(
                "ValidationException",
                Reason="REQUEST_VALIDATION_FAILED",
                ErrorDetails=[{"FieldValidationError": {"Name": "emailVerificationCode", "Code": "INVALID_VALUE"}}],
            ),
        )
        assert error.failure.details == ("EmailVerificationCode:INVALID_VALUE",)
        assert str(error).startswith("ValidationException/REQUEST_VALIDATION_FAILED")
        assert "Request a new code" in str(error)

    def test_what_the_service_echoes_is_not_repeated(self) -> None:
        """Only known fields and constants pass, whatever stands in their place."""
        echo = [{"FieldValidationError": {"Name": "Secret Corp", "Code": "123456"}}, {"BusinessValidationError": {}}]
        error = call_error("CreatePartner", refused("Secret Corp!", Reason="Secret Corp", ErrorDetails=echo))
        assert "Secret" not in str(error)
        assert "123456" not in str(error)

    @pytest.mark.parametrize(
        "remedy", [*BY_DETAIL.values(), *BY_REASON.values(), *BY_CODE.values(), *BY_OUTCOME.values()]
    )
    def test_each_remedy_fits_into_a_reason_whole(self, remedy: str) -> None:
        """A Reason keeps its code at the front and the whole remedy at the end."""
        names = {**BY_DETAIL, **BY_REASON, **BY_CODE, **BY_OUTCOME}
        detail = next(name for name, text in names.items() if text == remedy)
        longest = CallFailure(
            "ListTagsForResource",
            CallOutcome(detail) if detail in BY_OUTCOME else CallOutcome.REFUSED,
            detail,
            detail,
            (detail,),
        )
        told = str(CallError(longest))
        assert told.startswith(detail)
        assert told.endswith(remedy)
        assert len(told) <= REASON_LIMIT
