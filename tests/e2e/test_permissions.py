"""Least privilege, proved by deployments: each statement of docs/permissions.md is needed, as it is.

Each deployment is CloudFormation's on the local AWS, of the construct's own template and asset, in an account of its
own; one thing is different in the role's policies. What Lambda itself needs in a VPC isn't checked there.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm

from partner_account import VerificationCode
from partner_account_rehearsal.local_aws import LocalAws, local_aws
from tests.construct.apps import CONTACT, new_stack, partner_in

pytestmark = pytest.mark.e2e

ACCOUNT = "111111111111"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:code-AbCdEf"
PARAMETER = "/partner-account/code"
OWN_KEY_POLICY = {
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::{}:root"}, "Action": "kms:*", "Resource": "*"}]
}
# Little enough that a denial, which may be IAM's delay, isn't waited out for a minute and a half.
SECONDS = 67

Template = dict[str, Any]
Statement = dict[str, Any]

_numbers = count(300000000001)


# --- What is different: each takes a statement, and returns those that stand in its place ---


def without(action: str) -> Callable[[Statement], list[Statement]]:
    """The statement without that action."""

    def changed(statement: Statement) -> list[Statement]:
        rest = [one for one in actions_of(statement) if one != action]
        return [{**statement, "Action": rest}] if rest else []

    return changed


def narrowed(action: str) -> Callable[[Statement], list[Statement]]:
    """That action on less: on partners only instead of `*`, on none instead of all, on another secret, stack or key."""

    def changed(statement: Statement) -> list[Statement]:
        resource = statement["Resource"]
        partners = {"Fn::Sub": "arn:${AWS::Partition}:partnercentral:us-east-1:${AWS::AccountId}:catalog/AWS/partner/*"}
        narrower = partners if resource == "*" else {"Fn::Join": ["", [resource, "-another"]]}
        return [*without(action)(statement), {**statement, "Sid": "Narrowed", "Action": action, "Resource": narrower}]

    return changed


def for_another_value(action: str) -> Callable[[Statement], list[Statement]]:
    """That action under the statement's condition, with another value of its key, or another tag."""

    def changed(statement: Statement) -> list[Statement]:
        text = json.dumps(statement["Condition"])
        for found, other in (('"AWS"', '"Sandbox"'), (":owner", ":another"), (".amazonaws.com", ".example.com")):
            text = text.replace(found, other)
        assert json.loads(text) != statement["Condition"]
        return [
            *without(action)(statement),
            {**statement, "Sid": "Conditioned", "Action": action, "Condition": json.loads(text)},
        ]

    return changed


def actions_of(statement: Statement) -> list[str]:
    """Its actions, also if there is one only."""
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else list(actions)


# --- The stories, and what of the policies each needs ---


@dataclass(frozen=True)
class Need:
    """An action that a story needs by the statement of that Sid, and the call that is denied without it."""

    sid: str
    action: str
    code: str = "secret"
    updates: bool = False
    denied: str = ""

    @property
    def call(self) -> str:
        """As the reason names it."""
        return self.denied or self.action.partition(":")[2]


NEEDS = [
    Need("LookForPartners", "partnercentral:ListPartners"),
    Need("AskOwnStack", "cloudformation:DescribeStacks"),
    Need("CreatePartner", "partnercentral:CreatePartner"),
    Need("TagAtCreation", "partnercentral:TagResource", denied="CreatePartner"),
    Need("ReadCodeFromSecret", "secretsmanager:GetSecretValue"),
    Need("DecryptCodeFromSecret", "kms:Decrypt", denied="GetSecretValue"),
    Need("ReadCodeFromParameterStore", "ssm:GetParameter", code="parameter"),
    Need("DecryptCodeFromParameterStore", "kms:Decrypt", code="parameter", denied="GetParameter"),
    Need("ReadPartner", "partnercentral:GetPartner", updates=True),
    Need("ReadPartner", "partnercentral:GetAllianceLeadContact", updates=True),
    Need("UpdateContact", "partnercentral:PutAllianceLeadContact", updates=True),
    Need("ReadTags", "partnercentral:ListTagsForResource", updates=True),
    Need("UpdateTags", "partnercentral:TagResource", updates=True),
    Need("UpdateTags", "partnercentral:UntagResource", updates=True),
]
CONDITIONED = {"LookForPartners", "CreatePartner", "TagAtCreation", "DecryptCodeFromSecret"}
CONDITIONED |= {"DecryptCodeFromParameterStore"}
CASES = {
    f"{need.sid} {need.action} {name}": (need, change(need.action))
    for need in NEEDS
    for name, change in (("removed", without), ("narrower", narrowed), ("other condition", for_another_value))
    if change is not for_another_value or need.sid in CONDITIONED
}


