"""Access to a local AWS on a shared machine, its IAM decisions, and its functions' environment."""

from __future__ import annotations

import importlib
import inspect
import io
import json
import socket
import ssl
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3
from botocore.exceptions import ClientError

from partner_account_rehearsal.local_aws import ACCOUNT, LocalAws, local_aws

pytestmark = pytest.mark.e2e

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"AWS": ACCOUNT, "Service": "lambda.amazonaws.com"},
        }
    ],
}
# Tells which modules it finds, and from where; `six` is its own.
LOOKS_AROUND = """
import importlib.util, os, boto3, six

def handler(event, context):
    return {
        "found": [name for name in event["names"] if importlib.util.find_spec(name)],
        "own": six.__file__ == os.path.join(os.environ["LAMBDA_TASK_ROOT"], "six.py"),
        "account": boto3.client("sts").get_caller_identity()["Account"],
        "variables": [name for name in os.environ if name.startswith("PARTNER_ACCOUNT_")],
    }
"""
# Uses the SDK for JavaScript as CDK's custom resources do: by commands or methods, listed, or copied by a bundler.
USES_SDK = """
const { S3Client, ListObjectVersionsCommand, paginateListObjectsV2 } = require("@aws-sdk/client-s3");
const copied = { ...require("@aws-sdk/client-ssm") };
const { S3, NoSuchKey } = require("@aws-sdk/client-s3");

exports.handler = async (event) => {
  const client = new S3Client({}), s3 = new S3(), ssm = new copied.SSM({ region: "eu-west-1" });
  await s3.putObject({ Bucket: "javascript", Key: "key", Body: Buffer.from([104, 105]) });
  const versions = await client.send(new ListObjectVersionsCommand({ Bucket: "javascript" }));
  const keys = [];
  const pages = paginateListObjectsV2({ client }, { Bucket: "javascript" });
  for await (const page of pages) keys.push(...page.Contents.map((one) => one.Key));
  const body = await (await s3.getObject({ Bucket: "javascript", Key: "key" })).Body.transformToString();
  const absent = await s3.getObject({ Bucket: "javascript", Key: "absent" }).catch((error) => error);
  const denied = await ssm.putParameter({ Name: "/elsewhere", Value: "1", Type: "String" }).catch((error) => error);
  await ssm.putParameter({ Name: "/cdk/exports/one", Value: "1", Type: "String" });
  const deleted = await ssm.deleteParameters({ Names: ["/cdk/exports/one"] });
  return {
    clients: Object.keys(copied).filter((name) => name.endsWith("Client")),
    versions: versions.Versions.length, age: versions.Versions[0].LastModified instanceof Date, keys, body,
    absent: absent instanceof NoSuchKey, denied: denied.name, deleted: deleted.DeletedParameters,
  };
};
"""
# Signals a wait condition as cfn-signal does: by its URL alone.
WAITING = {
    "Resources": {
        "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        "Wait": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "60", "Count": 1},
        },
    },
}


@pytest.fixture
def web(aws: LocalAws) -> Iterator[urllib3.PoolManager]:
    """A client that signs nothing."""
    with urllib3.PoolManager(ca_certs=aws.environment["AWS_CA_BUNDLE"], retries=False, timeout=10) as web:
        yield web


def make_role(aws: LocalAws, name: str, *statements: Mapping[str, Any]) -> str:
    """A role that the account and Lambda may take on, with these statements as its policy; its ARN."""
    iam = aws.client("iam")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    if statements:
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_role_policy(RoleName=name, PolicyName="Own", PolicyDocument=policy)
    return str(made["Role"]["Arn"])


def as_seen_with(aws: LocalAws, **credentials: str) -> LocalAws:
    """The local AWS with other credentials."""
    return replace(aws, environment={**aws.environment, **credentials})


def session_of(aws: LocalAws, role: str) -> LocalAws:
    """The local AWS as a new session of the role sees it."""
    made = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="jane")["Credentials"]
    return as_seen_with(
        aws,
        AWS_ACCESS_KEY_ID=made["AccessKeyId"],
        AWS_SECRET_ACCESS_KEY=made["SecretAccessKey"],
        AWS_SESSION_TOKEN=made["SessionToken"],
    )


