"""The verification codes of a rehearsal: requested from the simulated Partner Central, and stored where the app looks.

No code is told to anybody: it goes from the e-mail into its store, or into a parameter of the deployment.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from partner_account_rehearsal.assembly import Template, references
from partner_account_rehearsal.local_aws import REGION, LocalAws
from partner_account_rehearsal.partners import PLACES, Partner

SANDBOX = "Sandbox"
_SCRATCH = "PartnerAccountRehearsalScratch"


@dataclass(frozen=True)
class Place:
    """Where a partner expects its code.

    Attributes:
        kind: `SecretsManager`, `ParameterStore` or `Parameter`.
        name: the secret's id, or the parameter's name.
        json_field: the field of the secret that holds the code; empty if the secret is the code.
        email: the address to which the code is sent.
    """

    kind: str
    name: str
    json_field: str
    email: str

    def __str__(self) -> str:
        """In plain words; a secret's ARN is cut down to its name."""
        return f"{PLACES[self.kind][0]} {self.name.rpartition(':secret:')[2]}"


def is_needed_by(partner: Partner) -> bool:
    """Whether the partner expects a code at all."""
    return bool(partner.code["From"] != SANDBOX)


def place_of(partner: Partner, aws: LocalAws, parameters: Mapping[str, str]) -> Place | None:
    """Where the partner expects its code; None if it needs none, or if its own stack makes the place.

    Asks the local CloudFormation about what stands in the template as an expression.
    """
    kind = partner.code["From"]
    if kind not in PLACES:
        return None
    wanted = {"Email": partner.email, "Name": partner.code[PLACES[kind][1]]}
    if not set(references(list(wanted.values()))) <= set(partner.stack.template.get("Parameters", {})):
        return None
    # The code becomes the value of this parameter, which has none yet.
    name = _parameter(wanted.pop("Name")) if kind == "Parameter" else ""
    if kind == "Parameter" and not name:
        return None
    told = _told_by_cloudformation(wanted, partner.stack.template, aws.client("cloudformation"), parameters)
    return Place(kind, name or told["Name"], partner.code.get("JsonField", ""), told["Email"]) if told else None


def _parameter(value: object) -> str:
    """The parameter that a value refers to; empty if it is anything else, such as what a nested stack is given."""
    return str(value["Ref"]) if isinstance(value, Mapping) and set(value) == {"Ref"} else ""


def _told_by_cloudformation(
    wanted: Mapping[str, Any], template: Template, cloudformation: Any, parameters: Mapping[str, str]
) -> Mapping[str, str] | None:
    """What the expressions of the template are in the end."""
    if all(isinstance(value, str) for value in wanted.values()):
        return wanted
    with _scratch_stack(_template(wanted, template), cloudformation, parameters) as outputs:
        return outputs


def _template(wanted: Mapping[str, Any], template: Template) -> Template:
    return {
        **{part: template[part] for part in ("Parameters", "Mappings", "Conditions") if part in template},
        "Resources": {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
        "Outputs": {name: {"Value": value} for name, value in wanted.items()},
    }


@contextmanager
def _scratch_stack(
    template: Template, cloudformation: Any, parameters: Mapping[str, str]
) -> Iterator[Mapping[str, str] | None]:
    """The outputs of a stack that exists for as long as the block runs; None if it can't be created."""
    needed = {name for name, declared in template.get("Parameters", {}).items() if "Default" not in declared}
    given = dict.fromkeys(needed, "000000") | {
        name: value for name, value in parameters.items() if name in template.get("Parameters", {})
    }
    try:
        cloudformation.create_stack(
            StackName=_SCRATCH,
            TemplateBody=json.dumps(template),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
        )
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=_SCRATCH, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
        )
        made = cloudformation.describe_stacks(StackName=_SCRATCH)["Stacks"][0]
        yield {output["OutputKey"]: output["OutputValue"] for output in made["Outputs"]}
    except (ClientError, WaiterError):
        yield None
    finally:
        cloudformation.delete_stack(StackName=_SCRATCH)


def requested(place: Place, catalog: str, aws: LocalAws) -> str:
    """A code that Partner Central has sent to the place's address; in the Sandbox, which sends none, any six digits."""
    if catalog == SANDBOX:
        return "123456"
    # The service has one region, wherever the stack is.
    there = aws.at(aws.environment["AWS_ACCESS_KEY_ID"], REGION)
    there.client("partnercentral-account").send_email_verification_code(Catalog=catalog, Email=place.email)
    return aws.partner_central.outbox()[-1].code


def wrong(code: str) -> str:
    """Another one."""
    return f"{(int(code) + 1) % 1_000_000:06}"


def store(code: str, place: Place, aws: LocalAws) -> None:
    """Put the code into the secret or the SSM parameter, which is made if there is none."""
    value = json.dumps({place.json_field: code}) if place.json_field else code
    if place.kind == "ParameterStore":
        aws.client("ssm").put_parameter(Name=place.name, Value=value, Type="SecureString", Overwrite=True)
    elif place.kind == "SecretsManager":
        _store_secret(place.name, value, aws.client("secretsmanager"))


def _store_secret(name: str, value: str, secrets: Any) -> None:
    try:
        secrets.put_secret_value(SecretId=name, SecretString=value)
    except secrets.exceptions.ResourceNotFoundException:
        # Who looks for it by ARN made that ARN of the name.
        secrets.create_secret(Name=name.rpartition(":secret:")[2], SecretString=value)
