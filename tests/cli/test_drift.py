"""`partner-account drift`: a deployed stack against Partner Central.

CloudFormation is moto, whose stack is given the construct's own template: it can't deploy a custom resource itself.
tests/e2e/test_tutorial.py has one that was really deployed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import aws_cdk as cdk
import pytest
from moto.backends import get_backend

from partner_account import AllianceLeadContact, Catalog, VerificationCode
from partner_account_cli.drift import UNRESOLVED, resolve, values_of_ref
from partner_account_handler import identity
from tests.cli.stage import ACCOUNT, CONTACT, EMAIL, REGION, CliStage, Ended, open_stage
from tests.construct.apps import new_app, partner_in, template_of

JANE = AllianceLeadContact(
    first_name=CONTACT["FirstName"],
    last_name=CONTACT["LastName"],
    email=EMAIL,
    business_title=CONTACT["BusinessTitle"],
)
TAGS = [{"Key": "team", "Value": "alliances"}]
STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/Demo/1"

# moto wants a resource in each stack.
NOTHING = {"P": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "-", "Type": "String", "Value": "-"}}}


def template(**props: Any) -> dict[str, Any]:
    """What the construct writes, for a partner whose legal name and title are parameters of the stack."""
    stack = cdk.Stack(new_app(), "Demo")
    name = cdk.CfnParameter(stack, "Name")
    cdk.Tags.of(partner_in(stack, **{"legal_name": name.value_as_string, "alliance_lead_contact": JANE, **props})).add(
        "team", "alliances"
    )
    return template_of(stack)


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    """The template, made once."""
    return template()


class Deployment:
    """A stack in moto that has the construct's template, and its partner in the simulator."""

    def __init__(self, stage: CliStage) -> None:
        """Nothing is deployed yet."""
        self.stage = stage
        self.admin = stage.simulator.account(ACCOUNT)

    def deploy(self, written: dict[str, Any], *, catalog: str = "AWS", name: str = "Example Corp") -> str:
        """Create partner and stack; the partner's id."""
        tags = {} if catalog == "Sandbox" else {"Tags": [*TAGS, {"Key": identity.OWNER_TAG, "Value": "-"}]}
        arn = self.stage.create_partner(catalog, **tags)
        stack_id = self._stack(written, arn, name)
        if catalog == "AWS":
            owner = identity.Owner.of(stack_id, "Demo", "Partner").to_tag()
            self.admin.tag_partner(arn.rpartition("/")[2], {identity.OWNER_TAG: owner})
        return arn.rpartition("/")[2]

    def _stack(self, written: dict[str, Any], arn: str, name: str) -> str:
        profile_id = self.stage.simulator.account(ACCOUNT).partners[0].profile_id
        outputs = {"PartnerArn": arn, "PartnerId": arn.rpartition("/")[2], "PartnerProfileId": profile_id}
        body = {
            "Parameters": {"Name": {"Type": "String"}, "BootstrapVersion": {"Type": "String", "Default": "1"}},
            "Resources": NOTHING,
            "Outputs": {key: {"Value": value} for key, value in outputs.items()},
        }
        made = self.stage.client("cloudformation").create_stack(
            StackName="Demo",
            TemplateBody=json.dumps(body),
            Parameters=[{"ParameterKey": "Name", "ParameterValue": name}],
        )
        stack = get_backend("cloudformation")[ACCOUNT][REGION].stacks[made["StackId"]]
        stack.template = json.dumps(written)
        logical_id = next(key for key, one in written["Resources"].items() if one["Type"] == "Custom::PartnerAccount")
        resource = SimpleNamespace(logical_resource_id=logical_id, physical_resource_id=arn)
        stack.resource_map._resource_json_map[logical_id] = {}  # noqa: SLF001 - moto deploys no custom resource
        stack.resource_map._parsed_resources[logical_id] = resource  # noqa: SLF001
        return str(made["StackId"])

    def drift(self, *options: str) -> Ended:
        """Compare; nothing may be changed by it."""
        mark = self.stage.simulator.mark()
        done = self.stage.run("drift", "--stack-name", "Demo", *options)
        asked = [request.operation or "?" for request in self.stage.simulator.requests_since(mark)]
        assert all(operation.startswith(("Get", "List")) for operation in asked)
        return done

    def drifted(self) -> list[str]:
        """The fields that have drifted."""
        done = self.drift("--output", "json")
        (partner,) = done.document["Partners"]
        fields = [one["Field"] for one in partner["Fields"] if one["Status"] == "drifted"]
        assert done.document["Drifted"] == bool(fields)
        assert done.status == (2 if fields else 0)
        return fields


@pytest.fixture
def deployment(moto_url: str) -> Iterator[Deployment]:
    """A verified account in which nothing is deployed."""
    with open_stage(moto_url) as stage:
        yield Deployment(stage)


