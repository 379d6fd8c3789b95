"""What the handler asks AWS in each step of a resource's life, counted against the simulator and moto, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from benchmarks.contenders import CONSTRUCT
from benchmarks.series import Results
from partner_account_handler.outcome import NEEDS_ATTENTION, Answer
from tests.handler.cloud import CEO, Cloud, open_cloud, properties

METRIC = "handler's request "
CREATE = "create"
UNCHANGED = "update of nothing"
CONTACT = "update of the contact"
ROLLBACK = "its rollback"
IMPORTED = "update, `pending` imported"
PROFILE_CREATE = "profile: create"
PROFILE_UNCHANGED = "profile: update of nothing"
PROFILE_UPDATE = "profile: update"
STEPS = (CREATE, UNCHANGED, CONTACT, ROLLBACK, IMPORTED, PROFILE_CREATE, PROFILE_UNCHANGED, PROFILE_UPDATE)

REASONS = {
    "describe_stacks": "whether the stack is still waiting, and its outputs; once more right before a write",
    "list_imports": "whether another stack imports the current value, which then can't change",
    "list_partners": "whether the account already has a partner: creating one can't be undone",
    "get_parameter": "the verification code, which is in no template",
    "create_partner": "the partner itself, with its tags and contact",
    "get_partner": "the partner's current state, whoever changed it",
    "list_tags_for_resource": "who owns the partner, and which tags differ",
    "get_alliance_lead_contact": "whether the contact differs, since writing it may require a code",
    "put_alliance_lead_contact": "the contact",
    "get_profile_visibility": "the profile id, which no other response is sure to contain; and the visibility",
    "get_profile_update_task": "the task's status, and whether a task in progress is this stack's own",
    "start_profile_update_task": "the profile's new details",
    "cancel_profile_update_task": "the task of this stack's former details, which would otherwise take effect",
    "put_profile_visibility": "the visibility, if one is given and differs",
}


def count_requests(results: Results, moto_url: str) -> None:
    """Count all steps; what one step fails at doesn't lose the others."""
    with results.attempt("requests of the partner", CONSTRUCT.name), open_cloud(moto_url) as cloud:
        cloud.prepare()
        arn = _count(results, CREATE, cloud, lambda: cloud.create(properties())).physical_id
        cloud.set_outputs(PartnerArn=arn, PartnerProfileId=cloud.partners[0].profile_id)
        cloud.begin_deployment()
        _count(results, UNCHANGED, cloud, lambda: cloud.update(arn, properties(), properties()))
        cloud.begin_deployment()
        _count(results, CONTACT, cloud, lambda: cloud.update(arn, properties(), CEO))
        cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        _count(results, ROLLBACK, cloud, lambda: cloud.update(arn, CEO, properties()))
        cloud.set_outputs(PartnerArn=arn, PartnerProfileId="pending")
        cloud.begin_deployment()
        cloud.between = _imported
        wanted = properties(OutputPrefix="Partner")
        answer = _count(results, IMPORTED, cloud, lambda: cloud.update(arn, wanted, wanted))
        if answer.data["ProfileId"] != "pending":
            results.drop(METRIC, IMPORTED)
            raise RuntimeError("`pending` was replaced although another stack imports it")
    with results.attempt("requests of the profile", CONSTRUCT.name), open_cloud(moto_url) as cloud:
        cloud.prepare()
        before = _profile(cloud.create(properties()).physical_id)
        after = {**before, "Description": "Another description of what the company does for its customers"}
        made = _count(results, PROFILE_CREATE, cloud, lambda: _deliver(cloud, "Create", before)).physical_id
        same = {"previous": before, "PhysicalResourceId": made}
        cloud.begin_deployment()
        _count(results, PROFILE_UNCHANGED, cloud, lambda: _deliver(cloud, "Update", before, **same))
        cloud.begin_deployment()
        _count(results, PROFILE_UPDATE, cloud, lambda: _deliver(cloud, "Update", after, **same))


def requests(results: Results, step: str) -> dict[str, int]:
    """The requests of a step, by botocore's names; none if it was not counted."""
    found = (one for one in results.series if one.case == step and one.metric.startswith(METRIC))
    return {one.metric.removeprefix(METRIC): int(one.values[0]) for one in found}


def _count(results: Results, step: str, cloud: Cloud, deliver: Callable[[], Answer]) -> Answer:
    seen = len(cloud.asked)
    answer = deliver()
    if answer.report.outcome in NEEDS_ATTENTION:
        raise RuntimeError(f"{step}: {answer.report.message}")
    for operation, times in Counter(cloud.asked[seen:]).items():
        results.add(METRIC + operation, step, CONSTRUCT.name, times)
    return answer


def _deliver(cloud: Cloud, kind: str, wanted: dict[str, Any], **more: Any) -> Answer:
    return cloud.deliver(
        cloud.event(kind, wanted, ResourceType="Custom::PartnerProfile", LogicalResourceId="Profile", **more)
    )


def _profile(arn: str) -> dict[str, Any]:
    return {
        **{name: properties()[name] for name in ("ServiceToken", "ServiceTimeout", "SchemaVersion")},
        "PartnerArn": arn,
        "DisplayName": "Example Corp",
        "Description": "What the company does for its customers, in a sentence or two",
        "WebsiteUrl": "https://example.com",
        "LogoUrl": "https://example.com/logo.png",
        "IndustrySegments": ["SOFTWARE_INTERNET"],
        "TranslationSourceLocale": "en-US",
    }


def _imported(operation: str, call: Callable[..., Any], members: dict[str, Any]) -> Any:
    """CloudFormation, where each output is exported, and each export imported by another stack."""
    if operation == "list_imports":
        return {"Imports": ["Reader"]}
    answered = call(**members)
    if operation == "describe_stacks":
        for output in answered["Stacks"][0].get("Outputs", []):
            output["ExportName"] = f"Root-{output['OutputKey']}"
    return answered
