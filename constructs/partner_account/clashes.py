"""Finds PartnerAccounts and PartnerProfiles of one app that conflict, or duplicate each other by mistake."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

from aws_cdk import CfnResource, Stack
from constructs import Construct, IConstruct

from partner_account.grants import IPartnerAccount
from partner_account.outputs import OutputNames
from partner_account.props import Catalog
from partner_account.tokens import is_left_to_deployment, known
from partner_account.validation import PartnerProps
from partner_account_handler.identity import folded

_ID = "cdk-partner-account"


@dataclass(frozen=True, kw_only=True)
class DeclaredExports:
    """The exports of one construct of an app; None if known only at deployment."""

    construct: Construct
    path: str
    account: str | None
    region: str | None
    exports: frozenset[str]
    prop: str
    """The prop that sets their names."""

    def export_clashes(self, other: "DeclaredExports") -> Iterator[str]:
        """The error that CloudFormation would return if both were deployed."""
        common = self.exports & other.exports
        is_elsewhere = not (_may_equal(self.account, other.account) and _may_equal(self.region, other.region))
        if common and not is_elsewhere and is_in_tree(other.construct):
            for name in sorted(common):
                yield f"{self.prop}: {other.path!r} exports {name!r} too; give one of them another name"


def _exports_of(construct: Construct, names: OutputNames) -> dict[str, Any]:
    stack = Stack.of(construct)
    return {
        "construct": construct,
        "path": construct.node.path,
        "account": known(stack.account),
        "region": known(stack.region),
        "exports": frozenset(name for name in names.exports.values() if isinstance(name, str)),
        "prop": names.prop,
    }


@dataclass(frozen=True, kw_only=True)
class DeclaredPartner(DeclaredExports):
    """What is compared between the PartnerAccounts of an app; None if known only at deployment."""

    catalog: Catalog
    legal_name: str | None
    existing_partner_id: str | None

    @classmethod
    def of(cls, partner: Construct, props: PartnerProps, names: OutputNames) -> "DeclaredPartner":
        """The declaration at `partner`."""
        name = props.legal_name
        return cls(
            **_exports_of(partner, names),
            catalog=props.catalog,
            legal_name=folded(name) if isinstance(name, str) and not is_left_to_deployment(name) else None,
            existing_partner_id=props.existing_partner_id,
        )

    def clashes_with(self, other: "DeclaredPartner") -> Iterator[str]:
        """The errors that the service or CloudFormation would return if both were deployed."""
        is_same = (self.catalog, self.legal_name) == (other.catalog, other.legal_name)
        if is_same and self.legal_name is not None and is_in_tree(other.construct):
            yield f"legal_name: {other.path!r} has the same name in the same catalog, but names must be unique"
        yield from self.export_clashes(other)

    def is_second_beside(self, other: "DeclaredPartner") -> bool:
        """Whether one of two in catalog AWS would be created beside the other, if both are in one AWS account."""
        both_adopted = self.existing_partner_id is not None and other.existing_partner_id is not None
        return (
            self.catalog == other.catalog == Catalog.AWS
            and _may_equal(self.account, other.account)
            and not both_adopted
            and is_in_tree(other.construct)
        )

    def resource_in(self, stack: Stack) -> CfnResource | None:
        """The partner's custom resource, if it is in this very stack."""
        resource = self.construct.node.default_child
        return resource if isinstance(resource, CfnResource) and Stack.of(resource) is stack else None


@dataclass(frozen=True, kw_only=True)
class DeclaredProfile(DeclaredExports):
    """What is compared between the PartnerProfiles of an app."""

    partner: str
    """The partner's ARN if it is a literal, otherwise the path of its construct."""

    @classmethod
    def of(cls, profile: Construct, partner: IPartnerAccount, names: OutputNames) -> "DeclaredProfile":
        """The declaration at `profile`."""
        return cls(**_exports_of(profile, names), partner=known(partner.partner_arn) or partner.node.path)

    def clashes_with(self, other: "DeclaredProfile") -> Iterator[str]:
        """The errors that CloudFormation would return, and the error for profiles that overwrite each other."""
        if self.partner == other.partner and is_in_tree(other.construct):
            yield f"partner: {other.path!r} is the profile of the same partner, which has only one; keep one of them"
        yield from self.export_clashes(other)


class PartnerRegistry(Construct):
    """The partners and profiles of an app, and the provider of each stack by its path; a child of the app."""

    def __init__(self, root: Construct) -> None:
        """Start without any; use `of`."""
        super().__init__(root, _ID)
        self.partners: list[DeclaredPartner] = []
        self.profiles: list[DeclaredProfile] = []
        self.providers: dict[str, Construct] = {}

    @staticmethod
    def of(scope: Construct) -> "PartnerRegistry":
        """The registry of the app that a construct belongs to."""
        root = cast("Construct", scope.node.root)
        found = root.node.try_find_child(_ID)
        return found if isinstance(found, PartnerRegistry) else PartnerRegistry(root)


def is_in_tree(construct: IConstruct) -> bool:
    """Whether neither it nor any of its scopes was removed from the tree."""
    scopes = construct.node.scopes
    nodes = [scope.node for scope in scopes]  # each read from CDK once
    return all(
        around.try_find_child(own.id) is scope for (around, own), scope in zip(pairwise(nodes), scopes[1:], strict=True)
    )


def _may_equal(one: str | None, other: str | None) -> bool:
    return one == other or one is None or other is None