def test_what_was_just_deployed_has_not_drifted_in_any_field(deployment: Deployment, written: dict[str, Any]) -> None:
    """What was just deployed has not drifted, in any field, those of a parameter among them."""
    deployment.deploy(written)
    done = deployment.drift()
    assert done.status == 0
    assert "drifted" not in done.stdout
    for field in ("LegalName", "PrimarySolutionType", "AllianceLeadContact.Email", "Tags.team", "Outputs.ProfileId"):
        assert field in done.stdout
    assert done.stdout.count("same") == 10
    assert "?" not in done.stdout


def test_a_change_of_name_contact_tag_or_ownership_is_drift_and_another_tag_is_not(
    deployment: Deployment, written: dict[str, Any]
) -> None:
    """A change of the contact, of a tag, of the ownership, and of the name by support is drift; another tag is not."""
    partner_id = deployment.deploy(written)
    (partner,) = deployment.admin.partners
    moved = f"{partner.tags[identity.OWNER_TAG]}/{'0' * 32}"  # the mark of a construct that was moved
    deployment.admin.tag_partner(partner_id, {"cost-center": "1", identity.OWNER_TAG: moved})
    assert deployment.drifted() == []
    deployment.admin.change_contact(partner_id, BusinessTitle="CTO")
    assert deployment.drifted() == ["AllianceLeadContact.BusinessTitle"]
    deployment.admin.tag_partner(partner_id, {"team": "other"})
    deployment.admin.untag_partner(partner_id, identity.OWNER_TAG)
    deployment.admin.rename_partner(partner_id, "Example Inc")
    assert deployment.drifted() == [
        "LegalName",
        "AllianceLeadContact.BusinessTitle",
        "Tags.team",
        f"Tags.{identity.OWNER_TAG}",
    ]


def test_personal_data_is_masked_without_show_contact(deployment: Deployment, written: dict[str, Any]) -> None:
    """Personal data is masked, and shown with --show-contact."""
    partner_id = deployment.deploy(written)
    deployment.admin.change_contact(partner_id, FirstName="Jill")
    done = deployment.drift()
    assert done.status == 2
    assert "Jill" not in done.stdout
    assert EMAIL not in done.stdout
    shown = deployment.drift("--show-contact").stdout
    assert "Jill" in shown
    assert EMAIL in shown


def test_case_blanks_and_composition_of_characters_are_no_drift(
    deployment: Deployment, written: dict[str, Any]
) -> None:
    """The service may write name and address in its own way; the function takes them for the same."""
    partner_id = deployment.deploy(written, name="EXAMPLE  corp")
    deployment.admin.change_contact(partner_id, Email=EMAIL.title(), BusinessTitle="\uff21lliance  Lead")
    assert deployment.drifted() == []


def test_a_partner_that_the_service_does_not_know_any_more_is_drift(
    deployment: Deployment, written: dict[str, Any]
) -> None:
    """A partner that the service doesn't know any more."""
    deployment.admin.delete_partner(deployment.deploy(written))
    assert deployment.drifted() == ["Partner"]


def test_in_the_sandbox_an_ownership_tag_that_is_absent_is_no_drift(deployment: Deployment) -> None:
    """It may have been refused; but another's is drift, as in catalog AWS."""
    sandbox = {"catalog": Catalog.SANDBOX, "email_verification_code": VerificationCode.for_sandbox()}
    partner_id = deployment.deploy(template(**sandbox), catalog="Sandbox")
    assert deployment.drifted() == []
    deployment.admin.tag_partner(partner_id, {identity.OWNER_TAG: "another's"})
    assert deployment.drifted() == [f"Tags.{identity.OWNER_TAG}"]


def test_a_value_that_only_cloudformation_knows_is_unknown_and_no_drift(
    deployment: Deployment, written: dict[str, Any]
) -> None:
    """A value that only CloudFormation knows is unknown, and told as such."""
    text = json.dumps(written).replace('{"Ref": "Name"}', '{"Fn::GetAtt": ["Other", "Name"]}')
    deployment.deploy(json.loads(text))
    done = deployment.drift("--output", "json")
    (partner,) = done.document["Partners"]
    assert [one["Field"] for one in partner["Fields"] if one["Status"] == "unknown"] == ["LegalName"]
    assert set(done.document) == {"StackName", "Drifted", "Partners"}
    assert set(partner) == {"LogicalResourceId", "Arn", "Fields"}
    assert {name for field in partner["Fields"] for name in field} == {"Field", "Template", "Service", "Status"}
    assert done.status == 0


REFERENCES = ["{{resolve:ssm:/partner/value}}", "The {{resolve:ssm:/partner/value:3}}"]


@pytest.mark.parametrize("reference", REFERENCES)
def test_what_an_ssm_parameter_holds_is_unknown(
    deployment: Deployment, written: dict[str, Any], reference: str
) -> None:
    """CloudFormation has put in the parameter's value of the day of the deployment, and shows the reference."""
    template = json.loads(json.dumps(written))
    (partner,) = (one for one in template["Resources"].values() if one["Type"] == "Custom::PartnerAccount")
    partner["Properties"]["LegalName"] = reference
    partner["Properties"]["AllianceLeadContact"]["Email"] = {"Fn::Join": ["", [reference, {"Ref": "AWS::Region"}]]}
    partner["Properties"]["Tags"][0]["Value"] = reference
    deployment.deploy(template)
    done = deployment.drift("--output", "json")
    unknown = [one["Field"] for one in done.document["Partners"][0]["Fields"] if one["Status"] == "unknown"]
    assert unknown == ["LegalName", "AllianceLeadContact.Email", "Tags.team"]
    assert (done.status, deployment.drifted()) == (0, [])


