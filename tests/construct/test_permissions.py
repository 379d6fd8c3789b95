"""What the function's role may do for a partner, per catalog and source of the code, and nothing more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import boto3
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from moto import mock_aws

from partner_account import Catalog, PartnerAccountError, PartnerAccountProvider, VerificationCode
from tests.construct.apps import (
    HERE,
    deployed,
    new_app,
    new_stack,
    partner_in,
    resource_of,
    resources_of,
    sandbox_partner_in,
    statements_of,
)

pytestmark = pytest.mark.versions

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_cdk.aws_secretsmanager import ISecret

KEY_ARN = "arn:aws:kms:eu-west-1:111111111111:key/abc"
ELSEWHERE = cdk.Environment(account="111111111111", region="us-east-1")
SECRETS = "arn:aws:secretsmanager:eu-west-1:111111111111:secret"
OTHER_REGION = SECRETS.replace("eu-west-1", "us-east-1")
OTHER_ACCOUNT = SECRETS.replace("111111111111", "222222222222")


def allowed(actions: str | list[str], resource: Any, **condition: dict[str, Any]) -> dict[str, Any]:
    """One statement as it stands in a template."""
    found = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return found | ({"Condition": condition} if condition else {})


def of_partner(catalog: str) -> dict[str, dict[str, Any]]:
    """The permissions to create and manage a partner, wherever its code is."""
    only = {"StringEquals": {"partnercentral:Catalog": catalog}}
    account = ["arn:", {"Ref": "AWS::Partition"}, ":partnercentral:us-east-1:", {"Ref": "AWS::AccountId"}]
    partners = {"Fn::Join": ["", [*account, f":catalog/{catalog}/partner/*"]]}
    reading = [
        "partnercentral:GetAllianceLeadContact",
        "partnercentral:GetPartner",
        "partnercentral:GetProfileVisibility",
    ]
    tagging = ["partnercentral:TagResource", "partnercentral:UntagResource"]
    at_creation = only | {"Null": {"aws:RequestTag/cdk-partner-account:owner": "false"}}
    in_any_catalog = {
        "LookForPartners": allowed("partnercentral:ListPartners", "*", **only),
        "CreatePartner": allowed("partnercentral:CreatePartner", "*", **only),
        "ReadPartner": allowed(reading, partners),
        "UpdateContact": allowed("partnercentral:PutAllianceLeadContact", partners),
        "AskOwnStack": allowed("cloudformation:DescribeStacks", {"Ref": "AWS::StackId"}),
        "LookForImports": allowed("cloudformation:ListImports", "*"),
        "ReadTags": allowed("partnercentral:ListTagsForResource", "*"),
    }
    if catalog == Catalog.SANDBOX:  # of tags there is the ownership tag alone, after creation
        return in_any_catalog | {"UpdateTags": allowed(tagging[0], partners)}
    return in_any_catalog | {
        "UpdateTags": allowed(tagging, partners),
        "TagAtCreation": allowed(tagging[0], "*", **at_creation),
    }


def hidden_parameter(stack: cdk.Stack) -> VerificationCode:
    """A source of the code that needs no permission."""
    return VerificationCode.from_parameter(cdk.CfnParameter(stack, "Code", no_echo=True))


@pytest.mark.parametrize("catalog", Catalog)
@pytest.mark.parametrize("minimized", [True, False])
def test_role_has_the_narrowest_permissions_that_the_service_supports(catalog: Catalog, minimized: bool) -> None:
    """With CDK's policy minimization on, too, no statement is merged away, and each keeps its Sid."""
    stack = new_stack()
    stack.node.set_context("@aws-cdk/aws-iam:minimizePolicies", minimized)
    partner_in(stack, catalog=catalog, email_verification_code=hidden_parameter(stack))
    assert statements_of(stack) == of_partner(catalog)


