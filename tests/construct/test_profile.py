"""The profile of a partner: its custom resource, outputs and permissions, and what is refused at synth."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, cast

import aws_cdk as cdk
import jsii
import pytest
from constructs import Construct

from partner_account import (
    Headquarters,
    IndustrySegment,
    IPartnerAccount,
    LocalizedContent,
    PartnerAccount,
    PartnerAccountError,
    PartnerAccountProvider,
    PartnerProfile,
    PrimarySolutionType,
    ProfileVisibility,
    profile_props,
)
from partner_account.service_model import member_shape, shapes
from tests.construct.apps import (
    HERE,
    new_app,
    new_stack,
    partner_in,
    properties_of,
    resource_of,
    resources_of,
    sandbox_partner_in,
    synth_error_of,
    template_of,
)
from tests.construct.test_checks import report_of

pytestmark = pytest.mark.versions

PROFILE = "Custom::PartnerProfile"
ARN = "arn:aws:partnercentral:us-east-1:111111111111:catalog/AWS/partner/partner-abcDEF1234567"
TEXTS = {
    "display_name": "Example Corp",
    "description": "We build examples.",
    "website_url": "https://example.com",
    "logo_url": "https://example.com/logo.png",
}
KNOWS_HEADQUARTERS = "Headquarters" in shapes()
"""Not the oldest botocore that pyproject.toml allows."""

GERMAN = {**TEXTS, "locale": "de-DE"}


def known_partner_in(scope: Construct, arn: str = ARN, name: str = "Known") -> IPartnerAccount:
    """A partner that is known by its ARN."""
    return PartnerAccount.from_partner_arn(scope, name, arn)


def profile_in(scope: Construct, name: str = "Profile", **props: Any) -> PartnerProfile:
    """A profile, but for the props that are given."""
    good: dict[str, Any] = {**TEXTS, "industry_segments": [IndustrySegment.SOFTWARE_INTERNET]}
    if "partner" not in props:
        good["partner"] = known_partner_in(scope)
    return PartnerProfile(scope, name, **(good | props))


def errors_of(stack: cdk.Stack | None = None, **props: Any) -> list[str]:
    """The errors that are listed when a profile with these props is made."""
    with pytest.raises(PartnerAccountError) as refused:
        profile_in(stack or new_stack(), **props)
    title, *errors = str(refused.value).split("\n  - ")
    assert title.startswith("PartnerProfile 'Demo/Profile' has ")
    return errors


def properties_of_profile(**props: Any) -> dict[str, Any]:
    """The properties of the custom resource, of a partner known by its ARN."""
    stack = new_stack()
    profile_in(stack, **props)
    return dict(resource_of(stack, PROFILE)["Properties"])


def policy_of(stack: cdk.Stack, name: str = "ProfilePolicy") -> dict[str, dict[str, Any]]:
    """The statements of the profile's policy, by their Sids."""
    policies = resources_of(stack, "AWS::IAM::Policy").items()
    (policy,) = (found for logical_id, found in policies if logical_id.startswith(name))
    return {found.pop("Sid"): found for found in policy["Properties"]["PolicyDocument"]["Statement"]}


# --- The custom resource ---


def test_minimal_profile_omits_what_the_handler_leaves_unchanged() -> None:
    """Solution type, headquarters, visibility and other languages."""
    assert properties_of_profile() == {
        "ServiceToken": {"Fn::GetAtt": ["PartnerAccountProviderFunction", "Arn"]},
        "ServiceTimeout": "300",
        "SchemaVersion": "1",
        "PartnerArn": ARN,
        "DisplayName": "Example Corp",
        "Description": "We build examples.",
        "WebsiteUrl": "https://example.com",
        "LogoUrl": "https://example.com/logo.png",
        "IndustrySegments": ["SOFTWARE_INTERNET"],
        "TranslationSourceLocale": "en-US",
        "OutputPrefix": "Profile",
    }


