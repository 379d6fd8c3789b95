"""The border of the handler: which events are answered at all, and how properties are read."""

from __future__ import annotations

from typing import Any

import pytest

from partner_account_handler.errors import REASON_LIMIT, RequestError
from partner_account_handler.request import CodeStore, is_custom_resource_event, read_properties, read_request
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


def test_an_event_of_cloudformation_is_known() -> None:
    """An event with all that an answer needs is handled."""
    assert is_custom_resource_event(EVENT)
    create = {name: value for name, value in EVENT.items() if name != "PhysicalResourceId"}
    assert is_custom_resource_event({**create, "RequestType": "Create"})


@pytest.mark.parametrize("missing", ["RequestType", "ResponseURL", "StackId", "RequestId", "LogicalResourceId"])
def test_an_event_that_lacks_what_an_answer_needs_is_foreign(missing: str) -> None:
    """Without its own URL and ids an event would be answered with those of the one before."""
    assert not is_custom_resource_event({name: value for name, value in EVENT.items() if name != missing})
    assert not is_custom_resource_event({**EVENT, missing: 7})
    assert not is_custom_resource_event({**EVENT, missing: ""})


@pytest.mark.parametrize(
    "foreign",
    [
        None,
        [],
        "Create",
        {},
        {**EVENT, "RequestType": "Read"},
        {**EVENT, "ResponseURL": "http://plain.example.com"},
        {**EVENT, "StackId": "Root"},
        {**EVENT, "PhysicalResourceId": ""},
        {**EVENT, "PhysicalResourceId": 7},
        {**EVENT, "CrHelperPoll": True},
        {**EVENT, "CrHelperData": {"x": "y" * 5000}},
    ],
)
def test_whatever_else_invokes_the_function_is_foreign(foreign: object) -> None:
    """Anything may invoke a Lambda function."""
    assert not is_custom_resource_event(foreign)


def test_properties_are_read_as_the_construct_writes_them() -> None:
    """Every property arrives where the handler needs it."""
    read = read_properties(
        properties(
            EmailVerificationCode={"From": "SecretsManager", "SecretId": "arn:secret", "JsonField": "code"},
            ExistingPartnerId="partner-0123456789abc",
        )
    )
    assert (read.catalog, read.legal_name, read.primary_solution_type) == ("AWS", "Example Corp", "SOFTWARE_PRODUCTS")
    assert read.contact.to_service() == contact()
    assert (read.code.store, read.code.locator, read.code.json_field) == (
        CodeStore.SECRETS_MANAGER,
        "arn:secret",
        "code",
    )
    assert read.existing_partner_id == "partner-0123456789abc"
    assert read_properties(properties()).existing_partner_id == ""
    assert (read.owner_stack, read.owner_path) == ("Root", "Partner")
    assert read.tags == {"team": "alliances"}
    assert read.taggable
    assert not read_properties(sandbox()).taggable


def test_all_mistakes_are_told_at_once_without_values() -> None:
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
        read_properties(wrong)
    told = str(caught.value)
    for name in ("Catalog is missing", "LegalName is no string", "AllianceLeadContact is no map"):
        assert name in told
    assert "Secret" not in told
    assert len(told) <= REASON_LIMIT
    assert told.endswith("deploy again.")


@pytest.mark.parametrize("nothing", [None, [], "text", {}])
def test_properties_of_a_wrong_type_are_a_clear_error(nothing: object) -> None:
    """A malformed event is answered, not crashed on."""
    with pytest.raises(RequestError, match="Catalog is missing"):
        read_properties(nothing)


def test_old_properties_that_cannot_be_read_count_as_none() -> None:
    """An earlier version of the construct may have written others."""
    assert read_request({**EVENT, "OldResourceProperties": {"Name": "x"}}).previous is None
    assert read_request({**EVENT, "OldResourceProperties": properties(Tags=[])}).previous is not None


def test_old_properties_that_are_the_new_ones_count_as_none() -> None:
    """CloudFormation updates nothing that is the same: it took a failed attempt for done, and this is its retry."""
    assert read_request({**EVENT, "OldResourceProperties": properties()}).previous is None
