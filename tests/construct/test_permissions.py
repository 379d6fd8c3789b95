"""What the handler's role may do for one partner, per catalog and source of the code, and nothing more."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import boto3
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from moto import mock_aws

from partner_account import (
    Catalog,
    ExistingPartner,
    PartnerAccountError,
    PartnerAccountProvider,
    VerificationCode,
)
from tests.construct.test_partners_of_an_app import (
    new_app,
    new_stack,
    partner_in,
    resource_of,
    resources_of,
    sandbox_partner_in,
    template_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from constructs import Construct

KEY_ARN = "arn:aws:kms:eu-west-1:111111111111:key/abc"


def statements_of(scope: Construct) -> dict[str, dict[str, Any]]:
    """The statements of the only partner's policy, or else of the provider's, by what they are for."""
    policies = resources_of(scope, "AWS::IAM::Policy")
    _, policy = min(policies.items(), key=lambda found: found[0].startswith("PartnerAccountProvider"))
    return {found.pop("Sid"): found for found in policy["Properties"]["PolicyDocument"]["Statement"]}


def allowed(actions: str | list[str], resource: Any, **condition: dict[str, Any]) -> dict[str, Any]:
    """One statement as it stands in a template."""
    found = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return found | ({"Condition": condition} if condition else {})


def partner_arns(catalog: str) -> dict[str, Any]:
    """The ARNs of all partners of the stack's account in a catalog."""
    return {
        "Fn::Join": [
            "",
            [
                "arn:",
                {"Ref": "AWS::Partition"},
                ":partnercentral:us-east-1:",
                {"Ref": "AWS::AccountId"},
                f":catalog/{catalog}/partner/*",
            ],
        ]
    }


def in_any_catalog(catalog: str) -> dict[str, dict[str, Any]]:
    """What managing a partner takes in whichever catalog."""
    only = {"StringEquals": {"partnercentral:Catalog": catalog}}
    reading = [
        "partnercentral:GetAllianceLeadContact",
        "partnercentral:GetPartner",
        "partnercentral:GetProfileVisibility",
    ]
    return {
        "LookForPartners": allowed("partnercentral:ListPartners", "*", **only),
        "CreatePartner": allowed("partnercentral:CreatePartner", "*", **only),
        "ReadPartner": allowed(reading, partner_arns(catalog)),
        "UpdateContact": allowed("partnercentral:PutAllianceLeadContact", partner_arns(catalog)),
        "AskOwnStack": allowed("cloudformation:DescribeStacks", {"Ref": "AWS::StackId"}),
    }


TAGGING = {
    "ReadTags": allowed("partnercentral:ListTagsForResource", "*"),
    "UpdateTags": allowed(["partnercentral:TagResource", "partnercentral:UntagResource"], partner_arns("AWS")),
    "TagAtCreation": allowed(
        "partnercentral:TagResource",
        "*",
        StringEquals={"partnercentral:Catalog": "AWS"},
        Null={"aws:RequestTag/cdk-partner-account:owner": "false"},
    ),
}


def hidden_parameter(stack: cdk.Stack) -> VerificationCode:
    """A source of the code that needs no permission."""
    return VerificationCode.from_parameter(cdk.CfnParameter(stack, "Code", no_echo=True))


def test_in_the_real_catalog() -> None:
    """In catalog AWS the role may look, create, read, update and tag, each as narrowly as the service allows."""
    stack = new_stack()
    partner_in(stack, email_verification_code=hidden_parameter(stack))
    assert statements_of(stack) == in_any_catalog("AWS") | TAGGING


def test_in_the_sandbox() -> None:
    """In the Sandbox nothing reaches the real catalog; of tags there is the ownership tag alone, after creation."""
    stack = new_stack()
    sandbox_partner_in(stack)
    assert statements_of(stack) == in_any_catalog("Sandbox") | {
        "ReadTags": allowed("partnercentral:ListTagsForResource", "*"),
        "UpdateTags": allowed("partnercentral:TagResource", partner_arns("Sandbox")),
    }


