"""Reads this account's partners from Partner Central. Nothing here writes."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from partner_account_cli import rendering
from partner_account_cli.aws import Access
from partner_account_cli.errors import CommandError
from partner_account_cli.explanations import code_of, reason_of
from partner_account_handler.service import SERVICE_REGION

_ABSENT = {"PARTNER_PROFILE_NOT_FOUND", "PARTNER_PROFILE_TASK_NOT_FOUND"}

CONTACT = ("FirstName", "LastName", "Email", "BusinessTitle")
"""The members of the alliance lead contact, which are personal data."""


@dataclass
class PartnerRecord:
    """The members of a partner that could be read, by the service's names, and the errors of those that couldn't."""

    members: dict[str, Any]
    unread: dict[str, Exception] = field(default_factory=dict)


def list_arns(client: Any, catalog: str) -> list[str]:
    """The ARNs of all partners in the catalog, from all pages."""
    pages = client.get_paginator("list_partners").paginate(Catalog=catalog)
    return list(dict.fromkeys(partner["Arn"] for page in pages for partner in page["PartnerSummaryList"]))


def read(client: Any, catalog: str, arn: str) -> PartnerRecord:
    """Read everything about one partner.

    Raises:
        ClientError: the partner doesn't exist, or can't be read at all.
    """
    named = {"Catalog": catalog, "Identifier": arn}
    partner = PartnerRecord(without_metadata(client.get_partner(**named)))
    members, unread = partner.members, partner.unread

    def add(member: str, ask: Callable[[], Any]) -> None:
        try:
            members[member] = ask()
        except (ClientError, BotoCoreError, CommandError) as error:
            if reason_of(error) not in _ABSENT:
                unread[member] = error

    add("AllianceLeadContact", lambda: client.get_alliance_lead_contact(**named)["AllianceLeadContact"])
    add("Visibility", lambda: client.get_profile_visibility(**named))
    add("ProfileTask", lambda: without_metadata(client.get_profile_update_task(**named)))
    add("Tags", lambda: client.list_tags_for_resource(ResourceArn=arn).get("Tags", []))
    if "Tags" in members:
        members["Tags"] = {tag["Key"]: tag["Value"] for tag in members["Tags"]}
    elif catalog == "Sandbox" and code_of(unread["Tags"]) == "ValidationException":
        del unread["Tags"]  # AWS doesn't document whether it supports tags
    visibility = members.pop("Visibility", {})
    profile_id = visibility.get("ProfileId") or members.get("Profile", {}).get("ProfileId")
    members |= {"ProfileId": profile_id} if profile_id else {}
    members |= {"Visibility": visibility["Visibility"]} if visibility else {}
    return partner


def next_steps_of_profile(access: Access, partner: PartnerRecord, visibility: str = "") -> list[str]:
    """The next steps for the profile: for its latest task, or else to set that visibility."""
    members = partner.members
    endpoint = f" --endpoint-url {shlex.quote(access.endpoint_url)}" if access.endpoint_url else ""
    profile = f" --profile {shlex.quote(access.profile)}" if access.profile else ""

    def aws(operation: str, options: str = "") -> str:
        which = f"--catalog {members['Catalog']} --identifier {members['Id']}"
        region = f"--region {SERVICE_REGION}{profile}{endpoint}"
        return f"aws partnercentral-account {operation} {region} {which}{options}"

    task = members.get("ProfileTask", {})
    match task.get("Status"):
        case "IN_PROGRESS":
            stop = aws("cancel-profile-update-task", f" --task-id {task['TaskId']}")
            return [f"Follow the task: {aws('get-profile-update-task')}", f"To cancel it: {stop}"]
        case "FAILED":
            return ["Correct what the reasons name, and deploy again."]
    if "DisplayName" in members.get("Profile", {}) and visibility not in {"", members.get("Visibility")}:
        return [f"To make it {visibility}: {aws('put-profile-visibility', f' --visibility {visibility}')}"]
    return []


def describe_task(task: Mapping[str, Any]) -> str:
    """A profile task's status, start time and failure reasons, without the service's own messages."""
    reasons = [f"{error['Reason']} ({error['Locale']})" for error in task.get("ErrorDetailList", [])]
    return ", ".join([f"{task['Status']} since {rendering.when(task['StartedAt'])}", *reasons])


def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    """A botocore response without its HTTP metadata."""
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}
