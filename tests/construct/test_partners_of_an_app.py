"""Several PartnerAccounts in one app; and the small apps that the other tests of the construct use."""

from __future__ import annotations

import atexit
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Annotations, Match, Template
from constructs import Construct

from partner_account import (
    AllianceLeadContact,
    Catalog,
    ExistingPartner,
    ExportNames,
    PartnerAccount,
    PartnerAccountError,
    PrimarySolutionType,
    VerificationCode,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTACT = AllianceLeadContact(
    first_name="Jane", last_name="Doe", email="jane@example.com", business_title="Alliance Lead"
)

# CDK never removes the cloud assemblies that it puts into the temporary folder.
_ASSEMBLIES = TemporaryDirectory(prefix="partner-account-tests-")
atexit.register(_ASSEMBLIES.cleanup)


def new_app() -> cdk.App:
    """An app whose cloud assembly is removed after the tests."""
    return cdk.App(outdir=mkdtemp(dir=_ASSEMBLIES.name))


def new_stack(name: str = "Demo", **props: Any) -> cdk.Stack:
    """A stack in an app of its own."""
    return cdk.Stack(new_app(), name, **props)


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


def warnings_of(stack: cdk.Stack) -> list[str]:
    """The warnings that the CLI would show."""
    found = Annotations.from_stack(stack).find_warning("*", Match.any_value())
    return [str(warning.entry.data) for warning in found]


def test_two_partners_share_the_function_and_its_role() -> None:
    """However many partners a stack has, there is one function and one role, with one policy for all of them."""
    stack = new_stack()
    partner_in(stack, "One", legal_name="One Corp")
    partner_in(stack, "Two", legal_name="Two Corp")
    assert len(resources_of(stack, "AWS::Lambda::Function")) == 1
    assert len(resources_of(stack, "AWS::IAM::Role")) == 1
    assert len(resources_of(stack, "AWS::IAM::Policy")) == 2


def test_both_catalogs_side_by_side() -> None:
    """The same name may stand once in each catalog, without a warning, since they know nothing of each other."""
    stack = new_stack()
    partner_in(stack, "Real")
    sandbox_partner_in(stack, "Rehearsal")
    catalogs = {found["Properties"]["Catalog"] for found in resources_of(stack, "Custom::PartnerAccount").values()}
    assert catalogs == {"AWS", "Sandbox"}
    assert warnings_of(stack) == []


@pytest.mark.parametrize("same", ["Example Corp", "EXAMPLE corp", "\uff25xample\u00a0Corp"])
def test_one_name_is_refused_twice(same: str) -> None:
    """Names that differ only in case, kind of blank or width count as one name, and are refused in one app."""
    app = new_app()
    partner_in(cdk.Stack(app, "Here"))
    there = cdk.Stack(app, "There")
    with pytest.raises(PartnerAccountError, match=r"legal_name: 'Here/Partner' has the same name") as refused:
        partner_in(there, legal_name=same)
    assert same not in str(refused.value)


REFUSE, ANOTHER = ExistingPartner.refuse(), ExistingPartner.allow_another()
ADOPT = ExistingPartner.adopt("partner-1234567890abc")


@pytest.mark.parametrize(("one", "two"), [(REFUSE, REFUSE), (REFUSE, ANOTHER), (ANOTHER, REFUSE), (ADOPT, REFUSE)])
def test_a_second_partner_brings_a_warning(one: ExistingPartner, two: ExistingPartner) -> None:
    """Where one of two in a catalog refuses others, a warning tells what will happen, and what is at stake."""
    stack = new_stack()
    partner_in(stack, "One", legal_name="One Corp", existing_partner=one)
    partner_in(stack, "Two", legal_name="Two Corp", existing_partner=two)
    (warning,) = warnings_of(stack)
    assert "can't be undone" in warning
    assert "partner-account:second-partner" in warning


def test_the_sandbox_brings_no_warning() -> None:
    """In the Sandbox a partner stops no other, and nothing lasts."""
    stack = new_stack()
    sandbox_partner_in(stack, "One", legal_name="One Corp")
    sandbox_partner_in(stack, "Two", legal_name="Two Corp")
    assert warnings_of(stack) == []


@pytest.mark.parametrize(("one", "two"), [(ANOTHER, ANOTHER), (ADOPT, ANOTHER), (ADOPT, ADOPT)])
def test_partners_that_let_each_other_be_bring_no_warning(one: ExistingPartner, two: ExistingPartner) -> None:
    """Who has said that there will be others need not be told."""
    stack = new_stack()
    partner_in(stack, "One", legal_name="One Corp", existing_partner=one)
    partner_in(stack, "Two", legal_name="Two Corp", existing_partner=two)
    assert warnings_of(stack) == []


def test_the_warning_can_be_acknowledged() -> None:
    """Who knows what they do silences the warning by its id, as any warning of CDK."""
    stack = new_stack()
    partner_in(stack, "One", legal_name="One Corp")
    second = partner_in(stack, "Two", legal_name="Two Corp")
    cdk.Annotations.of(second).acknowledge_warning("partner-account:second-partner", "agreed with AWS")
    assert warnings_of(stack) == []


def test_no_warning_for_another_aws_account() -> None:
    """Two stacks whose AWS accounts are known to differ may each have a partner without a warning."""
    app = new_app()
    here = cdk.Stack(app, "Here", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    there = cdk.Stack(app, "There", env=cdk.Environment(account="222222222222", region="eu-west-1"))
    partner_in(here, legal_name="One Corp")
    partner_in(there, legal_name="Two Corp")
    assert warnings_of(there) == []


def test_names_known_only_at_deployment_are_not_compared() -> None:
    """Two partners whose names are parameters are left to the service, which will compare them."""
    stack = new_stack()
    name = cdk.CfnParameter(stack, "Name").value_as_string
    partner_in(stack, "One", legal_name=name)
    partner_in(stack, "Two", legal_name=name)
    assert len(resources_of(stack, "Custom::PartnerAccount")) == 2


@pytest.mark.parametrize(
    "path", ["Demo/PartnerAccountProvider", "Demo/PartnerAccountPermissions", "cdk-partner-account"]
)
def test_ids_that_are_kept_for_ourselves(path: str) -> None:
    """A construct of the user's under one of our own ids is named, so that it can be renamed."""
    app = new_app()
    stack = cdk.Stack(app, "Demo")
    Construct(stack if "/" in path else app, path.rpartition("/")[2])
    with pytest.raises(PartnerAccountError, match=f"'{path}' has an id that PartnerAccount keeps for itself"):
        partner_in(stack)


class Alike(cdk.Stack):  # noqa: PLW1641 - so a class with __eq__ alone is
    """A stack of a user's that counts as equal to every other of its kind."""

    def __eq__(self, other: object) -> bool:
        """All are equal."""
        return isinstance(other, Alike)


def test_stacks_that_count_as_equal() -> None:
    """What is known of a stack is never taken for another's, whatever a user's class says about equality."""
    app = new_app()
    one, two = Alike(app, "One"), Alike(app, "Two")
    partner_in(one, legal_name="One Corp")
    partner_in(two, legal_name="Two Corp")
    for stack in (one, two):
        assert len(resources_of(stack, "AWS::Lambda::Function")) == 1
        exported = {output["Export"]["Name"] for output in template_of(stack)["Outputs"].values()}
        assert exported == {f"{stack.stack_name}-Partner-{attribute}" for attribute in ("Arn", "Id", "ProfileId")}


def test_another_app_is_another_world() -> None:
    """Partners are compared within one app only, so two apps of one process may name the same one."""
    first, second = new_stack(), new_stack()
    partner_in(first)
    partner_in(second)
    assert template_of(first) == template_of(second)


def test_references_from_another_stack() -> None:
    """A partner's ARN, id and profile id can be used in any stack of the app."""
    app = new_app()
    partner = partner_in(cdk.Stack(app, "Owner"))
    reader = cdk.Stack(app, "Reader")
    for name, value in {"A": partner.partner_arn, "I": partner.partner_id, "P": partner.profile_id}.items():
        cdk.CfnOutput(reader, name, value=value)
    exported = {
        output["Export"]["Name"]: output["Value"]["Fn::GetAtt"][1]
        for output in template_of(partner)["Outputs"].values()
    }
    read = {
        name: exported[output["Value"]["Fn::ImportValue"]] for name, output in template_of(reader)["Outputs"].items()
    }
    assert read == {"A": "Arn", "I": "Id", "P": "ProfileId"}


HERE, THERE, SOMEWHERE = "111111111111", "222222222222", None
"""Accounts; None is known only at deployment, and may be either of the others."""


@pytest.mark.parametrize(
    ("one", "two", "warned"),
    [
        (HERE, THERE, False),
        (HERE, HERE, True),
        (HERE, SOMEWHERE, True),
        (SOMEWHERE, HERE, True),
        (SOMEWHERE, SOMEWHERE, True),
    ],
)
def test_an_account_known_only_at_deployment_may_be_the_same(one: str | None, two: str | None, *, warned: bool) -> None:
    """It is never taken for another one: there the second partner would be refused, or created beside the first."""
    app = new_app()
    stacks = [
        cdk.Stack(app, name, env=cdk.Environment(account=account, region="eu-west-1"))
        for name, account in {"One": one, "Two": two}.items()
    ]
    for stack in stacks:
        partner_in(stack, legal_name=f"{stack.stack_name} Corp")
    assert [len(warnings_of(stack)) for stack in stacks] == [0, int(warned)]


ACCOUNTS = [(HERE, THERE, False), (HERE, SOMEWHERE, True), (SOMEWHERE, HERE, True), (SOMEWHERE, SOMEWHERE, True)]
REGIONS = [("eu-west-1", "eu-central-1", False), ("eu-west-1", None, True), (None, "eu-west-1", True)]


@pytest.mark.parametrize(
    ("accounts", "regions"),
    [
        *((accounts, ("eu-west-1", "eu-west-1", True)) for accounts in ACCOUNTS),
        *(((HERE, HERE, True), regions) for regions in REGIONS),
        ((HERE, THERE, False), ("eu-west-1", None, True)),
    ],
)
def test_an_environment_known_only_at_deployment_may_share_exports(
    accounts: tuple[str | None, str | None, bool], regions: tuple[str | None, str | None, bool]
) -> None:
    """One export name in two stacks is refused, unless they are known to lie in different accounts or regions."""
    app = new_app()
    one, two = (
        cdk.Stack(app, name, env=cdk.Environment(account=account, region=region))
        for name, account, region in zip(("One", "Two"), accounts[:2], regions[:2], strict=True)
    )
    names = ExportNames(partner_arn="apn-arn")
    partner_in(one, legal_name="One Corp", export_names=names)
    if accounts[2] and regions[2]:
        with pytest.raises(PartnerAccountError, match="export_names: 'One/Partner' exports 'apn-arn' too"):
            partner_in(two, legal_name="Two Corp", export_names=names)
    else:
        partner_in(two, legal_name="Two Corp", export_names=names)
