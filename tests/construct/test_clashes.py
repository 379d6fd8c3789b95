"""Several PartnerAccounts in one app: which are refused, which bring a warning, and which go well together."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from constructs import Construct

from partner_account import ExportNames, PartnerAccount, PartnerAccountError
from tests.construct.apps import (
    new_app,
    new_stack,
    partner_in,
    resources_of,
    sandbox_partner_in,
    template_of,
    warnings_of,
)
from tests.construct.test_profile import ARN, profile_in

ADOPTED = "partner-1234567890abc"


@pytest.mark.parametrize("same", ["Example Corp", "EXAMPLE corp", "\uff25xample\u00a0Corp"])
@pytest.mark.parametrize("in_stages", [False, True])
def test_legal_name_is_unique_within_a_catalog(same: str, in_stages: bool) -> None:
    """Names that differ only in case, kind of blank or width count as one, and the name isn't repeated."""
    app = new_app()
    scopes = [cdk.Stage(app, name) if in_stages else app for name in ("Beta", "Prod")]
    here, there = (cdk.Stack(scope, name) for scope, name in zip(scopes, ("Here", "There"), strict=True))
    partner_in(here)
    with pytest.raises(PartnerAccountError, match=f"legal_name: '{here.node.path}/Partner' has the same name") as told:
        partner_in(there, legal_name=same)
    assert same not in str(told.value)


def test_names_known_only_at_deployment_are_not_compared() -> None:
    """They are left to the service, which will compare them."""
    stack = new_stack()
    name = cdk.CfnParameter(stack, "Name").value_as_string
    for number, legal_name in enumerate([name, name, "{{resolve:ssm:/name}}", "{{resolve:ssm:/name}}"]):
        partner_in(stack, f"Partner{number}", legal_name=legal_name)
    assert len(resources_of(stack, "Custom::PartnerAccount")) == 4


def test_same_legal_name_in_both_catalogs_adds_no_warning() -> None:
    """They know nothing of each other; in stages of one account the exports have different names, too."""
    app = new_app()
    beta, prod = (cdk.Stack(cdk.Stage(app, name), "Demo") for name in ("Beta", "Prod"))
    sandbox_partner_in(beta)
    partner_in(prod)
    exports = [output["Export"]["Name"] for stack in (beta, prod) for output in template_of(stack)["Outputs"].values()]
    assert len(set(exports)) == 6
    assert warnings_of(beta) == warnings_of(prod) == []


@pytest.mark.parametrize(
    ("one", "two", "warned"),
    [(None, None, True), (ADOPTED, None, True), (None, ADOPTED, True), (ADOPTED, ADOPTED, False)],
)
def test_second_partner_in_catalog_aws_adds_a_warning_unless_both_are_adopted(
    one: str | None, two: str | None, warned: bool
) -> None:
    """It names the consequences, and can be acknowledged like any CDK warning."""
    stack = new_stack()
    partner_in(stack, "One", legal_name="One Corp", existing_partner_id=one)
    second = partner_in(stack, "Two", legal_name="Two Corp", existing_partner_id=two)
    told = warnings_of(stack)
    assert len(told) == warned
    assert all("can't be undone" in warning and "partner-account:second-partner" in warning for warning in told)
    cdk.Annotations.of(second).acknowledge_warning("partner-account:second-partner", "agreed with AWS")
    assert warnings_of(stack) == []


def test_partners_of_one_stack_in_catalog_aws_are_created_sequentially() -> None:
    """So each finds the one before it, and is refused; removed ones and those in the Sandbox don't count."""
    stack = new_stack()
    partner_in(stack, "Zero", legal_name="Zero Corp")
    stack.node.try_remove_child("Zero")
    partner_in(stack, "One", legal_name="One Corp")
    partner_in(stack, "Two", legal_name="Two Corp")
    partner_in(stack, "Three", legal_name="Three Corp")
    sandbox_partner_in(stack, "Test", legal_name="Test Corp")
    sandbox_partner_in(stack, "Probe", legal_name="Probe Corp")
    resources = resources_of(stack, "Custom::PartnerAccount")
    before = {
        name[:3]: [one[:3] for one in resources if one in found["DependsOn"]] for name, found in resources.items()
    }
    assert before == {"One": [], "Two": ["One"], "Thr": ["Two"], "Tes": [], "Pro": []}


def test_partner_removed_with_its_scope_clashes_with_nothing() -> None:
    """Neither by legal name nor by export, nor as another profile of one partner; and no warning counts it."""
    stack = new_stack()
    names = ExportNames(partner_arn="apn-arn")
    known = PartnerAccount.from_partner_arn(stack, "Known", ARN)
    for name in ("Former", "Latter"):
        stack.node.try_remove_child("Former")
        around = Construct(stack, name)
        partner_in(around, export_names=names)
        profile_in(around, partner=known)
    resources = resources_of(stack, "Custom::PartnerAccount") | resources_of(stack, "Custom::PartnerProfile")
    assert all(name.startswith("Latter") for name in resources)
    assert len(resources) == 2
    assert not [one for found in resources.values() for one in found["DependsOn"] if one.startswith("Former")]
    assert warnings_of(stack) == []


A, B, UNKNOWN = "111111111111", "222222222222", None
"""Accounts; one that is known only at deployment may be either of the others."""


@pytest.mark.parametrize(
    ("one", "two", "same_account"),
    [(A, B, False), (A, A, True), (A, UNKNOWN, True), (UNKNOWN, A, True), (UNKNOWN, UNKNOWN, True)],
)
@pytest.mark.parametrize(
    ("regions", "same_region"),
    [(("eu-west-1", "eu-west-1"), True), (("eu-west-1", "eu-central-1"), False), (("eu-west-1", None), True)],
)
def test_partners_clash_unless_they_are_known_to_be_in_different_environments(
    one: str | None, two: str | None, same_account: bool, regions: tuple[str | None, str | None], same_region: bool
) -> None:
    """Exports clash in one account and region, partners in one account; what is unknown may be the same."""
    app = new_app()
    stacks = [
        cdk.Stack(app, name, env=cdk.Environment(account=account, region=region))
        for name, account, region in zip(("One", "Two"), (one, two), regions, strict=True)
    ]
    names = ExportNames(partner_arn="apn-arn")
    partner_in(stacks[0], legal_name="One Corp", export_names=names)
    if same_account and same_region:
        with pytest.raises(PartnerAccountError, match="export_names: 'One/Partner' exports 'apn-arn' too"):
            partner_in(stacks[1], legal_name="Two Corp", export_names=names)
    else:
        partner_in(stacks[1], legal_name="Two Corp", export_names=names)
        assert len(warnings_of(stacks[1])) == same_account


@pytest.mark.parametrize("path", ["Demo/PartnerAccountProvider", "cdk-partner-account"])
def test_reserved_construct_id_is_rejected_by_cdk(path: str) -> None:
    """The user's construct with that id is named, so that it can be renamed."""
    app = new_app()
    stack = cdk.Stack(app, "Demo")
    name = path.rpartition("/")[2]
    Construct(stack if "/" in path else app, name)
    with pytest.raises(RuntimeError, match=f"already a Construct with name '{name}'"):
        partner_in(stack)


def test_two_apps_in_one_process_are_independent() -> None:
    """And the same app gives the same template, byte by byte."""
    first, second = new_stack(), new_stack()
    partner_in(first)
    partner_in(second)
    assert str(template_of(first)) == str(template_of(second))