@pytest.mark.parametrize("catalog", Catalog)
def test_adopting_a_partner_grants_no_permission_to_create_one(catalog: Catalog) -> None:
    """Nor to tag one at its creation."""
    stack = new_stack()
    adopted = "partner-abcdefghijklm"
    partner_in(stack, catalog=catalog, existing_partner_id=adopted, email_verification_code=hidden_parameter(stack))
    creating = {"CreatePartner", "TagAtCreation"}
    assert statements_of(stack) == {sid: one for sid, one in of_partner(catalog).items() if sid not in creating}


def test_each_partner_has_a_policy_of_its_own_that_names_its_catalog() -> None:
    """A Sandbox partner beside a real one widens nothing; IAM takes each of the policies."""
    stack = new_stack()
    partner_in(stack, "Real")
    sandbox_partner_in(stack, "Rehearsal")
    policies = resources_of(stack, "AWS::IAM::Policy")
    with mock_aws():
        client = boto3.client("iam", region_name="us-east-1")
        client.create_role(RoleName="role", AssumeRolePolicyDocument="{}")
        for name, policy in policies.items():
            document = json.dumps(deployed(policy["Properties"]["PolicyDocument"]))
            client.put_role_policy(RoleName="role", PolicyName=name, PolicyDocument=document)
        assert len(client.list_role_policies(RoleName="role")["PolicyNames"]) == 3
    catalogs = {
        name[:5]: {
            statement.get("Condition", {}).get("StringEquals", {}).get("partnercentral:Catalog")
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        }
        for name, policy in policies.items()
    }
    assert (catalogs["RealP"], catalogs["Rehea"]) == ({"AWS", None}, {"Sandbox", None})


def test_role_is_assumed_by_lambda_only_and_otherwise_only_writes_its_log() -> None:
    """Beyond the partners' policies, the function's own log group and nothing else."""
    stack = new_stack()
    PartnerAccountProvider(stack, "Provider")
    (log_group,) = resources_of(stack, "AWS::Logs::LogGroup")
    role = resource_of(stack, "AWS::IAM::Role")["Properties"]
    assert role.keys() == {"AssumeRolePolicyDocument", "Description"}
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert statements_of(stack) == {
        "WriteOwnLog": allowed(["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::GetAtt": [log_group, "Arn"]})
    }


# --- Codes in Secrets Manager: what the handler asks for, and whether it may ---


def code_statements(stack: cdk.Stack, code: VerificationCode) -> dict[str, dict[str, Any]]:
    """The statements that a source of the code adds."""
    partner_in(stack, email_verification_code=code)
    return {sid: found for sid, found in statements_of(stack).items() if sid not in of_partner("AWS")}


def evaluated(value: Any) -> Any:
    """A part of a template as CloudFormation would resolve it in that account and region."""
    return deployed(value, {"CodeArn": f"{SECRETS.replace('eu-west-1', 'ap-south-1')}:code-AbCdEf"})


def secret_id_of(stack: cdk.Stack) -> Any:
    """The id by which the handler reads the secret, once the template is deployed."""
    return evaluated(resource_of(stack)["Properties"]["EmailVerificationCode"])["SecretId"]


@pytest.mark.parametrize("env", [None, HERE])
def test_complete_secret_arn_limits_read_access_to_that_secret(env: cdk.Environment | None) -> None:
    """AWS's own key needs no permission."""
    stack = new_stack(env=env)
    secret = secretsmanager.Secret.from_secret_complete_arn(stack, "Code", f"{SECRETS}:code-AbCdEf")
    assert code_statements(stack, VerificationCode.from_secrets_manager(secret)) == {
        "ReadCodeFromSecret": allowed("secretsmanager:GetSecretValue", f"{SECRETS}:code-AbCdEf")
    }


