"""A partner as Partner Central shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from partner_account_handler.identity import OWNER_TAG, Owner, catalog_of, partner_id


@dataclass(frozen=True)
class Partner:
    """What a call told of one partner; None where that call does not tell it."""

    arn: str
    legal_name: str = field(repr=False)
    primary_solution_type: str | None = None
    profile_id: str | None = None
    created_at: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict, repr=False)
    told_id: str | None = None
    told_catalog: str | None = None

    @property
    def id(self) -> str:
        """The partner's id, ``partner-`` and 13 characters so far; its ARN ends with it."""
        return self.told_id or partner_id(self.arn)

    @property
    def catalog(self) -> str | None:
        """The catalog it is in; None if neither the service nor the ARN tells."""
        return self.told_catalog or catalog_of(self.arn)

    @property
    def owner(self) -> Owner | None:
        """Whose the partner is by its ownership tag; None without the tag."""
        value = self.tags.get(OWNER_TAG)
        return None if value is None else Owner.from_tag(value)
