"""Where a partner stands in its app. CDK is asked once, since each of its answers comes from another process."""

from dataclasses import dataclass

from aws_cdk import Stack
from constructs import Construct


@dataclass(frozen=True, kw_only=True)
class Place:
    """A construct's place, below its stack and below the outermost stack around it."""

    path: str
    stack: Stack
    stack_path: str
    root_stack: Stack
    """The stack itself, unless it is nested."""

    root_stack_path: str

    @classmethod
    def of(cls, construct: Construct) -> "Place":
        """The place of a construct."""
        stack = Stack.of(construct)
        root = _root_stack(stack)
        stack_path = stack.node.path
        return cls(
            path=construct.node.path,
            stack=stack,
            stack_path=stack_path,
            root_stack=root,
            root_stack_path=stack_path if root is stack else root.node.path,
        )

    @property
    def path_below_stack(self) -> str:
        """The path that names the construct in its own stack."""
        return self.path.removeprefix(f"{self.stack_path}/")

    @property
    def path_below_root_stack(self) -> str:
        """The path that names the construct in the stack that is deployed under a name."""
        return self.path.removeprefix(f"{self.root_stack_path}/")


def _root_stack(stack: Stack) -> Stack:
    parent = stack.nested_stack_parent
    return _root_stack(parent) if parent else stack