@pytest.mark.parametrize("env", [None, HERE])
@pytest.mark.parametrize("name", ["code", "partner/code", "alliance-secret"])
def test_secret_in_the_stacks_own_region_is_read_by_its_name(env: cdk.Environment | None, name: str) -> None:
    """Secrets Manager treats an ARN that ends in a hyphen and six characters as complete, but never a name.

    In the policy six question marks stand for the characters that it appends to the name.
    """
    stack = new_stack(env=env)
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Code", name)
    found = code_statements(stack, VerificationCode.from_secrets_manager(secret))
    assert secret_id_of(stack) == name
    assert evaluated(found)["ReadCodeFromSecret"]["Resource"] == f"{SECRETS}:{name}-??????"


def test_partial_arn_in_the_stacks_account_and_region_becomes_a_name() -> None:
    """If both are known, although CDK mistakes the end of the name for the six characters."""
    stack = new_stack(env=HERE)
    found = code_statements(
        stack, VerificationCode.from_secrets_manager(partial(f"{SECRETS}:alliance-secret")(stack, stack))
    )
    assert secret_id_of(stack) == "alliance-secret"
    assert found["ReadCodeFromSecret"]["Resource"] == f"{SECRETS}:alliance-secret-??????"


def test_a_partial_arn_is_kept_where_account_or_region_are_known_only_at_deployment() -> None:
    """It may be another account's; unless it looks complete, which is refused."""
    stack = new_stack()
    code = partial(f"{SECRETS}:code")(stack, stack)
    partner_in(stack, email_verification_code=VerificationCode.from_secrets_manager(code))
    assert secret_id_of(stack) == f"{SECRETS}:code"
    other = new_stack()
    code = partial(f"{SECRETS}:alliance-secret")(other, other)
    with pytest.raises(PartnerAccountError, match="from_secret_name_v2 in the partner's own stack"):
        partner_in(other, email_verification_code=VerificationCode.from_secrets_manager(code))


def partial(arn: str) -> Callable[[cdk.Stack, cdk.Stack], ISecret]:
    """Imported by that partial ARN."""
    return lambda here, _there: secretsmanager.Secret.from_secret_partial_arn(here, "Code", arn)


REMOTE: dict[str, Callable[[str], Callable[[cdk.Stack, cdk.Stack], ISecret]]] = {
    "partial ARN of another region": lambda name: partial(f"{OTHER_REGION}:{name}"),
    "partial ARN of another account": lambda name: partial(f"{OTHER_ACCOUNT}:{name}"),
    "name in a stack of another region": lambda name: (
        lambda _here, there: secretsmanager.Secret.from_secret_name_v2(there, "Code", name)
    ),
    "made in a stack of another region": lambda name: (
        lambda _here, there: secretsmanager.Secret(there, "Code", secret_name=name)
    ),
}


@pytest.mark.parametrize("kind", REMOTE)
@pytest.mark.parametrize("looks_complete", [False, True])
def test_secret_in_another_account_or_region_is_read_by_its_arn_unless_that_looks_complete(
    kind: str, looks_complete: bool
) -> None:
    """A name would be resolved in the stack's own. Secrets Manager wouldn't find an ARN that looks complete."""
    app = new_app()
    here, there = cdk.Stack(app, "Here", env=HERE), cdk.Stack(app, "There", env=ELSEWHERE)
    secret = REMOTE[kind]("alliance-secret" if looks_complete else "code")(here, there)
    code = VerificationCode.from_secrets_manager(secret)
    if looks_complete:
        with pytest.raises(PartnerAccountError, match=r"hyphen and six characters.*import the secret by its complete"):
            partner_in(here, email_verification_code=code)
        return
    found = code_statements(here, code)
    arn = f"{OTHER_ACCOUNT if 'account' in kind else OTHER_REGION}:code"
    assert secret_id_of(here) == arn
    assert evaluated(found)["ReadCodeFromSecret"]["Resource"] == f"{arn}-??????"


