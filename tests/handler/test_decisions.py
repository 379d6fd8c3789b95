"""The handler's decisions, each a pure function: identity, which partner is meant, what follows a failed call."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from partner_account_handler.create import AfterFailure, choose, next_step
from partner_account_handler.errors import CallError, CallFailure, CallOutcome, PartnerError
from partner_account_handler.exports import shown_attributes
from partner_account_handler.identity import (
    OWNER_TAG,
    Owner,
    catalog_of,
    client_token,
    is_partner_arn,
    partner_id,
    same_name,
)
from partner_account_handler.partner_central import Partner
from partner_account_handler.partner_properties import PartnerProperties
from partner_account_handler.stack_gate import ObservedStack
from tests.handler.cloud import properties, sandbox

STACK_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/Root/1-2"
OURS = Owner.of(STACK_ID, "Root", "Partner")
THEIRS = Owner.of(STACK_ID, "Other", "Partner")


# Identity


def test_client_token_depends_on_the_three_ids_of_the_event_and_on_nothing_else() -> None:
    """A redelivered event has the same token, and a new attempt another."""
    token = client_token(STACK_ID, "Partner", "r1")
    assert token == client_token(STACK_ID, "Partner", "r1")
    others = [(STACK_ID, "Partner", "r2"), (STACK_ID, "Other", "r1"), (f"{STACK_ID}3", "Partner", "r1")]
    assert len({token, *(client_token(*other) for other in others)}) == 4
    assert re.fullmatch(r"[A-Za-z0-9-_]{1,64}", token)


def test_owner_outlives_the_stack_but_not_its_name() -> None:
    """A stack deployed again under its name owns what it owned; nothing else does."""
    assert Owner.of(STACK_ID.replace("1-2", "3-4"), "Root", "Partner") == OURS
    others = [
        Owner.of(STACK_ID.replace("eu-west-1", "us-east-1"), "Root", "Partner"),
        Owner.of(STACK_ID.replace("123456789012", "210987654321"), "Root", "Partner"),
        Owner.of(STACK_ID, "Root2", "Partner"),
    ]
    assert OURS.stack not in {other.stack for other in others}
    elsewhere = Owner.of(STACK_ID, "Root", "Elsewhere")
    assert (elsewhere.stack == OURS.stack, elsewhere.is_same_construct(OURS)) == (True, False)
    assert Owner.of(STACK_ID, "a", "b/c") != Owner.of(STACK_ID, "a/b", "c")


def test_tags_and_tokens_of_deployed_partners_are_stable_across_versions() -> None:
    """Else the next version would take each deployed partner for another stack's, and a repeated call for a new one."""
    stack, path = "b7fed621b90abe18d70e71e2ba3a3c60", "8dd7d3da3c9eb411cfda7e6d2bc6c3f4"
    assert OURS.to_tag() == f"{stack}/{path}"
    moved = OURS.moved_to(Owner.of(STACK_ID, "Root", "Company"), "2026-01-02T03:04:05+00:00")
    assert moved.to_tag() == f"{stack}/e420bc4efe1a46a740a6291373cb79a1/2c5dd4b28cce7c1d65a48eabae099bec"
    token = "0b02e1ffa9ece91d84e09e4ae3a98825d2ba7f753607884523492d20e949966e"
    assert client_token(STACK_ID, "Partner", "r1") == token


@pytest.mark.parametrize("value", ["", "/", "theirs", "a/b/c/d", "0" * 64])
def test_tag_in_another_form_belongs_to_no_construct(value: str) -> None:
    """A person, or a former version, may have written anything there."""
    assert not Owner.from_tag(value).is_same_construct(OURS)
    assert Owner.from_tag(value).stack != OURS.stack


