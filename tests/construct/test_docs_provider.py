"""docs/provider.md: its table and statements are those of the code, and its examples run."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk.aws_lambda import Code, LayerVersion
from aws_cdk.aws_logs import RetentionDays

from partner_account import PartnerAccount, PartnerAccountProvider
from tests.construct.apps import new_app, new_stack, partner_in, resource_of, resources_of
from tests.construct.test_provider_props import boundary_in, vpc_in

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "provider.md").read_text()


def examples(language: str) -> list[str]:
    """The code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_table_of_props_has_each_prop_of_the_provider() -> None:
    """In the order of the code."""
    signature = inspect.signature(PartnerAccountProvider.__init__)
    props = [name for name, parameter in signature.parameters.items() if parameter.kind is parameter.KEYWORD_ONLY]
    table = PAGE.split("| default |\n", 1)[1].split("\n\n", 1)[0]
    assert re.findall(r"^\| `(\w+)` ", table, re.MULTILINE) == props


def test_statement_for_an_imported_key_is_the_one_that_a_key_of_the_app_gets() -> None:
    """The JSON on the page is what a key of the app gets."""
    stack = new_stack("Alliances", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    PartnerAccountProvider(stack, encryption_key=kms.Key(stack, "Key"))
    added = resource_of(stack, "AWS::KMS::Key")["Properties"]["KeyPolicy"]["Statement"][-1]
    del added["Sid"]
    _, documented = examples("json")
    assert deployed(added) == json.loads(documented)


def deployed(value: Any, **known: str) -> Any:
    """A part of a template as CloudFormation resolves it."""
    values = {"AWS::Partition": "aws", "AWS::Region": "eu-west-1", "AWS::AccountId": "111111111111", **known}
    if isinstance(value, list):
        return [deployed(member, **known) for member in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Join" in value:
        return value["Fn::Join"][0].join(deployed(value["Fn::Join"][1], **known))
    if "Ref" in value:
        return values[value["Ref"]]
    if "Fn::GetAtt" in value:
        return ".".join(value["Fn::GetAtt"])
    return {name: deployed(member, **known) for name, member in value.items()}


def test_role_has_room_for_the_policies_of_five_partners() -> None:
    """In catalog AWS; IAM counts all characters but blanks. A stack of the longest name is reckoned with."""
    app = new_app()
    stack = cdk.Stack(app, "S" * 128)
    PartnerAccountProvider(stack, vpc=vpc_in(stack))
    partner_in(stack)
    long = {"AWS::StackId": f"arn:aws-us-gov:cloudformation:us-gov-west-1:111111111111:stack/{'S' * 128}/{'0' * 36}"}
    policies = resources_of(stack, "AWS::IAM::Policy")
    sizes = {
        name: len(re.sub(r"\s", "", json.dumps(deployed(policy["Properties"]["PolicyDocument"], **long))))
        for name, policy in policies.items()
    }
    own = sizes.pop("PartnerAccountProviderPolicyAEB33209")
    (of_partner,) = sizes.values()
    assert own + 5 * of_partner <= 10_240 < own + 6 * of_partner


def test_examples_of_the_page_run_as_they_stand(tmp_path: Path) -> None:
    """With the names that the text has for what the user brings."""
    stack = new_stack()
    first, shared, proxied = examples("python")
    names: dict[str, Any] = {"boundary": boundary_in(stack), "vpc": vpc_in(stack), "key": kms.Key(stack, "Key")}
    names |= {"stack": stack, "PartnerAccountProvider": PartnerAccountProvider, "RetentionDays": RetentionDays}
    exec(first, names)  # noqa: S102 - the page's own code

    app = new_app()
    platform, other = cdk.Stack(app, "Platform"), cdk.Stack(app, "Other")

    def partner(scope: cdk.Stack, name: str, **props: Any) -> PartnerAccount:
        return partner_in(scope, name, **props)

    known = {"stack": other, "platform": platform, "props": {}, "PartnerAccount": partner}
    exec(shared, known | {"PartnerAccountProvider": PartnerAccountProvider})  # noqa: S102 - likewise
    assert len(resources_of(platform, "AWS::Lambda::Function")) == 1
    assert resources_of(other, "AWS::Lambda::Function") == {}

    code = SimpleNamespace(from_asset=lambda path: Code.from_asset(str(tmp_path / path)))
    (tmp_path / "authorities").mkdir()
    (tmp_path / "authorities" / "authorities.pem").touch()
    behind = new_stack()
    known = {"stack": behind, "vpc": vpc_in(behind), "PartnerAccountProvider": PartnerAccountProvider}
    exec(proxied, known | {"LayerVersion": LayerVersion, "Code": code})  # noqa: S102 - likewise
    function = resource_of(behind, "AWS::Lambda::Function")["Properties"]
    assert set(function["Environment"]["Variables"]) == {"HTTPS_PROXY", "NO_PROXY", "AWS_CA_BUNDLE"}
    assert len(function["Layers"]) == 1