@pytest.mark.parametrize("as_text", [False, True])
def test_each_prop_reaches_the_handler_as_cdk_type_or_as_string_and_dict(as_text: bool) -> None:
    """Enums and structs, or the exact strings and dicts."""
    typed: dict[str, object] = {
        "industry_segments": [IndustrySegment.RETAIL, IndustrySegment.GAMING],
        "primary_solution_type": PrimarySolutionType.MANAGED_SERVICES,
        "localized_contents": [LocalizedContent(**GERMAN)],
        "headquarters": Headquarters(country_code="DE", subdivision_code="BY"),
        "visibility": ProfileVisibility.PUBLIC,
    }
    untyped: dict[str, object] = {
        "industry_segments": ["RETAIL", "GAMING"],
        "primary_solution_type": "MANAGED_SERVICES",
        "localized_contents": [GERMAN],
        "headquarters": {"country_code": "DE", "subdivision_code": "BY"},
        "visibility": "PUBLIC",
    }
    props = untyped if as_text else typed
    if not KNOWS_HEADQUARTERS:
        del props["headquarters"]
    found = properties_of_profile(**props, translation_source_locale="en-GB")
    assert found["IndustrySegments"] == ["RETAIL", "GAMING"]
    assert found["PrimarySolutionType"] == "MANAGED_SERVICES"
    assert found["TranslationSourceLocale"] == "en-GB"
    assert found["LocalizedContents"] == [
        {
            "Locale": "de-DE",
            "DisplayName": "Example Corp",
            "Description": "We build examples.",
            "WebsiteUrl": "https://example.com",
            "LogoUrl": "https://example.com/logo.png",
        }
    ]
    assert found.get("Headquarters") == ({"CountryCode": "DE", "SubdivisionCode": "BY"} if KNOWS_HEADQUARTERS else None)
    assert found["Visibility"] == "PUBLIC"


def test_profile_is_a_cdk_resource_retained_under_any_removal_policy() -> None:
    """With its stack, its environment and its L1; it waits for its policy and the function's settings."""
    stack = new_stack(env=HERE)
    profile = profile_in(stack)
    if hasattr(cdk, "RemovalPolicies"):  # since aws-cdk-lib 2.181
        cdk.RemovalPolicies.of(stack).destroy()
    assert isinstance(profile.node.default_child, cdk.CfnResource)
    profile.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
    assert (profile.stack, profile.env.account, profile.env.region) == (stack, HERE.account, HERE.region)
    resource = resource_of(stack, PROFILE)
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")
    waits_for = {name.removesuffix(name[-8:]) if "Policy" in name else name for name in resource["DependsOn"]}
    assert waits_for == {"PartnerAccountProviderFunctionEventInvokeConfig", "ProfilePolicy"}


def test_a_partner_and_its_profile_share_the_function_and_have_a_policy_each() -> None:
    """The profile depends on the partner through its ARN; both have the prefix of their outputs' names."""
    stack = new_stack()
    profile_in(stack, partner=partner_in(stack))
    assert len(resources_of(stack, "AWS::Lambda::Function")) == 1
    assert len(resources_of(stack, "AWS::IAM::Policy")) == 3
    found = resource_of(stack, PROFILE)["Properties"]
    assert found["PartnerArn"] == {"Ref": "Partner776273A3"}
    assert (properties_of(stack)["OutputPrefix"], found["OutputPrefix"]) == ("Partner", "Profile")


def test_partner_of_another_stack_is_referenced_and_the_profile_uses_its_own_stacks_function() -> None:
    """Unless it is given another one."""
    app = new_app()
    one, other, third = (cdk.Stack(app, name, env=HERE) for name in ("One", "Other", "Third"))
    partner = partner_in(one)
    profile_in(other, partner=partner)
    profile_in(third, provider=PartnerAccountProvider.get_or_create(other))
    found = resource_of(other, PROFILE)["Properties"]
    assert "Fn::ImportValue" in found["PartnerArn"]
    assert found["ServiceToken"] == {"Fn::GetAtt": ["PartnerAccountProviderFunction", "Arn"]}
    assert resources_of(third, "AWS::Lambda::Function") == {}