@dataclass
class Account:
    """An account of its own on the local AWS, with a code in its store and the function's code in a bucket."""

    aws: LocalAws
    asset: Path
    code: str
    number: str = field(default_factory=lambda: str(next(_numbers)))
    replaced: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Prepare what the template refers to."""
        self.aws = self.aws.at(self.number, "us-east-1")
        s3 = self.aws.client("s3")
        s3.create_bucket(Bucket=f"code-{self.number}")
        # With a file of its own: MiniStack unpacks the same code once, and removes it with the first of the functions.
        own = _packed(self.asset, account=self.number)
        s3.put_object(Bucket=f"code-{self.number}", Key="code.zip", Body=own)
        email = f"jane.{self.number}@example.com"
        policy = json.dumps(OWN_KEY_POLICY).replace("{}", self.number)
        key = self.aws.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"]
        self.aws.client("partnercentral-account").send_email_verification_code(Catalog="AWS", Email=email)
        code = next(mail.code for mail in self.aws.partner_central.outbox() if mail.email == email)
        self.replaced = {KEY: key, ACCOUNT: self.number, CONTACT.email: email}
        if self.code == "secret":
            made = self.aws.client("secretsmanager").create_secret(Name="code", SecretString=code, KmsKeyId=key)
            self.replaced = {SECRET: made["ARN"], **self.replaced}
        else:
            self.aws.client("ssm").put_parameter(Name=PARAMETER, Value=code, Type="SecureString", KeyId=key)

    @property
    def stack(self) -> str:
        """The stack's name; MiniStack keeps apart what functions of one name have by that name only."""
        return f"Demo{self.number}"

    def create(self, template: Template) -> Mapping[str, Any]:
        """Create the stack, and wait for the end."""
        return self._deploy("create_stack", template)

    def update(self, template: Template) -> Mapping[str, Any]:
        """Update the stack, and wait for the end."""
        return self._deploy("update_stack", template)

    def reasons(self) -> list[str]:
        """Why resources failed."""
        events = self.aws.client("cloudformation").describe_stack_events(StackName=self.stack)["StackEvents"]
        return [one.get("ResourceStatusReason", "") for one in events if one["ResourceStatus"].endswith("FAILED")]

    def log(self) -> list[str]:
        """All that the account's functions have logged."""
        logs = self.aws.client("logs")
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        return [one["message"] for group in groups for one in logs.filter_log_events(logGroupName=group)["events"]]

    def _deploy(self, operation: str, template: Template) -> Mapping[str, Any]:
        cloudformation = self.aws.client("cloudformation")
        body = json.dumps(template)
        for placeholder, value in self.replaced.items():
            body = body.replace(placeholder, value)
        capabilities = ["CAPABILITY_NAMED_IAM"]
        getattr(cloudformation, operation)(StackName=self.stack, TemplateBody=body, Capabilities=capabilities)
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            (stack,) = cloudformation.describe_stacks(StackName=self.stack)["Stacks"]
            if not stack["StackStatus"].endswith("IN_PROGRESS"):
                described: Mapping[str, Any] = stack
                return described
            time.sleep(0.3)
        raise AssertionError(f"{operation} takes longer than three minutes")


def synthesized(code: str) -> tuple[Template, Path]:
    """The template of a stack with a partner whose code is there, and its function's code."""
    stack = new_stack(synthesizer=cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False))
    key = kms.Key.from_key_arn(stack, "Key", KEY)
    if code == "secret":
        secret = secretsmanager.Secret.from_secret_attributes(
            stack, "Code", secret_complete_arn=SECRET, encryption_key=key
        )
        source = VerificationCode.from_secrets_manager(secret)
    else:
        parameter = ssm.StringParameter.from_secure_string_parameter_attributes(stack, "Code", parameter_name=PARAMETER)
        source = VerificationCode.from_ssm_parameter(parameter, encryption_key=key)
    partner = partner_in(stack, legal_name=f"Example Corp {ACCOUNT}", email_verification_code=source)
    cdk.Tags.of(partner).add("Team", "Alliances")
    assembly = cdk.App.of(stack).synth()  # type: ignore[union-attr]
    template: Template = deepcopy(assembly.get_stack_by_name("Demo").template)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["Code"] = {"S3Bucket": f"code-{ACCOUNT}", "S3Key": "code.zip"}
            resource["Properties"]["Timeout"] = SECONDS
    (folder,) = Path(assembly.directory).glob("asset.*")
    return template, folder