def deploy(aws: LocalAws, name: str, template: Mapping[str, Any]) -> dict[str, str]:
    """Create a stack, and wait for it; its outputs."""
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 200})
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}


def archive(**modules: str) -> bytes:
    """A function's code."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for name, text in modules.items():
            file.writestr(f"{name}.py", text)
    return written.getvalue()


def function(name: str, role: str, code: str, **variables: str) -> dict[str, Any]:
    """What makes a function."""
    return {
        "FunctionName": name,
        "Role": role,
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Code": {"ZipFile": archive(index=code, six=inspect.getsource(importlib.import_module("six")))},
        "Environment": {"Variables": variables},
        "Timeout": 30,
    }


def invoke(aws: LocalAws, name: str, code: str, event: Mapping[str, Any], **variables: str) -> Any:
    """What a new function answers, whose role has no policy."""
    functions = aws.client("lambda")
    functions.create_function(**function(name, make_role(aws, f"role-of-{name}"), code, **variables))
    return json.load(functions.invoke(FunctionName=name, Payload=json.dumps(event))["Payload"])


STRANGERS = {
    "the account number": {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SESSION_TOKEN": ""},
    "MiniStack's test key": {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": ""},
    "a made-up token": {"AWS_SESSION_TOKEN": "x" * 43},
}


@pytest.mark.parametrize("credentials", STRANGERS.values(), ids=STRANGERS)
def test_function_is_not_created_without_the_session_token(aws: LocalAws, credentials: Mapping[str, str]) -> None:
    """An account number, a well-known key or a made-up token can't create a function, which would run here."""
    stranger = as_seen_with(aws, **credentials)
    with pytest.raises(ClientError, match=r"UnrecognizedClientException.*token included in the request is invalid"):
        stranger.client("lambda").create_function(
            **function("stranger", f"arn:aws:iam::{ACCOUNT}:role/anybody", LOOKS_AROUND)
        )
    assert aws.client("lambda").list_functions()["Functions"] == []


@pytest.mark.parametrize("service", ["s3", "sts", "cloudformation", "secretsmanager", "partnercentral-account"])
def test_session_token_cut_short_is_refused_by_each_service(aws: LocalAws, service: str) -> None:
    """By each protocol that AWS has, and by Partner Central, whose requests a rehearsal counts: it notes none."""
    stranger = as_seen_with(aws, AWS_SESSION_TOKEN=aws.environment["AWS_SESSION_TOKEN"][:-1])
    calls = {
        "s3": "list_buckets",
        "sts": "get_caller_identity",
        "cloudformation": "list_stacks",
        "secretsmanager": "list_secrets",
        "partnercentral-account": "list_partners",
    }
    more = {"Catalog": "AWS"} if service == "partnercentral-account" else {}
    noted = len(aws.partner_central.requests())
    with pytest.raises(ClientError) as refused:
        getattr(stranger.client(service), calls[service])(**more)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert len(aws.partner_central.requests()) == noted


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_ministack/health"),
        ("POST", "/_ministack/reset"),
        ("POST", "/_ministack/config"),
        ("GET", f"/_ministack/lambda-code/{ACCOUNT}/us-east-1/any"),
        ("PUT", "/_ministack/cfn-response/"),
        ("PUT", "/_ministack/cfn-response/00000000-0000-4000-8000-000000000000"),
        ("PUT", "/_ministack/cfn-signal/00000000-0000-4000-8000-000000000000"),
        ("OPTIONS", "/"),
        ("GET", "/?X-Amz-Security-Token="),
        ("GET", "/latest/meta-data/iam/security-credentials/"),
    ],
)
def test_no_endpoint_of_ministack_answers_without_the_session_token(
    aws: LocalAws, web: urllib3.PoolManager, method: str, path: str
) -> None:
    """Neither MiniStack's own endpoints, nor an answer that no custom resource waits for."""
    assert web.request(method, f"{aws.environment['AWS_ENDPOINT_URL']}{path}").status == 403


