"""Rules of the partner itself: creation, lists, its alliance lead contact, and its tags."""

import base64
import binascii
import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

from partner_central_simulator.exceptions import FieldProblem, ServiceError
from partner_central_simulator.models import ApiCall, Output, SimulatedPartner, State
from partner_central_simulator.verifications import check_code, spending_code, unmet_prerequisites, verified_legal_name

TAGS_PER_PARTNER = 200


def create_partner(call: ApiCall) -> Output:
    """Create a partner, once per client token."""
    if "Tags" in call.request and call.request["Catalog"] == "Sandbox":
        raise _no_tags_in_sandbox("Tags")
    tags = _checked_tags(call.request.get("Tags", []))
    partner_id = call.once(lambda: _create(call, tags).id)
    partner = next(partner for partner in call.account.partners if partner.id == partner_id)
    return {**_describe(call, partner), "AllianceLeadContact": partner.contact}


def _create(call: ApiCall, tags: dict[str, str]) -> SimulatedPartner:
    catalog, legal_name = call.request["Catalog"], call.request["LegalName"]
    contact = call.request["AllianceLeadContact"]
    with spending_code(call, contact["Email"]):
        if catalog == "AWS":
            unmet = unmet_prerequisites(call.account)
            verified = verified_legal_name(call.account)
            if call.readings.legal_name_is_the_verified_one and verified and _folded(verified) != _folded(legal_name):
                unmet.append("INCOMPATIBLE_LEGAL_NAME")
            if unmet:
                raise ServiceError.of_preconditions(*unmet)
        check_code(call, contact["Email"])
        has_partner = call.readings.one_partner_per_catalog and call.account.partners_in(catalog)
        if has_partner or is_name_taken(call.state, catalog, legal_name):
            raise ServiceError.of("DUPLICATE_PARTNER")
    partner = SimulatedPartner(
        account=call.account.id,
        catalog=catalog,
        legal_name=legal_name,
        created_at=call.now,
        contact=dict(contact),
        profile={"PrimarySolutionType": call.request["PrimarySolutionType"]},
        tags=tags,
    )
    call.account.partners.append(partner)
    return partner


def is_name_taken(state: State, catalog: str, legal_name: str) -> bool:
    """Whether any account has a partner of this name in the catalog; case and Unicode form make no difference."""
    partners = (partner for account in state.accounts.values() for partner in account.partners_in(catalog))
    return any(_folded(partner.legal_name) == _folded(legal_name) for partner in partners)


