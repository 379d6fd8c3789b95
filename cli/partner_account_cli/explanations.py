"""Errors of AWS and of botocore in the words of who runs a command. It loads botocore, so only errors load it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from partner_account_cli import remedies
from partner_account_cli.errors import CommandError


def explain(error: Exception) -> CommandError:
    """What went wrong, in one sentence, and what to do about it, in another."""
    if isinstance(error, CommandError):
        return error
    if isinstance(error, ClientError):
        return _refusal(error)
    name = type(error).__name__
    if isinstance(error, BotoCoreError) or (isinstance(error, ValueError) and "endpoint" in str(error)):
        return CommandError(_sentence(str(error)), remedies.BY_CLASS.get(name, remedies.OTHERWISE))
    if isinstance(error, ResponseParserError):
        return CommandError("what answers there is not AWS", remedies.BY_CLASS["EndpointConnectionError"])
    return _not_of_aws(error, name)


def _not_of_aws(error: Exception, name: str) -> CommandError:
    if isinstance(error, OSError):
        return CommandError(f"{error.strerror or name}: {error.filename}" if error.filename else str(error) or name)
    if isinstance(error, UnicodeEncodeError):  # what was typed holds bytes that Python could not read as text
        return CommandError("an argument is not in the encoding of this terminal", "Set LANG, such as to C.UTF-8.")
    return CommandError(f"this is a mistake of partner-account itself ({name})", remedies.OTHERWISE)


def is_denied(error: Exception) -> bool:
    """Whether the caller lacks a permission."""
    return isinstance(error, ClientError) and error.response["Error"]["Code"].startswith("AccessDenied")


def reason_of(error: Exception) -> str:
    """The Reason that Partner Central gives, or else the error's code; empty if AWS didn't answer at all."""
    if not isinstance(error, ClientError):
        return ""
    return str(error.response.get("Reason") or error.response["Error"]["Code"])


def _refusal(error: ClientError) -> CommandError:
    answer: Mapping[str, Any] = error.response
    code = answer["Error"]["Code"]
    reasons = [told for told in (answer.get("Reason"), *_details(answer)) if told and told != "ACCESS_DENIED"]
    sentence = f"{error.operation_name} was refused: {', '.join([code, *reasons])}"
    if is_denied(error):
        # IAM's own words: they name the identity, the resource, and the kind of policy. They are not cut here, where
        # a secret in them would be cut in two, and its half no longer known for one.
        message = _sentence(answer["Error"].get("Message", ""))
        return CommandError(f"{sentence}: {message}", remedies.allow(_action(error)))
    return CommandError(sentence, _remedy(code, reasons))


def _details(answer: Mapping[str, Any]) -> Iterator[str]:
    for detail in answer.get("ErrorDetails", []):
        for told in detail.values():
            yield ":".join(filter(None, (told.get("Name"), told.get("Code"))))


def _remedy(code: str, reasons: list[str]) -> str:
    for reason in reasons:
        if reason in remedies.BY_REASON:
            return remedies.BY_REASON[reason]
    if code == "ValidationException":
        return "Correct what this names."
    return remedies.BY_CODE.get(code) or remedies.OTHERWISE


def _action(error: ClientError) -> str:
    message = error.response["Error"].get("Message", "")
    if named := re.search(r"not authorized to perform: ([\w-]+:\w+)", message):
        return named[1]  # which may be another service's, such as kms:Decrypt
    if "KMS" in message:
        return "kms:Decrypt and kms:GenerateDataKey with the key of the store"
    operation = str(error.operation_name)
    return f"{remedies.SERVICE_OF.get(operation, 'partnercentral')}:{operation}"


def _sentence(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
