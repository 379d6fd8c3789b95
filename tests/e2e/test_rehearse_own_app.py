"""`partner-account rehearse` of a user's own app: it finds the codes' stores, and names what it can't rehearse."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.e2e.account import CLI_CONTEXT, path_with_locked_cdk
from tests.e2e.rehearsals import Rehearsed, place_with, rehearsed

pytestmark = pytest.mark.e2e

READINGS = {"one_partner_per_catalog": False, "sandbox_takes_tags_later": True, "profile_id": "at once"}
ODD = "AWS::DevOpsGuru::ResourceCollection"
# An app of somebody else: a stage for one account and region, other resources, one that the local AWS doesn't know,
# and the codes expected in a CloudFormation parameter, and in a secret of another stack.
# It is run by its own Python, which has a module that the command's lacks, and lacks what the command needs; it is
# built first, bootstrapped as its company does, and deployed with a profile of its company's; and one stack, which
# nobody names, can't be bundled here.
OWN_APP = f"""
import importlib.util, json, os
import of_the_app
import aws_cdk as cdk
from aws_cdk import aws_lambda, aws_s3, aws_secretsmanager, aws_sqs, aws_ssm
from partner_account import *

assert not importlib.util.find_spec("partner_account_rehearsal")
# What other tests give an app in the CLI's stead; the stacks are those that the user has named.
told = json.loads(os.environ["CDK_CONTEXT_JSON"])
bundled = {{"aws:cdk:bundling-stacks": told["aws:cdk:bundling-stacks"]}}
assert {{name: told[name] for name in told if "aws" in name}} == {CLI_CONTEXT} | bundled, told

def partner(stack, name, catalog, code):
    contact = AllianceLeadContact(
        first_name="Jane", last_name="Doe", email=f"{{name.lower()}}@example.com", business_title="Lead")
    PartnerAccount(
        stack, name, catalog=catalog, legal_name=f"R&D <{{name}}> {{os.environ['SUFFIX']}}",
        email_verification_code=code, company_is_new_to_apn=catalog == Catalog.AWS,
        primary_solution_type=PrimarySolutionType.SOFTWARE_PRODUCTS, alliance_lead_contact=contact)

bootstrapped = cdk.DefaultStackSynthesizer(qualifier="company", file_assets_bucket_name="company-${{AWS::AccountId}}")
app = cdk.App(default_stack_synthesizer=bootstrapped)
stage = cdk.Stage(app, "Prod", env=cdk.Environment(account="123456789012", region="eu-west-1"))
one = cdk.Stack(stage, "One", stack_name="first", termination_protection=True)
partner(one, "Ann", Catalog.AWS, VerificationCode.from_parameter(cdk.CfnParameter(one, "Given", no_echo=True)))
aws_s3.Bucket(one, "Bucket", removal_policy=cdk.RemovalPolicy.DESTROY, auto_delete_objects=True)
odd = cdk.CfnResource(one, "Odd", type="{ODD}", properties={{}})
cdk.CfnOutput(one, "OddArn", value=odd.get_att("Arn").to_string())
secret = aws_secretsmanager.Secret(cdk.Stack(stage, "Codes"), "Code")
two = cdk.Stack(stage, "Two")
partner(two, "Bob", Catalog.SANDBOX, VerificationCode.from_secrets_manager(secret, json_field="code"))
name = aws_ssm.StringParameter.value_for_string_parameter(two, "/company/queue")
cdk.CfnOutput(two, "QueueName", value=aws_sqs.Queue(two, "Queue", queue_name=name).queue_name)
cdk.CfnOutput(two, "Tier", value=aws_ssm.StringParameter.value_from_lookup(two, "/company/tier"))
bundling = cdk.BundlingOptions(image=cdk.DockerImage.from_registry("absent"))
aws_lambda.Function(
    cdk.Stack(app, "Unused"), "Function", runtime=aws_lambda.Runtime.PYTHON_3_13, handler="index.handler",
    code=aws_lambda.Code.from_asset(".", bundling=bundling))
app.synth()
"""


# What an app needs, and nothing that only the command needs.
MODULES = "attr attrs aws_cdk botocore cattr cattrs constructs crhelper dateutil jsii partner_account"
MODULES += " partner_account_handler publication six typeguard typing_extensions"


def make_venv(folder: Path) -> Path:
    """The `bin` of a virtual environment of the app's own."""
    venv.EnvBuilder(symlinks=True).create(folder)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    for name in MODULES.split():
        spec = importlib.util.find_spec(name)
        assert spec is not None
        installed = Path(spec.submodule_search_locations[0] if spec.submodule_search_locations else str(spec.origin))
        (packages / installed.name).symlink_to(installed)
    for metadata in Path(sysconfig.get_path("purelib")).glob("*.dist-info"):
        if metadata.name.partition("-")[0] in {"crhelper", "typeguard"}:
            (packages / metadata.name).symlink_to(metadata)
    (packages / "of_the_app.py").touch()
    return folder / "bin"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    """Two partners in two stacks of a stage, with a wrong code first, and with readings as a probe may report them."""
    folder = tmp_path_factory.mktemp("own")
    found = {**READINGS, "new_contact_email_needs_code": True}
    (folder / "probe.json").write_text(json.dumps({"Readings": found}))
    options = ["--fault", "wrong-code", "--readings", str(folder / "probe.json")]
    options += ["--ssm-parameter", "/company/queue=orders"]
    place = place_with(folder, OWN_APP)
    settings = json.loads((place.app / "cdk.json").read_text())
    settings |= {"profile": "company", "build": f"echo built >> '{folder / 'builds'}'"}
    (place.app / "cdk.json").write_text(json.dumps(settings))
    path = f"{make_venv(folder / 'venv')}{os.pathsep}{path_with_locked_cdk(os.environ['PATH'])}"
    done = rehearsed(place, folder, "Prod/*", *options, SUFFIX="Corp", PATH=path)
    assert done.exit_code == 0, done.told
    done.place.assert_untouched()
    return done


