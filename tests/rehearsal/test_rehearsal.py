"""What a rehearsal reads from an app's templates, and what it puts in place of what the local AWS can't create."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from botocore.exceptions import ClientError

from partner_account import PartnerAccountProvider
from partner_account_rehearsal import RehearsalError
from partner_account_rehearsal.assembly import (
    Assembly,
    ConstructPaths,
    TemplateResource,
    all_stack_ids,
    drop_missing_context,
)
from partner_account_rehearsal.bootstrap import environment_of_lookups
from partner_account_rehearsal.expressions import references, to_text
from partner_account_rehearsal.faults import FAULTS, failing_copy
from partner_account_rehearsal.iam_statements import statements_of
from partner_account_rehearsal.limits import (
    explain_failure,
    explain_refusal,
    missing_parameters,
    names_taken,
    obstacles,
    retired_runtimes,
)
from partner_account_rehearsal.partners import masked_address, partners_of, profiles_of
from partner_account_rehearsal.report import PARTNER_CENTRAL, RehearsalEvent, StepReport
from partner_account_rehearsal.stand_ins import (
    StandIn,
    find_stand_ins,
    replace_by_stand_ins,
    replace_public_parameters,
    unbuilt_images,
)
from partner_account_rehearsal.steps import expect_created
from tests.construct.apps import partner_in
from tests.simulator.test_profiles import DETAILS, GERMAN, IN_GERMAN

ARN = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::", {"Fn::GetAtt": ["Odd", "Name"]}]]}
PARTNER: dict[str, Any] = {
    "Type": "Custom::PartnerAccount",
    "Properties": {
        "ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]},
        "Catalog": "AWS",
        "LegalName": {"Fn::Sub": "Example ${AWS::AccountId}"},
        "PrimarySolutionType": "SOFTWARE_PRODUCTS",
        "AllianceLeadContact": {"FirstName": "Jane", "LastName": "Doe", "Email": "jane@example.com"},
        "EmailVerificationCode": {"From": "ParameterStore", "Name": "/code"},
        "Owner": {"StackName": {"Ref": "AWS::StackName"}, "ConstructPath": "Nested/Partner"},
    },
}
PROFILE: dict[str, Any] = {
    "Type": "Custom::PartnerProfile",
    "Properties": {
        "ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]},
        "PartnerArn": {"Fn::GetAtt": ["Partner", "Arn"]},
        **DETAILS,
        "LocalizedContents": IN_GERMAN,
        "Visibility": "PUBLIC",
    },
    "Metadata": {"aws:cdk:path": "One/Profile/Resource"},
}


def statement(sid: str) -> dict[str, Any]:
    """One IAM statement."""
    return {"Sid": sid, "Effect": "Allow", "Action": f"example:{sid}", "Resource": ARN}


RESOURCES = {
    "Partner": PARTNER,
    "Function": {"Type": "AWS::Lambda::Function", "Properties": {"Role": {"Fn::GetAtt": ["Role", "Arn"]}}},
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "Policies": [{"PolicyName": "Own", "PolicyDocument": {"Statement": [statement("Inline")]}}],
            "ManagedPolicyArns": ["arn:aws:iam::aws:policy/Broad"],
        },
    },
    "Attached": {
        "Type": "AWS::IAM::Policy",
        "Properties": {
            "Roles": [{"Ref": "Role"}],
            "PolicyDocument": {
                "Statement": {**statement("Attached"), "Condition": {"StringEquals": {"aws:x": "y"}}},
            },
        },
    },
    "OfOthers": {
        "Type": "AWS::IAM::Policy",
        "Properties": {"Roles": ["someone"], "PolicyDocument": {"Statement": [statement("OfOthers")]}},
    },
}


def assembly_of(folder: Path, **templates: Any) -> Assembly:
    """An assembly as `cdk synth` writes it, with one stack for each template; each depends on those before it."""
    artifacts: dict[str, Any] = {}
    folder.mkdir(exist_ok=True)
    for name, template in templates.items():
        (folder / f"{name}.template.json").write_text(json.dumps(template))
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": f"aws://unknown-account/{'cn-north-1' if name == 'China' else 'eu-west-1'}",
            "properties": {
                "templateFile": f"{name}.template.json",
                "stackTemplateAssetObjectUrl": f"s3://assets/hash-of-{name}.json",
            },
            "dependencies": list(artifacts),
        }
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return Assembly(folder, tuple(templates))


def test_report_lists_inline_attached_and_managed_policies_of_the_functions_role_only(tmp_path: Path) -> None:
    """Inline, attached and managed policies of that role, with their conditions; none of another role."""
    partners = partners_of(assembly_of(tmp_path, Alliances={"Resources": RESOURCES}).stacks)
    found = {one.sid: one for one in statements_of(partners)}
    assert list(found) == ["Inline", "Attached", "ManagedPolicy"]
    assert found["Inline"].resources == ["arn:${AWS::Partition}:s3:::${Odd.Name}"]
    assert found["Attached"].conditions == ["StringEquals aws:x = y"]
    assert found["ManagedPolicy"].actions == ["arn:aws:iam::aws:policy/Broad"]


@pytest.mark.parametrize("shared", ["provider", "role"])
def test_report_lists_what_the_partners_stack_adds_to_a_role_from_elsewhere(tmp_path: Path, shared: str) -> None:
    """The construct's own stacks: the partner uses another stack's provider, or a role that no stack has made."""
    app = cdk.App(outdir=str(tmp_path))
    stack, platform = cdk.Stack(app, "Alliances"), cdk.Stack(app, "Platform")
    role = iam.Role.from_role_name(platform, "Role", "company") if shared == "role" else None
    partner_in(platform if role else stack, provider=PartnerAccountProvider(platform, "Provider", role=role))
    app.synth()
    sids = {one.sid for one in statements_of(partners_of(Assembly(tmp_path, ("Alliances", "Platform")).stacks))}
    assert {"CreatePartner", "ReadCodeFromSecret"} <= sids
    assert ("WriteOwnLog" in sids) == (shared == "role")


def test_a_partner_is_described_with_a_masked_contact(tmp_path: Path) -> None:
    """Neither a name nor the local part of the address can be read from it; the domain can."""
    (partner,) = partners_of(assembly_of(tmp_path, Alliances={"Resources": RESOURCES}).stacks)
    assert partner.masked_contact == "J. D. <j…@example.com>"
    assert partner.path == "Alliances/Nested/Partner"
    assert masked_address("${Email}") == "${Email}"


@pytest.mark.parametrize(("account", "name"), [("unknown-account", "<account ID>"), ("111111111111", "111111111111")])
def test_account_id_in_a_legal_name_is_the_stacks_or_reported_as_unknown(
    tmp_path: Path, account: str, name: str
) -> None:
    """An expression of CloudFormation would be read as a part of the name."""
    manifest = assembly_of(tmp_path, Alliances={"Resources": RESOURCES}).folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace("unknown-account", account))
    (partner,) = partners_of(Assembly(tmp_path, ("Alliances",)).stacks)
    assert partner.legal_name == f"Example {name}"


class CloudFormation:
    """One that knows all types but `AWS::Odd::Thing`."""

    def validate_template(self, **request: str) -> None:
        """Refuse that type as MiniStack does."""
        if "AWS::Odd::Thing" in request["TemplateBody"]:
            message = "Template format error: Unrecognized resource types: [AWS::Odd::Thing]"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "ValidateTemplate")


def stand_ins(assembly: Assembly, *patterns: str) -> dict[str, str]:
    """Why each resource is stood in for, once that is done."""
    found = find_stand_ins(assembly.stacks, CloudFormation(), patterns)
    replace_by_stand_ins(resource for resource, _ in found)
    return {resource.path: reason for resource, reason in found}


def test_legal_name_or_contact_in_an_ssm_parameter_is_reported_as_that_parameter(tmp_path: Path) -> None:
    """The name of the template's own parameter would be meaningless."""
    legal_name = {"Fn::Join": [" ", [{"Ref": "SsmValue"}, "Ltd"]]}
    parameters = {"SsmValue": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/company/name"}}
    contact = {"FirstName": {"Ref": "SsmValue"}, "LastName": "Doe", "Email": {"Ref": "SsmValue"}}
    template = {"Parameters": parameters, **with_partner(LegalName=legal_name, AllianceLeadContact=contact)}
    (partner,) = partners_of(assembly_of(tmp_path, Alliances=template).stacks)
    assert partner.legal_name == "<SSM parameter /company/name> Ltd"
    assert partner.masked_contact == "<SSM parameter /company/name> D. <SSM parameter /company/name>"


def test_placeholder_of_an_unknown_type_replaces_every_reference_to_it(tmp_path: Path) -> None:
    """It does nothing; functions that take a value apart, lists and ports get one that can be used in its place."""
    template = {
        "Resources": {
            "Odd": {
                "Type": "AWS::Odd::Thing",
                "Properties": {"A": 1},
                "DependsOn": ["Even"],
                "DeletionPolicy": "Retain",
            },
            "Even": {
                "Type": "AWS::Even::Thing",
                "Properties": {
                    "List": [{"Ref": "Odd"}, {"Fn::GetAtt": ["Odd", "Arn"]}, {"Fn::GetAtt": "Odd.Name"}],
                    "Text": {"Fn::Sub": "${Odd}/${Odd.Arn}/${Even.Arn}/${!Odd}"},
                    "Local": {"Fn::Sub": ["${Odd}${Name}", {"Odd": "own", "Name": {"Ref": "Odd"}}]},
                    "Own": {"Fn::GetAtt": ["Even", "Arn"]},
                    "Third": {"Fn::Select": [2, {"Fn::Split": ["/", {"Fn::Join": ["/", ["a", {"Ref": "Odd"}, "b"]]}]}]},
                    "Beyond": {"Fn::Select": ["5", {"Fn::Split": [":", {"Fn::GetAtt": ["Odd", "Name"]}]}]},
                    "OfList": {"Fn::Select": [1, {"Fn::GetAtt": ["Odd", "DnsEntries"]}]},
                    "Joined": {"Fn::Join": [",", {"Fn::GetAtt": ["Odd", "DnsEntries"]}]},
                    "SubnetIds": {"Fn::GetAtt": ["Odd", "SubnetIds"]},
                    "FromPort": {"Fn::GetAtt": ["Odd", "Endpoint.Port"]},
                    "Untouched": {"Fn::Select": [5, {"Fn::Split": [":", {"Fn::GetAtt": ["Even", "Arn"]}]}]},
                },
            },
        }
    }
    assert stand_ins(assembly_of(tmp_path, One=template)) == {"Odd": "the local AWS doesn't know the type"}
    written = json.loads((tmp_path / "One.template.json").read_text())["Resources"]
    assert written["Odd"] == {"Type": "AWS::CloudFormation::WaitConditionHandle", "DependsOn": ["Even"]}
    arn = "arn:aws:rehearsal:us-east-1:000000000000:not-rehearsed-Odd-Arn"
    assert written["Even"]["Properties"] == {
        "List": ["not-rehearsed-Odd", arn, "not-rehearsed-Odd-Name"],
        "Text": {"Fn::Sub": f"not-rehearsed-Odd/{arn}/${{Even.Arn}}/${{!Odd}}"},
        "Local": {"Fn::Sub": ["${Odd}${Name}", {"Odd": "own", "Name": "not-rehearsed-Odd"}]},
        "Own": {"Fn::GetAtt": ["Even", "Arn"]},
        "Third": "b",
        "Beyond": "not-rehearsed-Odd-Name",
        "OfList": "not-rehearsed-Odd-DnsEntries",
        "Joined": "not-rehearsed-Odd-DnsEntries",
        "SubnetIds": ["not-rehearsed-Odd-SubnetIds"],
        "FromPort": "443",
        "Untouched": {"Fn::Select": [5, {"Fn::Split": [":", {"Fn::GetAtt": ["Even", "Arn"]}]}]},
    }


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ({"Runtime": "python3.13"}, ""),
        ({"Runtime": "nodejs24.x"}, ""),
        ({"Runtime": "java21"}, "its function needs the runtime java21, which the local Lambda lacks"),
        ({"PackageType": "Image"}, "its function is a container image, and there is no Docker here"),
        (
            {"Runtime": "python3.13", "Layers": ["cli"], "Code": {"S3Key": "hash.zip"}},
            "its function needs /opt/awscli/aws of a layer, and the local Lambda has no /opt",
        ),
        ({"Runtime": "python3.13", "Code": {"S3Key": "hash.zip"}}, ""),
    ],
)
def test_custom_resource_is_replaced_by_a_stand_in_for_its_functions_needs(
    tmp_path: Path, function: dict[str, Any], reason: str
) -> None:
    """Whatever its type name, and in whichever stack the function is; the reason is reported."""
    platform = {
        "Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": function}},
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["F", "Arn"]}, "Export": {"Name": "Platform:Arn"}}},
    }
    custom = {"Type": "Custom::Any", "Properties": {"ServiceToken": {"Fn::ImportValue": "Platform:Arn"}}}
    (tmp_path / "asset.hash").mkdir()
    (tmp_path / "asset.hash" / "index.py").write_text('command = ["/opt/awscli/aws", "s3", "cp"]')
    asset = {"source": {"path": "asset.hash"}, "destinations": {"here": {"objectKey": "hash.zip"}}}
    (tmp_path / "Platform.assets.json").write_text(json.dumps({"files": {"hash": asset}}))
    found = stand_ins(assembly_of(tmp_path, Platform=platform, One={"Resources": {"Custom": custom}}))
    assert found == ({"Custom": reason} if reason else {})