# --- Outputs ---


def test_profile_id_is_an_exported_output_and_task_status_an_output() -> None:
    """The status changes with each deployment, so an export of it would lock them."""
    stack = new_stack()
    profile = profile_in(stack)
    outputs = template_of(stack)["Outputs"]
    assert {name: (one["Value"], one.get("Export")) for name, one in outputs.items()} == {
        "ProfileProfileId": (stack.resolve(profile.profile_id), {"Name": "Demo-Profile-ProfileId"}),
        "ProfileTaskStatus": (stack.resolve(profile.task_status), None),
    }
    assert stack.resolve(profile.task_status)["Fn::GetAtt"][1] == "TaskStatus"


def test_export_can_be_renamed_and_outputs_omitted() -> None:
    """Without outputs the handler gets no prefix of their names."""
    stack = new_stack()
    profile_in(stack, export_name="my-profile")
    assert template_of(stack)["Outputs"]["ProfileProfileId"]["Export"] == {"Name": "my-profile"}
    stack = new_stack()
    profile_in(stack, outputs=False)
    assert "Outputs" not in template_of(stack)
    assert "OutputPrefix" not in resource_of(stack, PROFILE)["Properties"]


def test_outputs_follow_the_condition_of_the_profile() -> None:
    """CloudFormation refuses an output of a resource that isn't there."""
    stack = new_stack()
    resource = profile_in(stack).node.default_child
    assert isinstance(resource, cdk.CfnResource)
    resource.cfn_options.condition = cdk.CfnCondition(stack, "If", expression=cdk.Fn.condition_equals("a", "b"))
    assert {one["Condition"] for one in template_of(stack)["Outputs"].values()} == {"If"}


def test_export_name_shared_with_a_partner_is_rejected_in_either_order() -> None:
    """Export names are unique in an account and region."""
    stack = new_stack()
    partner_in(stack)
    message = "export_name: 'Demo/Partner' exports 'Demo-Partner-Id' too; give one of them another name"
    assert errors_of(stack, export_name="Demo-Partner-Id") == [message]
    stack = new_stack()
    profile_in(stack, export_name="Demo-Partner-Id")
    with pytest.raises(PartnerAccountError, match="export_names: 'Demo/Profile' exports 'Demo-Partner-Id' too"):
        partner_in(stack)


# --- Permissions ---


@pytest.mark.parametrize("visibility", [None, ProfileVisibility.PRIVATE])
def test_role_can_change_only_this_partners_profile_and_its_visibility_only_if_set(
    visibility: ProfileVisibility | None,
) -> None:
    """What has no resource type only reads."""
    stack = new_stack()
    profile_in(stack, visibility=visibility)
    granted = policy_of(stack)
    on_partner = {sid for sid, statement in granted.items() if statement["Resource"] == ARN}
    assert on_partner == {"ReadProfile", "UpdateProfile", *(["UpdateProfileVisibility"] if visibility else [])}
    assert {sid: granted[sid]["Action"] for sid in on_partner} | {
        sid: (one["Action"], one["Resource"]) for sid, one in granted.items() if sid not in on_partner
    } == {
        "ReadProfile": [
            "partnercentral:GetPartner",
            "partnercentral:GetProfileUpdateTask",
            "partnercentral:GetProfileVisibility",
        ],
        "UpdateProfile": ["partnercentral:CancelProfileUpdateTask", "partnercentral:StartProfileUpdateTask"],
        **({"UpdateProfileVisibility": "partnercentral:PutProfileVisibility"} if visibility else {}),
        "AskOwnStack": ("cloudformation:DescribeStacks", {"Ref": "AWS::StackId"}),
        "LookForImports": ("cloudformation:ListImports", "*"),
    }


