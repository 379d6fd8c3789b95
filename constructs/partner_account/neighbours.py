"""Knows all PartnerAccounts of an app, and which of them would get into each other's way."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from aws_cdk import Stack
from constructs import Construct

from partner_account.once import once
from partner_account.outputs import OutputNames
from partner_account.place import Place, own_child
from partner_account.props import Catalog, ExistingPartner, Partner
from partner_account.tokens import known
from partner_account_handler.identity import folded

_ID = "cdk-partner-account"


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """What one PartnerAccount must not share with another; None is known only at deployment."""

    path: str
    stack: str
    account: str | None
    region: str | None
    catalog: Catalog
    existing: ExistingPartner
    name_key: str | None
    exports: frozenset[str]

    def clashes(self, other: "Neighbour") -> Iterator[str]:
        """Say what the service or CloudFormation would refuse if both were deployed."""
        if self._has_name_of(other):
            yield (
                f"legal_name: {other.path!r} has the same name in the same catalog, and the service keeps names unique"
            )
        if self._may_share_exports_with(other):
            for name in sorted(self.exports & other.exports):
                yield f"export_names: {other.path!r} exports {name!r} too; give one of them another name"

    def may_stop(self, other: "Neighbour") -> bool:
        """Whether one may keep the other from being created, if they meet in one AWS account.

        In the Sandbox nobody is refused.
        """
        may_meet = self.catalog == other.catalog == Catalog.AWS and _may_equal(self.account, other.account)
        return may_meet and (self.existing.refuses or other.existing.refuses)

    def _has_name_of(self, other: "Neighbour") -> bool:
        same_name = self.name_key is not None and self.name_key == other.name_key
        return same_name and self.catalog == other.catalog

    def _may_share_exports_with(self, other: "Neighbour") -> bool:
        # Within one stack all outputs are compared, not only those of partners.
        return (
            self.stack != other.stack
            and _may_equal(self.account, other.account)
            and _may_equal(self.region, other.region)
        )


class Neighbourhood(Construct):
    """The PartnerAccounts of an app, in the order of their making; a child of the app."""

    def __init__(self, root: Construct) -> None:
        """Start without any; use `of`."""
        super().__init__(root, _ID)
        self._others: list[Neighbour] = []

    @staticmethod
    @once
    def of(stack: Stack) -> "Neighbourhood":
        """The neighbourhood of the app that a stack belongs to."""
        root = cast("Construct", stack.node.root)
        return own_child(root, _ID, Neighbourhood) or Neighbourhood(root)

    def clashes(self, newcomer: Neighbour) -> Iterator[str]:
        """Say what keeps a newcomer from being deployed beside those already known."""
        for other in self._others:
            yield from newcomer.clashes(other)

    def may_stop(self, newcomer: Neighbour) -> bool:
        """Whether a newcomer and one of the others may keep each other from being created."""
        return any(newcomer.may_stop(other) for other in self._others)

    def welcome(self, newcomer: Neighbour) -> None:
        """Remember a partner."""
        self._others.append(newcomer)


def neighbour_of(place: Place, partner: Partner, names: OutputNames) -> Neighbour:
    """What the others need to know about the partner declared at `place`."""
    legal_name = known(partner.legal_name)
    return Neighbour(
        path=place.path,
        stack=place.home.path,
        account=place.home.account,
        region=place.home.region,
        catalog=partner.catalog,
        existing=partner.existing,
        name_key=folded(legal_name) if isinstance(legal_name, str) else None,
        exports=frozenset(name for name in names.exports.values() if isinstance(name, str)),
    )


def _may_equal(one: str | None, other: str | None) -> bool:
    return one == other or one is None or other is None
