"""Where a construct stands in its app."""

from aws_cdk import Stack
from constructs import IConstruct


def root_stack(stack: Stack) -> Stack:
    """The outermost stack around a nested one; the stack itself if it isn't nested."""
    parent = stack.nested_stack_parent
    return root_stack(parent) if parent else stack


def path_below(stack: Stack, construct: IConstruct) -> str:
    """The construct path below the stack, by which a deployment knows the construct whatever app it comes from."""
    return construct.node.path.removeprefix(f"{stack.node.path}/")