@pytest.mark.parametrize("kind", ["partner", "profile"])
def test_role_in_a_nested_stack_can_describe_each_parent_stack(kind: str) -> None:
    """By its name: a nested stack exports nothing itself, and those around it may."""
    inner = cdk.NestedStack(cdk.NestedStack(new_stack(), "Nested"), "Inner")
    if kind == "partner":
        partner_in(inner)
    else:
        profile_in(inner)
    granted = policy_of(inner, f"{kind.capitalize()}Policy")
    names = [
        part["Ref"] for sid in granted if "Parent" in sid for part in granted[sid]["Resource"]["Fn::Join"][1][7::2]
    ]
    assert names == ["referencetoDemoNested5B458B5AAWSStackName", "referencetoDemoAWSStackName"]


@pytest.mark.parametrize("nested", [False, True])
def test_cdk_nag_finds_nothing_but_acknowledged_wildcards(nested: bool) -> None:
    """ListImports, which has no resource type; and parents of a nested stack, whose UUIDs are unknown."""
    stack = new_stack()
    profile_in(cdk.NestedStack(stack, "Nested") if nested else stack, visibility="PUBLIC")
    remaining, acknowledged = report_of(stack)
    assert remaining == set()
    # Of the app's own stack alone; cdk-nag 2 has a report for each.
    assert nested or acknowledged == {"AwsSolutions-IAM5[Resource::*]"}


# --- What is refused ---


def test_headquarters_unsupported_by_the_installed_botocore_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The function has its model, and couldn't send them."""
    older = {name: shape for name, shape in shapes().items() if name != "Headquarters"}
    monkeypatch.setattr(profile_props, "shapes", lambda: older)
    message = "headquarters: the installed botocore lacks them; install a newer version: pip install --upgrade boto3"
    assert errors_of(headquarters=Headquarters(country_code="DE", subdivision_code="BY")) == [message]


@pytest.mark.skipif(not KNOWS_HEADQUARTERS, reason="this botocore doesn't know headquarters")
def test_all_errors_are_in_one_message() -> None:
    """Each by its prop."""
    errors = errors_of(
        partner="partner-abcDEF1234567",
        display_name="",
        description="x" * 601,
        website_url="http://example.com",
        logo_url="https://example.com/a b",
        industry_segments=[],
        primary_solution_type="SHOES",
        translation_source_locale="english",
        localized_contents=[{"locale": "de-DE"}],
        headquarters=Headquarters(country_code="Germany", subdivision_code="DE-BY"),
        visibility="public",
        outputs="no",
        provider="x",
    )
    props = [error.split(":")[0] for error in errors]
    assert props == [
        "partner",
        "display_name",
        "description",
        "website_url",
        "logo_url",
        "industry_segments",
        "primary_solution_type",
        "translation_source_locale",
        "localized_contents[0]",
        "headquarters.country_code",
        "headquarters.subdivision_code",
        "visibility",
        "outputs",
        "provider",
    ]


