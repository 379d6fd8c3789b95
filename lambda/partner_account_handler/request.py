"""The boundary: CloudFormation's event becomes one frozen request. Beyond it nothing sees an event."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from partner_account_handler.errors import HandlerError, defects_as_errors
from partner_account_handler.identity import PROFILE_TYPE, Owner, client_token
from partner_account_handler.partner_properties import Contact, PartnerProperties
from partner_account_handler.profile_properties import ProfileProperties

_P = TypeVar("_P")

_STACK_ID = re.compile(r"arn:[a-z-]+:cloudformation:[a-z0-9-]+:[0-9]{12}:stack/[^/]+/.+")
_TEXT_FIELDS = ("RequestType", "StackId", "RequestId", "LogicalResourceId", "ResponseURL")


@dataclass(frozen=True, repr=False)
class Request(Generic[_P]):
    """One CloudFormation request. Its ResponseURL is not part of it: only the delivery of the answer has that."""

    operation: str  # `Create`, `Update` or `Delete`
    stack_id: str
    logical_id: str
    request_id: str
    physical_id: str
    """That of the resource; for a Create the one in a failed answer, the same when it is redelivered."""
    output_prefixes: tuple[str, ...]
    """The prefixes of the logical ids of the outputs that show its attributes, by both templates."""
    properties: _P | HandlerError
    """What the template describes, or its error: an Update that belongs to a rollback needs neither."""
    previous: _P | None
    was_refused: bool = False
    """Whether this function refuses the former properties: then it has written nothing of them."""

    @property
    def wanted(self) -> _P:
        """What the template describes; one HandlerError of all errors if it is invalid."""
        if isinstance(self.properties, HandlerError):
            raise self.properties
        return self.properties

    @property
    def client_token(self) -> str:
        """The idempotency token of its calls."""
        return client_token(self.stack_id, self.logical_id, self.request_id)


@dataclass(frozen=True, repr=False)
class PartnerRequest(Request[PartnerProperties]):
    """A request about a partner.

    `previous` is None where there is none, where it can't be read, and where nothing differs from what is wanted now:
    then everything counts as changed. Such an Update retries a failed one that CloudFormation recorded as done
    (`cdk deploy --no-rollback`). If only the code differs, the contact and the tags count as changed.
    """

    @property
    def owner(self) -> Owner:
        """The construct that this request comes from."""
        return Owner.of(self.stack_id, self.wanted.owner_stack, self.wanted.owner_path)


@dataclass(frozen=True, repr=False)
class ProfileRequest(Request[ProfileProperties]):
    """A request about a partner's profile. `previous` is None where it can't be read, or was another partner's."""


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


def read_request(event: Mapping[str, Any]) -> PartnerRequest | ProfileRequest:
    """A custom resource's event as a request. Raises nothing: errors are raised when the properties are used."""
    ids = event["StackId"], event["LogicalResourceId"], event["RequestId"]
    creates = event["RequestType"] == "Create"
    physical_id = f"not-created-{client_token(*ids)[:32]}" if creates else event["PhysicalResourceId"]
    raw, former = event.get("ResourceProperties"), event.get("OldResourceProperties")
    told = [one.get("OutputPrefix") for one in (raw, former) if isinstance(one, dict)]
    prefixes = tuple(dict.fromkeys(one for one in told if one and isinstance(one, str)))
    common = (event["RequestType"], *ids, physical_id, prefixes)
    if event.get("ResourceType") == PROFILE_TYPE:
        return _profile_request(common, raw, former)
    return _partner_request(common, raw, former)


_Common = tuple[str, str, str, str, str, tuple[str, ...]]


def _profile_request(common: _Common, raw: Any, former: Any) -> ProfileRequest:
    wanted, previous = _read(ProfileProperties.read, raw), _read(ProfileProperties.read, former)
    if isinstance(wanted, HandlerError):
        return ProfileRequest(*common, wanted, None)
    if isinstance(previous, HandlerError):
        return ProfileRequest(*common, wanted, None, _is_same_version(raw, former))
    return ProfileRequest(*common, wanted, previous if previous.partner_arn == wanted.partner_arn else None)


def _partner_request(common: _Common, raw: Any, former: Any) -> PartnerRequest:
    wanted, previous = _read(PartnerProperties.read, raw), _read(PartnerProperties.read, former)
    if isinstance(wanted, HandlerError):
        return PartnerRequest(*common, wanted, None)
    if isinstance(previous, HandlerError):
        return PartnerRequest(*common, wanted, None, _is_same_version(raw, former))
    if raw == former:
        return PartnerRequest(*common, wanted, None)
    if all(raw.get(name) == former.get(name) for name in {*raw, *former} - {"EmailVerificationCode"}):
        # A corrected code is mostly that of a retry, which has to write what its predecessor couldn't.
        previous = replace(previous, contact=Contact("", "", "", ""), tags={})
    return PartnerRequest(*common, wanted, previous)


def _is_same_version(raw: Mapping[str, Any], former: object) -> bool:
    """Properties of another version may be refused by this code, yet have been written by that of their time."""
    return isinstance(former, dict) and former.get("SchemaVersion") == raw.get("SchemaVersion")


def _read(read: Callable[[object], _P], raw: object) -> _P | HandlerError:
    try:
        return defects_as_errors(read)(raw)
    except HandlerError as error:
        return error