def test_no_websocket_is_opened_without_the_session_token(aws: LocalAws) -> None:
    """The connection ends before anything is sent on it."""
    address = urlsplit(aws.environment["AWS_ENDPOINT_URL"])
    trust = ssl.create_default_context(cafile=aws.environment["AWS_CA_BUNDLE"])
    request = (
        "GET /stage HTTP/1.1\r\nHost: abc.execute-api.us-east-1.amazonaws.com\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with (
        socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as plain,
        trust.wrap_socket(plain, server_hostname=address.hostname) as connection,
    ):
        connection.sendall(request.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 403")


def test_each_session_of_a_role_has_credentials_of_its_own(aws: LocalAws) -> None:
    """STS's are taken by AWS and by Partner Central, and no two sessions have the same."""
    listing = {"Effect": "Allow", "Action": "partnercentral:ListPartners", "Resource": "*"}
    role = make_role(aws, "Lister", listing)
    session, other = (session_of(aws, role) for _ in range(2))
    assert len({one.environment["AWS_SESSION_TOKEN"] for one in (aws, session, other)}) == 3
    assert session.client("sts").get_caller_identity()["Arn"].endswith(":assumed-role/Lister/jane")
    assert session.client("partnercentral-account").list_partners(Catalog="AWS")["PartnerSummaryList"] == []


def test_list_imports_needs_permission_and_fails_without_importers_as_on_aws(aws: LocalAws) -> None:
    """By this the function knows whether an output that it answers is in use."""
    handle = {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
    for name, outputs in (
        (
            "Told",
            {"Read": {"Value": "1", "Export": {"Name": "read"}}, "Unread": {"Value": "2", "Export": {"Name": "no"}}},
        ),
        ("Reader", {"Value": {"Value": {"Fn::ImportValue": "read"}}}),
    ):
        deploy(aws, name, {"Resources": handle, "Outputs": outputs})
    asking = {"Effect": "Allow", "Action": "cloudformation:ListImports", "Resource": "*"}
    allowed = session_of(aws, make_role(aws, "Asking", asking)).client("cloudformation")
    assert allowed.list_imports(ExportName="read")["Imports"] == ["Reader"]
    with pytest.raises(ClientError, match=r"\(ValidationError\).*: Export 'no' is not imported by any stack\.$"):
        allowed.list_imports(ExportName="no")
    denied = session_of(aws, make_role(aws, "Silent")).client("cloudformation")
    with pytest.raises(ClientError, match=r"AccessDenied.*cloudformation:ListImports"):
        denied.list_imports(ExportName="read")


@pytest.mark.parametrize(("catalog", "decision"), [("AWS", "allowed"), ("Sandbox", "implicitDeny")])
def test_simulated_policy_is_evaluated_with_the_given_context(aws: LocalAws, catalog: str, decision: str) -> None:
    """As for `partner-account doctor`; MiniStack alone would deny what depends on a condition key."""
    condition = {"StringEquals": {"partnercentral:Catalog": "AWS"}, "ForAnyValue:StringEquals": {"aws:TagKeys": "Team"}}
    allowed = {"Effect": "Allow", "Action": "partnercentral:CreatePartner", "Resource": "*", "Condition": condition}
    role = make_role(aws, f"Creator{catalog}", allowed)
    before = aws.used_statements()
    answer = aws.client("iam").simulate_principal_policy(
        PolicySourceArn=role,
        ActionNames=["partnercentral:CreatePartner"],
        ContextEntries=[
            {"ContextKeyName": "aws:TagKeys", "ContextKeyValues": ["Owner", "Team"], "ContextKeyType": "stringList"},
            {"ContextKeyName": "partnercentral:Catalog", "ContextKeyValues": [catalog], "ContextKeyType": "string"},
        ],
    )
    assert [one["EvalDecision"] for one in answer["EvaluationResults"]] == [decision]
    assert aws.used_statements() == before, "a question uses no statement"


TELLS_ITS_CREDENTIALS = """
import os

def handler(event, context):
    return {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")}
"""


def test_function_runs_on_a_session_of_its_role_whose_token_cannot_be_guessed(aws: LocalAws) -> None:
    """Its policies decide what it may do; without the local AWS's own token, what MiniStack gave it opens nothing."""
    credentials = invoke(aws, "telling", TELLS_ITS_CREDENTIALS, {})
    session = as_seen_with(aws, **credentials)
    assert session.client("sts").get_caller_identity()["Arn"].endswith(":assumed-role/role-of-telling/telling")
    with pytest.raises(ClientError, match=r"AccessDenied.*iam:ListRoles"):
        session.client("iam").list_roles()
    own, _, guessable = credentials["AWS_SESSION_TOKEN"].partition(".")
    assert own == aws.environment["AWS_SESSION_TOKEN"]
    guessed = as_seen_with(aws, **{**credentials, "AWS_SESSION_TOKEN": guessable})
    with pytest.raises(ClientError, match=r"InvalidClientTokenId.*token included in the request is invalid"):
        guessed.client("sts").get_caller_identity()


def test_presigned_url_needs_no_other_credentials(aws: LocalAws, web: urllib3.PoolManager) -> None:
    """It holds the session token; without that part it opens nothing."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="presigned")
    s3.put_object(Bucket="presigned", Key="key", Body=io.BytesIO(b"streamed"), ChecksumAlgorithm="SHA256")
    url = s3.generate_presigned_url("get_object", {"Bucket": "presigned", "Key": "key"})
    answer = web.request("GET", url)
    assert (answer.status, answer.data) == (200, b"streamed")
    kept = "&".join(part for part in url.split("&") if "security-token" not in part.lower())
    assert kept != url
    assert web.request("GET", kept).status == 403


def test_wait_condition_is_signalled_by_its_url_alone(aws: LocalAws, web: urllib3.PoolManager) -> None:
    """As the answer of a custom resource is: whoever has the URL needs no credentials."""
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName="Waiting", TemplateBody=json.dumps(WAITING))
    url, deadline = "", time.monotonic() + 20
    while not url.startswith("https://") and time.monotonic() < deadline:
        found = cloudformation.describe_stack_resources(StackName="Waiting")["StackResources"]
        url = next((one["PhysicalResourceId"] for one in found if one["LogicalResourceId"] == "Handle"), "")
        time.sleep(0.1)
    signal = {"Status": "SUCCESS", "Reason": "done", "UniqueId": "1", "Data": "x"}
    assert web.request("PUT", url, body=json.dumps(signal)).status == 200
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName="Waiting", WaiterConfig={"Delay": 1, "MaxAttempts": 20})


def test_credentials_are_in_no_process_list_and_in_a_private_folder(aws: LocalAws) -> None:
    """They are in no process's arguments, and files are in a private folder."""
    token = aws.environment["AWS_SESSION_TOKEN"]
    assert len(token) >= 43
    assert aws.folder.stat().st_mode & 0o777 == 0o700
    arguments = subprocess.run(["ps", "axww", "-o", "args="], capture_output=True, text=True, check=True).stdout
    assert "hypercorn" in arguments
    assert token not in arguments


def test_service_missing_from_ministack_is_not_mistaken_for_a_bucket(aws: LocalAws) -> None:
    """`doctor` asks AWS Free Tier, which has no answer here."""
    with pytest.raises(ClientError) as refused:
        aws.client("freetier").get_account_plan_state()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_function_imports_what_lambda_has_and_nothing_installed_beside_the_command(aws: LocalAws) -> None:
    """boto3 and what it needs, its own modules before them; no package that happens to be installed here."""
    lambda_has = ["boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3"]
    here = ["crhelper", "partner_account_handler", "partner_account", "ministack", "aws_cdk", "click", "pip", "pytest"]
    found = invoke(aws, "curious", LOOKS_AROUND, {"names": lambda_has + here})
    assert found == {"found": lambda_has, "own": True, "account": ACCOUNT, "variables": []}


def test_function_in_node_js_has_the_sdk_that_lambda_has_under_its_roles_policies(aws: LocalAws) -> None:
    """Clients of any service and region, errors by name, bytes and dates; what the role lacks is denied."""
    aws.client("s3").create_bucket(Bucket="javascript")
    parameters = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/cdk/exports/*"
    allowed = (
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        {"Effect": "Allow", "Action": ["ssm:PutParameter", "ssm:DeleteParameters"], "Resource": parameters},
    )
    made = function("javascript", make_role(aws, "javascript", *allowed), "")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as file:
        file.writestr("index.js", USES_SDK)
    functions = aws.client("lambda")
    functions.create_function(**made | {"Runtime": "nodejs24.x", "Code": {"ZipFile": code.getvalue()}})
    answer = json.load(functions.invoke(FunctionName="javascript", Payload="{}")["Payload"])
    assert answer == {
        "clients": ["SSMClient"],
        "versions": 1,
        "age": True,
        "keys": ["key"],
        "body": "hi",
        "absent": True,
        "denied": "AccessDeniedException",
        "deleted": ["/cdk/exports/one"],
    }


def test_stacks_bucket_has_its_tags_and_outputs_of_nested_stacks_and_other_regions_are_found(
    aws: LocalAws, nested: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> None:
    """CDK's auto_delete_objects looks for a tag, a nested stack may export, and weak references name the region."""
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "tagged", "Tags": [{"Key": "a", "Value": "b"}]}}
    exported = {"Name": {"Value": {"Ref": "Bucket"}, "Export": {"Name": "exported"}}}
    outer = {"Nested": nested({"Resources": {"Bucket": bucket}, "Outputs": exported})}
    imported = {"Imported": {"Value": {"Fn::ImportValue": "exported"}}}
    handle = {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
    reference = {"Fn::GetStackOutput": {"StackName": "Imports", "OutputName": "Imported", "Region": "eu-west-1"}}
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/read", "Type": "String", "Value": reference}}
    for region, name, template in (
        ("eu-west-1", "Exports", {"Resources": outer}),
        ("eu-west-1", "Imports", {"Resources": handle, "Outputs": imported}),
        ("us-east-1", "Elsewhere", {"Resources": {"Read": parameter}}),
    ):
        deploy(aws.at(region), name, template)
    assert aws.client("s3").get_bucket_tagging(Bucket="tagged")["TagSet"] == [{"Key": "a", "Value": "b"}]
    assert aws.client("ssm").get_parameter(Name="/read")["Parameter"]["Value"] == "tagged"


def test_functions_pythonpath_is_its_own_and_not_the_shells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not that of the shell in which a local AWS was started."""
    for name in ("of_the_shell", "of_the_function"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "of_the_shell"))
    event = {"names": ["of_the_shell", "of_the_function"]}
    with local_aws() as aws:
        assert invoke(aws, "plain", LOOKS_AROUND, event)["found"] == []
        own = invoke(aws, "extended", LOOKS_AROUND, event, PYTHONPATH=str(tmp_path / "of_the_function"))
    assert own["found"] == ["of_the_function"]


def custom_resource(code: Mapping[str, str], runtime: str = "python3.13", **properties: str) -> dict[str, Any]:
    """A custom resource and its function, whose role doesn't exist."""
    role, token = f"arn:aws:iam::{ACCOUNT}:role/anybody", {"Fn::GetAtt": ["Function", "Arn"]}
    made = {"Role": role, "Runtime": runtime, "Handler": "index.handler", "Code": code}
    return {
        "Function": {"Type": "AWS::Lambda::Function", "Properties": made},
        "Custom": {"Type": "Custom::It", "Properties": {"ServiceToken": token, **properties}},
    }


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ({"index": "import crhelper"}, "Lambda can't load the function: No module named 'crhelper'"),
        # CloudFormation adds it to code in the template, and for Python by `import cfnresponse` alone.
        ({"index": "import cfnresponse"}, "Lambda can't load the function: No module named 'cfnresponse'"),
        ("from cfnresponse import send", "Lambda can't load the function: No module named 'cfnresponse'"),
        ({"other": ""}, "Lambda can't load the function: No module named 'index'"),
        (
            {"index": "raise SystemExit('no licence')"},
            "Lambda can't load the function: Worker process exited immediately",
        ),
        ({"index": ""}, "Lambda can't load the function: module 'index' has no attribute 'handler'"),
        (
            {"index": "def handler(event, context):\n    raise ValueError('no licence')"},
            "the function failed before it responded to CloudFormation: no licence",
        ),
        (
            {"index": "def handler(event, context):\n    pass"},
            "no response within 1 s: a rehearsal waits no longer",
        ),
    ],
)
def test_custom_resource_fails_at_once_if_its_function_cannot_be_loaded_fails_or_does_not_answer(
    aws: LocalAws, code: Mapping[str, str] | str, reason: str
) -> None:
    """With the error of the import as its reason, and not after the service timeout, which is an hour."""
    timeout = "1" if reason.startswith("no response") else "3600"
    place = {"ZipFile": code} if isinstance(code, str) else {"S3Bucket": "code", "S3Key": "code.zip"}
    template = {"Resources": custom_resource(place, ServiceTimeout=timeout)}
    s3, cloudformation = aws.client("s3"), aws.client("cloudformation")
    s3.create_bucket(Bucket="code")
    if not isinstance(code, str):
        s3.put_object(Bucket="code", Key="code.zip", Body=archive(**code))
    stack = cloudformation.create_stack(StackName="Broken", TemplateBody=json.dumps(template), OnFailure="DELETE")
    deadline = time.monotonic() + 20
    reasons: list[str] = []
    while not reasons and time.monotonic() < deadline:
        events = cloudformation.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
        reasons = [one["ResourceStatusReason"] for one in events if one["ResourceStatus"] == "CREATE_FAILED"]
        time.sleep(0.1)
    assert reasons[0].startswith(reason)
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=stack["StackId"], WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )


# By CloudFormation's `cfn-response`, and as crhelper answers: no client is told whom to trust.
ANSWERS = {
    "cfnresponse": (
        "python3.13",
        """
import cfnresponse

def handler(event, context):
    cfnresponse.send(event, context, cfnresponse.SUCCESS, {"Key": "value"}, "physical-id")
""",
    ),
    "crhelper": (
        "python3.13",
        """
import http.client, json, urllib.parse

def handler(event, context):
    url = urllib.parse.urlsplit(event["ResponseURL"])
    answer = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"Status": "SUCCESS", "PhysicalResourceId": "physical-id", "Data": {"Key": "value"}}
    connection = http.client.HTTPSConnection(url.netloc)
    connection.request("PUT", f"{url.path}?{url.query}", json.dumps(answer), {"Content-Type": ""})
    connection.getresponse()
""",
    ),
    "cfn-response": (
        "nodejs24.x",
        """
const response = require("cfn-response");
exports.handler = (event, context) => {
  response.send(event, context, response.SUCCESS, { Key: "value" }, "physical-id");
};
""",
    ),
}


@pytest.mark.parametrize("module", ANSWERS)
def test_inline_function_of_another_custom_resource_answers_cloudformation(aws: LocalAws, module: str) -> None:
    """By the trust that its runtime has, since nobody wrote it for a local AWS."""
    runtime, code = ANSWERS[module]
    template = {
        "Resources": custom_resource({"ZipFile": code}, runtime),
        "Outputs": {"Key": {"Value": {"Fn::GetAtt": ["Custom", "Key"]}}, "Id": {"Value": {"Ref": "Custom"}}},
    }
    outputs = deploy(aws, f"Answers-{module}", template)
    assert outputs == {"Key": "value", "Id": "physical-id"}
    aws.client("cloudformation").delete_stack(StackName=f"Answers-{module}")


# --- What moto can't tell of `partner-account store-code` ---


def store_code(aws: LocalAws, *arguments: str, code: str) -> None:
    """Run the installed command in the local AWS's environment."""
    command = [str(Path(sys.executable).with_name("partner-account")), "store-code", *arguments]
    subprocess.run(command, env=dict(aws.environment), input=code, capture_output=True, text=True, check=True)


def test_overwritten_parameter_keeps_its_key(aws: LocalAws) -> None:
    """It would otherwise go back to the AWS-managed key."""
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    ssm = aws.client("ssm")
    ssm.put_parameter(Name="/keyed", Value="000000", Type="SecureString", KeyId=key)
    store_code(aws, "--parameter", "/keyed", code="654321")
    (described,) = [one for one in ssm.describe_parameters()["Parameters"] if one["Name"] == "/keyed"]
    assert described["KeyId"] == key
    assert ssm.get_parameter(Name="/keyed", WithDecryption=True)["Parameter"]["Value"] == "654321"
