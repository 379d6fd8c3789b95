"""The examples: what each connects and locks, whom it lets deploy; and that every machine makes the same of them."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
import yaml
from aws_cdk.assertions import Template

from partner_account_rehearsal.local_aws import JSII_CACHES
from tests.construct.apps import files_in, new_app

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted((ROOT / "examples").glob("*.py"))
WORKFLOW = ROOT / "examples/github-actions/deploy.yml"
ID = "partner-abcDEF1234567"
ARN = f"arn:aws:partnercentral:us-east-1:111111111111:catalog/AWS/partner/{ID}"
ELSEWHERE = {"reader_account": "222222222222", "reader_region": "eu-west-1"}


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch) -> None:
    """The account of the credentials, as the cdk CLI passes it."""
    monkeypatch.setenv("CDK_DEFAULT_ACCOUNT", "111111111111")


def app_of(example: str, **context: str) -> cdk.App:
    """The app of an example."""
    app = new_app(context)
    import_module(f"examples.{example}").add_stacks(app)
    return app


def templates(example: str, **context: str) -> list[dict[str, Any]]:
    """The templates of an example's stacks, that of the partner first."""
    stacks = [child for child in app_of(example, **context).node.children if isinstance(child, cdk.Stack)]
    return [dict(Template.from_stack(stack).to_json()) for stack in stacks]


def arguments_of(function: str, part: Any) -> Iterator[Any]:
    """The arguments of an intrinsic function, anywhere in a template."""
    if isinstance(part, dict):
        yield from [part[function]] if function in part else ()
        part = list(part.values())
    if isinstance(part, list):
        for member in part:
            yield from arguments_of(function, member)


def exports_of(template: dict[str, Any]) -> dict[str, str]:
    """The attribute of the partner behind each export."""
    outputs = [output for output in template["Outputs"].values() if "Export" in output]
    return {output["Export"]["Name"]: output["Value"]["Fn::GetAtt"][1] for output in outputs}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_each_example_has_run_instructions_and_is_linked_from_a_page(program: Path) -> None:
    """Its docstring has the command."""
    text = ast.get_docstring(ast.parse(program.read_text())) or ""
    assert f'--app "python examples/{program.name}"' in text
    assert any(f"examples/{program.name}" in page.read_text() for page in (ROOT / "docs").glob("*.md"))


# --- Passing a partner's values on ---


@pytest.mark.parametrize(
    "example", ["exports", "references", "weak_references", "another_environment", "ssm_parameters", "grants"]
)
def test_no_output_of_an_example_is_an_import_or_a_weak_reference(example: str) -> None:
    """CloudFormation may refuse a weak reference there, and cfn-lint warns of an import (W6001)."""
    outputs = [output["Value"] for template in templates(example) for output in template["Outputs"].values()]
    assert outputs
    assert [value for value in outputs if value.keys() & {"Fn::ImportValue", "Fn::GetStackOutput"}] == []


@pytest.mark.parametrize("example", ["exports", "references"])
def test_import_locks_the_arn_but_not_the_profile_id(example: str) -> None:
    """The reader imports what it uses and nothing else."""
    partner, reader = templates(example)
    exports = exports_of(partner)
    assert {exports[name] for name in arguments_of("Fn::ImportValue", reader)} == {"Arn"}


@pytest.mark.parametrize("example", ["exports", "references", "ssm_parameters", "weak_references"])
def test_the_partner_is_deployed_before_its_reader(example: str) -> None:
    """One `cdk deploy --all` is enough."""
    partner, reader = app_of(example).synth().stacks
    assert partner.id in [artifact.id for artifact in reader.dependencies]


