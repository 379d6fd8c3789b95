"""Rules of the partner itself: creation, lists, its alliance lead contact, and its tags."""

import base64
import binascii
import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

from partner_central_simulator.exceptions import (
    BusinessProblem,
    ConflictError,
    FieldProblem,
    ResourceNotFoundError,
    ValidationFailedError,
)
from partner_central_simulator.idempotency import once
from partner_central_simulator.models import Account, Answer, Call, Partner, State, new_partner
from partner_central_simulator.readings import ProfileIdAppears
from partner_central_simulator.verifications import (
    check_code,
    code_at_stake,
    unmet_prerequisites,
    verified_legal_name,
)

TAGS_PER_PARTNER = 200


def create_partner(call: Call) -> Answer:
    """Create a partner, once per client token."""
    if "Tags" in call.request:
        if call.request["Catalog"] == "Sandbox":
            raise _no_tags_in_sandbox("Tags")
        _check_tags(call.request["Tags"])
    partner_id = once(call, lambda: _create(call).id)
    partner = next(partner for partner in call.account.partners if partner.id == partner_id)
    return {**_describe(call, partner), "AllianceLeadContact": partner.contact}


def _create(call: Call) -> Partner:
    email = call.request["AllianceLeadContact"]["Email"]
    with code_at_stake(call, email):
        _check_new_partner(call, email)
    partner = new_partner(
        call.account.id,
        call.now,
        catalog=call.request["Catalog"],
        legal_name=call.request["LegalName"],
        primary_solution_type=call.request["PrimarySolutionType"],
        contact=call.request["AllianceLeadContact"],
        tags=_as_mapping(call.request.get("Tags", [])),
    )
    call.account.partners.append(partner)
    return partner


def _check_new_partner(call: Call, email: str) -> None:
    catalog, legal_name = call.request["Catalog"], call.request["LegalName"]
    if catalog == "AWS":
        problems = list(unmet_prerequisites(call.account))
        verified = verified_legal_name(call.account)
        if call.readings.legal_name_is_the_verified_one and verified and _folded(verified) != _folded(legal_name):
            problems.append(BusinessProblem("The legal name is not the verified one.", "INCOMPATIBLE_LEGAL_NAME"))
        if problems:
            raise ValidationFailedError.of_business(problems)
    check_code(call, email)
    if call.readings.one_partner_per_catalog and partners_in(call.account, catalog):
        raise ConflictError("This account has a partner in this catalog.", Reason="DUPLICATE_PARTNER")
    if is_name_taken(call.state, catalog, legal_name):
        raise ConflictError("A partner with this legal name exists.", Reason="DUPLICATE_PARTNER")


def is_name_taken(state: State, catalog: str, legal_name: str) -> bool:
    """Whether any account has a partner of this name in the catalog; case and Unicode form make no difference."""
    partners = (partner for account in state.accounts.values() for partner in partners_in(account, catalog))
    return any(_folded(partner.legal_name) == _folded(legal_name) for partner in partners)


