"""What a deployed template says of a partner, held against what the service has, field by field. No I/O."""

import hashlib
import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from partner_account_cli.deployed import UNRESOLVED, Deployed
from partner_account_cli.partners import CONTACT, OWNER_TAG, Partner

PERSONAL = {f"AllianceLeadContact.{name}" for name in CONTACT}
"""The fields that hold personal data."""

ABSENT = "(absent)"


class Verdict(StrEnum):
    """How a field of the template stands to the service."""

    SAME = "same"
    DRIFTED = "drifted"
    UNKNOWN = "unknown"
    LEFT_ALONE = "left alone"
    """The service has it, and the template says nothing of it: a tag from elsewhere."""


@dataclass(frozen=True)
class Field:
    """One field of a partner.

    Attributes:
        name: the member in the service's words.
        template: what the template says; None if it can't be known.
        service: what the service has.
        verdict: what follows.
    """

    name: str
    template: str | None
    service: str
    verdict: Verdict


def compare(deployed: Deployed, seen: Partner | None) -> list[Field]:
    """All fields of a partner; `seen` is None if the service has no such partner."""
    if seen is None:
        return [Field("Partner", deployed.arn, ABSENT, Verdict.DRIFTED)]
    return [*_own(deployed, seen), *_contact(deployed, seen), *_tags(deployed, seen), *_outputs(deployed, seen)]


def owner_id(deployed: Deployed) -> str | None:
    """The value of the ownership tag that this partner should have; None if it can't be known."""
    owner = deployed.properties.get("Owner")
    if not isinstance(owner, dict) or UNRESOLVED in owner.values():
        return None
    _, _, _, region, account, _ = deployed.stack_id.split(":", 5)
    return f"{_digest(account, region, owner['StackName'])}/{_digest(owner['ConstructPath'])}"


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _without_move(owner: str) -> str:
    """A construct that was moved leaves a mark in the tag."""
    return "/".join(owner.split("/")[:2])


def _own(deployed: Deployed, seen: Partner) -> Iterator[Field]:
    wanted, members = deployed.properties, seen.members
    yield _field("Catalog", wanted.get("Catalog"), members["Catalog"])
    yield _field("LegalName", wanted.get("LegalName"), members["LegalName"], _folded)
    solution = members.get("Profile", {}).get("PrimarySolutionType", ABSENT)
    yield _field("PrimarySolutionType", wanted.get("PrimarySolutionType"), solution)


def _contact(deployed: Deployed, seen: Partner) -> Iterator[Field]:
    wanted = deployed.properties.get("AllianceLeadContact", UNRESOLVED)
    has = seen.members.get("AllianceLeadContact", {})
    for name in CONTACT:
        value = wanted.get(name, ABSENT) if isinstance(wanted, dict) else UNRESOLVED
        # The service may write an address in its own way.
        fold = _folded if name == "Email" else _normalized
        yield _field(f"AllianceLeadContact.{name}", value, has.get(name, ABSENT), fold)


def _tags(deployed: Deployed, seen: Partner) -> Iterator[Field]:
    has = seen.members.get("Tags", {})
    listed = deployed.properties.get("Tags", [])
    if not isinstance(listed, list) or any(not isinstance(tag, dict) for tag in listed):
        yield Field("Tags", None, ABSENT, Verdict.UNKNOWN)
        return
    wanted = {tag["Key"]: tag["Value"] for tag in listed if tag["Key"] is not UNRESOLVED}
    for key, value in wanted.items():
        yield _field(f"Tags.{key}", value, has.get(key, ABSENT))
    if OWNER_TAG in has or seen.members["Catalog"] != "Sandbox":  # which may have refused it
        yield _field(f"Tags.{OWNER_TAG}", owner_id(deployed), has.get(OWNER_TAG, ABSENT), _without_move)
    for key in sorted(set(has) - {*wanted, OWNER_TAG}):
        yield Field(f"Tags.{key}", ABSENT, has[key], Verdict.LEFT_ALONE)


def _outputs(deployed: Deployed, seen: Partner) -> Iterator[Field]:
    # Arn and Id follow from the physical id, by which the partner was looked for.
    if output := deployed.outputs.get("ProfileId"):
        yield _field("Outputs.ProfileId", output, seen.members.get("ProfileId", "pending"))


def _field(name: str, wanted: Any, has: str, folded: Callable[[str], str] | None = None) -> Field:
    if wanted is UNRESOLVED or wanted is None:
        return Field(name, None, has, Verdict.UNKNOWN)
    fold = folded or str
    same = fold(str(wanted)) == fold(has)
    return Field(name, str(wanted), has, Verdict.SAME if same else Verdict.DRIFTED)


def _folded(text: str) -> str:
    """A text without differences of case, width and blanks."""
    return _normalized(text).casefold()


def _normalized(text: str) -> str:
    """A text without differences of width and blanks, as the function compares it."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def masked(fields: list[Field], mask: Callable[[str], str]) -> list[Field]:
    """The fields, with the personal data masked."""
    return [
        Field(one.name, None if one.template is None else mask(one.template), mask(one.service), one.verdict)
        if one.name in PERSONAL
        else one
        for one in fields
    ]


def has_drifted(fields: Mapping[str, list[Field]]) -> bool:
    """Whether any field of any partner has drifted."""
    return any(field.verdict is Verdict.DRIFTED for each in fields.values() for field in each)