@pytest.mark.parametrize("catalog", Catalog)
def test_adopting_cannot_create(catalog: Catalog) -> None:
    """Who adopts a partner gives the handler no permission to create one."""
    stack = new_stack()
    adopting = ExistingPartner.adopt("partner-abcdefghijklm")
    partner_in(stack, catalog=catalog, existing_partner=adopting, email_verification_code=hidden_parameter(stack))
    found = statements_of(stack)
    assert "CreatePartner" not in found
    assert "TagAtCreation" not in found
    assert "partnercentral:CreatePartner" not in [statement["Action"] for statement in found.values()]


def code_statements(stack: cdk.Stack, code: VerificationCode) -> dict[str, dict[str, Any]]:
    """The statements that a source of the code adds."""
    partner_in(stack, email_verification_code=code)
    known = in_any_catalog("AWS") | TAGGING
    return {sid: found for sid, found in statements_of(stack).items() if sid not in known}


def test_a_secret_imported_by_name() -> None:
    """The six characters that Secrets Manager appends are unknown, so six question marks stand for them."""
    stack = new_stack()
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Code", "partner/code")
    (statement,) = code_statements(stack, VerificationCode.from_secrets_manager(secret)).values()
    assert statement["Action"] == "secretsmanager:GetSecretValue"
    assert statement["Resource"]["Fn::Join"][1][-1] == ":secret:partner/code-??????"


def test_a_secret_imported_by_arn() -> None:
    """A secret whose whole ARN is known is the only one that may be read."""
    stack = new_stack()
    arn = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:code-AbCdEf"
    secret = secretsmanager.Secret.from_secret_complete_arn(stack, "Code", arn)
    assert code_statements(stack, VerificationCode.from_secrets_manager(secret)) == {
        "ReadCodeFromSecret": allowed("secretsmanager:GetSecretValue", arn)
    }


HERE = cdk.Environment(account="111111111111", region="eu-west-1")
ELSEWHERE = cdk.Environment(account="111111111111", region="us-east-1")
SECRETS = "arn:aws:secretsmanager:eu-west-1:111111111111:secret"
OTHER_REGION = SECRETS.replace("eu-west-1", "us-east-1")
OTHER_ACCOUNT = SECRETS.replace("111111111111", "222222222222")


def evaluated(value: Any) -> Any:
    """A part of a template as CloudFormation would resolve it in that account and region."""
    return deployed(value, {"CodeArn": f"{SECRETS.replace('eu-west-1', 'ap-south-1')}:code-AbCdEf"})


@pytest.mark.parametrize("env", [None, HERE])
@pytest.mark.parametrize(
    ("make", "region"),
    [
        (lambda _stack: {"secret_complete_arn": f"{SECRETS}:code-AbCdEf"}, "eu-west-1"),
        (lambda _stack: {"secret_complete_arn": f"{OTHER_REGION}:code-AbCdEf"}, "us-east-1"),
        (lambda _stack: {"secret_partial_arn": f"{OTHER_REGION}:code"}, "us-east-1"),
        (lambda stack: {"secret_complete_arn": cdk.CfnParameter(stack, "CodeArn").value_as_string}, "ap-south-1"),
        (lambda stack: {"secret_complete_arn": secretsmanager.Secret(stack, "Own").secret_arn}, "eu-west-1"),
    ],
    ids=["of the stack's region", "of another", "partial, of another", "a parameter", "of the stack itself"],
)
def test_the_key_of_a_secret_may_be_used_by_secrets_manager_of_the_secrets_region(
    env: cdk.Environment | None, make: Callable[[cdk.Stack], dict[str, str]], region: str
) -> None:
    """A customer-managed key may be used to decrypt, by way of Secrets Manager alone, where the secret is."""
    stack = new_stack(env=env)
    key = kms.Key.from_key_arn(stack, "Key", KEY_ARN)
    secret = secretsmanager.Secret.from_secret_attributes(stack, "Code", encryption_key=key, **make(stack))
    found = code_statements(stack, VerificationCode.from_secrets_manager(secret))["DecryptCodeFromSecret"]
    assert evaluated(found) == allowed("kms:Decrypt", KEY_ARN, StringEquals=via_service("secretsmanager", region))