def _folded(legal_name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", legal_name).casefold())


def get_partner(call: Call) -> Answer:
    """One partner, without its contact."""
    return _describe(call, requested_partner(call))


def _describe(call: Call, partner: Partner) -> Answer:
    profile = dict(partner.profile)
    if partner.has_profile or call.readings.profile_id is ProfileIdAppears.AT_ONCE:
        profile["ProfileId"] = partner.profile_id
    return {**_summary(partner), "Profile": profile}


def _summary(partner: Partner) -> Answer:
    return {**identity(partner), "LegalName": partner.legal_name, "CreatedAt": partner.created_at}


def identity(partner: Partner) -> Answer:
    """The three members that begin every answer about a partner."""
    return {"Catalog": partner.catalog, "Arn": partner.arn, "Id": partner.id}


def partners_in(account: Account, catalog: str) -> list[Partner]:
    """The account's partners in the catalog, oldest first."""
    return [partner for partner in account.partners if partner.catalog == catalog]


def requested_partner(call: Call) -> Partner:
    """The partner that `Identifier` names, by id or ARN; those of other accounts and catalogs are not found."""
    for partner in partners_in(call.account, call.request["Catalog"]):
        if call.request["Identifier"] in {partner.id, partner.arn}:
            return partner
    raise ResourceNotFoundError("No such partner in this account and catalog.", Reason="PARTNER_NOT_FOUND")


def list_partners(call: Call) -> Answer:
    """One page of the account's partners in the catalog."""
    partners = partners_in(call.account, call.request["Catalog"])
    start = _page_start(partners, call.request.get("NextToken"))
    page = partners[start : start + call.page_size]
    answer: Answer = {"PartnerSummaryList": [_summary(partner) for partner in page]}
    if start + call.page_size < len(partners):
        answer["NextToken"] = base64.urlsafe_b64encode(json.dumps({"after": page[-1].arn}).encode()).decode()
    return answer


def _page_start(partners: list[Partner], next_token: str | None) -> int:
    if next_token is None:
        return 0
    arns = [partner.arn for partner in partners]
    try:
        return arns.index(json.loads(base64.urlsafe_b64decode(next_token))["after"]) + 1
    except (ValueError, KeyError, TypeError, binascii.Error):
        problem = FieldProblem("NextToken", "The token is of no earlier answer.", "INVALID_VALUE")
        raise ValidationFailedError.of_fields([problem]) from None


def get_alliance_lead_contact(call: Call) -> Answer:
    """The contact of one partner."""
    partner = requested_partner(call)
    return {**identity(partner), "AllianceLeadContact": partner.contact}


def put_alliance_lead_contact(call: Call) -> Answer:
    """Replace the contact; the address may have to be confirmed by the code that was sent there."""
    partner, contact = requested_partner(call), call.request["AllianceLeadContact"]
    if "EmailVerificationCode" in call.request:
        with code_at_stake(call, contact["Email"]):
            check_code(call, contact["Email"])
    elif _needs_code(call, partner.contact, contact):
        problem = FieldProblem("EmailVerificationCode", "This change needs a code.", "REQUIRED_FIELD_MISSING")
        raise ValidationFailedError.of_fields([problem])
    partner.contact = dict(contact)
    return {**identity(partner), "AllianceLeadContact": partner.contact}


def _needs_code(call: Call, old: Mapping[str, str], new: Mapping[str, str]) -> bool:
    changed = {name for name in new if new[name] != old[name]}
    if "Email" in changed and call.readings.new_contact_email_needs_code:
        return True
    return bool(changed - {"Email"}) and call.readings.any_contact_change_needs_code


def tag_resource(call: Call) -> Answer:
    """Add tags, or change those of the same keys."""
    partner = _tagged_partner(call)
    _check_taggable(call, partner, "Tags")
    _check_tags(call.request["Tags"])
    added = _as_mapping(call.request["Tags"])
    tags = _without(partner.tags, added, call) | added
    if len(tags) > TAGS_PER_PARTNER:
        problem = FieldProblem("Tags", f"No more than {TAGS_PER_PARTNER} tags.", "TOO_MANY_VALUES")
        raise ValidationFailedError.of_fields([problem])
    partner.tags = tags
    return {}


def untag_resource(call: Call) -> Answer:
    """Remove tags; keys that are not there are no mistake."""
    partner = _tagged_partner(call)
    _check_taggable(call, partner, "TagKeys")
    partner.tags = _without(partner.tags, call.request["TagKeys"], call)
    return {}


def list_tags_for_resource(call: Call) -> Answer:
    """All tags of one partner."""
    partner = _tagged_partner(call)
    tags = [{"Key": key, "Value": value} for key, value in partner.tags.items()]
    return {"ResourceArn": partner.arn, "Tags": tags}


def _tagged_partner(call: Call) -> Partner:
    for partner in call.account.partners:
        if partner.arn == call.request["ResourceArn"]:
            return partner
    raise ResourceNotFoundError("No such partner in this account.", Reason="PARTNER_NOT_FOUND")


def _check_taggable(call: Call, partner: Partner, member: str) -> None:
    if partner.catalog == "Sandbox" and not call.readings.sandbox_takes_tags_later:
        raise _no_tags_in_sandbox(member)


def _no_tags_in_sandbox(member: str) -> ValidationFailedError:
    problem = FieldProblem(member, "The Sandbox catalog refuses tags.", "ACTION_NOT_PERMITTED")
    return ValidationFailedError.of_fields([problem])


def _check_tags(tags: Iterable[Mapping[str, str]]) -> None:
    uses = Counter(tag["Key"] for tag in tags)
    problems = []
    if any(count > 1 for count in uses.values()):
        problems.append(FieldProblem("Tags", "A key must not occur twice.", "DUPLICATE_VALUE"))
    if any(key.lower().startswith("aws:") for key in uses):
        problems.append(FieldProblem("Tags", "Keys that begin with aws: are reserved.", "INVALID_VALUE"))
    if problems:
        raise ValidationFailedError.of_fields(problems)


def _without(tags: Mapping[str, str], keys: Iterable[str], call: Call) -> dict[str, str]:
    fold = str.casefold if call.readings.tag_keys_ignore_case else str
    folded = set(map(fold, keys))
    return {key: value for key, value in tags.items() if fold(key) not in folded}


def _as_mapping(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}