def test_custom_resource_of_a_function_outside_the_app_gets_a_stand_in(tmp_path: Path) -> None:
    """Nobody could call it here."""
    token = "arn:aws:lambda:us-east-1:111111111111:function:of-the-company"
    custom = {"Type": "AWS::CloudFormation::CustomResource", "Properties": {"ServiceToken": token}}
    found = stand_ins(assembly_of(tmp_path, One={"Resources": {"Custom": custom, "Partner": PARTNER}}))
    assert found == {"Custom": f"its service token {token} is not in these stacks"}


@pytest.mark.parametrize("pattern", ["AWS::RDS::*", "One/Db", "One/D*", "One/Db/Cluster"])
def test_types_and_paths_named_by_the_user_get_stand_ins(tmp_path: Path, pattern: str) -> None:
    """A path includes everything below it."""
    cluster = {"Type": "AWS::RDS::DBCluster", "Metadata": {"aws:cdk:path": "One/Db/Cluster/Resource"}}
    found = stand_ins(assembly_of(tmp_path, One={"Resources": {"Cluster": cluster, **RESOURCES}}), pattern)
    assert found == {"One/Db/Cluster": "chosen by --stand-in"}


@pytest.mark.parametrize(
    ("pattern", "error"),
    [
        ("AWS::Absent::*", "no resource has this type or path"),
        ("Custom::*", "would omit the partner account Partner"),
        ("AWS::Lambda::Function", "would omit the partner account's function Function: specify the other"),
    ],
)
def test_pattern_that_matches_nothing_or_a_partner_or_its_function_is_rejected(
    tmp_path: Path, pattern: str, error: str
) -> None:
    """A rehearsal without its partner would prove nothing."""
    with pytest.raises(RehearsalError, match=f"--stand-in {re.escape(pattern)}:? {error}"):
        stand_ins(assembly_of(tmp_path, One={"Resources": RESOURCES}), pattern)


