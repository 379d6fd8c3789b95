"""Construct paths in place of CloudFormation's names of resources and of nested stacks."""

import re
from collections.abc import Iterable

from partner_account_rehearsal.assembly import Stack


class Paths:
    """The construct path of each resource, by the name of its stack and its logical id."""

    def __init__(self, stacks: Iterable[Stack] = ()) -> None:
        """Note all resources of these stacks."""
        placed = [(stack.name, one) for stack in stacks for one in stack.resources()]
        self._paths = {((name, *one.within), one.logical_id): one.path for name, one in placed}
        # The innermost first: its name begins with that of the stack around it.
        chains = sorted({chain for chain, _ in self._paths}, key=len, reverse=True)
        self._chains = [(_pattern(chain), chain) for chain in chains]

    def of_resource(self, stack_name: str, logical_id: str) -> str:
        """The path of a resource; its logical id if it is none of the app's."""
        return self._paths.get((self._chain(stack_name), logical_id), logical_id)

    def of_stack(self, stack_name: str) -> str:
        """The path of a nested stack; the name of any other."""
        chain = self._chain(stack_name)
        return self._paths[chain[:-1], chain[-1]] if len(chain) > 1 else stack_name

    def _chain(self, stack_name: str) -> tuple[str, ...]:
        return next((chain for pattern, chain in self._chains if pattern.fullmatch(stack_name)), ())


def _pattern(chain: tuple[str, ...]) -> re.Pattern[str]:
    """What CloudFormation names a stack: a nested one by the stack around it, its logical id, and something random."""
    outermost, *nested = map(re.escape, chain)
    return re.compile(outermost + "".join(rf"-{logical_id}-[\w-]+" for logical_id in nested))