@pytest.mark.parametrize(
    ("physical_id", "catalog"),
    [
        ("arn:aws:partnercentral:us-east-1:123456789012:catalog/AWS/partner/partner-0000000000001", "AWS"),
        ("arn:aws:partnercentral:us-east-1:123456789012:catalog/Sandbox/partner/partner-x1", "Sandbox"),
        ("arn:aws:partnercentral::123456789012:partner/partner-x1", None),
        ("arn:aws:partnercentral-account:us-east-1:123456789012:partner/partner-x1", None),
    ],
)
def test_arn_of_partner_central_is_a_partner_whatever_its_form(physical_id: str, catalog: str | None) -> None:
    """The service may change its form, and CreatePartner has been answered by then."""
    assert is_partner_arn(physical_id)
    assert catalog_of(physical_id) == catalog
    assert partner_id(physical_id).startswith("partner-")


@pytest.mark.parametrize("made_up", ["", "Root-Partner-1A2B3C", "not-created-0123", "arn:aws:iam::1:role/r"])
def test_id_that_is_no_arn_of_partner_central_is_no_partner(made_up: str) -> None:
    """CloudFormation makes up ids, and a failed Create has one."""
    assert not is_partner_arn(made_up)


def test_names_that_differ_in_case_width_or_spaces_are_one_company() -> None:
    """As people read them."""
    assert same_name("Example  Corp ", "EXAMPLE \uff23orp")
    assert not same_name("Example Corp", "Example Corp.")


# The attributes that the stack shows

ARN = "arn:aws:partnercentral:us-east-1:123456789012:catalog/AWS/partner/partner-0000000000001"
ONE, TWO = "pprofile-0000000000001", "pprofile-0000000000002"


@pytest.mark.parametrize(
    ("outputs", "known"),
    [
        ({"MyArn": ARN, "PartnerArn": ARN, "PartnerProfileId": ONE, "OtherProfileId": TWO}, ONE),
        ({"PartnerArn": ARN, "PartnerProfileId": "pending"}, "pending"),
        ({}, None),
        ({"ExportsOutputFnGetAttX": ONE}, None),
        ({"PartnerArn": f"{ARN[:-1]}2", "PartnerProfileId": TWO}, None),
        ({"MyArn": ARN}, None),
    ],
)
def test_shown_profile_id_is_the_one_beside_the_partners_arn(outputs: dict[str, str], known: str | None) -> None:
    """Otherwise it may be another partner's: a wrong one would be worse than none."""
    stack = ObservedStack("UPDATE_IN_PROGRESS", datetime.now(UTC), outputs, {}, "", "Root")
    assert shown_attributes(stack, (), ARN).get("ProfileId") == known


# Which partner a Create is about


def partner(number: int, owner: Owner | None = None, name: str = "Example Corp") -> Partner:
    """A partner as a look shows it."""
    return Partner(f"{ARN[:-13]}{number:013d}", name, tags={} if owner is None else {OWNER_TAG: owner.to_tag()})


MINE, RENAMED, FOREIGN, THEIR = partner(1, OURS), partner(1, OURS, "Other Name"), partner(2), partner(3, THEIRS)
SAME, OTHER = partner(4, name="EXAMPLE corp"), partner(5, name="Somebody Else")


@pytest.mark.parametrize(
    ("adopts", "catalog", "seen", "chosen"),
    [
        ("", "AWS", [], None),  # then, and only then, one may be created
        ("", "AWS", [THEIR, RENAMED], RENAMED),  # a corrected legal name must not lead to a second partner
        ("", "AWS", [FOREIGN, MINE], MINE),
        (THEIR.id, "AWS", [FOREIGN, THEIR], THEIR),  # that is how a partner moves
        (RENAMED.id, "AWS", [RENAMED], RENAMED),  # support may have renamed it since
        ("", "Sandbox", [OTHER, SAME], SAME),  # where no tag may be taken, the name tells
        ("", "Sandbox", [OTHER], None),  # and another name is no obstacle
        ("", "Sandbox", [SAME, RENAMED], RENAMED),  # but the tag comes first
    ],
)
def test_partner_of_this_construct_is_chosen(
    adopts: str, catalog: str, seen: list[Partner], chosen: Partner | None
) -> None:
    """By its tag, by the id to adopt, or in the Sandbox by its name."""
    wanted = replace(PartnerProperties.read(properties(Catalog=catalog)), existing_partner_id=adopts)
    assert choose(wanted, OURS, seen) is chosen