def test_replaced_template_gets_a_new_asset_name(tmp_path: Path) -> None:
    """Its name in the assets' bucket is a hash, under which the CLI would take the former one for it."""
    first, second = assembly_of(tmp_path, One={"Resources": {}}, Two={"Resources": {}}).stacks
    first.replace_template({"Resources": RESOURCES})
    manifest = (tmp_path / "manifest.json").read_text()
    assert "hash-of-One" not in manifest
    assert "hash-of-Two" in manifest
    assert (first.region, second.dependencies) == ("eu-west-1", ("One",))


def test_all_stacks_are_in_the_order_of_deployment(tmp_path: Path) -> None:
    """Those that others need come first, whatever their order in the manifest; those of stages are among them."""
    artifacts = json.loads((assembly_of(tmp_path, One={}, Two={}).folder / "manifest.json").read_text())["artifacts"]
    artifacts["One"]["dependencies"], artifacts["Two"]["dependencies"] = ["Two"], []
    stage = assembly_of(tmp_path / "assembly-Stage", Three={})
    artifacts["Stage"] = {"type": "cdk:cloud-assembly", "properties": {"directoryName": stage.folder.name}}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    ids = all_stack_ids(tmp_path)
    assert sorted(ids) == ["One", "Three", "Two"]
    assert ids.index("Two") < ids.index("One")


