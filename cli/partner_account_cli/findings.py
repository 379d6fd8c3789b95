"""How a check of `doctor` can end."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """What a check found out.

    Attributes:
        verdict: passed, failed or unknown.
        told: what was seen.
        remedy: what to do about it.
        link: where a human goes on.
    """

    verdict: Verdict
    told: str
    remedy: str = ""
    link: str = ""


def passed(told: str, caution: str = "") -> Finding:
    """All is well, but for what the caution says."""
    return Finding(Verdict.PASSED, told, caution)


def failed(told: str, remedy: str, link: str = "") -> Finding:
    """A deployment would fail."""
    return Finding(Verdict.FAILED, told, remedy, link)


def unknown(told: str, remedy: str = "") -> Finding:
    """It could not be found out."""
    return Finding(Verdict.UNKNOWN, told, remedy)
