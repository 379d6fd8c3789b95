"""What a run has found out, and the report of it. Nothing in a report tells whose account it was."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import version
from typing import Any, TypeAlias

from partner_central_simulator.readings import Readings

FORMAT = 1
"""Changes when a member of the report changes its meaning or goes; new members may come at any time."""

ReadingValue: TypeAlias = bool | str


class Status(StrEnum):
    """How a question ended."""

    DOCUMENTED = "as documented"
    """The service does what AWS's documentation says."""

    DIFFERS = "differs"
    """The service does something else than AWS's documentation or service model says."""

    FOUND = "found"
    """AWS documents nothing; this is what the service does."""

    UNDECIDED = "undecided"
    """It was asked, and the answer fits no reading, or both."""

    NOT_ASKED = "not asked"
    """The run has no call for it, or something that the call needs was missing."""

    NOT_IN_SANDBOX = "not in Sandbox"
    """The Sandbox can't answer it, since its rules differ from those of catalog AWS there."""


@dataclass(frozen=True)
class Finding:
    """One question, and what came of it.

    Attributes:
        question: what was asked.
        status: how it ended.
        answer: what was seen, in a sentence, without any value of the account.
        reading: the simulator's switch that it is about, by its name in `Readings`; empty if there is none.
        value: what that switch must be; None if that wasn't found.
        source: where AWS documents the rule, if it does.
    """

    question: str
    status: Status
    answer: str
    reading: str = ""
    value: ReadingValue | None = None
    source: str = ""

    def document(self) -> dict[str, Any]:
        """Its members as the report has them; what is empty is left out."""
        told = {
            "Question": self.question,
            "Status": str(self.status),
            "Answer": mask(self.answer),
            "Reading": self.reading,
            "Value": self.value,
            "Source": self.source,
        }
        return {name: value for name, value in told.items() if value not in {"", None}}


@dataclass
class Report:
    """All findings of one run, in the order in which they were found.

    `endpoint` is `AWS`, or `another`, such as a simulator's. `stopped` is why it ended early; empty if it didn't.
    `partners_created` is how many partners it leaves behind; None if a CreatePartner had no certain outcome.
    """

    endpoint: str = "another"
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0
    calls: int = 0
    partners_created: int | None = 0
    findings: list[Finding] = field(default_factory=list)
    stopped: str = ""

    @property
    def readings(self) -> dict[str, ReadingValue]:
        """The switches that were found, in the order of `Readings`; the simulator takes them as they are."""
        found = {one.reading: one.value for one in self.findings if one.value is not None}
        return {one.name: found[one.name] for one in fields(Readings) if one.name in found}

    def document(self) -> dict[str, Any]:
        """The report as JSON has it, ready to be attached to an issue."""
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
    """The text without account ids, ARNs, ids of the service, addresses of e-mail and of the network."""
    for pattern, instead in _PRIVATE:
        text = re.sub(pattern, instead, text)
    return text


def word(text: object) -> str:
    """A word of the service, such as an error's code or a field's name; whatever is none could be anybody's data."""
    return mask(text) if isinstance(text, str) and re.fullmatch(r"[\w.\[\]/$-]{1,100}", text) else "(no word)"


def unasked(findings: Iterable[Finding], unaskable: Mapping[str, tuple[str, str]]) -> Iterator[Finding]:
    """A finding for each switch of `Readings` that no finding is about.

    `unaskable` has the question of each that the Sandbox can't answer, and why it can't.
    """
    asked = {finding.reading for finding in findings}
    for name in (one.name for one in fields(Readings) if one.name not in asked):
        if name in unaskable:
            question, why = unaskable[name]
            yield Finding(question, Status.NOT_IN_SANDBOX, why, reading=name)
        else:
            yield Finding(f"Which reading of {name} is true?", Status.NOT_ASKED, "no call tells", reading=name)