def test_dependencies_of_a_stack_include_indirect_selected_ones_in_deployment_order(tmp_path: Path) -> None:
    """And nothing that was not selected."""
    assembly = assembly_of(tmp_path, One={}, Two={}, Three={})
    assert assembly.dependencies_of(assembly.stacks[2]) == ["One", "Two"]
    assert Assembly(tmp_path, ("Two", "Three")).dependencies_of(assembly.stacks[2]) == ["Two"]


def test_fault_rollback_fails_each_stack_of_a_partner_or_a_profile_after_all_its_other_resources(
    tmp_path: Path,
) -> None:
    """So the app's own resources are rolled back too; stacks with neither stay as they are."""
    resources = {"One": RESOURCES, "Two": {"Profile": PROFILE}, "Three": {}}
    assembly = assembly_of(tmp_path / "made", **{name: {"Resources": own} for name, own in resources.items()})
    copied = failing_copy(assembly, tmp_path / "copy")
    one, two, three = (stack.template["Resources"] for stack in Assembly(copied.folder, copied.selected).stacks)
    assert one["FailsInThisRehearsal"]["DependsOn"] == list(RESOURCES)
    assert two["FailsInThisRehearsal"]["DependsOn"] == ["Profile"]
    assert three == {}


def resources_of(folder: Path, **resources: Any) -> list[TemplateResource]:
    """The resources of a stack with these."""
    (stack,) = assembly_of(folder, One={"Resources": resources}).stacks
    return [*stack.resources()]


