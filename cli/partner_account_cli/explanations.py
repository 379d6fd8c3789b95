"""Errors of AWS and botocore, and their remedies, for the user of a command.

It imports botocore, so it is imported only on an error.
"""

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from partner_account_cli.errors import CommandError
from partner_account_handler.remedies import BY_REASON

_AGAIN = "Try again in a minute."
_LOG_IN = "Log in again (aws sso login, aws login, or new keys), or use another --profile."
_CONFIGURE = "Log in (aws sso login), set AWS_PROFILE or AWS_ACCESS_KEY_ID, or add --profile."
_KEYS = "Correct the secret access key, or this machine's clock."
_NETWORK = "Check the network, the proxy (HTTPS_PROXY), AWS_ENDPOINT_URL and --endpoint-url."
_ENDPOINT = "Correct AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_…: a URL begins with http:// or https://."
_RACE = "It was created at the same moment: check it, then try again."
_OTHERWISE = "Add --debug to see each call and AWS's request id."

_REMEDIES = {
    # The reasons that Partner Central gives beside an error's code.
    "LIMIT_EXCEEDED_NUMBER_OF_EMAIL": (
        "At most five codes a day are sent to an address: use the newest, or try again tomorrow."
    ),
    "VERIFICATION_ALREADY_IN_PROGRESS": (
        "Wait, or complete it at the URL that `partner-account verification status` shows."
    ),
    "ACCOUNT_ALREADY_VERIFIED": "Nothing is left to do here: `partner-account doctor` shows what else is.",
    "VERIFICATION_NOT_FOUND": "Start it with `partner-account verification start`.",
    "PARTNER_NOT_FOUND": BY_REASON["PARTNER_NOT_FOUND"],
    "INCOMPATIBLE_BENEFIT_AWS_PARTNER_STATE": "Have AWS Partner support correct the partner's state.",
    # Error codes.
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"), _LOG_IN
    ),
    **dict.fromkeys(("InvalidSignatureException", "SignatureDoesNotMatch"), _KEYS),
    **dict.fromkeys(("ThrottlingException", "Throttling", "InternalServerException", "503"), _AGAIN),
    **dict.fromkeys(("ParameterAlreadyExists", "ResourceExistsException"), _RACE),
    "ValidationException": "Correct what the error names.",
    "InvalidRequestException": "Restore the secret if it is marked for deletion: `aws secretsmanager restore-secret`.",
    "DecryptionFailure": "Allow kms:Decrypt on the store's key for this identity.",
    "EncryptionFailure": "Allow kms:GenerateDataKey on the store's key for this identity.",
    "InvalidKeyId": "Allow kms:Encrypt and kms:Decrypt on the parameter's key for this identity.",
    "HierarchyTypeMismatchException": "Use another parameter.",
    "ParameterPatternMismatchException": "Use another parameter: this one takes values of another form.",
    # Classes of botocore's own errors.
    **dict.fromkeys(("NoCredentialsError", "PartialCredentialsError"), _CONFIGURE),
    **dict.fromkeys(("CredentialRetrievalError", "TokenRetrievalError", "LoginRefreshRequired"), _LOG_IN),
    **dict.fromkeys(("SSOTokenLoadError", "UnauthorizedSSOTokenError"), _LOG_IN),
    **dict.fromkeys(("EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError"), _NETWORK),
    **dict.fromkeys(("ConnectionClosedError", "ResponseParserError"), _NETWORK),
    "ProfileNotFound": "Use a profile that `aws configure list-profiles` lists.",
    "ConfigParseError": "Correct the file, or set AWS_CONFIG_FILE to another.",
    "NoRegionError": "Set --region or AWS_REGION.",
    "InvalidRegionError": "Set --region or AWS_REGION, such as to `us-east-1`.",
    "ProxyConnectionError": "Correct HTTPS_PROXY, or exempt the endpoint with NO_PROXY.",
    "SSLError": "Set AWS_CA_BUNDLE to the CA's certificate, or correct the endpoint's.",
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
        case UnicodeEncodeError():  # an argument has bytes that Python could not decode
            return CommandError("an argument is not in the encoding of this terminal", "Set LANG, such as to C.UTF-8.")
    return CommandError(f"internal error ({name}): report it", _OTHERWISE)


def code_of(error: Exception) -> str:
    """The AWS error code; empty if AWS didn't respond."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""


def reason_of(error: Exception) -> str:
    """The Reason that Partner Central gives, or else the error's code."""
    return str(getattr(error, "response", {}).get("Reason") or code_of(error))


def is_denied(error: Exception) -> bool:
    """Whether the caller lacks a permission."""
    return code_of(error).startswith("AccessDenied")


def allow(action: str) -> str:
    """The remedy for a denial."""
    return f"Allow {action} for this identity (policy, permissions boundary, SCP), or use another --profile."


def _explain_refusal(error: ClientError) -> CommandError:
    answer: Mapping[str, Any] = error.response
    code, message = answer["Error"]["Code"], answer["Error"].get("Message", "")
    details = [
        ":".join(filter(None, (told.get("Name"), told.get("Code"))))
        for detail in answer.get("ErrorDetails", [])
        for told in detail.values()
    ]
    reasons = [told for told in (answer.get("Reason"), *details) if told and told != "ACCESS_DENIED"]
    sentence = f"{error.operation_name} returned {', '.join([code, *reasons])}"
    if not is_denied(error):
        remedy = next((_REMEDIES[name] for name in (*reasons, code) if name in _REMEDIES), _OTHERWISE)
        return CommandError(sentence, remedy)
    action = error.operation_name
    if named := re.search(r"not authorized to perform: ([\w-]+:\w+)", message):
        action = named[1]  # which may be another service's, such as kms:Decrypt
    elif "KMS" in message:
        action = "kms:Decrypt and kms:GenerateDataKey on the store's key"
    # IAM's own message names the identity, the resource, and the type of policy. It is not truncated here: half of a
    # secret would no longer be recognized as one.
    return CommandError(f"{sentence}: {_sentence(message)}", allow(action))


def _sentence(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
