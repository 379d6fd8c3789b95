"""All that talks to AWS: Partner Central, the store of the verification code, and the own stack.

Nothing is decided here but how often a call may be repeated. botocore's own retries are off, so that none is
hidden; calls that may be repeated are repeated by `Aws._call` until the invocation's time is up. Before each try
of a changing call it is made sure that an answer could be sent, and CloudFormation is asked whether the same operation
of the stack is still under way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config

from partner_account_handler import log
from partner_account_handler.calls import call_error
from partner_account_handler.clock import Clock, pauses
from partner_account_handler.errors import (
    CallError,
    CodeError,
    Ending,
    Fault,
    HandlerError,
    NotWaitingError,
    RequestError,
    TimeLeftError,
)
from partner_account_handler.identity import partner_id
from partner_account_handler.partner import Partner
from partner_account_handler.request import CodeSource, CodeStore, Contact
from partner_account_handler.shapes import mistakes

_MODELS = Path(__file__).resolve().parent.parent / "models"
"""Where the asset carries the service model: a runtime's own boto3 may be older than the service."""

API_VERSION = "2025-04-04"
"""That of the model in the asset. Unless told, botocore takes the latest that it finds, which may be the runtime's."""

_CONFIG = Config(connect_timeout=3, read_timeout=20, retries={"total_max_attempts": 1})
_BRIEF = _CONFIG.merge(Config(connect_timeout=2, read_timeout=5))
"""For CloudFormation, which may still be asked in the time that is kept back."""

_PARTNER_CENTRAL_REGION = "us-east-1"
"""The service has this one endpoint; botocore would build a URL for any region without complaint."""

_LAST_QUESTIONS = {"DescribeStacks"}
"""May be asked in the time that is kept back: the answer tells a rollback from other failures."""

_LAG_SECONDS = 30.0
"""How long a partner that another call knew may not be found: no part of AWS knows everything at once."""

_SHORTEST_PARENT_NAME = 24
"""CloudFormation shortens the parent's name in a nested stack's, but was never seen to leave less of it."""

_NO_PROFILE = {"PARTNER_PROFILE_NOT_FOUND"}
_TAG_KEYS_PER_CALL = 50
_COLONS_IN_ARN = 5


@dataclass(frozen=True)
class Stack:
    """The own stack, as CloudFormation described it."""

    status: str
    operation_began: datetime
    """When its latest creation or update began."""
    outputs: Mapping[str, str]
    root_name: str
    """The name of the stack that it is nested in at last, or its own."""


@cache
def _session() -> botocore.session.Session:
    session = botocore.session.Session()
    if _MODELS.is_dir():
        session.get_component("data_loader").search_paths.insert(0, str(_MODELS))
    return session


def ca_bundle() -> str | None:
    """The file of certificate authorities that botocore was told to trust, if it was told one."""
    bundle: str | None = _session().get_config_variable("ca_bundle")
    return bundle


@cache
def _client(service: str, region: str) -> Any:
    config = _BRIEF if service == "cloudformation" else _CONFIG
    version = API_VERSION if service == "partnercentral-account" else None
    return _session().create_client(service, region_name=region, api_version=version, config=config)


