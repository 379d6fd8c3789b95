"""examples/pipeline.py, examples/github_role.py and the GitHub workflow: nobody deploys without an approval."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "examples/github-actions/deploy.yml"
# The example names actions by their major version, so that it doesn't age; zizmor would have each commit's hash.
BY_VERSION = {"rules": {"unpinned-uses": {"config": {"policies": {"*": "ref-pin"}}}}}


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in the checkout."""
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)


def synthesized(example: str, folder: Path) -> Path:
    """The cloud assembly that an example makes, without a word."""
    done = run(sys.executable, f"examples/{example}", CDK_OUTDIR=str(folder))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


def of_type(template: Path, kind: str) -> list[dict[str, Any]]:
    """The properties of a template's resources of a type."""
    resources = json.loads(template.read_text())["Resources"]
    return [found.get("Properties", {}) for found in resources.values() if found["Type"] == kind]


# --- CDK Pipelines ---


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pipeline, and the stage that it deploys."""
    return synthesized("pipeline.py", tmp_path_factory.mktemp("assembly"))


def actions(assembly: Path) -> list[dict[str, Any]]:
    """All actions of the pipeline, in the order in which they run."""
    (pipeline,) = of_type(assembly / "PartnerPipeline.template.json", "AWS::CodePipeline::Pipeline")
    return [
        action
        for stage in pipeline["Stages"]
        for action in sorted(stage["Actions"], key=lambda action: action["RunOrder"])
    ]


def kind_of(action: dict[str, Any]) -> str:
    """What an action does, in one word."""
    category = str(action["ActionTypeId"]["Category"])
    return str(action["Configuration"].get("ActionMode", category))


def test_the_approval_is_the_last_step_before_the_deployment(assembly: Path) -> None:
    """After everything that takes time, the change set included: a code that is requested then is used at once."""
    kinds = [kind_of(action) for action in actions(assembly)]
    assert kinds == ["Source", "Build", "Build", "Build", "CHANGE_SET_REPLACE", "Approval", "CHANGE_SET_EXECUTE"]
    assert len({(action["RunOrder"]) for action in actions(assembly)[-3:]}) == 3


def test_what_is_deployed_is_what_the_approver_saw(assembly: Path) -> None:
    """The change set that was made before the approval, of the stack that holds the partner."""
    prepare, _, deploy = (action["Configuration"] for action in actions(assembly)[-3:])
    assert (prepare["StackName"], prepare["ChangeSetName"]) == (deploy["StackName"], deploy["ChangeSetName"])
    template = assembly.parent / assembly / prepare["TemplatePath"].partition("::")[2]
    (partner,) = of_type(template, "Custom::PartnerAccount")
    assert partner["Catalog"] == "AWS"
    assert deploy["StackName"] == "PartnerAccount"


def test_the_approver_is_told_what_to_do(assembly: Path) -> None:
    """To request the code for the address of the template, and to store it in the secret that the function reads."""
    comment = actions(assembly)[-2]["Configuration"]["CustomData"]
    template = assembly / actions(assembly)[-3]["Configuration"]["TemplatePath"].partition("::")[2]
    (partner,) = of_type(template, "Custom::PartnerAccount")
    assert f"send-email-verification-code --region us-east-1 --catalog AWS --email {_email(partner)}\n" in comment
    secret = re.search(r"--secret-id (\S+) ", comment)
    assert secret
    assert partner["EmailVerificationCode"]["SecretId"] == secret[1]
    assert len(comment) < 1000  # CodePipeline's own limit


def _email(partner: dict[str, Any]) -> str:
    return str(partner["AllianceLeadContact"]["Email"])


def test_the_pipeline_runs_on_the_cli_that_the_tests_run_on(assembly: Path) -> None:
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


def steps(workflow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The steps of all jobs."""
    for job in workflow["jobs"].values():
        yield from job["steps"]


@pytest.mark.slow  # not slow, but the floor's click is too old for this tool of ours
def test_the_workflow_is_one() -> None:
    """By GitHub's schema."""
    done = run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", WORKFLOW)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_has_no_known_weakness(tmp_path: Path) -> None:
    """Zizmor, which knows how workflows are attacked, has no finding, however small."""
    (tmp_path / "zizmor.yml").write_text(yaml.safe_dump(BY_VERSION))
    options = ["--offline", "--no-progress", "--persona", "pedantic", "--config", str(tmp_path / "zizmor.yml")]
    done = run("zizmor", *options, WORKFLOW)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_deploys_after_the_approval_only(workflow: dict[str, Any]) -> None:
    """The job that deploys is the one in the environment, and the only one that can get credentials."""
    assert workflow["permissions"] == {}
    deploying = {name for name, job in workflow["jobs"].items() if "cdk deploy" in json.dumps(job)}
    assert deploying == {name for name, job in workflow["jobs"].items() if "environment" in job} == {"deploy"}
    assert {name for name, job in workflow["jobs"].items() if "id-token" in job["permissions"]} == deploying
    assert workflow["jobs"]["deploy"]["permissions"]["id-token"] == "write"


def test_the_workflow_deploys_what_was_synthesized_before(workflow: dict[str, Any]) -> None:
    """One job keeps the cloud assembly, the next one fetches and deploys it, never two at a time."""
    kept, fetched = (step["with"] for step in steps(workflow) if "artifact" in step.get("uses", ""))
    assert kept == fetched
    assert workflow["jobs"]["deploy"]["needs"] == "synth"
    assert f"cdk deploy --app {fetched['path']} " in workflow["jobs"]["deploy"]["steps"][-1]["run"]
    assert workflow["concurrency"]["cancel-in-progress"] is False


def test_each_action_is_named_by_its_major_version(workflow: dict[str, Any]) -> None:
    """No branch, which may change at any time."""
    used = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+", action)] == []


def test_the_role_is_for_approved_jobs_only(workflow: dict[str, Any], tmp_path: Path) -> None:
    """Jobs of the environment that the workflow deploys in, of one repository; and only CDK's own roles are within."""
    template = synthesized("github_role.py", tmp_path) / "PartnerGitHubRole.template.json"
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


def test_the_roles_that_the_job_takes_on_are_those_of_the_bootstrap() -> None:
    """The cdk CLI's own bootstrap template gives them the tags that the example asks for."""
    template = (ROOT / "node_modules/aws-cdk/lib/api/bootstrap/bootstrap-template.yaml").read_text()
    tags = set(re.findall(r"Key: aws-cdk:bootstrap-role\s+Value: (\S+)", template))
    asked = re.search(
        r'"iam:ResourceTag/aws-cdk:bootstrap-role": (\[.*?\])',
        (ROOT / "examples/github_role.py").read_text(),
        re.DOTALL,
    )
    assert asked
    assert set(json.loads(asked[1])) == tags - {"image-publishing"}