SEGMENTS = list(IndustrySegment)
SENTENCES: list[tuple[str, object, str]] = [
    ("partner", ARN, "partner: must be a PartnerAccount, or one that its from_… methods return"),
    ("display_name", "x" * 81, "display_name: has 81 characters; allowed are 1 to 80"),
    (
        "display_name",
        "Ex\u0007ample",
        "display_name: character 3 of 8 is a control character, which the service refuses",
    ),
    ("display_name", "Corp ${Token[AWS", "display_name: contains a fragment of a CDK token; pass the token unmodified"),
    ("description", 7, "description: must be a string"),
    ("description", "{{company}}", "description: holds {{…}}, which is unresolved; use the value itself"),
    (
        "website_url",
        "http://example.com",
        "website_url: must be an https URL without spaces, such as https://example.com",
    ),
    ("logo_url", "https://" + "x" * 249, "logo_url: has 257 characters; allowed are 1 to 256"),
    ("industry_segments", "RETAIL", "industry_segments: must be a list of 1 to 3 members of IndustrySegment"),
    ("industry_segments", SEGMENTS[:4], "industry_segments: has 4 entries; allowed are 1 to 3"),
    ("industry_segments", ["RETAIL", "RETAIL"], "industry_segments: has 'RETAIL' 2 times; list it once"),
    (
        "industry_segments",
        ["Retail"],
        (
            "industry_segments[0]: is 'Retail'; must be a member of IndustrySegment, such as "
            "IndustrySegment.SOFTWARE_INTERNET, its exact name, or a token"
        ),
    ),
    (
        "visibility",
        "HIDDEN",
        "visibility: must be ProfileVisibility.PRIVATE or ProfileVisibility.PUBLIC, its exact name, or a token",
    ),
    (
        "translation_source_locale",
        "en_US",
        "translation_source_locale: is 'en_US'; use a language and a country, such as de-DE",
    ),
    ("localized_contents", GERMAN, "localized_contents: must be a list of up to 20 LocalizedContent"),
    ("localized_contents", [GERMAN, GERMAN], "localized_contents: the locales: has 'de-DE' 2 times; list it once"),
    (
        "localized_contents",
        [GERMAN | {"locale": "en-US"}],
        (
            "localized_contents[0].locale: is 'en-US', the translation_source_locale, whose texts are those of the "
            "profile itself; remove this entry"
        ),
    ),
    (
        "localized_contents",
        [GERMAN | {"website_url": "example.com"}],
        "localized_contents[0].website_url: must be an https URL without spaces, such as https://example.com",
    ),
    (
        "localized_contents",
        [TEXTS],
        (
            "localized_contents[0]: must be a LocalizedContent(locale=…, display_name=…, description=…, website_url=…, "
            "logo_url=…), or a dict of these five; missing: 'locale'"
        ),
    ),
    (
        "headquarters",
        {"country": "DE"},
        (
            "headquarters: must be a Headquarters(country_code=…, subdivision_code=…), or a dict of these two; "
            "unknown: 'country'; missing: 'country_code', 'subdivision_code'"
        ),
    ),
    (
        "headquarters",
        {"country_code": "DEU", "subdivision_code": "BY"},
        "headquarters.country_code: is 'DEU'; use the two-letter ISO 3166-1 code, such as DE",
    ),
    (
        "headquarters",
        {"country_code": "DE", "subdivision_code": "DE-BY"},
        "headquarters.subdivision_code: is 'DE-BY'; use the ISO 3166-2 code without the country: BY, not DE-BY",
    ),
    ("export_name", "a b", "export_name: 'a b' can contain only letters, digits, colons and hyphens"),
]


@pytest.mark.parametrize(
    ("prop", "value", "error"), SENTENCES, ids=[f"{prop}-{number}" for number, (prop, _, _) in enumerate(SENTENCES)]
)
def test_literal_that_the_service_would_reject_is_reported_with_a_remedy(prop: str, value: object, error: str) -> None:
    """One error, and nothing else."""
    if error.startswith("headquarters.") and not KNOWS_HEADQUARTERS:
        pytest.skip("this botocore doesn't know headquarters")
    assert errors_of(None, **{prop: value}) == [error]


def test_more_than_twenty_languages_are_refused() -> None:
    """As the service model has it."""
    many = [GERMAN | {"locale": f"d{letter}-DE"} for letter in "abcdefghijklmnopqrstu"]
    assert errors_of(localized_contents=many) == ["localized_contents: has 21 entries; allowed are up to 20"]


@pytest.mark.skipif(not KNOWS_HEADQUARTERS, reason="this botocore doesn't know headquarters")
def test_enums_and_structs_are_those_of_the_service_model() -> None:
    """So nothing is missing, and nothing is rejected that the service accepts."""
    assert list(IndustrySegment) == list(shapes()["IndustrySegment"]["enum"])
    assert list(ProfileVisibility) == list(shapes()["ProfileVisibility"]["enum"])
    for struct in (LocalizedContent, Headquarters):
        shape = struct.__name__
        names = {"".join(part.capitalize() for part in field.name.split("_")) for field in fields(struct)}
        assert names == set(shapes()[shape]["members"]) == set(shapes()[shape]["required"])
    assert (
        set(shapes()["TaskDetails"]["members"])
        <= properties_of_profile(
            primary_solution_type="MANAGED_SERVICES",
            localized_contents=[GERMAN],
            headquarters={"country_code": "DE", "subdivision_code": "BY"},
        ).keys()
    )
    assert member_shape("TaskDetails", "Description")["max"] == 600