def test_a_template_that_is_not_json_is_an_error(deployment: Deployment, written: dict[str, Any]) -> None:
    """The CDK deploys JSON."""
    deployment.deploy(written)
    (stack,) = get_backend("cloudformation")[ACCOUNT][REGION].stacks.values()
    stack.template = "Resources: {}"
    done = deployment.drift()
    assert done.status == 1
    assert "the template of the stack Demo is not JSON" in done.stderr


@pytest.mark.parametrize("no_echo", [True, "true"])
def test_the_stars_of_a_hidden_parameter_are_not_its_value(
    deployment: Deployment, written: dict[str, Any], no_echo: bool | str
) -> None:
    """CloudFormation shows `****` in place of a NoEcho value: that is unknown, and no drift."""
    template = json.loads(json.dumps(written))
    template["Parameters"]["Name"]["NoEcho"] = no_echo
    deployment.deploy(template)
    (stack,) = get_backend("cloudformation")[ACCOUNT][REGION].stacks.values()
    stack.resource_map.resolved_parameters["Name"] = "****"  # moto means to do so, but takes its name for its value
    done = deployment.drift("--output", "json")
    (partner,) = done.document["Partners"]
    (name,) = (one for one in partner["Fields"] if one["Field"] == "LegalName")
    assert (name["Status"], name["Template"]) == ("unknown", None)
    assert done.status == 0


@pytest.mark.parametrize(
    ("declared", "shown", "known"),
    [
        ({"NoEcho": True}, "****", False),
        ({"NoEcho": "true"}, "*****", False),  # the documentation shows five
        ({"NoEcho": "true"}, "Example Corp", False),
        ({}, "****", False),  # a template that CloudFormation has processed may be declared otherwise
        ({"NoEcho": False}, "Example Corp", True),
        ({"NoEcho": "false"}, "A*", True),
        ({}, "Example Corp", True),
    ],
)
def test_ref_gives_the_value_of_a_parameter_unless_it_is_hidden(
    declared: dict[str, Any], shown: str, known: bool
) -> None:
    """Its value, unless it is hidden."""
    stack = {
        "StackId": STACK_ID,
        "StackName": "Demo",
        "Parameters": [{"ParameterKey": "Name", "ParameterValue": shown}],
    }
    assert (values_of_ref(stack, {"Name": declared}).get("Name") == shown) == known
    assert ("Name" in values_of_ref(stack, {"Name": declared})) == known


@pytest.mark.parametrize(
    ("name", "told"),
    [("Absent", "there is no stack Absent"), ("Empty", "has no resource of type Custom::PartnerAccount")],
)
def test_nothing_to_compare_is_an_error(deployment: Deployment, name: str, told: str) -> None:
    """Is an error, and no "no drift"."""
    body = json.dumps({"Resources": NOTHING})
    deployment.stage.client("cloudformation").create_stack(StackName="Empty", TemplateBody=body)
    done = deployment.stage.run("drift", "--stack-name", name)
    assert done.status == 1
    assert told in done.stderr


def test_what_cannot_be_read_is_an_error(deployment: Deployment, written: dict[str, Any]) -> None:
    """Is an error as well."""
    deployment.deploy(written)
    deployment.stage.simulator.faults.add("GetAllianceLeadContact", "access-denied")
    done = deployment.drift()
    assert done.status == 1
    assert "Allow partnercentral:GetAllianceLeadContact" in done.stderr


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ("text", "text"),
        ({"Ref": "Name"}, "Corp"),
        ({"Ref": "Absent"}, UNRESOLVED),
        ({"Fn::Join": ["-", ["a", {"Ref": "Name"}]]}, "a-Corp"),
        ({"Fn::Join": ["", ["a", {"Ref": "Absent"}]]}, UNRESOLVED),
        ({"Fn::Join": [",", {"Ref": "Absent"}]}, UNRESOLVED),
        ({"Fn::Sub": "${Name}"}, UNRESOLVED),
        ({"Fn::GetAtt": ["Other", "Arn"]}, UNRESOLVED),
        ({"Fn::If": ["Condition", "a", "b"]}, UNRESOLVED),
        ({"a": [{"Ref": "Name"}]}, {"a": ["Corp"]}),
        ("{{resolve:ssm:/x}}", UNRESOLVED),
        ({"Fn::Join": ["", ["{{resolve:ssm:/", {"Ref": "Name"}, "}}"]]}, UNRESOLVED),
        ("{{resolve:secretsmanager:x}}", "{{resolve:secretsmanager:x}}"),
    ],
)
def test_ref_and_join_are_worked_out_and_all_else_is_unknown_never_guessed(value: Any, resolved: Any) -> None:
    """Neither is a dynamic reference to SSM guessed."""
    assert resolve(value, {"Name": "Corp"}) == resolved