def test_ssm_parameters_are_read_under_the_names_they_are_written_to() -> None:
    """By CloudFormation, at each deployment of the reader, and without an import."""
    partner, reader = templates("ssm_parameters")
    written = {
        resource["Properties"]["Name"]: resource["Properties"]["Value"]["Fn::GetAtt"][1]
        for resource in partner["Resources"].values()
        if resource["Type"] == "AWS::SSM::Parameter"
    }
    asked = {name: one for name, one in reader["Parameters"].items() if name != "BootstrapVersion"}
    assert {one["Type"] for one in asked.values()} == {"AWS::SSM::Parameter::Value<String>"}
    values = {name: reader["Outputs"][name]["Value"]["Ref"] for name in ("Arn", "ProfileId")}
    read = {name: written[asked[parameter]["Default"]] for name, parameter in values.items()}
    assert read == {"Arn": "Arn", "ProfileId": "ProfileId"}
    assert list(arguments_of("Fn::ImportValue", reader)) == []


def test_weak_references_name_existing_outputs_and_lock_nothing() -> None:
    """Nothing is exported for them."""
    partner, reader = templates("weak_references")
    read = list(arguments_of("Fn::GetStackOutput", reader))
    attributes = {partner["Outputs"][one["OutputName"]]["Value"]["Fn::GetAtt"][1] for one in read}
    assert attributes == {"Arn", "ProfileId"}
    assert {one["StackName"] for one in read} == {"WeakPartner"}
    assert list(arguments_of("Fn::ImportValue", reader)) == []
    assert all(name.startswith("WeakPartner-Partner-") for name in exports_of(partner))


def test_other_region_needs_no_function_or_role() -> None:
    """The reference names the region."""
    partner, reader = templates("another_environment", reader_region="eu-west-1")
    read = list(arguments_of("Fn::GetStackOutput", reader))
    assert {(one["StackName"], one["Region"], "RoleArn" in one) for one in read} == {
        ("HerePartner", "us-east-1", False)
    }
    assert {resource["Type"] for resource in reader["Resources"].values()} == {"AWS::SSM::Parameter"}
    assert [name for name in partner["Resources"] if name.startswith("Publish")] == []


