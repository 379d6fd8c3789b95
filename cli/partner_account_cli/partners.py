"""What Partner Central has of this account's partners. Nothing here writes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from partner_account_cli.errors import CommandError
from partner_account_cli.explanations import reason_of

OWNER_TAG = "cdk-partner-account:owner"
"""The key of the tag that says which construct of which stack a partner belongs to."""

CONTACT = ("FirstName", "LastName", "Email", "BusinessTitle")

_ABSENT = {"PARTNER_PROFILE_NOT_FOUND", "PARTNER_PROFILE_TASK_NOT_FOUND"}


@dataclass
class Partner:
    """A partner, in the service's member names.

    Attributes:
        members: what could be read; a member that the service has not is absent.
        unread: the error of each member that could not be read.
    """

    members: dict[str, Any]
    unread: dict[str, Exception] = field(default_factory=dict)


def arns(client: Any, catalog: str) -> list[str]:
    """The ARNs of all partners in the catalog, from all pages."""
    found: list[str] = []
    page: dict[str, str] = {}
    while True:
        answer = client.list_partners(Catalog=catalog, **page)
        found += [partner["Arn"] for partner in answer["PartnerSummaryList"]]
        if not answer.get("NextToken"):
            return list(dict.fromkeys(found))
        page = {"NextToken": answer["NextToken"]}


def partner(client: Any, catalog: str, arn: str) -> Partner:
    """All there is to know of one partner.

    Raises:
        ClientError: there is no such partner, or it can't be read at all.
    """
    named = {"Catalog": catalog, "Identifier": arn}
    seen = Partner(_without_metadata(client.get_partner(**named)))
    _add(seen, "AllianceLeadContact", lambda: client.get_alliance_lead_contact(**named)["AllianceLeadContact"])
    _add(seen, "Visibility", lambda: client.get_profile_visibility(**named))
    _add(seen, "ProfileTask", lambda: _without_metadata(client.get_profile_update_task(**named)))
    _add(seen, "Tags", lambda: tags(client, arn))
    if catalog == "Sandbox" and _is_refused(seen.unread.get("Tags")):
        del seen.unread["Tags"]  # whether it knows tags is documented nowhere
    return _with_profile_id(seen)


def tags(client: Any, arn: str) -> dict[str, str]:
    """The tags of a partner."""
    return {tag["Key"]: tag["Value"] for tag in client.list_tags_for_resource(ResourceArn=arn).get("Tags", [])}


def _add(seen: Partner, member: str, read: Callable[[], Any]) -> None:
    try:
        seen.members[member] = read()
    except (ClientError, BotoCoreError, CommandError) as error:
        if reason_of(error) not in _ABSENT:
            seen.unread[member] = error


def _is_refused(error: Exception | None) -> bool:
    return isinstance(error, ClientError) and error.response["Error"]["Code"] == "ValidationException"


def _with_profile_id(seen: Partner) -> Partner:
    visibility = seen.members.pop("Visibility", {})
    profile_id = visibility.get("ProfileId") or seen.members.get("Profile", {}).get("ProfileId")
    told = {"ProfileId": profile_id, "Visibility": visibility.get("Visibility")}
    seen.members |= {name: value for name, value in told.items() if value}
    return seen


def _without_metadata(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}