@pytest.mark.parametrize(
    ("kind", "properties", "name"),
    [
        ("AWS::DynamoDB::Table", {"TableName": "orders"}, "orders"),
        ("AWS::DynamoDB::GlobalTable", {"TableName": {"Fn::Sub": "orders-${AWS::Region}"}}, "orders-${AWS::Region}"),
        ("AWS::Kinesis::Stream", {"Name": "clicks"}, "clicks"),
        ("AWS::RDS::DBCluster", {"EngineName": "x", "DBClusterIdentifier": "main"}, "main"),
        ("AWS::DynamoDB::Table", {"TableName": {"Ref": "Other"}}, ""),
        ("AWS::S3::Bucket", {"TableName": "none of its own"}, ""),
        ("Custom::PartnerAccount", {"Name": "orders"}, ""),
    ],
)
def test_retained_resource_of_a_fixed_name_is_found_after_a_rollback(
    tmp_path: Path, kind: str, properties: dict[str, Any], name: str
) -> None:
    """AWS would refuse to create it again; a name that CloudFormation makes up is another one the next time."""
    resources = resources_of(tmp_path, Kept={"Type": kind, "Properties": properties})
    assert [*names_taken(resources, {})] == []
    found = [*names_taken(resources, {"Kept": kind})]
    assert [f"since {name} already exists" in one.text for one in found] == ([True] if name else [])


@pytest.mark.parametrize(
    ("runtime", "refused"),
    [("python3.7", True), ("nodejs14.x", True), ("java8.al2", False), ("python3.13", False), ({"Ref": "X"}, False)],
)
def test_function_with_a_runtime_that_lambda_creates_no_more_is_found(
    tmp_path: Path, runtime: Any, refused: bool
) -> None:
    """The local AWS creates it without a word."""
    function = {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": runtime}}
    found = [one.text for one in retired_runtimes(resources_of(tmp_path, Function=function))]
    assert found == [f"Function: AWS no longer creates functions with {runtime}: choose a newer runtime"] * refused


def test_missing_ssm_parameters_are_reported_with_the_option_that_sets_them(tmp_path: Path) -> None:
    """Those of CDK, of AWS, of the app, and those that are given or not read, are not."""
    kind = "AWS::SSM::Parameter::Value<String>"
    template = {
        "Parameters": {
            "Legal": {"Type": kind, "Default": "/company/name"},
            "Given": {"Type": kind, "Default": "/given"},
            "Other": {"Type": kind, "Default": "/replaced"},
            "Image": {"Type": kind, "Default": "/aws/service/ami"},
            "BootstrapVersion": {"Type": kind, "Default": "/cdk-bootstrap/hnb659fds/version"},
            "Plain": {"Type": "String", "Default": "/plain"},
        },
        "Resources": {
            "Made": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/made"}},
            "Reads": {"Type": "Custom::X", "Properties": {"A": "{{resolve:ssm:/made}}{{resolve:ssm:/human/wrote:3}}"}},
        },
    }
    told = [*missing_parameters(assembly_of(tmp_path, One=template).stacks, ["/given"], ["Other"])]
    assert [one.rpartition(": ")[2] for one in told] == [
        "add --ssm-parameter /company/name=VALUE",
        "add --ssm-parameter /human/wrote=VALUE",
    ]


def test_failure_of_anything_but_the_partner_is_told_with_what_to_do_if_it_is_the_local_awss() -> None:
    """The partner's own failure is what a rehearsal is for."""
    assert explain_failure("Custom::PartnerAccount", "One/Partner", "no") == "One/Partner: no"
    remedy = "it's a gap in the local AWS: rehearse the partner in a stack of its own, by that stack's name"
    assert explain_failure("AWS::Glue::Crawler", "One/Crawler", "Invalid role ARN") == (
        f"One/Crawler: Invalid role ARN. If AWS would create this AWS::Glue::Crawler, {remedy}, or add "
        "--stand-in One/Crawler"
    )
    denied = "User: x is not authorized to perform: iot:DeleteCertificate\n    at Client.send (index.js:1)"
    assert explain_failure("Custom::Thing", "One/Thing", denied) == f"One/Thing: {denied.splitlines()[0]}"
    assert explain_failure("AWS::S3::Bucket", "One/B", "not empty", "DELETE_FAILED") == "One/B: not empty"
    assert explain_refusal("Export 'x' not found") == f"Export 'x' not found. If AWS would accept it, {remedy}"


def test_rejection_by_the_apps_own_rules_is_no_gap_of_the_local_aws() -> None:
    """They are checked before any AWS call; a failed context lookup has a remedy of its own."""
    for found in ("ERROR No flow log. (AwsSolutions) S/Vpc", "[Error at /S/Vpc] No flow log."):
        assert explain_refusal(found) == found
    lookup = "ERROR Need to perform AWS calls for account 123456789012, but no credentials have been configured"
    synthesize = "Synthesize the app again with what it looks up in cdk.context.json, or with credentials"
    assert explain_refusal(lookup) == f"{lookup}. {synthesize}"


def test_container_images_are_reported_as_not_rehearsed_and_hidden_from_the_cli(tmp_path: Path) -> None:
    """It would build them, by Docker."""
    image = {"displayName": "One/Image", "source": {"directory": "asset.x"}}
    stacks = assembly_of(tmp_path, One={"Resources": {}}, Two={"Resources": {}}).stacks
    (tmp_path / "One.assets.json").write_text(json.dumps({"dockerImages": {"x": image}}))
    (told,) = unbuilt_images(stacks)
    assert told == StandIn("container image", ["One/Image"], "it is neither built nor published here")
    for stack in stacks:
        stack.drop_images()
    assert json.loads((tmp_path / "One.assets.json").read_text()) == {"dockerImages": {}}


def test_public_ssm_parameters_get_placeholder_values_and_are_reported(tmp_path: Path) -> None:
    """Such as the ids of images; those of others stay."""
    image = {"Type": "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", "Default": "/aws/service/ami"}
    zones = {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": "/aws/service/zones"}
    own = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/own"}
    assembly = assembly_of(tmp_path, One={"Parameters": {"Image": image, "Zones": zones, "Own": own}, "Resources": {}})
    (told,) = replace_public_parameters(assembly.stacks)
    assert told.paths == ["/aws/service/ami", "/aws/service/zones"]
    assert json.loads((tmp_path / "One.template.json").read_text())["Parameters"] == {
        "Image": {"Type": "String", "Default": "ami-00000000000000000"},
        "Zones": {"Type": "CommaDelimitedList", "Default": "not-rehearsed-Zones"},
        "Own": own,
    }


HERE, THERE = "account=123456789012:region=eu-west-1", "account=123456789012:region=us-east-1"


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        (
            [f"vpc-provider:{HERE}:tag=x", f"availability-zones:{HERE}"],
            {"AWS_ACCESS_KEY_ID": "123456789012", "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"},
        ),
        ([f"availability-zones:{HERE}", f"availability-zones:{THERE}"], {"AWS_ACCESS_KEY_ID": "123456789012"}),
        ([f"availability-zones:{HERE}", "availability-zones:account=123456789013:region=us-east-1"], {}),
        ([], {}),
    ],
)
def test_app_gets_the_account_and_region_of_its_context_lookups(
    tmp_path: Path, keys: list[str], found: dict[str, str]
) -> None:
    """Only so its cdk.context.json answers them; an app for several gets the defaults."""
    if keys:
        (tmp_path / "cdk.context.json").write_text(json.dumps(dict.fromkeys(keys, "value")))
    assert environment_of_lookups(tmp_path / "cdk.context.json") == found


