"""`partner-account drift`: a deployed stack against Partner Central.

CloudFormation is moto, whose stack is given the construct's own template: it can't deploy a custom resource itself.
tests/e2e/test_tutorial.py has one that was really deployed.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import aws_cdk as cdk
import pytest
from moto.backends import get_backend

from partner_account import AllianceLeadContact, Catalog, LocalizedContent, PartnerProfile, VerificationCode
from partner_account_cli.deployed_stack import UNRESOLVED, resolve, values_of_ref
from partner_account_handler import identity
from tests.cli.stage import ACCOUNT, CONTACT, EMAIL, REGION, CliStage, Ended, open_stage
from tests.construct.apps import new_app, partner_in, template_of
from tests.simulator.test_profiles import DETAILS, GERMAN, IN_GERMAN

TAGS = [{"Key": "team", "Value": "alliances"}]


def props_of(members: Mapping[str, Any]) -> dict[str, Any]:
    """The constructs' props for members of the API."""
    return {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(): value for name, value in members.items()}


JANE = AllianceLeadContact(**props_of(CONTACT))
PROFILE_PROPS: dict[str, Any] = {
    **props_of({name: DETAILS[name] for name in (*GERMAN, "IndustrySegments")}),
    "localized_contents": [LocalizedContent(**props_of(one)) for one in IN_GERMAN],
}
LOCALES = ("de-DE", "fr-FR")
AS_THE_TEMPLATE_SAYS = {**DETAILS, "LocalizedContents": IN_GERMAN}
STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/Demo/1"

# moto wants a resource in each stack.
NOTHING = {"P": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "-", "Type": "String", "Value": "-"}}}


def template(profile: Mapping[str, Any] | None = None, **props: Any) -> dict[str, Any]:
    """What the constructs write for a partner, whose legal name is a parameter of the stack, and for its profile."""
    stack = cdk.Stack(new_app(), "Demo")
    name = cdk.CfnParameter(stack, "Name")
    partner = partner_in(stack, **{"legal_name": name.value_as_string, "alliance_lead_contact": JANE, **props})
    cdk.Tags.of(partner).add("team", "alliances")
    if profile is not None:
        PartnerProfile(stack, "Profile", partner=partner, **{**PROFILE_PROPS, **profile})
    return template_of(stack)


template_of_partner = functools.cache(template)
"""That of the partner alone, made once."""


def properties_of(written: dict[str, Any], kind: str) -> dict[str, Any]:
    """The properties of the one resource of this type."""
    properties: dict[str, Any]
    (properties,) = (one["Properties"] for one in written["Resources"].values() if one["Type"] == kind)
    return properties


class Deployment:
    """A stack in moto that has the construct's template, and its partner in the simulator."""

    def __init__(self, stage: CliStage) -> None:
        """Nothing is deployed yet."""
        self.stage = stage
        self.admin = stage.simulator.account(ACCOUNT)

    def deploy(self, written: dict[str, Any] | None = None, *, catalog: str = "AWS", name: str = "Example Corp") -> str:
        """Create partner and stack; the partner's id."""
        tags = {} if catalog == "Sandbox" else {"Tags": [*TAGS, {"Key": identity.OWNER_TAG, "Value": "-"}]}
        arn = self.stage.create_partner(catalog, **tags)
        stack_id = self._stack(written or template_of_partner(), arn, name)
        if catalog == "AWS":
            owner = identity.Owner.of(stack_id, "Demo", "Partner").to_tag()
            self.admin.tag_partner(arn.rpartition("/")[2], {identity.OWNER_TAG: owner})
        return arn.rpartition("/")[2]

    def _stack(self, written: dict[str, Any], arn: str, name: str) -> str:
        profile_id = self.stage.simulator.account(ACCOUNT).partners[0].profile_id
        outputs = {"PartnerArn": arn, "PartnerId": arn.rpartition("/")[2], "PartnerProfileId": profile_id}
        outputs["ProfileProfileId"] = profile_id
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
        ids = {"Custom::PartnerAccount": arn, "Custom::PartnerProfile": f"profile-of-{arn.rpartition('/')[2]}"}
        for logical_id, one in written["Resources"].items():
            if one["Type"] in ids:
                resource = SimpleNamespace(logical_resource_id=logical_id, physical_resource_id=ids[one["Type"]])
                stack.resource_map._resource_json_map[logical_id] = {}  # noqa: SLF001 - moto deploys no custom resource
                stack.resource_map._parsed_resources[logical_id] = resource  # noqa: SLF001
        return str(made["StackId"])

    def replace_template(self, text: str) -> None:
        """Let the stack have another one."""
        (stack,) = get_backend("cloudformation")[ACCOUNT][REGION].stacks.values()
        stack.template = text

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


