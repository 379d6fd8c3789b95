"""The boundary of the handler: which events are answered, and how properties are read."""

from __future__ import annotations

from typing import Any

import pytest

from partner_account_handler.errors import REASON_LIMIT, RequestError
from partner_account_handler.partner_properties import CodeStore, PartnerProperties
from partner_account_handler.request import PartnerRequest, is_custom_resource_event, read_request
from tests.handler.cloud import contact, properties, sandbox

EVENT: dict[str, Any] = {
    "RequestType": "Update",
    "ResponseURL": "https://bucket.s3.amazonaws.com/key?X-Amz-Signature=s",
    "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/Root/1-2",
    "RequestId": "r",
    "LogicalResourceId": "Partner",
    "PhysicalResourceId": "p",
    "ResourceProperties": properties(),
}


def test_event_of_cloudformation_is_a_request_without_its_response_url() -> None:
    """A Create has the id of its failed answer, the same whenever it is delivered, whatever the event says."""
    assert is_custom_resource_event(EVENT)
    assert read_request(EVENT).physical_id == "p"
    create = {**EVENT, "RequestType": "Create"}
    without = {name: value for name, value in create.items() if name != "PhysicalResourceId"}
    assert is_custom_resource_event(without)
    assert read_request(create).physical_id == read_request(without).physical_id
    assert read_request(create).physical_id.startswith("not-created-")
    assert "Signature" not in str(vars(read_request(EVENT)))


def test_repr_of_a_request_and_its_parts_shows_no_value_of_the_user() -> None:
    """A stray line of a log, or an exception's text, would carry it away."""
    people = {name: f"canary-{name}" for name in contact()}
    code = {"From": "Parameter", "Value": "canary-code"}
    wanted = properties(LegalName="canary-corp", AllianceLeadContact=people, EmailVerificationCode=code)
    old = {**wanted, "LegalName": "canary-former"}
    request = read_request({**EVENT, "ResourceProperties": wanted, "OldResourceProperties": old})
    assert isinstance(request, PartnerRequest)
    assert request.previous is not None
    parts = (request, request.previous, request.wanted, request.wanted.contact, request.wanted.code)
    assert "canary" not in "".join(f"{part!r} {part}" for part in parts)


def test_invalid_properties_raise_when_accessed() -> None:
    """A Delete, or an Update that belongs to a rollback, needs none of them."""
    request = read_request({**EVENT, "ResourceProperties": "text"})
    with pytest.raises(RequestError, match="Catalog is missing"):
        _ = request.wanted


@pytest.mark.parametrize("missing", ["RequestType", "ResponseURL", "StackId", "RequestId", "LogicalResourceId"])
def test_event_without_a_member_needed_for_an_answer_is_foreign(missing: str) -> None:
    """Without its own URL and ids an event would be answered with those of the one before."""
    assert not is_custom_resource_event({name: value for name, value in EVENT.items() if name != missing})
    assert not is_custom_resource_event({**EVENT, missing: 7})
    assert not is_custom_resource_event({**EVENT, missing: ""})


@pytest.mark.parametrize(
    "foreign",
    [
        *(None, [], "Create", {}),
        {**EVENT, "RequestType": "Read"},
        {**EVENT, "ResponseURL": "http://plain.example.com"},
        {**EVENT, "StackId": "Root"},
        {**EVENT, "PhysicalResourceId": ""},
        {**EVENT, "PhysicalResourceId": 7},
        {**EVENT, "CrHelperPoll": True},
        {**EVENT, "CrHelperData": {"x": "y" * 5000}},
    ],
)
def test_any_other_invocation_is_foreign(foreign: object) -> None:
    """Anything may invoke a Lambda function."""
    assert not is_custom_resource_event(foreign)


def test_properties_are_read_as_the_construct_writes_them() -> None:
    """Every property arrives where the handler needs it."""
    code = {"From": "SecretsManager", "SecretId": "arn:secret", "JsonField": "code"}
    read = PartnerProperties.read(properties(EmailVerificationCode=code, ExistingPartnerId="partner-0123456789abc"))
    assert (read.catalog, read.legal_name, read.primary_solution_type) == ("AWS", "Example Corp", "SOFTWARE_PRODUCTS")
    assert read.contact.to_service() == contact()
    assert (read.code.store, read.code.locator, read.code.json_field) == (
        CodeStore.SECRETS_MANAGER,
        "arn:secret",
        "code",
    )
    assert read.existing_partner_id == "partner-0123456789abc"
    assert PartnerProperties.read(properties()).existing_partner_id == ""
    assert (read.owner_stack, read.owner_path, read.tags) == ("Root", "Partner", {"team": "alliances"})
    assert read.taggable
    assert not PartnerProperties.read(sandbox()).taggable


