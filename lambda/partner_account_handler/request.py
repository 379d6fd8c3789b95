"""The border: CloudFormation's event becomes one frozen `Request`. Beyond it nothing sees an event."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from enum import Enum
from typing import Any

from partner_account_handler.errors import HandlerError, RequestError, defects_as_errors
from partner_account_handler.identity import OWNER_TAG, Owner, client_token, normalized, same_name
from partner_account_handler.texts import blank_errors, composed, text_errors

_STACK_ID = re.compile(r"arn:[a-z-]+:cloudformation:[a-z0-9-]+:[0-9]{12}:stack/[^/]+/.+")
_TEXT_FIELDS = ("RequestType", "StackId", "RequestId", "LogicalResourceId", "ResponseURL")
_SCHEMA_VERSION = 1
_CONTACT_MEMBERS = ("FirstName", "LastName", "Email", "BusinessTitle")


class CodeStore(Enum):
    """Where the e-mail verification code is kept."""

    SECRETS_MANAGER = "SecretsManager"
    PARAMETER_STORE = "ParameterStore"
    PARAMETER = "Parameter"
    SANDBOX = "Sandbox"


_LOCATORS = {CodeStore.SECRETS_MANAGER: "SecretId", CodeStore.PARAMETER_STORE: "Name", CodeStore.PARAMETER: "Value"}

# No dataclass here shows its content: a stray repr must not carry a name, an address or a code into a log.


@dataclass(frozen=True, repr=False)
class Contact:
    """The alliance lead contact."""

    first_name: str
    last_name: str
    email: str
    business_title: str

    @classmethod
    def from_service(cls, members: Mapping[str, str]) -> Contact:
        """From the service's member names, which the custom resource's properties share."""
        return cls(*(members.get(name, "") for name in _CONTACT_MEMBERS))

    def to_service(self) -> dict[str, str]:
        """In the service's member names."""
        return dict(zip(_CONTACT_MEMBERS, astuple(self), strict=True))

    def is_same_as(self, other: Contact) -> bool:
        """Whether they differ at most in what a service may normalize: blanks, width, and the case of an address."""
        mine, theirs = (tuple(map(normalized, astuple(replace(one, email="")))) for one in (self, other))
        return self.has_email_of(other) and mine == theirs

    def has_email_of(self, other: Contact) -> bool:
        """Whether both have the same address."""
        return same_name(self.email, other.email)


@dataclass(frozen=True, repr=False)
class CodeSource:
    """How to come by the verification code: `locator` is the secret's ARN or name, the parameter's name or the code."""

    store: CodeStore
    locator: str = ""
    json_field: str = ""


@dataclass(frozen=True, repr=False)
class Properties:
    """What the template asks for."""

    catalog: str
    legal_name: str
    primary_solution_type: str
    contact: Contact
    code: CodeSource
    existing_partner_id: str  # the partner to adopt; empty if none is
    owner_stack: str
    owner_path: str
    tags: Mapping[str, str]

    @property
    def taggable(self) -> bool:
        """Whether the service is known to take tags.

        The Sandbox takes none in CreatePartner, and whether it takes any later is documented nowhere: there only the
        ownership tag is tried, and nothing fails without it.
        """
        return self.catalog != "Sandbox"


@dataclass(frozen=True, repr=False)
class Request:
    """One request of CloudFormation. Its ResponseURL is no part of it: only the delivery of the answer knows that.

    `previous` is None where there is none, where it can't be read, and where it is the partner that is wanted now: then
    everything counts as changed. Such an Update is the retry of a failed one whose attempt CloudFormation took for done
    (`cdk deploy --no-rollback`).
    """

    operation: str  # `Create`, `Update` or `Delete`
    stack_id: str
    logical_id: str
    request_id: str
    physical_id: str
    """That of the resource; for a Create the one that a failed answer names, also when it is delivered again."""
    properties: Properties | HandlerError
    """What the template asks for, or what is wrong with it: an Update that belongs to a rollback needs none of it."""
    previous: Properties | None = None
    was_refused: bool = False
    """Whether the former properties are such as this function refuses: then it has written nothing of them."""

    @property
    def wanted(self) -> Properties:
        """What the template asks for; one HandlerError of all errors if these are not a PartnerAccount's properties."""
        if isinstance(self.properties, HandlerError):
            raise self.properties
        return self.properties

    @property
    def client_token(self) -> str:
        """The idempotency token of its CreatePartner."""
        return client_token(self.stack_id, self.logical_id, self.request_id)

    @property
    def owner(self) -> Owner:
        """The construct that this request comes from."""
        return Owner.of(self.stack_id, self.wanted.owner_stack, self.wanted.owner_path)


def is_custom_resource_event(event: object) -> bool:
    """Whether the event has all that an answer needs. Any other event gets none, at no URL."""
    return (
        isinstance(event, dict)
        and all(isinstance(event.get(name), str) and event[name] for name in _TEXT_FIELDS)
        and event["RequestType"] in {"Create", "Update", "Delete"}
        and event["ResponseURL"].startswith("https://")
        and _STACK_ID.fullmatch(event["StackId"]) is not None
        and isinstance(event.get("PhysicalResourceId", ""), str)
        and not any(str(name).startswith("CrHelper") for name in event)  # crhelper's own, for its polling
        and (event["RequestType"] == "Create" or bool(event.get("PhysicalResourceId")))
    )