class DeployedProfile:
    """The profile of a deployed stack, and what others do to it."""

    def __init__(self, deployment: Deployment, catalog: str = "AWS", **props: Any) -> None:
        """Deploy both; no other task has been started yet."""
        own: dict[str, Any] = {}
        if catalog == "Sandbox":
            own = {"catalog": Catalog.SANDBOX, "email_verification_code": VerificationCode.for_sandbox()}
        self.deployment = deployment
        self.template = template(props, **own)
        self._which = {"Catalog": catalog, "Identifier": deployment.deploy(self.template, catalog=catalog)}
        self._client = deployment.stage.client("partnercentral-account")

    def start(self, *, reads: int | None = 0, errors: Sequence[Mapping[str, str]] = (), **changes: Any) -> str:
        """Start a task with the template's profile, or changes to it; its id."""
        self.deployment.admin.plan_profile_tasks(reads=reads, errors=errors)
        details = {name: value for name, value in {**AS_THE_TEMPLATE_SAYS, **changes}.items() if value is not None}
        return str(self._client.start_profile_update_task(**self._which, TaskDetails=details)["TaskId"])

    def publish(self) -> None:
        """Make it public."""
        self._client.put_profile_visibility(**self._which, Visibility="PUBLIC")

    def compared(self, *options: str) -> tuple[int, dict[str, list[str]], list[str]]:
        """The exit status, the fields by their status, and the next steps."""
        done = self.deployment.drift("--output", "json", *options)
        (profile,) = done.document["Profiles"]
        assert set(profile) == {"LogicalResourceId", "Arn", "Fields", "NextSteps"}
        fields: dict[str, list[str]] = {}
        for one in profile["Fields"]:
            fields.setdefault(one["Status"], []).append(one["Field"])
        return done.status, fields, profile["NextSteps"]


@pytest.fixture
def deployment(moto_url: str) -> Iterator[Deployment]:
    """A verified account in which nothing is deployed."""
    with open_stage(moto_url) as stage:
        yield Deployment(stage)


def test_freshly_deployed_partner_has_no_drift_in_any_field(deployment: Deployment) -> None:
    """What was just deployed has not drifted, in any field, those of a parameter among them."""
    deployment.deploy()
    done = deployment.drift()
    assert done.status == 0
    assert "drifted" not in done.stdout
    for field in ("LegalName", "PrimarySolutionType", "AllianceLeadContact.Email", "Tags.team", "Outputs.ProfileId"):
        assert field in done.stdout
    assert done.stdout.count("same") == 10
    assert "?" not in done.stdout


def test_a_change_of_name_contact_tag_or_ownership_is_drift_and_another_tag_is_not(deployment: Deployment) -> None:
    """A change of the contact, of a tag, of the ownership, and of the name by support is drift; another tag is not."""
    partner_id = deployment.deploy()
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


def test_personal_data_is_masked_without_show_contact(deployment: Deployment) -> None:
    """Personal data is masked, and shown with --show-contact."""
    partner_id = deployment.deploy()
    deployment.admin.change_contact(partner_id, FirstName="Jill")
    done = deployment.drift()
    assert done.status == 2
    assert "Jill" not in done.stdout
    assert EMAIL not in done.stdout
    shown = deployment.drift("--show-contact").stdout
    assert "Jill" in shown
    assert EMAIL in shown


def test_case_blanks_and_composition_of_characters_are_no_drift(deployment: Deployment) -> None:
    """The service may normalize name and address; the function treats them as the same."""
    partner_id = deployment.deploy(name="EXAMPLE  corp")
    deployment.admin.change_contact(partner_id, Email=EMAIL.title(), BusinessTitle="\uff21lliance  Lead")
    assert deployment.drifted() == []


def test_partner_that_no_longer_exists_is_drift(deployment: Deployment) -> None:
    """A partner that the service doesn't know any more."""
    deployment.admin.delete_partner(deployment.deploy())
    assert deployment.drifted() == ["Partner"]