def test_all_errors_are_reported_at_once_without_values() -> None:
    """One deployment is enough to learn of all of them."""
    wrong = properties(
        Catalog="",
        LegalName=["Secret Corp"],
        AllianceLeadContact="Secret Jane",
        EmailVerificationCode={"From": "Nowhere"},
        ExistingPartnerId=["Secret"],
        Tags=[{"Key": "k"}],
    )
    with pytest.raises(RequestError) as caught:
        PartnerProperties.read(wrong)
    told = str(caught.value)
    for name in ("Catalog is missing", "LegalName is not a string", "AllianceLeadContact is not a map"):
        assert name in told
    assert "Secret" not in told
    assert len(told) <= REASON_LIMIT
    assert told.endswith("deploy again.")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"Tags": "text"}, "Tags is not a list"),
        *(({"Tags": tags}, "Tags is not a list of Key and Value") for tags in ([None], [{"Key": "k"}])),
        ({"Tags": [{"Key": "k", "Value": 7}]}, "Tags is not a list of Key and Value"),
        ({"EmailVerificationCode": {"From": "Nowhere"}}, "EmailVerificationCode.From is none of SecretsManager, "),
        ({"EmailVerificationCode": {"From": "ParameterStore"}}, "EmailVerificationCode.Name is missing"),
        ({"LegalName": "  "}, "LegalName is empty"),
    ],
)
def test_each_error_names_its_property(changes: dict[str, Any], told: str) -> None:
    """Alone, where a Reason has room for it."""
    with pytest.raises(RequestError, match=told):
        PartnerProperties.read(properties(**changes))


@pytest.mark.parametrize("version", ["2", "02", "10", "99999"])
def test_newer_schema_is_refused_with_the_remedy_to_update_the_provider(version: str) -> None:
    """Providers are shared between stacks; nothing else of a newer schema is validated."""
    told = "InvalidProperties: .*newer than this function. Update cdk-partner-account where the provider is made"
    with pytest.raises(RequestError, match=told):
        PartnerProperties.read({"SchemaVersion": version})


@pytest.mark.parametrize(("known", "version", "is_newer"), [(2, "10", True), (10, "9", False), (10, "11", True)])
def test_schema_versions_are_compared_as_numbers(
    monkeypatch: pytest.MonkeyPatch, known: int, version: str, is_newer: bool
) -> None:
    """Not as texts, of which "9" would be the newer one beside "10"."""
    monkeypatch.setattr("partner_account_handler.fields.SCHEMA_VERSION", known)
    told = "newer than this function" if is_newer else "Catalog is missing"
    with pytest.raises(RequestError, match=told):
        PartnerProperties.read({"SchemaVersion": version})


@pytest.mark.parametrize("version", ["1", "01", "0", "", "x", 2, None])
def test_supported_schema_version_is_read(version: object) -> None:
    """What is no newer version is none of this function's business."""
    assert PartnerProperties.read(properties(SchemaVersion=version)).catalog == "AWS"


@pytest.mark.parametrize(
    ("old", "is_known", "was_refused"),
    [
        (properties(Tags=[]), True, False),
        ({"Name": "x"}, False, False),  # an earlier version of the construct may have written others
        (properties(SchemaVersion="2"), False, False),
        (properties(LegalName=""), False, True),  # this version refuses them, so it has written nothing of them
        # CloudFormation updates nothing that is the same: it took a failed attempt for done, and this is its retry.
        (properties(), False, False),
        (properties(ServiceTimeout="1"), True, False),
    ],
)
def test_old_properties_count_only_if_they_differ(old: dict[str, Any], is_known: bool, was_refused: bool) -> None:
    """Else everything counts as changed."""
    request = read_request({**EVENT, "OldResourceProperties": old})
    assert isinstance(request, PartnerRequest)
    assert ((request.previous is not None), request.was_refused) == (is_known, was_refused)


def test_changed_code_alone_marks_contact_and_tags_as_changed_but_not_create_only_properties() -> None:
    """Mostly it is the retry of an attempt that CloudFormation took for done."""
    old = properties(EmailVerificationCode={"From": "Parameter", "Value": "123456"}, Tags=[{"Key": "a", "Value": "b"}])
    wanted = old | {"EmailVerificationCode": {"From": "Parameter", "Value": "654321"}}
    request = read_request({**EVENT, "ResourceProperties": wanted, "OldResourceProperties": old})
    assert isinstance(request, PartnerRequest)
    assert request.previous is not None
    assert request.previous.legal_name == request.wanted.legal_name
    assert (request.previous.contact, request.previous.tags) != (request.wanted.contact, request.wanted.tags)
    assert request.previous.contact != request.wanted.contact
    assert request.previous.tags == {}
