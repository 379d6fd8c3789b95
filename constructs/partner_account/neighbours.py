"""Knows all PartnerAccounts of an app, and which of them would get into each other's way."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from constructs import Construct

from partner_account.outputs import OutputNames
from partner_account.place import Place
from partner_account.props import Catalog, Partner
from partner_account.tokens import holds_token
from partner_account.validation import same_name_key

_ID = "cdk-partner-account"


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """What one PartnerAccount must not share with another; None is known only at deployment."""

    path: str
    stack: str
    account: str | None
    region: str | None
    catalog: Catalog
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

    def may_share_catalog_with(self, other: "Neighbour") -> bool:
        """Whether both may end up in one catalog of one AWS account."""
        return self.catalog == other.catalog and _may_equal(self.account, other.account)

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
        self._known: list[Neighbour] = []

    @staticmethod
    def of(scope: Construct) -> "Neighbourhood":
        """The neighbourhood of the app that `scope` belongs to."""
        root = cast("Construct", scope.node.root)
        found = root.node.try_find_child(_ID)
        return cast("Neighbourhood", found) if found else Neighbourhood(root)

    def clashes(self, newcomer: Neighbour) -> Iterator[str]:
        """Say what keeps a newcomer from being deployed beside those already known."""
        for known in self._known:
            yield from newcomer.clashes(known)

    def may_share_catalog(self, newcomer: Neighbour) -> bool:
        """Whether a newcomer may not be the first in its catalog and AWS account."""
        return any(newcomer.may_share_catalog_with(known) for known in self._known)

    def has_one_in_stack_of(self, newcomer: Neighbour) -> bool:
        """Whether a newcomer is not the first in its stack."""
        return any(newcomer.stack == known.stack for known in self._known)

    def welcome(self, newcomer: Neighbour) -> None:
        """Remember a partner."""
        self._known.append(newcomer)


def neighbour_of(place: Place, partner: Partner, names: OutputNames) -> Neighbour:
    """What the others need to know about the partner declared at `place`."""
    legal_name = _known(partner.legal_name)
    return Neighbour(
        path=place.path,
        stack=place.stack_path,
        account=_known(place.stack.account),
        region=_known(place.stack.region),
        catalog=partner.catalog,
        name_key=same_name_key(legal_name) if isinstance(legal_name, str) else None,
        exports=frozenset(names.exports.values()),
    )


def _known(value: str) -> str | None:
    return None if holds_token(value) else value


def _may_equal(one: str | None, other: str | None) -> bool:
    return one == other or one is None or other is None