def test_in_the_sandbox_an_ownership_tag_that_is_absent_is_no_drift(deployment: Deployment) -> None:
    """It may have been refused; but another's is drift, as in catalog AWS."""
    sandbox: dict[str, Any] = {"catalog": Catalog.SANDBOX, "email_verification_code": VerificationCode.for_sandbox()}
    partner_id = deployment.deploy(template(**sandbox), catalog="Sandbox")
    assert deployment.drifted() == []
    deployment.admin.tag_partner(partner_id, {identity.OWNER_TAG: "another's"})
    assert deployment.drifted() == [f"Tags.{identity.OWNER_TAG}"]


@pytest.mark.parametrize(
    "value",
    [{"Fn::GetAtt": ["Other", "Name"]}, "{{resolve:ssm:/partner/value}}", "The {{resolve:ssm:/partner/value:3}}"],
    ids=["another resource's", "parameter", "version of a parameter"],
)
def test_value_that_only_cloudformation_resolves_is_unknown_and_no_drift(deployment: Deployment, value: Any) -> None:
    """Of an SSM parameter it has put in the value of the day of the deployment, and shows the reference."""
    written = deepcopy(template_of_partner())
    partner = properties_of(written, "Custom::PartnerAccount")
    partner["LegalName"] = partner["Tags"][0]["Value"] = value
    partner["AllianceLeadContact"]["Email"] = {"Fn::Join": ["", [value, {"Ref": "AWS::Region"}]]}
    deployment.deploy(written)
    done = deployment.drift("--output", "json")
    (compared,) = done.document["Partners"]
    unknown = [one["Field"] for one in compared["Fields"] if one["Status"] == "unknown"]
    assert unknown == ["LegalName", "AllianceLeadContact.Email", "Tags.team"]
    assert set(done.document) == {"StackName", "Drifted", "Partners", "Profiles"}
    assert set(compared) == {"LogicalResourceId", "Arn", "Fields"}
    assert {name for field in compared["Fields"] for name in field} == {"Field", "Template", "Service", "Status"}
    assert (done.status, deployment.drifted()) == (0, [])


def test_a_template_that_is_not_json_is_an_error(deployment: Deployment) -> None:
    """The CDK deploys JSON."""
    deployment.deploy()
    deployment.replace_template("Resources: {}")
    done = deployment.drift()
    assert done.status == 1
    assert "the template of the stack Demo is not JSON" in done.stderr


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
    parameters = [{"ParameterKey": "Name", "ParameterValue": shown}]
    stack = {"StackId": STACK_ID, "StackName": "Demo", "Parameters": parameters}
    assert values_of_ref(stack, {"Name": declared}).get("Name") == (shown if known else None)


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


def test_what_cannot_be_read_is_an_error(deployment: Deployment) -> None:
    """Is an error as well."""
    deployment.deploy()
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
def test_ref_and_join_are_resolved_and_other_functions_are_unknown(value: Any, resolved: Any) -> None:
    """Neither is a dynamic reference to SSM guessed."""
    assert resolve(value, {"Name": "Corp"}) == resolved


# --- Profiles


@pytest.mark.parametrize("catalog", ["AWS", "Sandbox"])
@pytest.mark.parametrize("knows_partner", [True, False])
def test_freshly_approved_profile_has_no_drift_in_any_field(
    deployment: Deployment, catalog: str, *, knows_partner: bool
) -> None:
    """Though the service shows its logos elsewhere; also where the partner's ARN is another stack's to know."""
    profile = DeployedProfile(deployment, catalog, visibility="PUBLIC")
    if not knows_partner:
        own = properties_of(profile.template, "Custom::PartnerProfile")
        own["PartnerArn"] = {"Fn::ImportValue": "Other-Partner-Arn"}
        deployment.replace_template(json.dumps(profile.template))
    profile.start()
    profile.publish()
    status, fields, steps = profile.compared()
    assert (status, steps, list(fields)) == (0, [], ["same"])
    expected = {"DisplayName", "IndustrySegments", "LocalizedContents.de-DE.LogoUrl", "Visibility", "Outputs.ProfileId"}
    assert expected <= set(fields["same"])


def test_solution_type_is_compared_with_the_profiles_once_there_is_one(deployment: Deployment) -> None:
    """That of the account counts at the creation only; but a profile that names another one is drift."""
    profile = DeployedProfile(deployment)
    profile.start()
    done = deployment.drift()
    assert re.search(r"unmanaged +PrimarySolutionType: CONSULTING_SERVICES\n", done.stdout)
    assert done.status == 0


