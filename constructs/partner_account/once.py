"""Asks CDK once for what doesn't change: each of its answers comes from another process."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")


def once(ask: Callable[_P, _R]) -> Callable[_P, _R]:
    """Have a function of constructs, such as a stack, called once for each of them.

    Nothing is kept alive by it: jsii keeps every object as long as the process lives.
    """
    answers: dict[tuple[str, ...], _R] = {}

    @wraps(ask)
    def answer(*constructs: _P.args, **options: _P.kwargs) -> _R:
        key = tuple(map(jsii_name, (*constructs, *options.values())))
        if key not in answers:
            answers[key] = ask(*constructs, **options)
        return answers[key]

    return answer


def jsii_name(construct: Any) -> str:
    """What tells a construct from all others.

    Python's own equality doesn't: a user's class may define it, and two objects may stand for one construct that was
    made in Node.js.
    """
    return str(construct.__jsii_ref__.ref)