def test_a_secret_of_the_app_with_a_key_of_its_own() -> None:
    """Its region is that of its stack."""
    stack = new_stack()
    secret = secretsmanager.Secret(stack, "Code", encryption_key=kms.Key.from_key_arn(stack, "Key", KEY_ARN))
    found = code_statements(stack, VerificationCode.from_secrets_manager(secret))["DecryptCodeFromSecret"]
    assert evaluated(found) == allowed("kms:Decrypt", KEY_ARN, StringEquals=via_service("secretsmanager", "eu-west-1"))


@pytest.mark.parametrize("env", [None, HERE])
def test_a_secret_without_a_key_of_its_own_gives_no_permission_to_decrypt(env: cdk.Environment | None) -> None:
    """AWS's own key needs none."""
    stack = new_stack(env=env)
    secret = secretsmanager.Secret.from_secret_complete_arn(stack, "Code", f"{SECRETS}:code-AbCdEf")
    assert list(code_statements(stack, VerificationCode.from_secrets_manager(secret))) == ["ReadCodeFromSecret"]


@pytest.mark.parametrize("regions", [("eu-west-1", "us-east-1"), ("us-east-1", "eu-west-1")])
def test_keys_of_secrets_of_several_regions_share_a_statement_that_names_them_all(regions: tuple[str, str]) -> None:
    """A key is of one region, so each can be used by that region's Secrets Manager only."""
    stack = new_stack()
    keys = [f"arn:aws:kms:{region}:111111111111:key/abc" for region in regions]
    for number, (region, key_arn) in enumerate(zip(regions, keys, strict=True)):
        secret = secretsmanager.Secret.from_secret_attributes(
            stack,
            f"Code{number}",
            secret_complete_arn=f"{SECRETS.replace('eu-west-1', region)}:code-AbCdEf",
            encryption_key=kms.Key.from_key_arn(stack, f"Key{number}", key_arn),
        )
        code = VerificationCode.from_secrets_manager(secret)
        partner_in(stack, f"Partner{number}", legal_name=f"Corp {number}", email_verification_code=code)
    found = statements_of(stack)["DecryptCodeFromSecret"]
    services = [f"secretsmanager.{region}.amazonaws.com" for region in regions]
    assert found == allowed("kms:Decrypt", keys, StringEquals={"kms:ViaService": services})


# --- What the handler asks for, and whether it may: the six characters at the end of a secret's ARN ---


@pytest.mark.parametrize("env", [None, HERE])
@pytest.mark.parametrize("name", ["code", "partner/code", "alliance-secret"])
def test_a_secret_of_the_own_region_is_asked_for_by_its_name(env: cdk.Environment | None, name: str) -> None:
    """Secrets Manager takes an ARN that ends in a hyphen and six characters for a complete one, never a name."""
    stack = new_stack(env=env)
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Code", name)
    found = code_statements(stack, VerificationCode.from_secrets_manager(secret))
    assert secret_id_of(stack) == name
    assert evaluated(found)["ReadCodeFromSecret"]["Resource"] == f"{SECRETS}:{name}-??????"


def secret_id_of(stack: cdk.Stack) -> Any:
    """By what the handler asks for the secret, once the template is deployed."""
    return evaluated(resource_of(stack)["Properties"]["EmailVerificationCode"])["SecretId"]