def test_changed_profile_is_drift_in_each_changed_field_only(deployment: Deployment) -> None:
    """Another text, another logo, a language that the template doesn't have, and the visibility."""
    profile = DeployedProfile(deployment, visibility="PUBLIC")
    french = {"Locale": "fr-FR", **GERMAN}
    profile.start(DisplayName="Another", LogoUrl="https://example.com/2.png", LocalizedContents=[french])
    status, fields, steps = profile.compared()
    assert status == 2
    locales = [f"LocalizedContents.{locale}.{name}" for locale in ("fr-FR", "de-DE") for name in GERMAN]
    assert sorted(fields["drifted"]) == sorted(["DisplayName", "LogoUrl", "Visibility", *locales])
    assert re.fullmatch(
        r"To make it PUBLIC: aws partnercentral-account put-profile-visibility --region us-east-1 --catalog AWS "
        r"--identifier partner-\w{13} --visibility PUBLIC",
        steps[0],
    )


def test_running_task_that_matches_the_template_is_no_drift(deployment: Deployment) -> None:
    """As a review takes days; the visibility is not read. The commands have the same endpoint and credentials."""
    profile = DeployedProfile(deployment)
    task = profile.start(reads=None)
    status, fields, steps = profile.compared()
    assert status == 0
    assert {"ProfileTask", "DisplayName", "LocalizedContents.de-DE.Description"} <= set(fields["running"])
    assert "drifted" not in fields
    assert "get-profile-update-task --region us-east-1 --catalog AWS --identifier partner-" in steps[0]
    assert steps[1].endswith(f"--task-id {task}")


@pytest.mark.parametrize(
    "changes", [{"Description": "Another."}, {"LocalizedContents": [{"Locale": name, **GERMAN} for name in LOCALES]}]
)
def test_running_task_of_another_owner_is_drift(deployment: Deployment, changes: dict[str, Any]) -> None:
    """It would overwrite what the template sets, or add a language to it; its id is reported."""
    profile = DeployedProfile(deployment)
    profile.start()
    task = profile.start(reads=None, **changes)
    status, fields, steps = profile.compared()
    assert (status, fields["drifted"]) == (2, ["ProfileTask"])
    assert f"--task-id {task}" in steps[1]
    assert f"ProfileTask: template SUCCEEDED, service {task} IN_PROGRESS since " in deployment.drift().stdout


def test_failed_task_is_drift_with_its_reasons_until_the_profile_is_corrected(deployment: Deployment) -> None:
    """By locale and reason; one with other contents is the past."""
    profile = DeployedProfile(deployment)
    error = {"Locale": "de-DE", "Message": "m", "Reason": "INVALID_LOGO"}
    profile.start(errors=[error])
    told = deployment.drift().stdout
    assert re.search(r"drifted +ProfileTask: .* FAILED since .*, INVALID_LOGO \(de-DE\)\n", told)
    assert "Correct what the reasons name, and deploy again.\n" in told
    profile.start()
    profile.start(errors=[error], Description="Another.")
    status, fields, _ = profile.compared()
    assert (status, "drifted" in fields) == (2, True)


def test_value_of_a_profile_that_only_cloudformation_knows_is_unknown(deployment: Deployment) -> None:
    """A text, a language, a segment."""
    profile = DeployedProfile(deployment)
    properties = properties_of(profile.template, "Custom::PartnerProfile")
    properties["DisplayName"] = {"Fn::Sub": "x"}
    properties["IndustrySegments"] = [{"Fn::Sub": "x"}]
    properties["LocalizedContents"][0]["Locale"] = {"Fn::Sub": "x"}
    deployment.replace_template(json.dumps(profile.template))
    profile.start()
    status, fields, _ = profile.compared()
    assert (status, fields["unknown"]) == (0, ["DisplayName", "IndustrySegments", "LocalizedContents"])


def test_profile_whose_task_or_visibility_cannot_be_read_is_an_error(deployment: Deployment) -> None:
    """And no "no drift"."""
    DeployedProfile(deployment)
    for operation in ("GetProfileUpdateTask", "GetProfileVisibility"):
        deployment.stage.simulator.faults.add(operation, "access-denied")
        done = deployment.drift()
        assert done.status == 1
        assert f"Allow partnercentral:{operation}" in done.stderr