def _packed(folder: Path, **more: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for path in folder.rglob("*"):
            file.write(path, path.relative_to(folder))
        for name, text in more.items():
            file.writestr(name, text)
    return written.getvalue()


def changed(template: Template, sid: str, change: Callable[[Statement], list[Statement]]) -> Template:
    """The template with other statements in the place of the one with that Sid."""
    template, found = deepcopy(template), 0
    for document in documents_in(template):
        statements = [
            changed for one in document["Statement"] for changed in (change(one) if one.get("Sid") == sid else [one])
        ]
        found += sum(one.get("Sid") == sid for one in document["Statement"])
        document["Statement"] = statements
    assert found == 1
    return template


def documents_in(template: Template) -> Iterator[dict[str, Any]]:
    """All policies of the function's role."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::IAM::Policy":
            yield resource["Properties"]["PolicyDocument"]
        for policy in resource.get("Properties", {}).get("Policies", ()):
            yield policy["PolicyDocument"]


def with_another_contact_and_tag(template: Template) -> Template:
    """What the next deployment of the app asks for: another title, one tag more and one less."""
    template = deepcopy(template)
    for resource in template["Resources"].values():
        if resource["Type"] == "Custom::PartnerAccount":
            resource["Properties"]["AllianceLeadContact"]["BusinessTitle"] = "Head of Alliances"
            resource["Properties"]["Tags"] = [{"Key": "Department", "Value": "Alliances"}]
    return template


@dataclass(frozen=True)
class Ended:
    """How a deployment ended, and why it failed if it did."""

    status: str
    reasons: list[str]


@dataclass
class Trials:
    """The local AWS, the templates, and the deployments that run there."""

    aws: LocalAws
    templates: Mapping[str, tuple[Template, Path]]
    running: dict[str, Future[Ended]] = field(default_factory=dict)

    def account(self, code: str = "secret") -> Account:
        """A new account."""
        return Account(self.aws, self.templates[code][1], code)

    def run(self, need: Need, change: Callable[[Statement], list[Statement]]) -> Ended:
        """Deploy with that difference; an update comes after a deployment without it."""
        account, template = self.account(need.code), self.templates[need.code][0]
        if need.updates:
            assert account.create(template)["StackStatus"] == "CREATE_COMPLETE", account.reasons()
            template = with_another_contact_and_tag(template)
            ended = account.update(changed(template, need.sid, change))
        else:
            ended = account.create(changed(template, need.sid, change))
        return Ended(ended["StackStatus"], account.reasons())


@pytest.fixture(scope="module")
def trials() -> Iterator[Trials]:
    """All deployments of the cases, some at a time: most of their time they wait for IAM to settle."""
    with local_aws() as aws, ThreadPoolExecutor(6) as pool:
        trials = Trials(aws, {code: synthesized(code) for code in ("secret", "parameter")})
        trials.running = {name: pool.submit(trials.run, *case) for name, case in CASES.items()}
        yield trials
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", CASES)
def test_a_deployment_fails_with_less(trials: Trials, name: str) -> None:
    """Without the action, on a narrower resource, or under another condition: rolled back, and the reason names it."""
    need, _ = CASES[name]
    ended = trials.running[name].result()
    assert ended.status == ("UPDATE_ROLLBACK_COMPLETE" if need.updates else "ROLLBACK_COMPLETE")
    assert any("AccessDenied" in reason and need.call in reason for reason in ended.reasons), ended.reasons


@pytest.mark.parametrize("code", ["secret", "parameter"])
def test_the_policies_as_they_are_suffice_and_each_action_is_used(trials: Trials, code: str) -> None:
    """Creation and update succeed, and each action of each statement has been allowed by that statement."""
    account, template = trials.account(code), trials.templates[code][0]
    assert account.create(template)["StackStatus"] == "CREATE_COMPLETE", account.reasons()
    updated = account.update(with_another_contact_and_tag(template))
    assert updated["StackStatus"] == "UPDATE_COMPLETE", account.reasons()
    used = {
        (one.sid, action)
        for one in trials.aws.allowed()
        if f":{account.number}:assumed-role/" in one.principal and one.sid  # the key's own policy has none
        for action in one.allowed
    }
    statements = [statement for document in documents_in(template) for statement in document["Statement"]]
    assert used == {(one["Sid"], action) for one in statements for action in actions_of(one)}


def test_without_its_statement_a_function_has_no_log(trials: Trials) -> None:
    """As on AWS, where the deployment succeeds all the same."""
    account, (template, _) = trials.account(), trials.templates["secret"]
    with_log = trials.account()
    assert with_log.create(template)["StackStatus"] == "CREATE_COMPLETE"
    silent = changed(template, "WriteOwnLog", without("logs:PutLogEvents"))
    assert account.create(silent)["StackStatus"] == "CREATE_COMPLETE", account.reasons()
    assert [bool(one.log()) for one in (with_log, account)] == [True, False]


def test_a_permissions_boundary_counts(trials: Trials) -> None:
    """What the role's policies allow and its boundary doesn't is denied."""
    account, template = trials.account(), deepcopy(trials.templates["secret"][0])
    allowed = {"Effect": "Allow", "NotAction": "partnercentral:CreatePartner", "Resource": "*"}
    template["Resources"]["Boundary"] = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": {"Version": "2012-10-17", "Statement": [allowed]}},
    }
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::IAM::Role":
            resource["Properties"]["PermissionsBoundary"] = {"Ref": "Boundary"}
    assert account.create(template)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("AccessDeniedException/ACCESS_DENIED: CreatePartner" in reason for reason in account.reasons())