def test_missing_context_is_reported_and_removed_from_each_assembly(tmp_path: Path) -> None:
    """The CLI refuses an assembly with missing context."""
    stage = tmp_path / "assembly-Stage"
    stage.mkdir()
    for folder in (tmp_path, stage):
        missing = [{"key": "vpc", "provider": "vpc-provider", "props": {}}]
        (folder / "manifest.json").write_text(json.dumps({"artifacts": {}, "missing": missing}))
    assert drop_missing_context(tmp_path) == ["vpc"]
    assert drop_missing_context(tmp_path) == []
    assert json.loads((stage / "manifest.json").read_text()) == {"artifacts": {}}


def nested(folder: Path, logical_id: str, template: Any, **parameters: Any) -> Any:
    """A nested stack as CDK writes it, with its template beside it."""
    (folder / f"{logical_id}.nested.template.json").write_text(json.dumps(template))
    return {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"Parameters": parameters},
        "Metadata": {
            "aws:asset:path": f"{logical_id}.nested.template.json",
            "aws:cdk:path": f"Outer/{logical_id}.NestedStack/{logical_id}.NestedStackResource",
        },
    }


@pytest.fixture
def outer(tmp_path: Path) -> Assembly:
    """A partner in a nested stack of a nested stack, whose values come from the outermost one."""
    contact = {"FirstName": "Jane", "LastName": "Doe", "Email": {"Ref": "MailOfInner"}}
    code = {"From": "SecretsManager", "SecretId": {"Ref": "CodeOfInner"}}
    deeper = with_partner(AllianceLeadContact=contact, EmailVerificationCode=code)
    given = {"MailOfInner": {"Ref": "MailOfOuter"}, "CodeOfInner": {"Ref": "CodeOfOuter"}}
    inner = {"Resources": {"Deeper": nested(tmp_path, "Deeper", deeper, **given)}}
    codes = {"MailOfOuter": {"Ref": "Mail"}, "CodeOfOuter": {"Fn::ImportValue": "Codes:Code"}}
    return assembly_of(tmp_path, Outer={"Resources": {"Inner": nested(tmp_path, "Inner", inner, **codes)}})