def _folded(legal_name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", legal_name).casefold())


def identity(partner: SimulatedPartner) -> Output:
    """The three members that begin every response about a partner."""
    return {"Catalog": partner.catalog, "Arn": partner.arn, "Id": partner.id}


def _summary(partner: SimulatedPartner) -> Output:
    return {**identity(partner), "LegalName": partner.legal_name, "CreatedAt": partner.created_at}


def _describe(call: ApiCall, partner: SimulatedPartner) -> Output:
    profile = dict(partner.profile)
    if call.readings.approved_logo_is_copied and partner.has_profile:
        profile = _with_copied_logo(profile)
        if contents := profile.get("LocalizedContents"):
            profile["LocalizedContents"] = [_with_copied_logo(content) for content in contents]
    if partner.has_profile_id(call.readings):
        profile["ProfileId"] = partner.profile_id
    return {**_summary(partner), "Profile": profile}


def _with_copied_logo(texts: Output) -> Output:
    copy = hashlib.sha256(texts["LogoUrl"].encode()).hexdigest()[:16]
    return {**texts, "LogoUrl": f"https://logos.aws.example/{copy}"}


def get_partner(call: ApiCall) -> Output:
    """One partner, without its contact."""
    return _describe(call, requested_partner(call))


def requested_partner(call: ApiCall) -> SimulatedPartner:
    """The partner that `Identifier` (an id or ARN) or `ResourceArn` names; other accounts' are not found."""
    for partner in call.account.partners:
        if call.request.get("ResourceArn") == partner.arn:
            return partner
        if call.request.get("Catalog") == partner.catalog and call.request["Identifier"] in {partner.id, partner.arn}:
            return partner
    raise ServiceError.of("PARTNER_NOT_FOUND")


def list_partners(call: ApiCall) -> Output:
    """One page of the account's partners in the catalog."""
    partners = call.account.partners_in(call.request["Catalog"])
    start = 0
    if "NextToken" in call.request:
        try:
            last_arn = json.loads(base64.urlsafe_b64decode(call.request["NextToken"]))["after"]
            start = [partner.arn for partner in partners].index(last_arn) + 1
        except (ValueError, KeyError, TypeError, binascii.Error):
            problem = FieldProblem("NextToken", "The token is not from an earlier response.", "INVALID_VALUE")
            raise ServiceError.of_fields(problem) from None
    page = partners[start : start + call.page_size]
    answer: Output = {"PartnerSummaryList": [_summary(partner) for partner in page]}
    if start + call.page_size < len(partners):
        answer["NextToken"] = base64.urlsafe_b64encode(json.dumps({"after": page[-1].arn}).encode()).decode()
    return answer


def get_alliance_lead_contact(call: ApiCall) -> Output:
    """The contact of one partner."""
    partner = requested_partner(call)
    return {**identity(partner), "AllianceLeadContact": partner.contact}


def put_alliance_lead_contact(call: ApiCall) -> Output:
    """Replace the contact; this may require the code that was sent to its address."""
    partner, contact = requested_partner(call), call.request["AllianceLeadContact"]
    changed = {name for name in contact if contact[name] != partner.contact[name]}
    if "EmailVerificationCode" in call.request:
        with spending_code(call, contact["Email"]):
            check_code(call, contact["Email"])
    elif ("Email" in changed and call.readings.new_contact_email_needs_code) or (
        changed - {"Email"} and call.readings.any_contact_change_needs_code
    ):
        raise ServiceError.of_fields(
            FieldProblem("EmailVerificationCode", "This change needs a code.", "REQUIRED_FIELD_MISSING")
        )
    partner.contact = dict(contact)
    return {**identity(partner), "AllianceLeadContact": partner.contact}


def tag_resource(call: ApiCall) -> Output:
    """Add tags, or change those of the same keys."""
    partner = _taggable_partner(call, "Tags")
    added = _checked_tags(call.request["Tags"])
    tags = _without(partner.tags, added, call) | added
    if len(tags) > TAGS_PER_PARTNER:
        raise ServiceError.of_fields(FieldProblem("Tags", f"No more than {TAGS_PER_PARTNER} tags.", "TOO_MANY_VALUES"))
    partner.tags = tags
    return {}


def untag_resource(call: ApiCall) -> Output:
    """Remove tags; keys that don't exist are ignored."""
    partner = _taggable_partner(call, "TagKeys")
    partner.tags = _without(partner.tags, call.request["TagKeys"], call)
    return {}


def list_tags_for_resource(call: ApiCall) -> Output:
    """All tags of one partner."""
    partner = requested_partner(call)
    tags = [{"Key": key, "Value": value} for key, value in partner.tags.items()]
    return {"ResourceArn": partner.arn, "Tags": tags}


def _taggable_partner(call: ApiCall, member: str) -> SimulatedPartner:
    partner = requested_partner(call)
    if partner.catalog == "Sandbox" and not call.readings.sandbox_takes_tags_later:
        raise _no_tags_in_sandbox(member)
    return partner


def _no_tags_in_sandbox(member: str) -> ServiceError:
    return ServiceError.of_fields(FieldProblem(member, "The Sandbox catalog refuses tags.", "ACTION_NOT_PERMITTED"))


def _checked_tags(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    uses = Counter(tag["Key"] for tag in tags)
    problems = []
    if any(count > 1 for count in uses.values()):
        problems.append(FieldProblem("Tags", "A key must not occur twice.", "DUPLICATE_VALUE"))
    if any(key.lower().startswith("aws:") for key in uses):
        problems.append(FieldProblem("Tags", "Keys that begin with aws: are reserved.", "INVALID_VALUE"))
    if problems:
        raise ServiceError.of_fields(*problems)
    return {tag["Key"]: tag["Value"] for tag in tags}


def _without(tags: Mapping[str, str], keys: Iterable[str], call: ApiCall) -> dict[str, str]:
    fold = str.casefold if call.readings.tag_keys_ignore_case else str
    folded = set(map(fold, keys))
    return {key: value for key, value in tags.items() if fold(key) not in folded}