@pytest.mark.parametrize(
    ("adopts", "seen", "told"),
    [
        ("", [FOREIGN], "PartnerExists: .*partner-0000000000002, not from this stack. Set existing_partner_id"),
        ("", [THEIR], "PartnerExists: .*partner-0000000000003, not from this stack"),
        ("", [partner(2, replace(OURS, path="x"))], "PartnerExists: .* another construct's of this stack"),
        ("", [MINE, partner(2, OURS)], "SeveralPartners: partner-0000000000001, partner-0000000000002"),
        ("partner-0000000000009", [], "PartnerNotFound: .* no partner-0000000000009 in catalog AWS"),
        ("partner-0000000000009", [FOREIGN], "PartnerNotFound"),
        (FOREIGN.id, [MINE, FOREIGN], "SeveralPartners: this construct already has partner-0000000000001"),
        (OTHER.id, [OTHER], "LegalNameDiffers: .*'s legal name differs"),  # a wrong id is more likely than a wrong name
    ],
)
def test_ambiguous_partners_are_refused_with_their_ids(adopts: str, seen: list[Partner], told: str) -> None:
    """And never with a legal name."""
    wanted = replace(PartnerProperties.read(properties()), existing_partner_id=adopts)
    with pytest.raises(PartnerError, match=told) as caught:
        choose(wanted, OURS, seen)
    assert "Somebody" not in str(caught.value)


def test_sandbox_partner_with_the_same_name_and_another_owner_is_refused() -> None:
    """Names are unique: another one can't be created."""
    with pytest.raises(PartnerError, match="PartnerExists: .* of this legal name and another owner"):
        choose(PartnerProperties.read(sandbox()), OURS, [THEIR])


# What follows a failed CreatePartner


def failed(outcome: CallOutcome, reason: str = "", *details: str, operation: str = "CreatePartner") -> CallError:
    """A call that failed so."""
    return CallError(CallFailure(operation, outcome, "SomeException", reason, details))


UNKNOWN, THROTTLED, DENIED, REFUSED = (
    failed(outcome) for outcome in (CallOutcome.UNKNOWN, CallOutcome.THROTTLED, CallOutcome.DENIED, CallOutcome.REFUSED)
)


@pytest.mark.parametrize(
    ("failures", "may_pass", "step"),
    [
        ([UNKNOWN], True, AfterFailure.RESEND),
        ([THROTTLED], True, AfterFailure.RESEND),
        ([DENIED], True, AfterFailure.RESEND),
        ([failed(CallOutcome.REFUSED, "DUPLICATE_PARTNER")], False, AfterFailure.POLL_BRIEFLY),
        ([failed(CallOutcome.REFUSED, "CONFLICT_CLIENT_TOKEN")], False, AfterFailure.POLL_BRIEFLY),
        ([failed(CallOutcome.REFUSED, "", "LegalName:DUPLICATE_VALUE")], False, AfterFailure.POLL_BRIEFLY),
        ([failed(CallOutcome.REFUSED, "", "LegalName:INVALID_VALUE")], False, AfterFailure.GIVE_UP),
        # The first call may have used up the code, and created the partner.
        ([UNKNOWN, REFUSED], False, AfterFailure.POLL_UNTIL_DEADLINE),
        ([THROTTLED, REFUSED], False, AfterFailure.GIVE_UP),
        ([failed(CallOutcome.UNKNOWN, operation="DescribeStacks"), REFUSED], False, AfterFailure.GIVE_UP),
        ([DENIED], False, AfterFailure.GIVE_UP),
    ],
)
def test_failures_of_create_partner_decide_the_next_step(
    failures: list[CallError], may_pass: bool, step: AfterFailure
) -> None:
    """A partner that may exist is polled for, an unknown outcome until the deadline; a refusal ends it."""
    assert next_step(failures, may_pass=may_pass) is step
