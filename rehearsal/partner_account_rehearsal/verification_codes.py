"""Verification codes in a rehearsal: requested from the simulated Partner Central, stored where the app reads them.

No code is shown: it goes from the e-mail into its store, or into a parameter of the deployment.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from partner_account_rehearsal.assembly import Template
from partner_account_rehearsal.expressions import references
from partner_account_rehearsal.local_aws import REGION, LocalAws
from partner_account_rehearsal.partners import CODE_SOURCES, SANDBOX, ManagedPartner

_SCRATCH_STACK = "PartnerAccountRehearsalScratch"


@dataclass(frozen=True)
class CodeLocation:
    """Where a partner expects its code.

    Attributes:
        source: `SecretsManager`, `ParameterStore` or `Parameter`.
        name: the secret's id, or the parameter's name.
        json_field: the field of the secret that holds the code; empty if the secret is the code.
        email: the address to which the code is sent.
    """

    source: str
    name: str
    json_field: str
    email: str

    def __str__(self) -> str:
        """In plain words; a secret's ARN is reduced to its name."""
        return f"{CODE_SOURCES[self.source][0]} {self.name.rpartition(':secret:')[2]}"


def find_location(partner: ManagedPartner, aws: LocalAws, parameters: Mapping[str, str]) -> CodeLocation | None:
    """Where the partner expects its code; None if its own stack creates that store.

    `parameters` are those of the deployment. The local CloudFormation evaluates expressions in the template.
    """
    source = partner.code["From"]
    unknown = {"Email": partner.email, "Name": partner.code[CODE_SOURCES[source][1]]}
    template = partner.stack.template
    if not set(references([*unknown.values()])) <= set(template.get("Parameters", {})):
        return None
    name = ""
    if source == "Parameter":
        # The code becomes the value of this parameter, which has none yet.
        match unknown.pop("Name"):
            case {"Ref": str(name)}:
                pass
            case _:  # such as a nested stack's parameter
                return None
    known = _evaluate(unknown, template, aws.client("cloudformation"), parameters)
    if known is None:
        return None
    return CodeLocation(source, name or known["Name"], partner.code.get("JsonField", ""), known["Email"])


def _evaluate(
    values: Mapping[str, Any], template: Template, cloudformation: Any, parameters: Mapping[str, str]
) -> Mapping[str, str] | None:
    """Template values, as the outputs of a short-lived stack; None if that can't be created."""
    if all(isinstance(value, str) for value in values.values()):
        return values
    declared = template.get("Parameters", {})
    given = {name: "000000" for name, one in declared.items() if "Default" not in one} | {
        name: value for name, value in parameters.items() if name in declared
    }
    body: Template = {
        **{part: template[part] for part in ("Parameters", "Mappings", "Conditions") if part in template},
        "Resources": {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
        "Outputs": {name: {"Value": value} for name, value in values.items()},
    }
    try:
        cloudformation.create_stack(
            StackName=_SCRATCH_STACK,
            TemplateBody=json.dumps(body),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
        )
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=_SCRATCH_STACK, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
        )
        created = cloudformation.describe_stacks(StackName=_SCRATCH_STACK)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in created["Outputs"]}
    except (ClientError, WaiterError):
        return None
    finally:
        cloudformation.delete_stack(StackName=_SCRATCH_STACK)


def request_code(location: CodeLocation, catalog: str, aws: LocalAws) -> str:
    """A code that Partner Central sent to the contact; in the Sandbox, which sends none, any six digits."""
    if catalog == SANDBOX:
        return "123456"
    # The service has one region, wherever the stack is.
    aws.at(REGION).client("partnercentral-account").send_email_verification_code(Catalog=catalog, Email=location.email)
    return aws.partner_central.outbox()[-1].code


def store_code(code: str, location: CodeLocation, aws: LocalAws) -> None:
    """Store the code in the secret or the SSM parameter, which is created if it doesn't exist."""
    value = json.dumps({location.json_field: code}) if location.json_field else code
    if location.source == "ParameterStore":
        aws.client("ssm").put_parameter(Name=location.name, Value=value, Type="SecureString", Overwrite=True)
        return
    secrets = aws.client("secretsmanager")
    try:
        secrets.put_secret_value(SecretId=location.name, SecretString=value)
    except secrets.exceptions.ResourceNotFoundException:
        # An app that reads it by ARN built that ARN from the name.
        secrets.create_secret(Name=location.name.rpartition(":secret:")[2], SecretString=value)