def test_codes_are_stored_in_the_parameter_and_in_the_other_stacks_secret(own: Rehearsed) -> None:
    """As a parameter, and in a secret of another stack, that is deployed first; a wrong code first, then another."""
    codes = {partner["Path"]: partner["VerificationCode"] for partner in own.report["Partners"]}
    assert codes["Prod/One/Ann"] == "the CloudFormation parameter Given"
    assert re.fullmatch(r"the secret Prod-Codes-Code\S+", codes["Prod/Two/Bob"])
    assert [step["Id"] for step in own.report["Steps"]] == [
        "synthesize",
        "bootstrap",
        "deploy-dependencies",
        "store-codes",
        "deploy-with-fault",
        "store-other-codes",
        "deploy-after-fault",
        "deploy-unchanged",
        "destroy",
    ]
    assert "EmailVerificationCode:INVALID_VALUE" in own.told
    assert "store it, deploy again" in own.told
    created = [
        event
        for step in own.report["Steps"]
        for event in step["Events"]
        if (event["Subject"], event["Status"]) == ("CreatePartner", "OK")
    ]
    assert len(created) == 2
    assert own.changes()[-2:] == [[], []]


def test_app_finds_the_ssm_parameter_that_is_given_and_cdks_custom_resource_runs(own: Rehearsed) -> None:
    """The function of auto_delete_objects is in Node.js, and uses the AWS SDK."""
    assert own.report["Outputs"]["Prod-Two"]["QueueName"] == "orders"
    events = {(one["Type"], one["Status"]) for step in own.report["Steps"] for one in step["Events"]}
    assert ("Custom::S3AutoDeleteObjects", "DELETE_COMPLETE") in events


def test_app_is_synthesized_once_for_list_synth_and_deploy(own: Rehearsed) -> None:
    """By the `build` of its cdk.json, which the CLI runs before each of its commands."""
    assert (own.folder / "builds").read_text().splitlines() == ["built"]


def test_readings_that_differ_from_the_defaults_are_named(own: Rehearsed) -> None:
    """Before anything is deployed, and in both reports; one that is the default goes without saying."""
    before, _, _ = own.told.partition("(cdk bootstrap)")
    _, _, told = before.partition("Readings of Partner Central that differ from the simulator's defaults\n")
    readings = ["  one_partner_per_catalog: false", "  sandbox_takes_tags_later: true", '  profile_id: "at once"', ""]
    assert told.splitlines()[:4] == readings
    assert own.report["Readings"] == READINGS
    page = own.page.sections["readings"]
    assert page.split("Value", 1)[1].split() == [
        "one_partner_per_catalogfalse",
        "sandbox_takes_tags_latertrue",
        'profile_id"at',
        'once"',
    ]
    assert "new_contact_email_needs_code" not in own.everything()


def test_sandbox_partner_gets_its_ownership_tag_if_the_reading_accepts_tags(own: Rehearsed) -> None:
    """Once, after CreatePartner; no refusal is called expected."""
    events = [event for step in own.report["Steps"] for event in step["Events"] if event["Subject"] == "TagResource"]
    assert [(event["Status"], event["Expected"]) for event in events] == [("OK", False)]
    assert "the Sandbox may refuse tags" not in own.told


def test_unsupported_types_and_missing_context_are_named_before_anything_is_deployed(own: Rehearsed) -> None:
    """With its construct or key, in terminal and reports; the rest of the app is rehearsed all the same."""
    before, _, _ = own.told.partition("(cdk bootstrap)")
    assert f"{ODD}: Prod/One/Odd" in before
    key = "ssm:account=123456789012:parameterName=/company/tier:region=eu-west-1"
    assert own.report["NotRehearsed"] == [
        {"Type": ODD, "Paths": ["Prod/One/Odd"], "Reason": "the local AWS doesn't know the type"},
        {"Type": "context", "Paths": [key], "Reason": "it requires a lookup, and is not in cdk.context.json"},
    ]
    assert own.report["Outputs"]["Prod-Two"]["Tier"] == "dummy-value-for-/company/tier"
    assert ODD in own.page.sections["not-rehearsed"]
    assert own.report["Outputs"]["first"]["OddArn"] == "arn:aws:rehearsal:us-east-1:000000000000:not-rehearsed-Odd-Arn"


def test_named_stacks_only_are_deployed_in_their_account_and_region_and_destroyed(own: Rehearsed) -> None:
    """The stacks that match, as that account; a stack that is protected against deletion is destroyed here too."""
    assert {stack["Name"] for stack in own.report["Stacks"]} == {"Prod-Codes", "first", "Prod-Two"}
    outputs = own.report["Outputs"]
    assert outputs["first"]["AnnArn"].startswith("arn:aws:partnercentral:us-east-1:123456789012:catalog/AWS/partner/")
    assert outputs["Prod-Two"]["BobArn"].startswith("arn:aws:partnercentral:us-east-1:123456789012:catalog/Sandbox/")
    gone = [event["Stack"] for event in own.report["Steps"][-1]["Events"] if event["Status"] == "DELETE_COMPLETE"]
    assert {"Prod-Codes", "first", "Prod-Two"} <= set(gone)


def test_markup_in_a_legal_name_is_text_in_the_page(own: Rehearsed) -> None:
    """A legal name with markup, made of an environment variable of the user's, is text."""
    assert "R&D <Ann> Corp" in own.page.sections["created"]
    assert "ann" not in own.page.tags
