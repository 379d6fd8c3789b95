"""Least privilege, proved by deployments: each statement of docs/permissions.md is needed, as it is.

Each deployment is CloudFormation's on the local AWS, of the construct's own template; one thing is different in the
role's policies. Deployments that fail follow one another in one account and one stack, which then succeeds as it is. In
the asset two numbers are different: a denial, which may be IAM's delay, isn't waited out, and a profile task, which no
review ends here, isn't followed. What Lambda itself needs in a VPC isn't checked there.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from botocore.exceptions import ClientError

from partner_account import (
    IndustrySegment,
    PartnerAccount,
    PartnerAccountProvider,
    PartnerProfile,
    ProfileVisibility,
    VerificationCode,
)
from partner_account_rehearsal.local_aws import LocalAws, local_aws
from tests.construct.apps import CONTACT, new_stack, partner_in, sandbox_partner_in

pytestmark = pytest.mark.e2e

ACCOUNT = "111111111111"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:code-AbCdEf"
PARAMETER = "/partner-account/code"
PARTNER = f"arn:aws:partnercentral:us-east-1:{ACCOUNT}:catalog/AWS/partner/partner-abcDEF1234567"
OWN_KEY_POLICY = {
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::{}:root"}, "Action": "kms:*", "Resource": "*"}]
}
IN_THE_ASSET = {
    "partner_account_handler/clock.py": ("IAM_SETTLING_SECONDS = 90.0", "IAM_SETTLING_SECONDS = 0.0"),
    "partner_account_handler/profile.py": ("FOLLOW_SECONDS = 60.0", "FOLLOW_SECONDS = 0.0"),
}
AS_IT_IS = "as it is"
STORIES = ("secret", "parameter", "sandbox", "profile", "nested")

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
    story: str = "secret"
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
    Need("ReadCodeFromParameterStore", "ssm:GetParameter", story="parameter"),
    Need("DecryptCodeFromParameterStore", "kms:Decrypt", story="parameter", denied="GetParameter"),
    Need("ReadPartner", "partnercentral:GetPartner", updates=True),
    Need("ReadPartner", "partnercentral:GetAllianceLeadContact", updates=True),
    Need("UpdateContact", "partnercentral:PutAllianceLeadContact", updates=True),
    Need("ReadTags", "partnercentral:ListTagsForResource", updates=True),
    Need("UpdateTags", "partnercentral:TagResource", updates=True),
    Need("UpdateTags", "partnercentral:UntagResource", updates=True),
    Need("AskOwnStack", "cloudformation:DescribeStacks", story="profile"),
    Need("ReadProfile", "partnercentral:GetProfileVisibility", story="profile"),
    Need("UpdateProfileVisibility", "partnercentral:PutProfileVisibility", story="profile"),
    # By now the profile is hidden: the next deployments find it so.
    Need("ReadProfile", "partnercentral:GetPartner", story="profile"),
    Need("ReadProfile", "partnercentral:GetProfileUpdateTask", story="profile"),
    Need("UpdateProfile", "partnercentral:StartProfileUpdateTask", story="profile"),
    Need("UpdateProfile", "partnercentral:CancelProfileUpdateTask", story="profile", updates=True),
]
CONDITIONED = {"LookForPartners", "CreatePartner", "TagAtCreation", "DecryptCodeFromSecret"}
CONDITIONED |= {"DecryptCodeFromParameterStore"}
CASES = {
    f"{need.story} {need.sid} {need.action} {name}": (need, change(need.action))
    for need in NEEDS
    for name, change in (("removed", without), ("narrower", narrowed), ("other condition", for_another_value))
    if change is not for_another_value or need.sid in CONDITIONED
}


def groups_of(names: Iterable[str]) -> dict[str, list[str]]:
    """The cases that one stack goes through: of one story, all creations or all updates, a few of them."""
    alike: dict[str, list[str]] = {}
    for name in names:
        need, _ = CASES[name]
        alike.setdefault(f"{need.story} {'updates' if need.updates else 'creations'}", []).append(name)
    return {
        f"{kind} {part}": found[part::parts]
        for kind, found in alike.items()
        for parts in [2 if len(found) > 2 else 1]  # one case is too few for an account
        for part in range(parts)
    }


GROUPS = groups_of(CASES)
GROUP_OF = {name: group for group, names in GROUPS.items() for name in names}


@dataclass
class TrialAccount:
    """An account of its own on the local AWS, with what its story needs, and the function's code in a bucket."""

    aws: LocalAws
    asset: Path
    story: str
    number: str = field(default_factory=lambda: str(next(_numbers)))
    replaced: dict[str, str] = field(default_factory=dict)
    known_events: set[str] = field(default_factory=set)
    deployed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Prepare what the template refers to."""
        self.aws = self.aws.at("us-east-1", self.number)
        s3 = self.aws.client("s3")
        s3.create_bucket(Bucket=f"code-{self.number}")
        # With a file of its own: MiniStack unpacks the same code once, and removes it with the first of the functions.
        own = _packed(self.asset, account=self.number)
        s3.put_object(Bucket=f"code-{self.number}", Key="code.zip", Body=own)
        email = f"jane.{self.number}@example.com"
        policy = json.dumps(OWN_KEY_POLICY).replace("{}", self.number)
        key = self.aws.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"]
        partner_central = self.aws.client("partnercentral-account")
        partner_central.send_email_verification_code(Catalog="AWS", Email=email)
        code = next(mail.code for mail in self.aws.partner_central.outbox() if mail.email == email)
        self.replaced = {KEY: key, ACCOUNT: self.number, CONTACT.email: email}
        if self.story == "secret":
            made = self.aws.client("secretsmanager").create_secret(Name="code", SecretString=code, KmsKeyId=key)
            self.replaced = {SECRET: made["ARN"], **self.replaced}
        elif self.story == "parameter":
            self.aws.client("ssm").put_parameter(Name=PARAMETER, Value=code, Type="SecureString", KeyId=key)
        elif self.story in {"profile", "nested"}:
            contact = {"FirstName": "Jane", "LastName": "Doe", "Email": email, "BusinessTitle": "Owner"}
            made = partner_central.create_partner(
                Catalog="AWS",
                LegalName=f"Example Corp {self.number}",
                PrimarySolutionType="SOFTWARE_PRODUCTS",
                AllianceLeadContact=contact,
                EmailVerificationCode=code,
            )
            named: dict[str, Any] = {"Catalog": "AWS", "Identifier": made["Arn"]}
            partner_central.put_profile_visibility(**named, Visibility="PUBLIC")
            self.replaced = {PARTNER: made["Arn"], **self.replaced}

    @property
    def stack(self) -> str:
        """The stack's name; MiniStack keeps apart what functions of one name have by that name only."""
        return f"Demo{self.number}"

    def deploy(self, template: Template, name: str = "") -> Mapping[str, Any]:
        """Create the stack, or update the one that is there, and wait for the end."""
        name, cloudformation = name or self.stack, self.aws.client("cloudformation")
        body = json.dumps(template)
        for placeholder, value in self.replaced.items():
            body = body.replace(placeholder, value)
        if self.story == "nested":
            body = self._nested(body, template.get("Parameters", {}))
        deploy = cloudformation.update_stack if name in self.deployed else cloudformation.create_stack
        deploy(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
        self.deployed.add(name)
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
            if not stack["StackStatus"].endswith("IN_PROGRESS"):
                described: Mapping[str, Any] = stack
                return described
            time.sleep(0.3)
        raise AssertionError(f"the deployment of {name} takes longer than three minutes")

    def _nested(self, body: str, parameters: Iterable[str]) -> str:
        """The template of a stack around that one, which gives it its own name, and exports its ProfileId."""
        bucket, key = f"code-{self.number}", f"{next(_numbers)}.json"
        self.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        properties = {
            "TemplateURL": f"https://s3.us-east-1.amazonaws.com/{bucket}/{key}",
            "Parameters": {name: {"Ref": "AWS::StackName"} for name in parameters},
        }
        nested = {"Type": "AWS::CloudFormation::Stack", "Properties": properties}
        told = {"Value": {"Fn::GetAtt": ["Nested", "Outputs.ProfileProfileId"]}, "Export": {"Name": "ProfileId"}}
        return json.dumps({"Resources": {"Nested": nested}, "Outputs": {"ProfileId": told}})

    def deploy_successfully(self, template: Template, name: str = "") -> Mapping[str, Any]:
        """The same; it has to succeed."""
        stack = self.deploy(template, name)
        assert stack["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, self.reasons(name)
        return stack

    def reasons(self, name: str = "") -> list[str]:
        """Why resources failed since the last call."""
        events = self.aws.client("cloudformation").describe_stack_events(StackName=name or self.stack)["StackEvents"]
        new = [one for one in events if one["EventId"] not in self.known_events]
        self.known_events |= {one["EventId"] for one in new}
        return [one.get("ResourceStatusReason", "") for one in new if one["ResourceStatus"].endswith("FAILED")]

    def log(self) -> list[str]:
        """All that the account's functions have logged."""
        logs = self.aws.client("logs")
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        return [one["message"] for group in groups for one in logs.filter_log_events(logGroupName=group)["events"]]


def synthesized(story: str) -> tuple[Template, Path]:
    """The template of a story's stack, and its function's code.

    It has a partner whose code is in a `secret` or a `parameter`, or that is in the `sandbox`; or the `profile` of a
    partner that isn't the stack's own, whose policy would allow a part of it too. A `nested` stack has the same.
    """
    stack = new_stack(synthesizer=cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False))
    key = kms.Key.from_key_arn(stack, "Key", KEY)
    legal_name = f"Example Corp {ACCOUNT}"
    if story == "sandbox":
        sandbox_partner_in(stack, legal_name=legal_name)
    elif story in {"profile", "nested"}:
        scope = cdk.NestedStack(stack, "Nested") if story == "nested" else stack
        PartnerProfile(
            scope,
            "Profile",
            partner=PartnerAccount.from_partner_arn(scope, "Partner", PARTNER),
            display_name="Example Corp",
            description="We build examples.",
            website_url="https://example.com",
            logo_url="https://example.com/logo.png",
            industry_segments=[IndustrySegment.EDUCATION],
            visibility=ProfileVisibility.PRIVATE,
        )
    elif story == "secret":
        secret = secretsmanager.Secret.from_secret_attributes(
            stack, "Code", secret_complete_arn=SECRET, encryption_key=key
        )
        partner_in(stack, legal_name=legal_name, email_verification_code=VerificationCode.from_secrets_manager(secret))
    else:
        parameter = ssm.StringParameter.from_secure_string_parameter_attributes(stack, "Code", parameter_name=PARAMETER)
        source = VerificationCode.from_ssm_parameter(parameter, encryption_key=key)
        partner_in(stack, legal_name=legal_name, email_verification_code=source)
    cdk.Tags.of(stack).add("Team", "Alliances", include_resource_types=["Custom::PartnerAccount"])
    folder = Path(cdk.App.of(stack).synth().directory)  # type: ignore[union-attr]
    (asset,) = folder.glob("asset.*")
    (file,) = folder.glob("*.nested.template.json" if story == "nested" else "Demo.template.json")
    return with_code_in_the_bucket(json.loads(file.read_text())), asset


def with_code_in_the_bucket(template: Template) -> Template:
    """With the function's code in the account's bucket."""
    template = deepcopy(template)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["Code"] = {"S3Bucket": f"code-{ACCOUNT}", "S3Key": "code.zip"}
    return template


def with_a_shared_provider_an_own_role_and_grants() -> tuple[Template, Template]:
    """A stack with the provider and its role, and one with a partner that uses them and a role that may read it."""
    app = cdk.App(analytics_reporting=False)
    platform, stack = (
        cdk.Stack(app, name, synthesizer=cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False))
        for name in ("Platform", "Demo")
    )
    role = iam.Role(platform, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    provider = PartnerAccountProvider(platform, "Provider", role=role)
    source = VerificationCode.from_secrets_manager(
        secretsmanager.Secret.from_secret_attributes(
            stack, "Code", secret_complete_arn=SECRET, encryption_key=kms.Key.from_key_arn(stack, "Key", KEY)
        )
    )
    partner = partner_in(stack, legal_name=f"Example Corp {ACCOUNT}", email_verification_code=source, provider=provider)
    publisher = iam.Role(stack, "Publisher", assumed_by=iam.AccountRootPrincipal())
    partner.grant_read(publisher)
    partner.grant(publisher, "partnercentral:PutAllianceLeadContact").assert_success()
    cdk.CfnOutput(stack, "PublisherArn", value=publisher.role_arn)
    assembly = app.synth()
    stacks = (assembly.get_stack_by_name(name) for name in ("Platform", "Demo"))
    shared, own = (with_code_in_the_bucket(stack.template) for stack in stacks)
    return shared, own


def _packed(folder: Path, **more: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for path in folder.rglob("*"):
            name = str(path.relative_to(folder))
            if name in IN_THE_ASSET:
                as_it_is, changed = IN_THE_ASSET[name]
                assert as_it_is in path.read_text()
                more[name] = path.read_text().replace(as_it_is, changed)
            else:
                file.write(path, name)
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


def as_deployed_next(template: Template) -> Template:
    """What the next deployment of the app asks for: another title, one tag more and one less; another description."""
    template = deepcopy(template)
    for resource in template["Resources"].values():
        if resource["Type"] == "Custom::PartnerAccount":
            resource["Properties"]["AllianceLeadContact"]["BusinessTitle"] = "Head of Alliances"
            resource["Properties"]["Tags"] = [{"Key": "Department", "Value": "Alliances"}]
        elif resource["Type"] == "Custom::PartnerProfile":
            resource["Properties"]["Description"] = "We build better examples."
    return template


def showing_pending(template: Template) -> Template:
    """As if the service had returned no profile id when the stack was deployed."""
    template = deepcopy(template)
    for name, output in template["Outputs"].items():
        if name.endswith("ProfileId"):
            output["Value"] = "pending"
    return template


def without_custom_resource(template: Template) -> Template:
    """The function and its policies alone."""
    rest = {name: one for name, one in template["Resources"].items() if not one["Type"].startswith("Custom::")}
    return {name: part for name, part in template.items() if name != "Outputs"} | {"Resources": rest}


@dataclass
class Trials:
    """The local AWS, the templates, and the deployments that run there: how each ended, and why resources failed."""

    aws: LocalAws
    templates: Mapping[str, tuple[Template, Path]]
    running: dict[str, Future[dict[str, tuple[str, list[str]]]]] = field(default_factory=dict)

    def account(self, story: str = "secret") -> TrialAccount:
        """A new account."""
        return TrialAccount(self.aws, self.templates[story][1], story)

    def run(self, names: list[str]) -> dict[str, tuple[str, list[str]]]:
        """Deploy with each of these differences, one after another, and in the end without any."""
        need, _ = CASES[names[0]]
        account, template = self.account(need.story), self.templates[need.story][0]
        updated = as_deployed_next(template)
        before, wanted = (template, updated) if need.updates else (without_custom_resource(template), template)
        account.deploy_successfully(before)
        different = {name: changed(wanted, CASES[name][0].sid, CASES[name][1]) for name in names}
        return {
            name: (account.deploy(one)["StackStatus"], account.reasons())
            for name, one in {**different, AS_IT_IS: wanted}.items()
        }


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    """All deployments of the cases, some at a time."""
    # A tag that the Sandbox refuses, or the function may not set there, fails no deployment: nothing would be seen. A
    # task that runs can be canceled, and a profile be hidden before it has ended.
    readings = tmp_path_factory.mktemp("readings") / "probe.json"
    readings.write_text(json.dumps({"Readings": {"sandbox_takes_tags_later": True, "visibility_before_profile": True}}))
    with local_aws(readings=readings) as aws, ThreadPoolExecutor(len(GROUPS)) as pool:
        aws.partner_central.order_fault(
            {"operation": "StartProfileUpdateTask", "kind": "review-takes-days", "times": None}
        )
        trials = Trials(aws, {story: synthesized(story) for story in STORIES})
        trials.running = {group: pool.submit(trials.run, names) for group, names in GROUPS.items()}
        yield trials
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", CASES)
def test_deployment_fails_without_an_action_or_with_a_narrower_resource(trials: Trials, name: str) -> None:
    """Without the action, on a narrower resource, or under another condition: rolled back, and the reason names it."""
    status, reasons = trials.running[GROUP_OF[name]].result()[name]
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert any("AccessDenied" in reason and CASES[name][0].call in reason for reason in reasons), reasons


@pytest.mark.parametrize("group", GROUPS)
def test_same_stack_succeeds_with_full_policies_after_all_failures(trials: Trials, group: str) -> None:
    """So nothing but that one difference was the reason."""
    assert trials.running[group].result()[AS_IT_IS] == ("UPDATE_COMPLETE", [])


def test_profile_id_stays_pending_without_its_permission(trials: Trials) -> None:
    """As it does on a narrower resource: the deployment succeeds all the same, and the log names the denied call."""
    account, template = trials.account(), trials.templates["secret"][0]
    action = "partnercentral:GetProfileVisibility"
    stacks = [
        account.deploy_successfully(changed(template, "ReadPartner", without(action))),
        account.deploy_successfully(changed(as_deployed_next(template), "ReadPartner", narrowed(action))),
    ]
    assert [profile_id(one) for one in stacks] == ["pending", "pending"]
    denied = [one for one in account.log() if "GetProfileVisibility" in one and "AccessDenied" in one]
    assert len({json.loads(one)["request"] for one in denied}) == 2, account.log()
    assert profile_id(account.deploy_successfully(template)).startswith("pprofile-")


def profile_id(stack: Mapping[str, Any]) -> str:
    """As in the stack's output."""
    return next(str(one["OutputValue"]) for one in stack["Outputs"] if one["OutputKey"].endswith("ProfileId"))


@pytest.mark.parametrize(
    ("story", "sid", "action"),
    [
        ("secret", "LookForImports", "cloudformation:ListImports"),
        ("profile", "LookForImports", "cloudformation:ListImports"),
        ("nested", "AskParentStack1", "cloudformation:DescribeStacks"),
    ],
)
def test_profile_id_stays_pending_without_permission_to_list_imports(
    trials: Trials, story: str, sid: str, action: str
) -> None:
    """Without the action, or on less: each deployment succeeds, and the log names the denied call."""
    account, template = trials.account(story), trials.templates[story][0]
    account.deploy_successfully(showing_pending(template))
    stacks = [
        account.deploy_successfully(changed(as_deployed_next(template), sid, without(action))),
        account.deploy_successfully(changed(template, sid, narrowed(action))),
    ]
    assert [profile_id(one) for one in stacks] == ["pending", "pending"]
    call = action.partition(":")[2]
    denied = [one for one in account.log() if call in one and "AccessDenied" in one]
    assert len({json.loads(one)["request"] for one in denied}) == len(stacks), account.log()
    assert profile_id(account.deploy_successfully(as_deployed_next(template))).startswith("pprofile-")


@pytest.mark.parametrize("story", STORIES)
def test_policies_suffice_and_each_action_is_used(trials: Trials, story: str) -> None:
    """Creation and update succeed, and each action of each statement has been allowed by that statement."""
    account, template = trials.account(story), trials.templates[story][0]
    account.deploy_successfully(showing_pending(template))
    stack = account.deploy_successfully(as_deployed_next(template))
    assert profile_id(stack).startswith("pprofile-")
    used = {
        (one.sid, action)
        for one in trials.aws.used_statements()
        if f":{account.number}:assumed-role/" in one.principal and one.sid  # the key's own policy has none
        for action in one.allowed
    }
    statements = [statement for document in documents_in(template) for statement in document["Statement"]]
    assert used == {(one["Sid"], action) for one in statements for action in actions_of(one)}
    # In the Sandbox the function goes on without them.
    assert story in {"profile", "nested"} or {"ReadTags", "UpdateTags"} <= {sid for sid, _ in used}
    assert [line for line in account.log() if "AccessDenied" in line] == []


def test_function_without_its_log_permissions_has_no_log(trials: Trials) -> None:
    """Nor on another log group. As on AWS, where the deployment succeeds all the same."""
    account, (template, _) = trials.account(), trials.templates["secret"]
    actions = ("logs:CreateLogStream", "logs:PutLogEvents")
    for number, change in enumerate(change(action) for action in actions for change in (without, narrowed)):
        wanted = as_deployed_next(template) if number % 2 else template
        account.deploy_successfully(changed(wanted, "WriteOwnLog", change))
        assert account.log() == []
    account.deploy_successfully(template)
    assert account.log() != []


def test_permissions_boundary_is_enforced(trials: Trials) -> None:
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
    assert account.deploy(template)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("AccessDeniedException/ACCESS_DENIED: CreatePartner" in reason for reason in account.reasons())


def test_shared_provider_custom_role_and_grants_work_and_allow_nothing_else(trials: Trials) -> None:
    """A partner's policy on a role of the user's in another stack; what is granted works, and nothing else does."""
    platform, template = with_a_shared_provider_an_own_role_and_grants()
    account = trials.account()
    account.deploy_successfully(platform, f"Platform{account.number}")
    less, failing = changed(template, "CreatePartner", without("partnercentral:CreatePartner")), f"Less{account.number}"
    assert account.deploy(less, failing)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("AccessDeniedException/ACCESS_DENIED: CreatePartner" in reason for reason in account.reasons(failing))
    stack = account.deploy_successfully(template)
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    publisher = as_role(account.aws, outputs["PublisherArn"]).client("partnercentral-account")
    named = {"Catalog": "AWS", "Identifier": outputs["PartnerArn"]}
    assert publisher.get_partner(**named)["Arn"] == outputs["PartnerArn"]
    assert publisher.list_tags_for_resource(ResourceArn=outputs["PartnerArn"])["Tags"]
    contact = {"FirstName": "Jane", "LastName": "Doe", "Email": account.replaced[CONTACT.email], "BusinessTitle": "CEO"}
    publisher.put_alliance_lead_contact(**named, AllianceLeadContact=contact)
    with pytest.raises(ClientError, match="AccessDenied"):
        publisher.list_partners(Catalog="AWS")
    with pytest.raises(ClientError, match="AccessDenied"):
        publisher.untag_resource(ResourceArn=outputs["PartnerArn"], TagKeys=["Team"])


def as_role(aws: LocalAws, arn: str) -> LocalAws:
    """The same as a session of that role sees it."""
    session = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    own = {
        "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
        "AWS_SESSION_TOKEN": session["SessionToken"],
    }
    return replace(aws, environment={**aws.environment, **own})
