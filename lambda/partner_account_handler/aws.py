"""All that talks to AWS: Partner Central, the store of the verification code, and the own stack.

Nothing is decided here but how often a call may be repeated. botocore's own retries are off, so that none is
hidden; calls that may be repeated are repeated by `Aws._call` until the invocation's time is up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config

from partner_account_handler import log
from partner_account_handler.calls import FAILURES, call_error
from partner_account_handler.clock import Clock, pauses
from partner_account_handler.errors import CallError, CodeError, Ending, RequestError, TimeLeftError
from partner_account_handler.identity import catalog_of
from partner_account_handler.partner import Partner
from partner_account_handler.request import CodeSource, CodeStore, Contact
from partner_account_handler.shapes import mistakes

_MODELS = Path(__file__).resolve().parent.parent / "models"
"""Where the asset carries the service model: a runtime's own boto3 may be older than the service."""

_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 1})
_PARTNER_CENTRAL_REGION = "us-east-1"
"""The service has this one endpoint; botocore would build a URL for any region without complaint."""

_TAG_KEYS_PER_CALL = 50
_COLONS_IN_ARN = 5


@dataclass(frozen=True)
class Stack:
    """The own stack, as CloudFormation described it."""

    status: str
    deployment: str
    """The time at which its latest creation or update began."""
    outputs: Mapping[str, str]


@cache
def _session() -> botocore.session.Session:
    session = botocore.session.Session()
    if _MODELS.is_dir():
        session.get_component("data_loader").search_paths.insert(0, str(_MODELS))
    return session


@cache
def _client(service: str, region: str) -> Any:
    return _session().create_client(service, region_name=region, config=_CONFIG)


class Aws:
    """AWS as one invocation sees it."""

    def __init__(self, stack_id: str, clock: Clock) -> None:
        self.clock = clock
        self.known_stack: Stack | None = None
        self._stack_id = stack_id
        self._region = stack_id.split(":")[3]

    # Partner Central: reading

    def partners(self, catalog: str) -> list[Partner]:
        """All pages of the account's partners in a catalog."""
        found: list[Partner] = []
        page: dict[str, Any] = {}
        while True:
            answer = self._partner_central("list_partners", Catalog=catalog, **page)
            found += [Partner(one["Arn"], one["LegalName"]) for one in answer["PartnerSummaryList"]]
            if not answer.get("NextToken"):
                return found
            page = {"NextToken": answer["NextToken"]}

    def partner(self, arn: str) -> Partner:
        """One partner by its ARN."""
        return _seen(self._partner_central("get_partner", Catalog=catalog_of(arn), Identifier=arn))

    def tags(self, arn: str) -> dict[str, str]:
        """The tags of a partner."""
        answer = self._partner_central("list_tags_for_resource", ResourceArn=arn)
        return {tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])}

    def contact(self, arn: str) -> Contact:
        """The alliance lead contact of a partner."""
        answer = self._partner_central("get_alliance_lead_contact", Catalog=catalog_of(arn), Identifier=arn)
        return Contact.from_service(answer["AllianceLeadContact"])

    def profile_id(self, arn: str) -> str | None:
        """The profile id, asked for once: GetProfileVisibility requires it in its answer, GetPartner does not."""
        named: dict[str, Any] = {"Catalog": catalog_of(arn), "Identifier": arn}
        try:
            return _profile_id(self._partner_central("get_profile_visibility", repeat=False, **named))
        except CallError:
            return _seen(self._partner_central("get_partner", repeat=False, **named)).profile_id

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
        """CreatePartner, once. The caller decides what follows from an error."""
        return _seen(self._partner_central("create_partner", repeat=False, **body))

    def put_contact(self, arn: str, contact: Contact, code: str | None) -> None:
        """Replaces the alliance lead contact."""
        proof: dict[str, Any] = {} if code is None else {"EmailVerificationCode": code}
        self._partner_central(
            "put_alliance_lead_contact",
            Catalog=catalog_of(arn),
            Identifier=arn,
            AllianceLeadContact=contact.to_service(),
            **proof,
        )

    def tag(self, arn: str, tags: Mapping[str, str]) -> None:
        """Sets tags."""
        self._partner_central("tag_resource", ResourceArn=arn, Tags=tag_list(tags))

    def untag(self, arn: str, keys: Sequence[str]) -> None:
        """Removes tags."""
        for start in range(0, len(keys), _TAG_KEYS_PER_CALL):
            chunk = list(keys[start : start + _TAG_KEYS_PER_CALL])
            self._partner_central("untag_resource", ResourceArn=arn, TagKeys=chunk)

    def _partner_central(self, operation: str, *, repeat: bool = True, **members: Any) -> Mapping[str, Any]:
        client = _client("partnercentral-account", _PARTNER_CENTRAL_REGION)
        return self._call(client, operation, repeat=repeat, **members)

    # The own stack

    def stack(self, *, repeat: bool = True) -> Stack:
        """The stack that this request belongs to, by its id: a later stack of the same name is another one."""
        client = _client("cloudformation", self._region)
        described = self._call(client, "describe_stacks", repeat=repeat, StackName=self._stack_id)["Stacks"][0]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
        began = described.get("LastUpdatedTime") or described["CreationTime"]
        self.known_stack = Stack(described["StackStatus"], str(began), outputs)
        return self.known_stack

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
        answer = self._call(_client("ssm", self._region), "get_parameter", Name=name, WithDecryption=True)
        return str(answer["Parameter"]["Value"])

    def _secret(self, arn: str) -> str:
        region = arn.split(":")[3] if arn.count(":") >= _COLONS_IN_ARN else self._region
        answer = self._call(_client("secretsmanager", region), "get_secret_value", SecretId=arn)
        return str(answer.get("SecretString", ""))

    def _call(self, client: Any, operation: str, *, repeat: bool = True, **members: Any) -> Mapping[str, Any]:
        name = client.meta.method_to_api_mapping[operation]
        call: Callable[..., Mapping[str, Any]] = getattr(client, operation)
        for pause in pauses():
            if self.clock.left() <= 0:
                raise TimeLeftError(name)
            try:
                return call(**members)
            except FAILURES as cause:
                error = call_error(name, cause)
            log.warning("call failed", **error.fault.told())
            if not (repeat and self.may_pass(error) and self.clock.pause(pause)):
                raise error
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
        raise CodeError("the secret is no JSON object with the given field") from None


def _seen(answer: Mapping[str, Any]) -> Partner:
    profile = answer.get("Profile") or {}
    return Partner(
        arn=answer["Arn"],
        legal_name=answer["LegalName"],
        primary_solution_type=profile.get("PrimarySolutionType"),
        profile_id=_profile_id(profile),
    )


def _profile_id(members: Mapping[str, Any]) -> str | None:
    return members.get("ProfileId") or None


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as the service takes them, in one order, so that a repeated request has the same body."""
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]
