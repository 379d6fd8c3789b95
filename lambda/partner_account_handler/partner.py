"""A partner as Partner Central shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from partner_account_handler.identity import OWNER_TAG, partner_id


@dataclass(frozen=True)
class Partner:
    """What a call told of one partner; None where that call does not tell it."""

    arn: str
    legal_name: str = field(repr=False)
    primary_solution_type: str | None = None
    profile_id: str | None = None
    created_at: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def id(self) -> str:
        """``partner-`` and 13 characters."""
        return partner_id(self.arn)

    @property
    def owner(self) -> str | None:
        """The value of the ownership tag."""
        return self.tags.get(OWNER_TAG)