def test_other_account_gets_a_role_that_reads_only_this_stack() -> None:
    """Only the other account's CloudFormation may assume it."""
    partner, reader = templates("another_environment", **ELSEWHERE)
    made = [resource for name, resource in partner["Resources"].items() if name.startswith("Publish")]
    role, policy = sorted(made, key=lambda resource: str(resource["Type"]), reverse=True)
    role_name = role["Properties"]["RoleName"]
    assert all(role_name in str(one["RoleArn"]) for one in arguments_of("Fn::GetStackOutput", reader))
    (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert "222222222222:role/cdk-hnb659fds-cfn-exec-role-222222222222-eu-west-1" in str(trust["Principal"])
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "cloudformation:DescribeStacks"
    assert ":cloudformation:us-east-1:111111111111:stack/HerePartner/*" in str(statement["Resource"])


def test_a_known_partner_is_literals_only() -> None:
    """Without the profile id there is none; a missing ARN, or `pending`, is reported without a traceback."""
    (reader,) = templates("known_partner", partner_arn=ARN)
    values = [resource["Properties"] for resource in reader["Resources"].values()]
    assert values == [{"Name": "/alliances/partner/AWS", "Type": "String", "Value": ID}]
    assert {name: output["Value"] for name, output in reader["Outputs"].items()} == {"Arn": ARN}
    (reader,) = templates("known_partner", partner_arn=ARN, profile_id="pprofile-abcDEF1234567")
    assert reader["Outputs"]["ProfileId"]["Value"] == "pprofile-abcDEF1234567"
    with pytest.raises(SystemExit) as refused:
        app_of("known_partner", profile_id="pending")
    assert "partner_arn: " in str(refused.value)
    assert "profile_id: 'pending' is not pprofile-" in str(refused.value)


def test_each_granted_role_can_act_on_this_partner_only() -> None:
    """`*` is used only where the service has no resource type."""
    (template,) = templates("grants")
    policies = {
        name: resource["Properties"]["PolicyDocument"]["Statement"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Policy"
    }
    auditor, lead, publisher = (
        next(statements for name, statements in policies.items() if name.startswith(role))
        for role in ("Auditor", "AllianceLead", "Publisher")
    )
    assert not [action for action in actions_of(auditor) if not action.startswith(("Get", "List"))]
    assert actions_of(lead) == {"GetAllianceLeadContact", "PutAllianceLeadContact", "SendEmailVerificationCode"}
    assert actions_of(publisher) - actions_of(auditor) == {"StartProfileUpdateTask", "PutProfileVisibility"}
    everywhere = {"ListTagsForResource", "SendEmailVerificationCode"}
    for statement in auditor + lead + publisher:
        narrowed = statement["Resource"] == {"Fn::GetAtt": ["Partner776273A3", "Arn"]}
        assert narrowed or actions_of([statement]) <= everywhere


def actions_of(statements: list[dict[str, Any]]) -> set[str]:
    """The actions of Partner Central that statements allow."""
    listed = [action if isinstance(action, list) else [action] for action in (one["Action"] for one in statements)]
    return {action.removeprefix("partnercentral:") for actions in listed for action in actions}


# --- A profile ---


def test_profile_belongs_to_the_examples_partner_and_is_public_only_on_request() -> None:
    """Without the word the visibility isn't touched, nor may it be."""
    arn = {"Ref": "Partner776273A3"}
    for context in ({}, {"visibility": "PUBLIC"}):
        (template,) = templates("profile", **context)
        (profile,) = (one for one in template["Resources"].values() if one["Type"] == "Custom::PartnerProfile")
        assert profile["Properties"]["PartnerArn"] == arn
        assert profile["Properties"].get("Visibility") == context.get("visibility")
        assert ("partnercentral:PutProfileVisibility" in json.dumps(template)) == bool(context)
        assert set(template["Outputs"]) == {
            *(f"Partner{name}" for name in ("Arn", "Id", "ProfileId")),
            *(f"Profile{name}" for name in ("ProfileId", "TaskStatus")),
        }


# --- The pipeline: nobody deploys without an approval ---


def of_type(template: Path, kind: str) -> list[dict[str, Any]]:
    """The properties of a template's resources of a type."""
    resources = json.loads(template.read_text())["Resources"]
    return [found.get("Properties", {}) for found in resources.values() if found["Type"] == kind]


@pytest.fixture(scope="module")
def assembly() -> Path:
    """The pipeline, and the stage that it deploys."""
    return Path(app_of("pipeline").synth().directory)


@pytest.fixture(scope="module")
def actions(assembly: Path) -> list[dict[str, Any]]:
    """All actions of the pipeline, in the order in which they run."""
    (pipeline,) = of_type(assembly / "PartnerPipeline.template.json", "AWS::CodePipeline::Pipeline")
    return [
        action
        for stage in pipeline["Stages"]
        for action in sorted(stage["Actions"], key=lambda action: action["RunOrder"])
    ]


@pytest.fixture(scope="module")
def partner(assembly: Path, actions: list[dict[str, Any]]) -> dict[str, Any]:
    """The partner in the template of the change set that the approver looks at."""
    path = actions[-3]["Configuration"]["TemplatePath"].partition("::")[2]
    (found,) = of_type(assembly / path, "Custom::PartnerAccount")
    return found


def test_approval_immediately_precedes_execution_of_the_reviewed_change_set(
    actions: list[dict[str, Any]], partner: dict[str, Any]
) -> None:
    """After all slow steps, so that a code requested then is used at once."""
    kinds = [action["Configuration"].get("ActionMode", action["ActionTypeId"]["Category"]) for action in actions]
    assert kinds == ["Source", "Build", "Build", "Build", "CHANGE_SET_REPLACE", "Approval", "CHANGE_SET_EXECUTE"]
    assert len({action["RunOrder"] for action in actions[-3:]}) == 3
    prepare, _, deploy = (action["Configuration"] for action in actions[-3:])
    assert (prepare["StackName"], prepare["ChangeSetName"]) == (deploy["StackName"], deploy["ChangeSetName"])
    assert (deploy["StackName"], partner["Catalog"]) == ("PartnerAccount", "AWS")


def test_approval_message_explains_how_to_request_and_store_the_code(
    actions: list[dict[str, Any]], partner: dict[str, Any]
) -> None:
    """For the address of the template; and what creating a partner means, before that."""
    comment = actions[-2]["Configuration"]["CustomData"]
    email = partner["AllianceLeadContact"]["Email"]
    assert f"partner-account send-code --email {email}\n" in comment
    assert f"partner-account store-code --secret-id {partner['EmailVerificationCode']['SecretId']}\n" in comment
    for fact in ("can't be undone", "terms", "fee", "must\n   migrate", "docs/what-it-means.html"):
        assert fact in comment
    assert len(comment) < 1000  # CodePipeline's own limit


def test_pipeline_uses_the_cdk_cli_version_of_the_tests(assembly: Path) -> None:
    """In its synth and in its update of itself."""
    pinned = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    projects = of_type(assembly / "PartnerPipeline.template.json", "AWS::CodeBuild::Project")
    named = [version for project in projects for version in re.findall(r"aws-cdk@(\S+?)[\s\"\\]", json.dumps(project))]
    assert named == [pinned, pinned]


# --- GitHub Actions ---


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    """The workflow as GitHub reads it."""
    found: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    return found


@pytest.mark.slow  # not slow, but the floor's click is too old for this tool of ours
def test_workflow_is_valid_by_githubs_schema() -> None:
    """Which check-jsonschema brings along."""
    command = ["check-jsonschema", "--builtin-schema", "vendor.github-workflows", str(WORKFLOW)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_has_no_known_weakness(tmp_path: Path) -> None:
    """Zizmor, which checks workflows for attacks, has no finding of any severity.

    The example names actions by their major version, so that it doesn't age; zizmor would have each commit's hash.
    """
    policies = {"rules": {"unpinned-uses": {"config": {"policies": {"*": "ref-pin"}}}}}
    (tmp_path / "zizmor.yml").write_text(yaml.safe_dump(policies))
    options = ["--offline", "--no-progress", "--persona", "pedantic", "--config", str(tmp_path / "zizmor.yml")]
    done = subprocess.run(["zizmor", *options, WORKFLOW], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_workflow_deploys_the_synthesized_assembly_only_after_approval(
    workflow: dict[str, Any],
) -> None:
    """The job that deploys is the one in the environment, the only one that can get credentials, never two at a time.

    Actions are named by their major version: no branch, which may change at any time.
    """
    jobs = workflow["jobs"]
    assert workflow["permissions"] == {}
    deploying = {name for name, job in jobs.items() if "cdk deploy" in json.dumps(job)}
    assert deploying == {name for name, job in jobs.items() if "environment" in job} == {"deploy"}
    assert {name for name, job in jobs.items() if "id-token" in job["permissions"]} == deploying
    assert jobs["deploy"]["permissions"]["id-token"] == "write"
    steps = [step for job in jobs.values() for step in job["steps"]]
    kept, fetched = (step["with"] for step in steps if "artifact" in step.get("uses", ""))
    assert kept == fetched
    assert jobs["deploy"]["needs"] == "synth"
    assert f"cdk deploy --app {fetched['path']} " in jobs["deploy"]["steps"][-1]["run"]
    assert workflow["concurrency"]["cancel-in-progress"] is False
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"]) for step in steps if "uses" in step)


def test_github_role_is_for_approved_jobs_of_one_repository_and_assumes_only_cdk_roles(
    workflow: dict[str, Any],
) -> None:
    """Those to which the cdk CLI's own bootstrap template gives the tags that the example asks for."""
    template = Path(app_of("github_role").synth().directory, "PartnerGitHubRole.template.json")
    (role,) = of_type(template, "AWS::IAM::Role")
    (trusted,) = role["AssumeRolePolicyDocument"]["Statement"]
    issuer = "token.actions.githubusercontent.com"
    environment = workflow["jobs"]["deploy"]["environment"]
    assert trusted["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trusted["Condition"] == {
        "StringEquals": {
            f"{issuer}:aud": "sts.amazonaws.com",
            f"{issuer}:sub": f"repo:example-corp/alliances:environment:{environment}",
        }
    }
    (policy,) = of_type(template, "AWS::IAM::Policy")
    (allowed,) = policy["PolicyDocument"]["Statement"]
    assert allowed["Action"] == "sts:AssumeRole"
    assert json.dumps(allowed["Resource"]).endswith(':role/cdk-*"]]}')
    bootstrap = (ROOT / "node_modules/aws-cdk/lib/api/bootstrap/bootstrap-template.yaml").read_text()
    tags = set(re.findall(r"Key: aws-cdk:bootstrap-role\s+Value: (\S+)", bootstrap))
    asked = allowed["Condition"]["StringEquals"]["iam:ResourceTag/aws-cdk:bootstrap-role"]
    assert set(asked) == tags - {"image-publishing"}


# --- Every machine ---

CONTEXT = {
    # What the cdk CLI asks for by default.
    "aws:cdk:enable-path-metadata": True,
    "aws:cdk:enable-asset-metadata": True,
    "aws:cdk:version-reporting": True,
    "partner_arn": ARN,
    **ELSEWHERE,
}
PROGRAMS_AND_APP = ["app.py", *(f"examples/{program.name}" for program in PROGRAMS)]
# One process for all programs, since to start jsii takes most of the time.
RUN = """
import os, runpy, sys
from pathlib import Path
import partner_account, partner_account_handler

for package in (partner_account, partner_account_handler):
    assert Path(package.__file__).is_relative_to(Path.cwd()), package
for program in sys.argv[2:]:
    runpy.run_path(program, run_name="__main__")
    Path(os.environ["CDK_OUTDIR"]).rename(Path(sys.argv[1], Path(program).stem))
"""


def made_here(folder: Path) -> dict[str, bytes]:
    """All files of the cloud assemblies that this process makes, by name."""
    for program in PROGRAMS_AND_APP:
        module = import_module(program.removesuffix(".py").replace("/", "."))
        app = cdk.App(outdir=str(folder / Path(program).stem), context=CONTEXT)
        module.add_stacks(app)
        if program == "app.py":
            module.add_checks(app)
        app.synth()
    return files_in(folder)


def made_elsewhere(source: Path, folder: Path) -> dict[str, bytes]:
    """The same as another user's process makes them of a copy of the source, on a machine set up otherwise."""
    made = folder / "assemblies"
    made.mkdir()
    cache = "JSII_RUNTIME_PACKAGE_CACHE_ROOT"  # to unpack aws-cdk-lib anew takes jsii ten seconds
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "USER": "john",
        "LC_ALL": "POSIX",
        "TZ": "Pacific/Kiritimati",
        "PYTHONHASHSEED": "2",
        "PYTHONPATH": os.pathsep.join(str(source / name) for name in ("constructs", "lambda")),
        "PYTHONDONTWRITEBYTECODE": "1",
        cache: os.environ.get(cache) or str(Path.home() / JSII_CACHES[sys.platform == "darwin"]),
        "CDK_DEFAULT_ACCOUNT": "111111111111",
        "CDK_DEFAULT_REGION": "us-east-1",
        "CDK_CONTEXT_JSON": json.dumps(CONTEXT),
        "CDK_OUTDIR": str(folder / "cdk.out"),
        "CDK_VALIDATION": "false",  # as here
        "NODE_NO_WARNINGS": "1",  # of more than ten apps in one process, which nobody else has
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(made), *PROGRAMS_AND_APP],
        cwd=source,
        env=environment,
        umask=0o077,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return files_in(made)


@pytest.mark.slow
def test_every_machine_synthesizes_the_same_template(tmp_path: Path) -> None:
    """Folder, user, locale, time zone, hash seed and file modes leave no trace in template, asset or manifest.

    So `cdk diff` shows no difference that nobody has made. Nor do the programs print anything.
    """
    copy = tmp_path / "some where else"
    for name in ("constructs", "examples", "lambda"):
        for path in (ROOT / name).rglob("*.py"):
            target = copy / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    shutil.copyfile(ROOT / "app.py", copy / "app.py")
    one, other = made_here(tmp_path / "here"), made_elsewhere(copy, tmp_path)
    assert {name.partition("/")[0] for name in one} == {Path(program).stem for program in PROGRAMS_AND_APP}
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []
