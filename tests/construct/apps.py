"""The small apps that the tests of the construct use, and what is read of their templates."""

from __future__ import annotations

import atexit
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Annotations, Match, Template

from partner_account import (
    AllianceLeadContact,
    Catalog,
    PartnerAccount,
    PartnerAccountError,
    PrimarySolutionType,
    VerificationCode,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from constructs import Construct

CONTACT = AllianceLeadContact(
    first_name="Jane", last_name="Doe", email="alliances@example.com", business_title="Alliance Lead"
)
HERE = cdk.Environment(account="111111111111", region="eu-west-1")

# CDK never removes the cloud assemblies that it puts into the temporary folder.
_ASSEMBLIES = TemporaryDirectory(prefix="partner-account-tests-")
atexit.register(_ASSEMBLIES.cleanup)


def new_app(context: Mapping[str, object] | None = None) -> cdk.App:
    """An app whose cloud assembly is removed after the tests."""
    return cdk.App(outdir=mkdtemp(dir=_ASSEMBLIES.name), context=context)


def new_stack(name: str = "Demo", **props: Any) -> cdk.Stack:
    """A stack in an app of its own."""
    return cdk.Stack(new_app(), name, **props)


def contact(**fields: Any) -> AllianceLeadContact:
    """A good contact, but for the fields that are given."""
    good = {"first_name": "Jane", "last_name": "Doe", "email": "alliances@example.com", "business_title": "Lead"}
    return AllianceLeadContact(**(good | fields))


def partner_in(scope: Construct, name: str = "Partner", **props: Any) -> PartnerAccount:
    """A partner in catalog AWS, but for the props that are given."""
    defaults: dict[str, Any] = {
        "catalog": Catalog.AWS,
        "legal_name": "Example Corp",
        "primary_solution_type": PrimarySolutionType.SOFTWARE_PRODUCTS,
        "alliance_lead_contact": CONTACT,
        "company_is_new_to_apn": True,
    }
    if "email_verification_code" not in props:
        # Imported by its name, as most users do.
        secret = secretsmanager.Secret.from_secret_name_v2(scope, f"{name}Code", "code")
        defaults["email_verification_code"] = VerificationCode.from_secrets_manager(secret)
    return PartnerAccount(scope, name, **(defaults | props))


def sandbox_partner_in(scope: Construct, name: str = "Partner", **props: Any) -> PartnerAccount:
    """A partner in the Sandbox, but for the props that are given."""
    sandbox = {
        "catalog": Catalog.SANDBOX,
        "email_verification_code": VerificationCode.for_sandbox(),
        "company_is_new_to_apn": False,
    }
    return partner_in(scope, name, **(sandbox | props))


def errors_of(stack: cdk.Stack | None = None, **props: Any) -> list[str]:
    """The errors that are listed when a partner with these props is made."""
    with pytest.raises(PartnerAccountError) as refused:
        partner_in(stack or new_stack(), **props)
    title, *errors = str(refused.value).split("\n  - ")
    count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    assert title == f"PartnerAccount 'Demo/Partner' has {count}:"
    return errors


def synth_error_of(scope: Construct) -> str:
    """The text with which synth stops."""
    with pytest.raises(RuntimeError) as refused:
        template_of(scope)
    return str(refused.value)


def template_of(scope: Construct) -> dict[str, Any]:
    """The synthesized template of a construct's stack."""
    return dict(Template.from_stack(cdk.Stack.of(scope)).to_json())


def resources_of(scope: Construct, resource_type: str) -> dict[str, Any]:
    """The resources of one type by logical id."""
    resources = template_of(scope)["Resources"]
    return {name: found for name, found in resources.items() if found["Type"] == resource_type}


def resource_of(scope: Construct, resource_type: str = "Custom::PartnerAccount") -> dict[str, Any]:
    """The only resource of its type."""
    (resource,) = resources_of(scope, resource_type).values()
    found: dict[str, Any] = resource
    return found


def properties_of(scope: Construct) -> Mapping[str, Any]:
    """The properties that the handler gets, before CloudFormation resolves them."""
    properties: Mapping[str, Any] = resource_of(scope)["Properties"]
    return properties


def statements_of(scope: Construct) -> dict[str, dict[str, Any]]:
    """The statements of the only partner's policy, or else of the provider's, by what they are for."""
    policies = resources_of(scope, "AWS::IAM::Policy")
    _, policy = min(policies.items(), key=lambda found: found[0].startswith("PartnerAccountProvider"))
    return {found.pop("Sid"): found for found in policy["Properties"]["PolicyDocument"]["Statement"]}


def warnings_of(stack: cdk.Stack) -> list[str]:
    """The warnings that the CLI would show."""
    found = Annotations.from_stack(stack).find_warning("*", Match.any_value())
    return [str(warning.entry.data) for warning in found]


def deployed(value: Any, parameters: Mapping[str, str] | None = None) -> Any:
    """A part of a template as CloudFormation would resolve it; of resources the syntax only."""
    if isinstance(value, list):
        return [deployed(member, parameters) for member in value]
    if not isinstance(value, dict):
        return value
    resolved = {key: deployed(member, parameters) for key, member in value.items()}
    names = {
        "AWS::Partition": "aws",
        "AWS::AccountId": HERE.account,
        "AWS::Region": HERE.region,
        **(parameters or {}),
    }
    an_arn = "arn:aws:logs:eu-west-1:111111111111:log-group:x"
    functions: dict[str, Callable[[Any], Any]] = {
        "Fn::Join": lambda given: given[0].join(given[1]),
        "Fn::Split": lambda given: given[1].split(given[0]),
        "Fn::Select": lambda given: given[1][int(given[0])],
        "Fn::GetAtt": lambda _given: an_arn,
        "Ref": lambda given: names.get(given, an_arn),
    }
    (name, given), *others = resolved.items() or [("", None)]
    return functions[name](given) if name in functions and not others else resolved


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