@pytest.mark.parametrize("crossing", [False, True])
def test_secret_of_the_app_is_read_by_its_complete_arn_and_left_unchanged(crossing: bool) -> None:
    """If CDK hands its ARN on from another region, too. A grant in the secret or its key would close a circle."""
    app = new_app()
    here = cdk.Stack(app, "Here", env=HERE, cross_region_references=True)
    there = cdk.Stack(app, "There", env=ELSEWHERE, cross_region_references=True) if crossing else here
    key = kms.Key(there, "Key", alias="code")
    secret = secretsmanager.Secret(there, "Code", secret_name="alliance-secret", encryption_key=key)
    resource = code_statements(here, VerificationCode.from_secrets_manager(secret))["ReadCodeFromSecret"]["Resource"]
    assert resource.keys() <= {"Ref", "Fn::GetAtt"}
    assert resource_of(here)["Properties"]["EmailVerificationCode"]["SecretId"] == resource
    assert resources_of(there, "AWS::SecretsManager::ResourcePolicy") == {}
    assert "PartnerAccountProvider" not in str(resource_of(there, "AWS::KMS::Key"))


# --- Keys of the code's store ---

KEYED: dict[str, tuple[Callable[[cdk.Stack], dict[str, str]], str]] = {
    "of the stack's region": (lambda _: {"secret_complete_arn": f"{SECRETS}:code-AbCdEf"}, "eu-west-1"),
    "of another region": (lambda _: {"secret_complete_arn": f"{OTHER_REGION}:code-AbCdEf"}, "us-east-1"),
    "partial, of another region": (lambda _: {"secret_partial_arn": f"{OTHER_REGION}:code"}, "us-east-1"),
    "a parameter": (
        lambda stack: {"secret_complete_arn": cdk.CfnParameter(stack, "CodeArn").value_as_string},
        "ap-south-1",
    ),
    "of the stack itself": (
        lambda stack: {"secret_complete_arn": secretsmanager.Secret(stack, "Own").secret_arn},
        "eu-west-1",
    ),
}


@pytest.mark.parametrize("env", [None, HERE])
@pytest.mark.parametrize("kind", KEYED)
def test_secrets_key_can_be_used_through_secrets_manager_in_the_secrets_region(
    env: cdk.Environment | None, kind: str
) -> None:
    """A customer-managed key can be used to decrypt only through Secrets Manager in the secret's region."""
    make, region = KEYED[kind]
    stack = new_stack(env=env)
    key = kms.Key.from_key_arn(stack, "Key", KEY_ARN)
    secret = secretsmanager.Secret.from_secret_attributes(stack, "Code", encryption_key=key, **make(stack))
    found = code_statements(stack, VerificationCode.from_secrets_manager(secret))["DecryptCodeFromSecret"]
    assert evaluated(found) == allowed("kms:Decrypt", KEY_ARN, StringEquals=via(f"secretsmanager.{region}"))


@pytest.mark.parametrize("keyed", [True, False])
def test_only_the_secure_string_can_be_read_and_its_key_used_through_parameter_store(keyed: bool) -> None:
    """AWS's own key needs no permission."""
    stack = new_stack()
    key = kms.Key.from_key_arn(stack, "Key", KEY_ARN) if keyed else None
    parameter = ssm.StringParameter.from_secure_string_parameter_attributes(
        stack, "Code", parameter_name="/partner/code"
    )
    found = evaluated(code_statements(stack, VerificationCode.from_ssm_parameter(parameter, encryption_key=key)))
    reading = allowed("ssm:GetParameter", "arn:aws:ssm:eu-west-1:111111111111:parameter/partner/code")
    decrypting = allowed("kms:Decrypt", KEY_ARN, StringEquals=via("ssm.eu-west-1"))
    assert found == {"ReadCodeFromParameterStore": reading} | (
        {"DecryptCodeFromParameterStore": decrypting} if keyed else {}
    )


def via(service: str) -> dict[str, Any]:
    """KMS may be called by this service alone."""
    return {"kms:ViaService": f"{service}.amazonaws.com"}