def test_joiners_that_persian_and_indian_languages_need_are_no_error() -> None:
    """U+200C and U+200D can't be seen, and are part of words."""
    text = "\u0646\u0631\u0645\u200c\u0627\u0641\u0632\u0627\u0631"
    assert properties_of_profile(display_name=text)["DisplayName"] == text


@pytest.mark.skipif(not KNOWS_HEADQUARTERS, reason="this botocore doesn't know headquarters")
def test_tokens_pass_in_each_prop_and_as_a_list_of_segments() -> None:
    """CloudFormation resolves them; the function judges their values."""
    stack = new_stack()
    token = cdk.CfnParameter(stack, "Text").value_as_string
    segments = cdk.CfnParameter(stack, "Segments", type="CommaDelimitedList").value_as_list
    profile_in(
        stack,
        **dict.fromkeys(TEXTS, token),
        partner=PartnerAccount.from_partner_arn(stack, "Partner", token),
        industry_segments=segments,
        primary_solution_type=token,
        translation_source_locale=token,
        localized_contents=[dict.fromkeys(GERMAN, token)] * 2,
        headquarters={"country_code": token, "subdivision_code": token},
        visibility=token,
    )
    found = resource_of(stack, PROFILE)["Properties"]
    assert found["IndustrySegments"] == {"Ref": "Segments"}
    assert {str(found[name]) for name in ("PartnerArn", "DisplayName", "Visibility", "PrimarySolutionType")} == {
        "{'Ref': 'Text'}"
    }
    assert found["Headquarters"] == {"CountryCode": {"Ref": "Text"}, "SubdivisionCode": {"Ref": "Text"}}


def test_lazy_text_is_validated_at_the_end_of_synth() -> None:
    """When its value is known."""
    stack = new_stack()
    profile_in(stack, description=cdk.Lazy.string(cast("Any", Unfilled())))
    assert "description: holds {{…}}" in synth_error_of(stack)


@jsii.implements(cdk.IStableStringProducer)
class Unfilled:
    """Produces a text with a placeholder."""

    def produce(self) -> str:
        """When CDK asks."""
        return "We are {{company}}"


def test_a_partner_of_another_account_is_refused() -> None:
    """The function reaches its own account's partners only."""
    stack = new_stack(env=cdk.Environment(account="222222222222", region="eu-west-1"))
    message = (
        "partner: is in account 111111111111, and the stack in 222222222222; declare the profile in a stack in the "
        "partner's account"
    )
    assert errors_of(stack) == [message]


def test_a_second_profile_of_one_partner_is_refused_of_the_same_construct_and_of_the_same_arn() -> None:
    """Each deployment would overwrite the other's; other partners have their own."""
    stack = new_stack()
    partner = sandbox_partner_in(stack)
    profile_in(stack, "First", partner=partner)
    message = "partner: 'Demo/First' is the profile of the same partner, which has only one; keep one of them"
    assert errors_of(stack, partner=partner) == [message]
    stack = new_stack()
    profile_in(stack, "First")
    assert errors_of(stack, partner=known_partner_in(stack, name="Again")) == [message]
    profile_in(stack, "Other", partner=known_partner_in(stack, ARN[:-1] + "8", "Another"))


def test_profile_outside_a_stack_is_rejected_with_a_remedy() -> None:
    """Not by CDK's own words."""
    app = new_app()
    with pytest.raises(
        PartnerAccountError, match="PartnerProfile 'Profile' has 1 error:\n  - scope: is not in a stack"
    ):
        profile_in(cast("cdk.Stack", app), partner=cast("IPartnerAccount", None))
