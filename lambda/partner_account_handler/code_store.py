"""The e-mail verification code: read where the template says, only when a call needs it."""

import json
import re

from partner_account_handler.calls import Calls
from partner_account_handler.errors import CodeError
from partner_account_handler.partner_properties import CodeSource, CodeStore

_COLONS_IN_ARN = 5


def verification_code(source: CodeSource, calls: Calls) -> str:
    """The six digits; a CodeError if something else is stored there, a CallError if the store can't be read."""
    if source.store is CodeStore.SANDBOX:
        return "000000"  # the Sandbox takes any six digits
    if source.store is CodeStore.PARAMETER:
        place, code = "the stack's parameter", source.locator
    elif source.store is CodeStore.PARAMETER_STORE:
        answer = calls.call("ssm", "get_parameter", needs="Parameter", Name=source.locator, WithDecryption=True)
        place, code = "the SSM parameter", str(answer["Parameter"]["Value"])
    else:
        # An ARN contains the secret's region; a name is one in the stack's own region.
        region = source.locator.split(":")[3] if source.locator.count(":") >= _COLONS_IN_ARN else ""
        answer = calls.call("secretsmanager", "get_secret_value", region=region, needs="ARN", SecretId=source.locator)
        place, code = "the secret", str(answer.get("SecretString", ""))
        if source.json_field:
            try:
                code = str(json.loads(code)[source.json_field])
            except (ValueError, KeyError, TypeError):
                raise CodeError("the secret isn't a JSON object with the field that json_field names") from None
    if not re.fullmatch(r"[0-9]{6}", code.strip()):
        raise CodeError(f"{place} doesn't hold six digits")
    return code.strip()
