"""Errors of AWS and botocore, and what to do about each, in the words of who runs a command.

It loads botocore, so only errors load it.
"""

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from partner_account_cli.errors import CommandError
from partner_account_handler.remedies import BY_REASON

_AGAIN = "Try again in a minute."
_LOG_IN = "Log in again (aws sso login, aws login, or new keys), or name another --profile."
_CONFIGURE = "Log in (aws sso login), set AWS_PROFILE or AWS_ACCESS_KEY_ID, or name a --profile."
_KEYS = "Correct the secret access key, or the clock of this machine."
_NETWORK = "Check the network, the proxy (HTTPS_PROXY), AWS_ENDPOINT_URL and --endpoint-url."
_ENDPOINT = "Correct AWS_ENDPOINT_URL or its like for one service: a URL begins with http:// or https://."
_RACE = "Somebody else made it at the same moment: look at it, then try again."
_OTHERWISE = "Add --debug to see each call and AWS's request id."

_REMEDIES = {
    # The reasons that Partner Central gives beside an error's code.
    "LIMIT_EXCEEDED_NUMBER_OF_EMAIL": (
        "Five codes a day are sent to one address: use the newest e-mail, or try again tomorrow."
    ),
    "VERIFICATION_ALREADY_IN_PROGRESS": (
        "Wait, or complete it where `partner-account verification status` shows an address."
    ),
    "ACCOUNT_ALREADY_VERIFIED": "Nothing is left to do here: `partner-account doctor` tells what else is.",
    "VERIFICATION_NOT_FOUND": "Start it by `partner-account verification start`.",
    "PARTNER_NOT_FOUND": BY_REASON["PARTNER_NOT_FOUND"],
    "INCOMPATIBLE_BENEFIT_AWS_PARTNER_STATE": "Have AWS Partner support correct the partner's state.",
    # Error codes.
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"), _LOG_IN
    ),
    **dict.fromkeys(("InvalidSignatureException", "SignatureDoesNotMatch"), _KEYS),
    **dict.fromkeys(("ThrottlingException", "Throttling", "InternalServerException", "503"), _AGAIN),
    **dict.fromkeys(("ParameterAlreadyExists", "ResourceExistsException"), _RACE),
    "ValidationException": "Correct what this names.",
    "InvalidRequestException": "Restore the secret if it is marked for deletion: `aws secretsmanager restore-secret`.",
    "DecryptionFailure": "Allow kms:Decrypt with the key of the store for this identity.",
    "EncryptionFailure": "Allow kms:GenerateDataKey with the key of the store for this identity.",
    "InvalidKeyId": "Allow kms:Encrypt and kms:Decrypt with the parameter's key for this identity.",
    "HierarchyTypeMismatchException": "Name another parameter.",
    "ParameterPatternMismatchException": "Name another parameter: this one takes values of another form.",
    # Classes of botocore's own errors.
    **dict.fromkeys(("NoCredentialsError", "PartialCredentialsError"), _CONFIGURE),
    **dict.fromkeys(("CredentialRetrievalError", "TokenRetrievalError", "LoginRefreshRequired"), _LOG_IN),
    **dict.fromkeys(("SSOTokenLoadError", "UnauthorizedSSOTokenError"), _LOG_IN),
    **dict.fromkeys(("EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError"), _NETWORK),
    **dict.fromkeys(("ConnectionClosedError", "ResponseParserError"), _NETWORK),
    "ProfileNotFound": "Name a profile that `aws configure list-profiles` shows.",
    "ConfigParseError": "Correct the file, or name another one by AWS_CONFIG_FILE.",
    "NoRegionError": "Name one by --region or AWS_REGION.",
    "InvalidRegionError": "Name one as `us-east-1` by --region or AWS_REGION.",
    "ProxyConnectionError": "Correct HTTPS_PROXY, or exempt the endpoint by NO_PROXY.",
    "SSLError": "Name the authority's certificate by AWS_CA_BUNDLE, or correct the endpoint's.",
}


def explain(error: Exception) -> CommandError:  # noqa: PLR0911 - one for each kind
    """What went wrong, in one sentence, and what to do about it, in another."""
    name = type(error).__name__
    match error:
        case CommandError():
            return error
        case ClientError():
            return _explain_refusal(error)
        case ResponseParserError():
            return CommandError("the endpoint returned an invalid AWS response", _NETWORK)
        case BotoCoreError():
            return CommandError(_sentence(str(error)), _REMEDIES.get(name, _OTHERWISE))
        case ValueError() if "endpoint" in str(error):
            return CommandError(_sentence(str(error)), _ENDPOINT)
        case OSError():
            text = error.strerror or str(error) or name
            return CommandError(f"{text}: {error.filename}" if error.filename else text)
        case UnicodeEncodeError():  # what was typed holds bytes that Python could not read as text
            return CommandError("an argument is not in the encoding of this terminal", "Set LANG, such as to C.UTF-8.")
    return CommandError(f"internal error ({name}); please report it", _OTHERWISE)


def code_of(error: Exception) -> str:
    """The code of AWS's error; empty if AWS didn't answer at all."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""


def reason_of(error: Exception) -> str:
    """The Reason that Partner Central gives, or else the error's code."""
    return str(getattr(error, "response", {}).get("Reason") or code_of(error))


def is_denied(error: Exception) -> bool:
    """Whether the caller lacks a permission."""
    return code_of(error).startswith("AccessDenied")


def allow(action: str) -> str:
    """The remedy of a denial."""
    return f"Allow {action} for this identity (policy, permissions boundary, SCP), or name another --profile."


def _explain_refusal(error: ClientError) -> CommandError:
    answer: Mapping[str, Any] = error.response
    code, message = answer["Error"]["Code"], answer["Error"].get("Message", "")
    details = [
        ":".join(filter(None, (told.get("Name"), told.get("Code"))))
        for detail in answer.get("ErrorDetails", [])
        for told in detail.values()
    ]
    reasons = [told for told in (answer.get("Reason"), *details) if told and told != "ACCESS_DENIED"]
    sentence = f"{error.operation_name} was refused: {', '.join([code, *reasons])}"
    if not is_denied(error):
        remedy = next((_REMEDIES[name] for name in (*reasons, code) if name in _REMEDIES), _OTHERWISE)
        return CommandError(sentence, remedy)
    action = error.operation_name
    if named := re.search(r"not authorized to perform: ([\w-]+:\w+)", message):
        action = named[1]  # which may be another service's, such as kms:Decrypt
    elif "KMS" in message:
        action = "kms:Decrypt and kms:GenerateDataKey with the key of the store"
    # IAM's own words: they name the identity, the resource, and the kind of policy. They are not cut here, where a
    # secret in them would be cut in two, and its half no longer known for one.
    return CommandError(f"{sentence}: {_sentence(message)}", allow(action))


def _sentence(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
