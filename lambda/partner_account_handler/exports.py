"""An attribute that another stack imports keeps the value that the stack shows: CloudFormation allows no change."""

import re
from collections.abc import Collection, Mapping, Sequence

from partner_account_handler import log
from partner_account_handler.errors import CallError
from partner_account_handler.partner_central import Aws
from partner_account_handler.stack_gate import ObservedStack

PENDING = "pending"
"""ProfileId while the service has none: a missing attribute would fail the stack after the irreversible step."""

_FORMS = {
    "Arn": r"arn:[^:]+:partnercentral[a-z-]*:.+",
    "Id": r"partner-[A-Za-z0-9]+",
    "ProfileId": rf"{PENDING}|pprofile-[A-Za-z0-9]+",
    "TaskStatus": r"IN_PROGRESS|SUCCEEDED",
}
"""The attributes of both resources, and what their values look like."""


def shown_attributes(stack: ObservedStack, prefixes: Sequence[str], arn: str = "") -> dict[str, str]:
    """The attributes in the stack's outputs whose logical ids begin with one of the prefixes.

    A construct that was moved has outputs with another prefix: a partner's are found by the one with its `arn`.
    """
    arns = [key for key, value in stack.outputs.items() if arn and value == arn]
    beside = (key.removesuffix("Arn") for key in arns if key.endswith("Arn"))
    outputs = ({name: stack.outputs.get(f"{prefix}{name}", "") for name in _FORMS} for prefix in (*prefixes, *beside))
    shown = ({name: value for name, value in one.items() if value} for one in outputs)
    return max(shown, key=len, default={})


def keep_imported(
    attributes: Mapping[str, str], shown: Mapping[str, str], stack: ObservedStack, aws: Aws, *, is_new: bool = False
) -> dict[str, str]:
    """The attributes; those that another stack imports, as the stack shows them. Raises nothing.

    A resource that isn't new, and has no outputs of ours, may still be shown by the user's own: by any whose value
    looks like the attribute's.
    """
    kept: dict[str, str] = {}
    for name, value in attributes.items():
        others = _outputs_of_others(name, shown, stack) if shown else ()
        alike = [one for key, one in stack.outputs.items() if key not in others and re.fullmatch(_FORMS[name], one)]
        before = [shown[name]] if name in shown else [] if is_new else alike
        imported = (one for one in before if _is_imported(one, others, stack, aws))
        former = value if value in before else next(imported, value)
        kept |= {} if former == value else {name: former}
    if kept:
        log.warning("left as shown: another stack imports it, or may import it", attributes=[*kept])
    return {**attributes, **kept}


def _outputs_of_others(name: str, shown: Mapping[str, str], stack: ObservedStack) -> set[str]:
    """The outputs that show this attribute of other constructs of ours, each found by its Arn or TaskStatus."""
    firsts = [(key, first) for key in stack.outputs for first in ("Arn", "TaskStatus") if key.endswith(first)]
    own = {key for key, first in firsts if stack.outputs[key] == shown.get(first)}
    return {f"{key.removesuffix(first)}{name}" for key, first in firsts if key not in own}


def _is_imported(value: str, others: Collection[str], stack: ObservedStack, aws: Aws) -> bool:
    """Whether an export of this value is imported; also if that is unknown."""
    try:
        return any(_has_importers(name, aws) for name in aws.gate.exports_of(value, stack, others))
    except Exception as error:  # noqa: BLE001 - after CreatePartner's answer nothing may make the Create fail
        log.warning("imports unknown", error=type(error).__name__)
        return True


def _has_importers(export: str, aws: Aws) -> bool:
    try:
        return bool(aws.calls.call("cloudformation", "list_imports", needs="Imports", ExportName=export)["Imports"])
    except CallError as error:
        if error.failure.code == "ValidationError":  # CloudFormation's answer for one that nobody imports
            return False
        raise