def read_request(event: Mapping[str, Any]) -> Request:
    """A custom resource's event as a `Request`. Raises nothing: what is wrong is told when the properties are used."""
    properties: Properties | HandlerError
    previous, was_refused = None, False
    try:
        properties, previous, was_refused = _read_both(event)
    except HandlerError as error:
        properties = error
    ids = event["StackId"], event["LogicalResourceId"], event["RequestId"]
    creates = event["RequestType"] == "Create"
    physical_id = f"not-created-{client_token(*ids)[:32]}" if creates else event["PhysicalResourceId"]
    return Request(event["RequestType"], *ids, physical_id, properties, previous, was_refused)


_NO_PART_OF_PARTNER = {"EmailVerificationCode", "ExistingPartnerId", "SchemaVersion", "ServiceTimeout", "ServiceToken"}
"""What a retry may change to have the same partner written at last, such as a corrected code."""


@defects_as_errors
def _read_both(event: Mapping[str, Any]) -> tuple[Properties, Properties | None, bool]:
    """The wanted and the previous properties, and whether the latter were refused."""
    properties = read_properties(event.get("ResourceProperties"))
    wanted, before = event["ResourceProperties"], event.get("OldResourceProperties") or {}
    try:
        previous = read_properties(before)
    except RequestError:
        # Properties of another version may be refused by this code, and have been written by that of their time.
        return properties, None, isinstance(before, dict) and before.get("SchemaVersion") == wanted.get("SchemaVersion")
    names = {*wanted, *before} - _NO_PART_OF_PARTNER
    is_same = all(wanted.get(name) == before.get(name) for name in names)
    return properties, None if is_same else previous, False


def read_properties(raw: object) -> Properties:
    """ResourceProperties as `Properties`, whose scalars CloudFormation has all turned into strings.

    A RequestError says that they are not those of a PartnerAccount, or of a newer one.
    """
    version = raw.get("SchemaVersion") if isinstance(raw, dict) else None
    if isinstance(version, str) and re.fullmatch("[0-9]{1,9}", version) and int(version) > _SCHEMA_VERSION:
        # Providers are shared: a stack may be deployed by a newer construct than the one that made the function.
        raise RequestError(
            ["the template's SchemaVersion is newer than this function"],
            "Update cdk-partner-account where the provider is made, deploy it, then deploy again.",
        )
    fields = _Fields(raw, "", [])
    owner = fields.section("Owner")
    properties = Properties(
        catalog=fields.text("Catalog"),
        legal_name=fields.name("LegalName"),
        primary_solution_type=fields.text("PrimarySolutionType"),
        contact=Contact(*map(fields.section("AllianceLeadContact").name, _CONTACT_MEMBERS)),
        code=fields.section("EmailVerificationCode").code_source(),
        existing_partner_id=fields.text("ExistingPartnerId", default=""),
        owner_stack=owner.text("StackName"),
        owner_path=owner.text("ConstructPath"),
        tags=fields.tags("Tags"),
    )
    if fields.errors:
        raise RequestError(fields.errors)
    return properties


class _Fields:
    """Reads a mapping of unknown shape, and remembers each error instead of stopping at the first."""

    def __init__(self, raw: object, path: str, errors: list[str]) -> None:
        self.errors = errors
        self._path = path
        self._raw: Mapping[str, object] = raw if isinstance(raw, dict) else {}

    def section(self, name: str) -> _Fields:
        raw = self._raw.get(name)
        if not isinstance(raw, dict):
            self.errors.append(f"{self._path}{name} is no map")
        return _Fields(raw, f"{self._path}{name}.", self.errors)

    def text(self, name: str, default: str | None = None) -> str:
        value = self._raw.get(name, default)
        if isinstance(value, str) and (value or default is not None):
            return value
        self.errors.append(f"{self._path}{name} is {'missing' if value in (None, '') else 'no string'}")
        return ""

    def name(self, name: str) -> str:
        """What stands in Partner Central under the company's name: no unresolved expression, no invisible character."""
        text = composed(self.text(name))
        if text.isspace():
            self.errors.append(f"{self._path}{name} is empty")
        found = [*text_errors(text), *(blank_errors(text) if name == "LegalName" else ())]
        self.errors.extend(f"{self._path}{name} {error}" for error in found)
        return text

    def code_source(self) -> CodeSource:
        told = self.text("From")
        store = next((store for store in CodeStore if store.value == told), CodeStore.SECRETS_MANAGER)
        if told and store.value != told:
            self.errors.append(f"{self._path}From is none of {', '.join(store.value for store in CodeStore)}")
        key = _LOCATORS.get(store)
        return CodeSource(store, self.text(key) if key else "", self.text("JsonField", default=""))

    def tags(self, name: str) -> dict[str, str]:
        raw = self._raw.get(name, [])
        tags = raw if isinstance(raw, list) else [None]
        pairs = [(tag.get("Key"), tag.get("Value")) if isinstance(tag, dict) else (None, None) for tag in tags]
        sound = [(key, value) for key, value in pairs if isinstance(key, str) and isinstance(value, str)]
        if len(sound) < len(pairs):
            self.errors.append(f"{self._path}{name} is no list of Key and Value")
        # The construct reserves the ownership tag, which only this package may write.
        return {key: value for key, value in sound if key != OWNER_TAG}