def test_a_partial_arn_of_the_own_account_and_region_becomes_a_name() -> None:
    """If both are known, though CDK takes the end of the name for the six characters."""
    stack = new_stack(env=HERE)
    secret = secretsmanager.Secret.from_secret_partial_arn(stack, "Code", f"{SECRETS}:alliance-secret")
    found = code_statements(stack, VerificationCode.from_secrets_manager(secret))
    assert secret_id_of(stack) == "alliance-secret"
    assert found["ReadCodeFromSecret"]["Resource"] == f"{SECRETS}:alliance-secret-??????"


def partial(arn: str) -> Callable[[cdk.Stack, cdk.Stack], secretsmanager.ISecret]:
    """Imported by that partial ARN."""
    return lambda here, _there: secretsmanager.Secret.from_secret_partial_arn(here, "Code", arn)


REMOTE: dict[str, Callable[[str], Callable[[cdk.Stack, cdk.Stack], secretsmanager.ISecret]]] = {
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
def test_a_secret_of_another_account_or_region_is_asked_for_by_its_arn(kind: str) -> None:
    """A name would be looked for in the own ones; the role may read it, whatever its six characters are."""
    app = new_app()
    here, there = cdk.Stack(app, "Here", env=HERE), cdk.Stack(app, "There", env=ELSEWHERE)
    found = code_statements(here, VerificationCode.from_secrets_manager(REMOTE[kind]("code")(here, there)))
    arn = f"{OTHER_ACCOUNT if 'account' in kind else OTHER_REGION}:code"
    assert secret_id_of(here) == arn
    assert evaluated(found)["ReadCodeFromSecret"]["Resource"] == f"{arn}-??????"


@pytest.mark.parametrize("kind", REMOTE)
def test_a_partial_arn_that_looks_complete_is_refused(kind: str) -> None:
    """Secrets Manager would not find the secret, and no policy can help."""
    app = new_app()
    here, there = cdk.Stack(app, "Here", env=HERE), cdk.Stack(app, "There", env=ELSEWHERE)
    code = VerificationCode.from_secrets_manager(REMOTE[kind]("alliance-secret")(here, there))
    with pytest.raises(PartnerAccountError, match=r"hyphen and six characters.*import the secret by its complete ARN"):
        partner_in(here, email_verification_code=code)


def test_a_partial_arn_where_account_or_region_are_known_only_at_deployment() -> None:
    """It is kept, since it may be another account's; unless it looks complete, which is refused."""
    stack = new_stack()
    code = partial(f"{SECRETS}:code")(stack, stack)
    partner_in(stack, email_verification_code=VerificationCode.from_secrets_manager(code))
    assert secret_id_of(stack) == f"{SECRETS}:code"
    other = new_stack()
    code = partial(f"{SECRETS}:alliance-secret")(other, other)
    with pytest.raises(PartnerAccountError, match="from_secret_name_v2 in the partner's own stack"):
        partner_in(other, email_verification_code=VerificationCode.from_secrets_manager(code))


@pytest.mark.parametrize("crossing", [False, True])
def test_secrets_of_the_app_are_asked_for_by_their_complete_arn(crossing: bool) -> None:
    """Whatever they are called, if CDK hands their ARN on from another region too."""
    app = new_app()
    here = cdk.Stack(app, "Here", env=HERE, cross_region_references=True)
    there = cdk.Stack(app, "There", env=ELSEWHERE, cross_region_references=True) if crossing else here
    secret = secretsmanager.Secret(there, "Code", secret_name="alliance-secret")
    found = code_statements(here, VerificationCode.from_secrets_manager(secret))
    resource = found["ReadCodeFromSecret"]["Resource"]
    assert resource.keys() <= {"Ref", "Fn::GetAtt"}
    assert resource_of(here)["Properties"]["EmailVerificationCode"]["SecretId"] == resource


def test_a_secure_string_of_another_region_is_refused() -> None:
    """The function reads parameters by their name, in its own account and region."""
    app = new_app()
    here, there = cdk.Stack(app, "Here", env=HERE), cdk.Stack(app, "There", env=ELSEWHERE)
    code = VerificationCode.from_ssm_parameter(secure_string(there))
    with pytest.raises(PartnerAccountError, match="SSM parameter belongs to a stack of another account or region"):
        partner_in(here, email_verification_code=code)


def test_a_secure_string() -> None:
    """A SecureString may be read, it alone; AWS's own key needs no permission."""
    stack = new_stack()
    found = code_statements(stack, VerificationCode.from_ssm_parameter(secure_string(stack)))
    assert list(found) == ["ReadCodeFromParameterStore"]
    statement = found["ReadCodeFromParameterStore"]
    assert statement["Action"] == "ssm:GetParameter"
    assert statement["Resource"]["Fn::Join"][1][-1] == ":parameter/partner/code"


def test_a_secure_string_with_a_key_of_its_own() -> None:
    """A customer-managed key may be used to decrypt, by way of the Parameter Store alone."""
    stack = new_stack()
    key = kms.Key.from_key_arn(stack, "Key", KEY_ARN)
    code = VerificationCode.from_ssm_parameter(secure_string(stack), encryption_key=key)
    found = code_statements(stack, code)
    assert evaluated(found["DecryptCodeFromParameterStore"]) == allowed(
        "kms:Decrypt", KEY_ARN, StringEquals=via_service("ssm", "eu-west-1")
    )


def secure_string(stack: cdk.Stack) -> ssm.IStringParameter:
    """A SecureString imported by its name."""
    return ssm.StringParameter.from_secure_string_parameter_attributes(stack, "Code", parameter_name="/partner/code")


def via_service(service: str, region: str) -> dict[str, Any]:
    """KMS may be called by this service of this region alone."""
    return {"kms:ViaService": f"{service}.{region}.amazonaws.com"}


def test_a_secret_of_the_app_stays_untouched() -> None:
    """The permission stands on the role's side: a grant in the secret or its key would close a circle."""
    stack = new_stack()
    secret = secretsmanager.Secret(stack, "Code", encryption_key=kms.Key(stack, "Key"))
    partner_in(stack, email_verification_code=VerificationCode.from_secrets_manager(secret))
    assert resources_of(stack, "AWS::SecretsManager::ResourcePolicy") == {}
    (role,) = resources_of(stack, "AWS::IAM::Role")
    assert role not in str(resource_of(stack, "AWS::KMS::Key"))


def test_the_role_may_otherwise_only_write_its_log() -> None:
    """Beyond the partners' policies, the role may write the function's own log group and nothing else."""
    stack = new_stack()
    PartnerAccountProvider(stack)
    (log_group,) = resources_of(stack, "AWS::Logs::LogGroup")
    assert resource_of(stack, "AWS::IAM::Role")["Properties"].keys() == {"AssumeRolePolicyDocument", "Description"}
    assert statements_of(stack) == {
        "WriteOwnLog": allowed(["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::GetAtt": [log_group, "Arn"]})
    }


def test_the_role_is_lambdas_alone() -> None:
    """Only Lambda may take the role."""
    stack = new_stack()
    partner_in(stack)
    (statement,) = resource_of(stack, "AWS::IAM::Role")["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_each_catalog_has_a_policy_of_its_own() -> None:
    """A Sandbox partner beside a real one widens nothing: each policy names its own catalog."""
    stack = new_stack()
    partner_in(stack, "Real")
    sandbox_partner_in(stack, "Rehearsal")
    policies = resources_of(stack, "AWS::IAM::Policy")
    catalogs: Sequence[set[str]] = [
        {
            statement["Condition"]["StringEquals"]["partnercentral:Catalog"]
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
            if "partnercentral:Catalog" in statement.get("Condition", {}).get("StringEquals", {})
        }
        for name, policy in policies.items()
        if not name.startswith("PartnerAccountProvider")
    ]
    assert catalogs == [{"AWS"}, {"Sandbox"}]


def test_minimized_policies_keep_their_reasons() -> None:
    """With CDK's policy minimization on, no statement is merged away, and each keeps its Sid."""
    stack = new_stack()
    stack.node.set_context("@aws-cdk/aws-iam:minimizePolicies", True)
    partner_in(stack, email_verification_code=hidden_parameter(stack))
    assert statements_of(stack) == in_any_catalog("AWS") | TAGGING


def test_users_may_add_to_the_role() -> None:
    """The role is a plain one: what a company's rules demand can be attached to it."""
    stack = new_stack()
    partner_in(stack)
    boundary = iam.ManagedPolicy.from_managed_policy_name(stack, "Boundary", "boundary")
    iam.PermissionsBoundary.of(PartnerAccountProvider.of(stack)).apply(boundary)
    assert "PermissionsBoundary" in resource_of(stack, "AWS::IAM::Role")["Properties"]


def test_many_partners_fit_on_the_role() -> None:
    """Partners of one stack share a policy, which holds each statement once: IAM takes 10,240 characters per role."""
    stack = new_stack()
    for number in range(30):
        name = f"Partner{number}"
        partner_in(stack, name, legal_name=name, email_verification_code=secret_in(stack, name, f"code-{number // 2}"))
    policies = resources_of(stack, "AWS::IAM::Policy").values()
    statements = [one for policy in policies for one in policy["Properties"]["PolicyDocument"]["Statement"]]
    (reading,) = [one for one in statements if one["Sid"] == "ReadCodeFromSecret"]
    assert len(policies) == 2
    assert len(reading["Resource"]) == 15
    assert len(re.sub(r"\s", "", json.dumps(statements))) < 10_240


def secret_in(stack: cdk.Stack, scope_id: str, name: str, key_id: str | None = None) -> VerificationCode:
    """A code in the secret of that name, perhaps encrypted with a key of its own."""
    arn = f"arn:aws:secretsmanager:eu-west-1:111111111111:secret:{name}"
    if key_id is None:
        return VerificationCode.from_secrets_manager(
            secretsmanager.Secret.from_secret_partial_arn(stack, f"{scope_id}Secret", arn)
        )
    key = kms.Key.from_key_arn(stack, f"{scope_id}Key", KEY_ARN.replace("abc", key_id))
    secret = secretsmanager.Secret.from_secret_attributes(
        stack, f"{scope_id}Secret", secret_partial_arn=arn, encryption_key=key
    )
    return VerificationCode.from_secrets_manager(secret)


def parameter_in(stack: cdk.Stack, scope_id: str, name: str, key_id: str) -> VerificationCode:
    """A code in the SecureString of that name, encrypted with a key of its own."""
    parameter = ssm.StringParameter.from_secure_string_parameter_attributes(
        stack, f"{scope_id}Parameter", parameter_name=name
    )
    key = kms.Key.from_key_arn(stack, f"{scope_id}Key", KEY_ARN.replace("abc", key_id))
    return VerificationCode.from_ssm_parameter(parameter, encryption_key=key)


def with_codes_everywhere(names: Sequence[str]) -> cdk.Stack:
    """A stack of partners in this order, each with its code in a place of its own."""
    stack = new_stack()
    codes: dict[str, Callable[[], VerificationCode]] = {
        "Plain": lambda: secret_in(stack, "Plain", "plain"),
        "One": lambda: secret_in(stack, "One", "one", "one"),
        "Two": lambda: secret_in(stack, "Two", "two", "two"),
        "Stored": lambda: parameter_in(stack, "Stored", "/stored", "one"),
        "Other": lambda: parameter_in(stack, "Other", "/other", "three"),
    }
    for name in names:
        partner_in(stack, name, legal_name=name, email_verification_code=codes[name]())
    return stack


CODES = ("Plain", "One", "Two", "Stored", "Other")


def test_iam_takes_the_policy_of_several_partners() -> None:
    """IAM refuses a policy in which a Sid stands twice; each code and each key is in the one statement for it."""
    stack = with_codes_everywhere(CODES)
    with mock_aws():
        client = boto3.client("iam", region_name="us-east-1")
        client.create_role(RoleName="role", AssumeRolePolicyDocument="{}")
        for name, policy in resources_of(stack, "AWS::IAM::Policy").items():
            document = json.dumps(deployed(policy["Properties"]["PolicyDocument"]))
            client.put_role_policy(RoleName="role", PolicyName=name, PolicyDocument=document)
        assert len(client.list_role_policies(RoleName="role")["PolicyNames"]) == 2
    found = statements_of(stack)
    assert {sid: [arn[-5:] for arn in found[sid]["Resource"]] for sid in found if sid.startswith("DecryptCode")} == {
        "DecryptCodeFromSecret": ["y/one", "y/two"],
        "DecryptCodeFromParameterStore": ["y/one", "three"],
    }


def deployed(value: Any, parameters: Mapping[str, str] | None = None) -> Any:
    """A part of a template as CloudFormation would resolve it; of resources the syntax only."""
    if isinstance(value, list):
        return [deployed(member, parameters) for member in value]
    if not isinstance(value, dict):
        return value
    resolved = {key: deployed(member, parameters) for key, member in value.items()}
    names = {
        "AWS::Partition": "aws",
        "AWS::AccountId": "111111111111",
        "AWS::Region": "eu-west-1",
        **(parameters or {}),
    }
    an_arn = "arn:aws:logs:eu-west-1:111111111111:log-group:x"
    functions: dict[str, Callable[[Any], Any]] = {
        "Fn::Join": lambda given: "".join(given[1]),
        "Fn::Split": lambda given: given[1].split(given[0]),
        "Fn::Select": lambda given: given[1][int(given[0])],
        "Fn::GetAtt": lambda _given: an_arn,
        "Ref": lambda given: names.get(given, an_arn),
    }
    (name, given), *others = resolved.items() or [("", None)]
    return functions[name](given) if name in functions and not others else resolved


def test_the_order_of_the_partners_changes_no_identity() -> None:
    """Whichever comes first: the same logical ids, policy names and rights, listed in another order at most."""
    forward, backward = (with_codes_everywhere(names) for names in (CODES, CODES[::-1]))
    assert sorted_throughout(template_of(forward)) == sorted_throughout(template_of(backward))


def sorted_throughout(value: Any) -> Any:
    """The same without an order."""
    if isinstance(value, dict):
        return {key: sorted_throughout(member) for key, member in value.items()}
    return sorted(map(sorted_throughout, value), key=str) if isinstance(value, list) else value


def test_a_partner_that_goes_takes_its_rights_with_it() -> None:
    """What only it took is no longer granted, and nothing else changes its identity."""
    before, after = with_codes_everywhere(CODES), with_codes_everywhere(CODES[1:])
    gone = template_of(before)["Resources"].keys() - template_of(after)["Resources"].keys()
    assert {template_of(before)["Resources"][name]["Type"] for name in gone} == {"Custom::PartnerAccount"}
    assert "secret:plain" not in json.dumps(template_of(after))


def test_an_adopted_partner_beside_created_ones() -> None:
    """It has a policy of its own, without what creating takes; and no partner waits for another's."""
    stack = new_stack()
    partner_in(stack, "Created")
    adopted = ExistingPartner.adopt("partner-abcDEF1234567")
    partner_in(stack, "Adopted", legal_name="Other Corp", existing_partner=adopted)
    waits = {name: entry["DependsOn"][0] for name, entry in resources_of(stack, "Custom::PartnerAccount").items()}
    policies = resources_of(stack, "AWS::IAM::Policy")
    sids = {
        name[:7]: {one["Sid"] for one in policies[policy]["Properties"]["PolicyDocument"]["Statement"]}
        for name, policy in waits.items()
    }
    assert sids["Created"] - sids["Adopted"] == {"CreatePartner", "TagAtCreation"}
