"""What can't be rehearsed: refused before anything is deployed, or replaced by something that does nothing.

CloudFormation itself is asked which types it doesn't know, as it would refuse the whole template for one of them.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from partner_account_rehearsal import RehearsalError
from partner_account_rehearsal.assembly import Assembly, Stack, Template
from partner_account_rehearsal.expressions import replace_references
from partner_account_rehearsal.faults import WRONG_CODE, Fault
from partner_account_rehearsal.partners import SANDBOX, ManagedPartner

# It has no properties, and creating it does nothing.
_PLACEHOLDER = "AWS::CloudFormation::WaitConditionHandle"
_KEPT = {"Condition", "DependsOn", "Metadata"}


def obstacles(stacks: Sequence[Stack], partners: Sequence[ManagedPartner], fault: Fault | None) -> Iterator[str]:
    """Why these stacks can't be rehearsed with that fault, each with its remedy."""
    if not partners:
        yield "none of these stacks has a PartnerAccount: there is nothing to rehearse"
        return
    if len(accounts := {stack.account for stack in stacks if stack.account}) > 1:
        yield f"these stacks belong to {len(accounts)} accounts: name stacks of one account"
    if adopting := [partner.path for partner in partners if partner.adopts]:
        yield (
            f"{', '.join(adopting)} adopts a partner that only your account has: rehearse it without "
            "existing_partner_id"
        )
    catalogs = Counter(partner.catalog for partner in partners)
    if twice := [catalog for catalog, count in catalogs.items() if count > 1]:
        yield (
            f"there are several partners in catalog {', '.join(twice)}: no documentation says that an account may "
            "have more than one, and the simulated Partner Central refuses it: name stacks with one"
        )
    if fault is WRONG_CODE and set(catalogs) == {SANDBOX}:
        yield "the Sandbox accepts any code, so none is wrong: choose another --fault"


@dataclass(frozen=True)
class UnsupportedType:
    """A resource type that the local AWS doesn't know, and the paths of the constructs that are of it."""

    type: str
    paths: list[str]


def unsupported_types(assembly: Assembly, cloudformation: Any) -> list[UnsupportedType]:
    """The types that this CloudFormation can't create, with the resources that are of them."""
    resources = [one for stack in assembly.stacks for one in stack.resources()]
    types = sorted({one.type for one in resources})
    body = json.dumps({"Resources": {f"R{number}": {"Type": kind} for number, kind in enumerate(types)}})
    try:
        cloudformation.validate_template(TemplateBody=body)
    except ClientError as error:
        message = error.response["Error"]["Message"]
        if not (found := re.search(r"Unrecognized resource types: \[(.*)\]", message)):
            raise RehearsalError(f"the local AWS refuses the app's resource types: {message}") from error
        unknown = sorted(found[1].split(", "))
        return [UnsupportedType(kind, [one.path for one in resources if one.type == kind]) for kind in unknown]
    return []


def replace_unsupported(assembly: Assembly, types: Iterable[str]) -> None:
    """Replace each resource of these types by one that does nothing, and each reference to it by a made-up value."""
    unknown = set(types)
    for file in {file for stack in assembly.stacks for file in stack.template_files()} if unknown else ():
        template: Template = json.loads(file.read_text("utf-8"))
        absent = {key for key, resource in template["Resources"].items() if resource["Type"] in unknown}
        for key in absent:
            kept = {name: value for name, value in template["Resources"][key].items() if name in _KEPT}
            template["Resources"][key] = {**kept, "Type": _PLACEHOLDER}

        def made_up(logical_id: str, attribute: str, absent: set[str] = absent) -> str | None:
            return _made_up_value(logical_id, attribute) if logical_id in absent else None

        file.write_text(json.dumps(replace_references(template, made_up)), "utf-8")


def _made_up_value(logical_id: str, attribute: str) -> str:
    """What a reference to an absent resource says instead; an ARN where one is asked for."""
    name = "-".join(filter(None, ("not-rehearsed", logical_id, attribute.replace(".", "-"))))
    return f"arn:aws:rehearsal:us-east-1:000000000000:{name}" if attribute.endswith("Arn") else name