def test_partner_in_a_nested_stack_is_described_by_the_parameters_of_its_outermost_stack(outer: Assembly) -> None:
    """What is handed on from stack to stack as parameters is what the outermost one hands on."""
    (partner,) = partners_of(outer.stacks)
    assert partner.resource.root == "Inner"
    assert partner.email == {"Ref": "Mail"}
    assert partner.code_source == "the secret ${ImportValue Codes:Code}"


def test_events_of_nested_stacks_are_named_by_construct_paths(outer: Assembly) -> None:
    """CloudFormation names a nested stack after the one around it, and adds something random."""
    paths = ConstructPaths(outer.stacks)
    assert paths.of_stack("Outer") == "Outer"
    assert paths.of_stack("Outer-Inner-0e8917c6-c3c") == "Outer/Inner"
    assert paths.of_stack("Outer-Inner-0e8917c6-c3c-Deeper-QX2") == "Outer/Deeper"
    assert paths.of_resource("Outer", "Inner") == "Outer/Inner"
    assert paths.of_resource("Outer-Inner-0e8917c6-c3c-Deeper-QX2", "Partner") == "Partner"
    assert paths.of_resource("Elsewhere", "Inner") == "Inner"


def with_partner(**properties: Any) -> Any:
    """A template with that one partner."""
    return {"Resources": {"Partner": {**PARTNER, "Properties": {**PARTNER["Properties"], **properties}}}}


def with_profile(**properties: Any) -> Any:
    """A template with a partner and its profile; properties that are changed to None are left out."""
    changed = {**PROFILE["Properties"], **properties}
    own = {name: value for name, value in changed.items() if value is not None}
    return {
        "Resources": {**with_partner()["Resources"], "Profile": {**PROFILE, "Properties": own}},
        "Outputs": {"ProfileTaskStatus": {"Value": {"Fn::GetAtt": ["Profile", "TaskStatus"]}}},
    }


KNOWN_ARN = {"Fn::Join": ["", ["arn:aws:partnercentral:us-east-1:1:catalog/AWS", ":partner/partner-abcDEF1234567"]]}


@pytest.mark.parametrize(
    ("templates", "fault", "words"),
    [
        ({"One": {"Resources": {}}}, None, ["none of these stacks has a PartnerAccount"]),
        (
            {"One": with_partner(ExistingPartnerId="partner-abcDEF1234567")},
            None,
            ["adopts a partner that only your account"],
        ),
        ({"One": with_partner(), "Two": with_partner()}, None, ["several partners in catalog AWS"]),
        ({"China": with_partner()}, None, ["China is for cn-north-1: partition aws-cn has no Partner Central"]),
        ({"One": with_partner(), "Two": with_partner(Catalog="Sandbox")}, "wrong-code", []),
        (
            {"One": with_partner(Catalog="Sandbox"), "Two": with_partner(Catalog="Sandbox")},
            "wrong-code",
            ["several partners in catalog Sandbox", "the Sandbox accepts any code"],
        ),
        ({"One": with_profile()}, "review-fails", []),
        ({"One": with_partner()}, "review-takes-days", ["none of these stacks has a PartnerProfile"]),
        ({"One": with_profile(PartnerArn=KNOWN_ARN)}, None, ["One/Profile is of a partner that only your account has"]),
    ],
)
def test_app_that_cannot_be_rehearsed_is_rejected_with_all_reasons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, templates: Any, fault: str | None, words: list[str]
) -> None:
    """Before anything is deployed, and whatever profile the shell has chosen."""
    monkeypatch.setenv("AWS_PROFILE", "nobody-has-this-one")
    stacks = assembly_of(tmp_path, **templates).stacks
    told = [*obstacles(stacks, FAULTS[fault] if fault else None)]
    assert [expected in reason for expected, reason in zip(words, told, strict=True)] == [True] * len(words)


TASK, PUT = "StartProfileUpdateTask", "PutProfileVisibility"