class Aws:
    """AWS as one invocation sees it."""

    def __init__(self, stack_id: str, clock: Clock, require_reachable: Callable[[], None] = lambda: None) -> None:
        self.clock = clock
        self._require_reachable = require_reachable
        self.known_stack: Stack | None = None
        self.listed: frozenset[str] = frozenset()
        """The ARNs of the last list of partners."""
        self._tags_refused = False
        self._stack_id = stack_id
        self._region = stack_id.split(":")[3]

    # Partner Central: reading

    def partners(self, catalog: str) -> list[Partner]:
        """All pages of the account's partners in a catalog, each partner once, though pages may shift."""
        found: dict[str, Partner] = {}
        page: dict[str, Any] = {}
        while True:
            answer = self._partner_central("list_partners", needs="PartnerSummaryList", Catalog=catalog, **page)
            found |= {partner.arn: partner for partner in map(self._listed, answer["PartnerSummaryList"])}
            if not answer.get("NextToken"):
                self.listed = frozenset(found)
                return list(found.values())
            page = {"NextToken": answer["NextToken"]}

    def _listed(self, summary: Mapping[str, Any]) -> Partner:
        """A partner that is listed without its ARN can't be judged, and without its name it is looked at again."""
        if not summary.get("Arn"):
            raise CallError(Fault("ListPartners", Ending.OPEN, "IncompleteAnswer"))
        if not summary.get("LegalName"):
            summary = {**summary, "LegalName": self.partner(summary["Arn"], summary.get("Catalog")).legal_name}
        return _seen(summary)

    def partner(self, arn: str, catalog: str | None) -> Partner:
        """One partner by its ARN."""
        answer = self._partner_central("get_partner", needs="Arn", Catalog=catalog, Identifier=arn)
        return _seen(answer)

    def tags(self, arn: str, *, repeat: bool = True) -> dict[str, str]:
        """The tags of a partner. An answer without `ResourceArn` is broken, which must not be taken for "no tags"."""
        answer = self._partner_central("list_tags_for_resource", needs="ResourceArn", repeat=repeat, ResourceArn=arn)
        return {tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])}

    def optional_tags(self, arn: str) -> dict[str, str]:
        """The tags of a partner in the Sandbox; none if it doesn't tell them within half a minute, or refuses to.

        Then no tag of it is read or written any more in this invocation: it might be another's.
        """
        until = self.clock.spent() + _LAG_SECONDS
        for pause in pauses():
            if self._tags_refused:
                break
            try:
                return self.tags(arn, repeat=False)
            except HandlerError as error:
                may_pass = isinstance(error, CallError) and self.may_pass(error) and self.clock.spent() < until
                self._tags_refused = not (may_pass and self.clock.pause(pause))
        return {}

    def contact(self, partner: Partner, *, repeat: bool = True) -> Contact:
        """The alliance lead contact of a partner."""
        answer = self._partner_central(
            "get_alliance_lead_contact",
            needs="AllianceLeadContact",
            repeat=repeat,
            Catalog=partner.catalog,
            Identifier=partner.arn,
        )
        return Contact.from_service(answer["AllianceLeadContact"])

    def profile_id(self, partner: Partner) -> str | None:
        """The profile id, asked for once: GetProfileVisibility requires it in its answer, GetPartner does not.

        Raises:
            CallError: neither tells one, and that there is none wasn't said either.
        """
        named: dict[str, Any] = {"Catalog": partner.catalog, "Identifier": partner.arn}
        try:
            seen = self._partner_central("get_profile_visibility", needs="ProfileId", repeat=False, **named)
            return _profile_id(seen)
        except CallError as error:
            found = _seen(self._partner_central("get_partner", needs="Arn", repeat=False, **named))
            if not found.profile_id and error.fault.reason not in _NO_PROFILE:
                raise
            return found.profile_id

    # Partner Central: writing

    def check(self, operation: str, body: Mapping[str, Any]) -> None:
        """Holds a request against the service model, all mistakes in one, before anything is sent.

        Raises:
            RequestError: what is wrong with which member.
        """
        model = _client("partnercentral-account", _PARTNER_CENTRAL_REGION).meta.service_model
        found = list(mistakes(model.operation_model(operation).input_shape, body))
        if found:
            raise RequestError(found)

    def create_partner(self, body: Mapping[str, Any]) -> Partner:
        """CreatePartner, once, after `_require_heard`, once: the caller's last look must not grow old.

        The caller decides what follows from an error of either.
        """
        ask = partial(self._require_heard, once=True)
        return _seen(self._partner_central("create_partner", first=ask, needs="Arn", repeat=False, **body))

    def put_contact(self, partner: Partner, contact: Contact, code: str | None) -> None:
        """Replaces the alliance lead contact."""
        proof: dict[str, Any] = {} if code is None else {"EmailVerificationCode": code}
        self._change(
            "put_alliance_lead_contact",
            Catalog=partner.catalog,
            Identifier=partner.arn,
            AllianceLeadContact=contact.to_service(),
            **proof,
        )

    def tag(self, arn: str, tags: Mapping[str, str]) -> None:
        """Sets tags."""
        self._change("tag_resource", ResourceArn=arn, Tags=tag_list(tags))

    def tag_if_taken(self, arn: str, tags: Mapping[str, str]) -> bool:
        """Sets tags in the Sandbox, and tells whether it took them. Tried once, and raises nothing."""
        if self._tags_refused:
            return False
        ask = partial(self._require_heard, once=True)
        try:
            self._partner_central("tag_resource", first=ask, repeat=False, ResourceArn=arn, Tags=tag_list(tags))
        except Exception as error:  # noqa: BLE001 - after CreatePartner's answer nothing may make the Create fail
            log.info(
                "the Sandbox took no ownership tag, so the legal name tells whose the partner is",
                partner=partner_id(arn),
                error=type(error).__name__,
            )
            return False
        return True

    def untag(self, arn: str, keys: Sequence[str]) -> None:
        """Removes tags."""
        for start in range(0, len(keys), _TAG_KEYS_PER_CALL):
            chunk = list(keys[start : start + _TAG_KEYS_PER_CALL])
            self._change("untag_resource", ResourceArn=arn, TagKeys=chunk)

    def _change(self, operation: str, **members: Any) -> Mapping[str, Any]:
        return self._partner_central(operation, first=self._require_heard, **members)

    def _partner_central(self, operation: str, **members: Any) -> Mapping[str, Any]:
        return self._call(_client("partnercentral-account", _PARTNER_CENTRAL_REGION), operation, **members)

    # The own stack

    def stack(self, *, once: bool = False) -> Stack:
        """The stack that this request belongs to, by its id: a later stack of the same name is another one.

        Asked `once`, it is asked even if only the time that is kept back is left.
        """
        client = _client("cloudformation", self._region)
        answer = self._call(client, "describe_stacks", needs="Stacks", repeat=not once, StackName=self._stack_id)
        (described,) = answer["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
        began = described.get("LastUpdatedTime") or described["CreationTime"]
        root_name = (described.get("RootId") or self._stack_id).split("/")[1]
        self.known_stack = Stack(described["StackStatus"], began, outputs, root_name)
        return self.known_stack

    def require_root_stack(self, name: str) -> None:
        """Any other stack's name in a template would claim that stack's partner.

        If CloudFormation never answered, the own name decides: a nested stack's begins with its parent's, or as much of
        it as has room.

        Raises:
            RequestError: it is not the name of the stack that this one is, or is nested in.
        """
        own_name = self._stack_id.split("/")[1]
        known = self.known_stack.root_name if self.known_stack else None
        if known != name if known else not own_name.startswith(name[:_SHORTEST_PARENT_NAME]):
            raise RequestError(["Owner.StackName is neither this stack nor the one that it is nested in"])

    def began_after(self, moment: datetime) -> bool:
        """Whether the operation that the stack was last seen in began after a moment."""
        return self.known_stack is not None and self.known_stack.operation_began > moment

    def operation(self) -> str:
        """What tells the operation that the stack was last seen in from its others."""
        return "" if self.known_stack is None else self.known_stack.operation_began.isoformat()

    def shows(self, value: str) -> bool:
        """Whether the stack, when it was last asked about, had a value among its outputs."""
        return self.known_stack is not None and value in self.known_stack.outputs.values()

    def _require_heard(self, *, once: bool = False) -> None:
        """Comes before each change: an answer can be sent, and the stack still waits for it.

        Whether one can be sent may take tries, and stays true, since the connection is kept. So the stack is asked
        last: what it says must not grow old.
        """
        for pause in pauses():
            try:
                self._require_reachable()
                break
            except CallError as error:
                log.warning("call failed", **error.fault.told())
                if once or not self.clock.pause(pause):
                    raise
        self._require_same_operation(once=once)

    def _require_same_operation(self, *, once: bool = False) -> None:
        """Asked before each change: an event may come, or a call be repeated, after everybody has given it up.

        Raises:
            NotWaitingError: the stack has gone on since it was last asked about.
        """
        before = self.known_stack
        if before is None:
            return  # CloudFormation never answered: only an Update goes on then
        now = self.stack(once=once)
        if now.operation_began != before.operation_began:
            raise NotWaitingError(f"{now.status} of another deployment")
        if now.status != before.status:
            raise NotWaitingError(now.status)

    # The verification code

    def verification_code(self, source: CodeSource) -> str:
        """The six digits.

        Raises:
            CodeError: what is stored there are no six digits.
        """
        code = self._stored_code(source).strip()
        if not re.fullmatch(r"[0-9]{6}", code):
            raise CodeError(f"what {_PLACES[source.store]} holds is not six digits")
        return code

    def _stored_code(self, source: CodeSource) -> str:
        if source.store is CodeStore.SANDBOX:
            return "000000"  # the Sandbox takes any six digits
        if source.store is CodeStore.PARAMETER:
            return source.locator
        if source.store is CodeStore.PARAMETER_STORE:
            return self._parameter(source.locator)
        return _field(self._secret(source.locator), source.json_field)

    def _parameter(self, name: str) -> str:
        client = _client("ssm", self._region)
        answer = self._call(client, "get_parameter", needs="Parameter", Name=name, WithDecryption=True)
        return str(answer["Parameter"]["Value"])

    def _secret(self, secret_id: str) -> str:
        """By its ARN, which tells its region, or by its name, in the stack's own region."""
        region = secret_id.split(":")[3] if secret_id.count(":") >= _COLONS_IN_ARN else self._region
        answer = self._call(_client("secretsmanager", region), "get_secret_value", needs="ARN", SecretId=secret_id)
        return str(answer.get("SecretString", ""))

    def _call(
        self,
        client: Any,
        operation: str,
        *,
        needs: str = "",
        repeat: bool = True,
        first: Callable[[], None] = lambda: None,
        **members: Any,
    ) -> Mapping[str, Any]:
        """Calls until there is an answer that has what it `needs`; before each try comes what is to be done `first`."""
        name = client.meta.method_to_api_mapping[operation]
        call: Callable[..., Mapping[str, Any]] = getattr(client, operation)
        waited = 0.0
        for pause in pauses():
            first()
            if self.clock.left() <= 0 and name not in _LAST_QUESTIONS:
                raise TimeLeftError(name)
            try:
                answer = call(**members)
            except Exception as cause:  # noqa: BLE001 - botocore's parsers stumble over a broken answer in many ways
                error = call_error(name, cause)
            else:
                if not needs or answer.get(needs) is not None:
                    return answer
                error = CallError(Fault(name, Ending.OPEN, "IncompleteAnswer"))
            log.warning("call failed", **error.fault.told())
            is_lagging = error.fault.reason == "PARTNER_NOT_FOUND" and waited < _LAG_SECONDS
            if not (repeat and (is_lagging or self.may_pass(error)) and self.clock.pause(pause)):
                raise error
            waited += pause
        raise AssertionError("pauses never end")

    def may_pass(self, error: CallError) -> bool:
        """Whether the same call may succeed later in this invocation."""
        if error.fault.ending is Ending.DENIED:
            return self.clock.is_settling()
        return error.fault.ending is not Ending.REFUSED


_PLACES = {
    CodeStore.SECRETS_MANAGER: "the secret",
    CodeStore.PARAMETER_STORE: "the SSM parameter",
    CodeStore.PARAMETER: "the stack's parameter",
    CodeStore.SANDBOX: "the Sandbox",
}


def _field(secret: str, json_field: str) -> str:
    if not json_field:
        return secret
    try:
        return str(json.loads(secret)[json_field])
    except (ValueError, KeyError, TypeError):
        raise CodeError("the secret isn't a JSON object with the field that json_field names") from None


def _seen(answer: Mapping[str, Any]) -> Partner:
    profile = answer.get("Profile") or {}
    return Partner(
        arn=answer["Arn"],
        legal_name=answer.get("LegalName", ""),
        primary_solution_type=profile.get("PrimarySolutionType"),
        profile_id=_profile_id(profile),
        created_at=answer.get("CreatedAt"),
        told_id=answer.get("Id"),
        told_catalog=answer.get("Catalog"),
    )


def _profile_id(members: Mapping[str, Any]) -> str | None:
    return members.get("ProfileId") or None


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as the service takes them, in one order, so that a repeated request has the same body."""
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]
