"""The findings of a run, and its report. Nothing in a report identifies the account."""

import re
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import version
from typing import Any

from partner_central_simulator.readings import Readings

FORMAT = 1
"""Changes when a member of the report changes its meaning or is removed; members may be added at any time."""


class Status(StrEnum):
    """How a question ended.

    `DOCUMENTED` and `DIFFERS` compare the service with AWS's documentation or service model; `FOUND` is what it does
    where those say nothing. `UNDECIDED`: the answer fits no reading, or both. `NOT_ASKED`: something that the call
    needs was missing. `NOT_IN_SANDBOX`: catalog AWS has other rules.
    """

    DOCUMENTED = "as documented"
    DIFFERS = "differs"
    FOUND = "found"
    UNDECIDED = "undecided"
    NOT_ASKED = "not asked"
    NOT_IN_SANDBOX = "not in Sandbox"


@dataclass(frozen=True)
class ContractFinding:
    """One question, and its outcome.

    `answer` is what was seen, without any value of the account. `reading` is the simulator's switch that it is about,
    and `value` its correct value, if it was found. `source` is where AWS documents the rule, if it does.
    """

    question: str
    status: Status
    answer: str
    reading: str = ""
    value: bool | str | None = None
    source: str = ""

    def document(self) -> dict[str, Any]:
        """Its members as the report has them; empty ones are omitted."""
        told = asdict(self) | {"status": str(self.status), "answer": mask(self.answer)}
        return {name.capitalize(): value for name, value in told.items() if value not in {"", None}}


@dataclass
class ContractReport:
    """All findings of one run, in the order in which they were found.

    `endpoint` is `AWS`, or `another`, such as a simulator's. `stopped` is why it ended early; empty if it didn't.
    `partners_created` is how many partners it leaves behind; None if a CreatePartner had no certain outcome.
    """

    endpoint: str = "another"
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0
    calls: int = 0
    partners_created: int | None = 0
    findings: list[ContractFinding] = field(default_factory=list)
    stopped: str = ""

    @property
    def readings(self) -> dict[str, bool | str]:
        """The switches that were found, in the order of `Readings`; the simulator accepts them as they are."""
        found = {one.reading: one.value for one in self.findings if one.value is not None}
        return {one.name: found[one.name] for one in fields(Readings) if one.name in found}

    def document(self) -> dict[str, Any]:
        """The report for JSON, ready to be attached to an issue."""
        return {
            "Format": FORMAT,
            "Version": version("cdk-partner-account"),
            "Endpoint": self.endpoint,
            "Catalog": "Sandbox",
            "BeganAt": self.began_at.isoformat(timespec="seconds"),
            "Seconds": round(self.seconds, 1),
            "Calls": self.calls,
            "PartnersCreated": self.partners_created,
            "Stopped": mask(self.stopped),
            "Findings": [finding.document() for finding in self.findings],
            "Readings": self.readings,
        }


_PRIVATE = (
    (r"arn:\S+", "arn:***"),
    (r"\S+@\S+", "***@***"),
    (r"\b([A-Za-z]+)-[A-Za-z0-9]{13}\b", r"\1-***"),  # the form of all ids of the service, in its model
    (r"(?<![0-9])[0-9]{12}(?![0-9])", "***"),
    (r"https?://\S+", "https://***"),
)


def mask(text: str) -> str:
    """The text without account ids, ARNs, ids of the service, e-mail addresses and URLs."""
    for pattern, instead in _PRIVATE:
        text = re.sub(pattern, instead, text)
    return text


def word(text: object) -> str:
    """A word of the service, such as an error's code or a field's name; anything else could be somebody's data."""
    return mask(text) if isinstance(text, str) and re.fullmatch(r"[\w.\[\]/$-]{1,100}", text) else "(no word)"