@pytest.mark.parametrize(
    ("template", "further", "passes"),
    [
        (with_partner(), [], True),
        (with_partner(), ["TagResource"], False),
        (with_partner(), ["CreatePartner"], False),
        (with_partner(Catalog="Sandbox"), ["TagResource"], True),
        (with_partner(Catalog="Sandbox"), [], True),
        (with_partner(Catalog="Sandbox"), ["TagResource", "TagResource"], False),
        (with_partner(Catalog="Sandbox"), ["PutAllianceLeadContact"], False),
        (with_profile(), [TASK, PUT], True),
        (with_profile(), [TASK], True),
        (with_profile(Visibility=None), [TASK], True),
        (with_profile(Visibility=None), [TASK, PUT], False),
        (with_profile(), [], False),
        (with_profile(), [TASK, TASK], False),
        (with_profile(), [TASK, "CancelProfileUpdateTask"], False),
    ],
)
def test_creation_changes_nothing_else_but_one_tag_in_the_sandbox_one_task_for_a_profile_and_its_visibility(
    tmp_path: Path, template: Any, further: list[str], *, passes: bool
) -> None:
    """In catalog AWS the ownership tag is part of CreatePartner; a rollback undoes nothing of a profile."""
    stacks = assembly_of(tmp_path, One=template).stacks
    partners, profiles = partners_of(stacks), profiles_of(stacks)
    events = [
        RehearsalEvent(0.0, PARTNER_CENTRAL, "", "", name, "OK", changes=True) for name in ("CreatePartner", *further)
    ]
    expected = "..CreatePartner., .StartProfileUpdateTask" if profiles else "..CreatePartner.."
    with nullcontext() if passes else pytest.raises(RehearsalError, match=f"should be {expected}.*, but is"):
        expect_created(StepReport("", "", events=events), partners, profiles)


def test_a_profile_is_described_by_its_texts_in_each_locale_and_the_rest_of_its_content(tmp_path: Path) -> None:
    """Its own first; and by the task's status, once an output of its stack tells it."""
    (profile,) = profiles_of(assembly_of(tmp_path, One=with_profile()).stacks)
    own = {name: DETAILS[name] for name in GERMAN}
    assert list(profile.texts.items()) == [("en-US", own), ("de-DE", GERMAN)]
    assert (profile.path, profile.visibility) == ("One/Profile", "PUBLIC")
    assert profile.task_status({"One": {"ProfileTaskStatus": "IN_PROGRESS"}}) == "IN_PROGRESS"
    assert profile.task_status({"One": {}, "Two": {"ProfileTaskStatus": "IN_PROGRESS"}}) == ""
    assert (profile.industry_segments, profile.headquarters) == (["EDUCATION"], {})
    headquarters = {"CountryCode": "DE", "SubdivisionCode": {"Ref": "Land"}}
    changed = with_profile(Visibility=None, IndustrySegments={"Ref": "Segments"}, Headquarters=headquarters)
    (other,) = profiles_of(assembly_of(tmp_path / "other", One=changed).stacks)
    assert (other.visibility, other.industry_segments) == ("", ["${Segments}"])
    assert other.headquarters == {"CountryCode": "DE", "SubdivisionCode": "${Land}"}


@pytest.mark.parametrize(
    ("fault", "operations", "is_met"),
    [
        ("review-fails", {"StartProfileUpdateTask", "GetPartner"}, True),
        ("review-fails", {"GetPartner"}, False),
        ("answer-lost", {"ListPartners"}, False),
        ("access-denied", {"GetPartner"}, True),
        ("access-denied", set(), False),
    ],
)
def test_fault_is_injected_into_a_request_of_its_operation(fault: str, operations: set[str], is_met: bool) -> None:
    """Whether or not that fails; a deployment that asks for nothing meets none."""
    assert FAULTS[fault].is_met(operations) == is_met


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("plain", "plain"),
        ({"Ref": "AWS::Region"}, "${AWS::Region}"),
        ({"Fn::ImportValue": {"Fn::Sub": "${AWS::StackName}-x"}}, "${ImportValue ${AWS::StackName}-x}"),
        ({"Fn::Sub": ["${A}", {"A": "b"}]}, "${A}"),
        (["a", {"Fn::GetAtt": "B.Arn"}], "a, ${B.Arn}"),
    ],
)
def test_expression_reads_as_text(value: Any, words: str) -> None:
    """What only CloudFormation knows is written as in `Fn::Sub`."""
    assert to_text(value) == words


def test_references_are_found_in_every_function() -> None:
    """In `Ref`, both forms of `Fn::GetAtt`, and `Fn::Sub`; pseudo parameters and literals are none."""
    value = [{"Ref": "A"}, {"Ref": "AWS::Region"}, {"X": {"Fn::GetAtt": ["B", "Arn"]}}, {"Fn::GetAtt": "C.Arn"}]
    assert references([*value, {"Fn::Sub": "${D} ${E.Arn} ${!F} ${AWS::StackId}"}]) == ["A", "B", "C", "D", "E"]
