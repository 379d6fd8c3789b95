"""Where a partner stands in its app. What holds for all partners of a stack is asked once per stack."""

from dataclasses import dataclass
from typing import TypeVar

from aws_cdk import ScopedAws, Stack
from constructs import Construct, Node

from partner_account.errors import PartnerAccountError
from partner_account.once import once
from partner_account.tokens import known


@dataclass(frozen=True, kw_only=True)
class Home:
    """A stack, as its partners see it."""

    stack: Stack
    path: str
    name: str
    account: str | None
    region: str | None
    """None if known only at deployment, as the account."""

    account_in_arns: str
    region_in_arns: str
    """Literals or tokens, as CDK writes both into the ARNs of what is in the stack's own account and region."""

    root_path: str
    """The path of the outermost stack around it: of the stack itself, unless it is nested."""

    deployed_name: str
    """A token: the name under which that one is deployed, since one template may serve many stacks."""

    is_nested: bool

    @staticmethod
    @once
    def of(stack: Stack) -> "Home":
        """What a stack is to its partners."""
        root = _root_stack(stack)
        path = stack.node.path
        account, region = stack.account, stack.region
        return Home(
            stack=stack,
            path=path,
            name=stack.stack_name,
            account=known(account),
            region=known(region),
            account_in_arns=account,
            region_in_arns=region,
            root_path=path if root is stack else root.node.path,
            deployed_name=ScopedAws(root).stack_name,
            is_nested=root is not stack,
        )


@dataclass(frozen=True, kw_only=True)
class Place:
    """A construct's place, below its stack and below the outermost stack around it."""

    node: Node
    path: str
    home: Home

    @classmethod
    def of(cls, construct: Construct, scope: Construct) -> "Place":
        """The place of a construct in its `scope`."""
        node = construct.node
        home = Home.of(scope if isinstance(scope, Stack) else Stack.of(construct))
        return cls(node=node, path=node.path, home=home)

    @property
    def path_below_stack(self) -> str:
        """The path that names the construct in its own stack."""
        return self.path.removeprefix(f"{self.home.path}/")

    @property
    def path_below_root_stack(self) -> str:
        """The path that names the construct in the stack that is deployed under a name."""
        return self.path.removeprefix(f"{self.home.root_path}/")


_Kind = TypeVar("_Kind", bound=Construct)


def own_child(parent: Construct, id: str, kind: type[_Kind]) -> _Kind | None:  # noqa: A002 - CDK's name for it
    """The child that this package keeps under an id of its own; None if there is none yet.

    Raises:
        PartnerAccountError: Somebody else's child has this id.
    """
    found = parent.node.try_find_child(id)
    if found is None or isinstance(found, kind):
        return found
    raise PartnerAccountError(
        f"{found.node.path!r} has an id that PartnerAccount keeps for itself; give it another one"
    )


def _root_stack(stack: Stack) -> Stack:
    parent = stack.nested_stack_parent
    return _root_stack(parent) if parent else stack
