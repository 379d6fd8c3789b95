"""What the stack shows and another stack imports is answered again: CloudFormation lets no such value be changed."""

from collections.abc import Mapping

from partner_account_handler import log
from partner_account_handler.errors import CallError
from partner_account_handler.partner_central import Aws
from partner_account_handler.stack_gate import ObservedStack

PENDING = "pending"
"""ProfileId while the service has none: a missing attribute would fail the stack after the irreversible step."""

_ATTRIBUTES = ("Arn", "Id", "ProfileId", "TaskStatus")


def shown_attributes(stack: ObservedStack, prefix: str, arn: str = "") -> dict[str, str]:
    """The attributes by the stack's outputs, whose logical ids begin with the prefix.

    A construct that was moved has outputs of another prefix: those of a partner stand beside that of its `arn`.
    """
    arns = [key for key, value in stack.outputs.items() if arn and value == arn]
    beside = (key.removesuffix("Arn") for key in arns if key.endswith("Arn"))
    prefixes = [*filter(None, [prefix]), *beside]
    outputs = ({name: stack.outputs.get(f"{one}{name}", "") for name in _ATTRIBUTES} for one in prefixes)
    shown = ({name: value for name, value in one.items() if value} for one in outputs)
    return max(shown, key=len, default={})


def keep_imported(
    attributes: Mapping[str, str], shown: Mapping[str, str], stack: ObservedStack, aws: Aws
) -> dict[str, str]:
    """The attributes, with what another stack imports as the stack shows it. Raises nothing.

    A stack that has no such outputs may still export `pending`, by an output of its own.
    """
    former = {"ProfileId": PENDING, **shown}
    kept = {
        name: former[name]
        for name, value in attributes.items()
        if former.get(name, value) != value and _is_imported(former[name], stack, aws)
    }
    if kept:
        log.warning("left as shown: another stack imports it, or CloudFormation doesn't tell", attributes=[*kept])
    return {**attributes, **kept}


def _is_imported(value: str, stack: ObservedStack, aws: Aws) -> bool:
    """Whether an export of this value is imported; also if that isn't told."""
    try:
        return any(_has_importers(name, aws) for name in aws.gate.exports_of(value, stack))
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
