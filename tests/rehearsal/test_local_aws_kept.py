"""`partner-account` on MiniStack: what moto can't do is to deploy the construct, judge policies, and heed keys."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from partner_account_handler import identity
from partner_account_rehearsal.local_aws import ACCOUNT as LOCAL_ACCOUNT
from partner_account_rehearsal.local_aws import LocalAws, local_aws
from tests.cli.stage import EMAIL, Stage
from tests.cli.test_doctor import verdicts
from tests.construct.apps import partner_in

pytestmark = pytest.mark.e2e

ALLOWED = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "partnercentral:*", "Resource": "*"}],
}

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": LOCAL_ACCOUNT}}],
}


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """One local AWS for all."""
    with local_aws() as aws:
        yield aws


@pytest.fixture
def stage(aws: LocalAws) -> Stage:
    """The command, led there."""
    return Stage("", "", dict(aws.environment))


def test_drift_of_a_real_deployment(aws: LocalAws, stage: Stage, tmp_path: Path) -> None:
    """The construct's own stack, deployed with its own function: no drift, then drift."""
    _deploy(aws, tmp_path)
    done = stage.run("drift", "--stack-name", "Demo", "--output", "json")
    assert done.status == 0, done.told
    (partner,) = done.document["Partners"]
    assert {one["Verdict"] for one in partner["Fields"]} == {"same"}
    (tag,) = (one for one in partner["Fields"] if one["Field"] == f"Tags.{identity.OWNER_TAG}")
    assert len(tag["Service"]) == 65
    tags = [{"Key": "team", "Value": "other"}]
    aws.client("partnercentral-account").tag_resource(ResourceArn=partner["Arn"], Tags=tags)
    assert stage.run("drift", "--stack-name", "Demo").status == 2


def test_doctor_asks_iam(aws: LocalAws, stage: Stage) -> None:
    """About the role of the caller's session: without a policy for it it denies, with one it allows."""
    iam = aws.client("iam")
    role = iam.create_role(RoleName="Operator", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    session = aws.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="jane")["Credentials"]
    stage.environment |= {
        "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
        "AWS_SESSION_TOKEN": session["SessionToken"],
    }
    assert verdicts(stage)["permissions to act"] == "unknown"  # who may not even ask
    asking = {"Effect": "Allow", "Action": ["iam:GetRole", "iam:SimulatePrincipalPolicy"], "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": asking})
    iam.put_role_policy(RoleName="Operator", PolicyName="asking", PolicyDocument=policy)
    assert verdicts(stage)["permissions to act"] == "failed"
    iam.put_role_policy(RoleName="Operator", PolicyName="all", PolicyDocument=json.dumps(ALLOWED))
    assert verdicts(stage)["permissions to act"] == "passed"


def test_a_parameter_keeps_its_key(aws: LocalAws, stage: Stage) -> None:
    """An overwritten parameter would otherwise go back to the AWS-managed key."""
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    ssm = aws.client("ssm")
    ssm.put_parameter(Name="/keyed", Value="000000", Type="SecureString", KeyId=key)
    assert stage.run("store-code", "--parameter", "/keyed", stdin="654321").status == 0
    (described,) = ssm.describe_parameters()["Parameters"]
    assert described["KeyId"] == key
    assert ssm.get_parameter(Name="/keyed", WithDecryption=True)["Parameter"]["Value"] == "654321"


def test_a_secret_is_overwritten_by_one_code_after_another(aws: LocalAws, stage: Stage) -> None:
    """And nobody else is suspected of having written it."""
    stored = aws.client("secretsmanager")
    stored.create_secret(Name="again")
    for code in ("111111", "222222", "333333"):
        assert stage.run("store-code", "--secret-id", "again", stdin=code).status == 0
        assert stored.get_secret_value(SecretId="again")["SecretString"] == code


def _deploy(aws: LocalAws, folder: Path) -> None:
    app = cdk.App(outdir=str(folder))
    synthesizer = cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False, file_assets_bucket_name="assets")
    environment = cdk.Environment(account=LOCAL_ACCOUNT, region="us-east-1")
    stack = cdk.Stack(app, "Demo", synthesizer=synthesizer, env=environment)
    cdk.Tags.of(partner_in(stack)).add("team", "alliances")
    app.synth()
    _upload(aws, folder)
    aws.client("partnercentral-account").send_email_verification_code(Catalog="AWS", Email=EMAIL)
    code = aws.partner_central.outbox()[-1].code
    aws.client("secretsmanager").create_secret(Name="code", SecretString=code)
    cloudformation = aws.client("cloudformation")
    body = (folder / "Demo.template.json").read_text()
    cloudformation.create_stack(StackName="Demo", TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName="Demo", WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def _upload(aws: Any, assembly: Path) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="assets")
    manifest = json.loads((assembly / "Demo.assets.json").read_text())
    for asset in manifest["files"].values():
        if asset["source"]["packaging"] == "zip":
            (destination,) = asset["destinations"].values()
            folder = assembly / asset["source"]["path"]
            archive = Path(shutil.make_archive(str(folder), "zip", folder))
            s3.put_object(Bucket="assets", Key=destination["objectKey"], Body=archive.read_bytes())
