"""The profile in lives of stacks: what its template says, and what must never happen to it.

Two stacks with the profile of one partner would take each other's tasks for somebody else's: so one stack has profiles.
A task counts as the stack's own by its details, which is why humans start others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from partner_account_handler.errors import HandlerError
from partner_account_handler.outcome import Answer
from partner_account_handler.stack_gate import TOLERANT
from partner_central_simulator.exceptions import ServiceError
from tests.handler.cloud import profile
from tests.handler.stepping import MODEL, AwsCall

if TYPE_CHECKING:
    from tests.handler.life import Life
    from tests.handler.life_deliveries import LifeDelivery, LifeStack

PROFILES = "Profiles"
"""The name of the stack that has them."""

BASE = {
    "partner": 0,
    "display_name": "Example",
    "logo": "logo",
    "german": False,
    "headquarters": None,
    "visibility": None,
}
_TASK_DETAILS: Any = MODEL.shape_for("TaskDetails")
REVIEWS: dict[str, dict[str, Any]] = {
    "at once": {"reads": 0},
    "soon": {"reads": 2},
    "after some minutes": {"reads": 12},
    "never": {"reads": None},
    "refused": {"reads": 1, "errors": [{"Locale": "en-US", "Message": "canary", "Reason": "INVALID_LOGO"}]},
}


def is_profile(event: dict[str, Any]) -> bool:
    """Whether an event is about a profile."""
    return bool(event.get("ResourceType") == "Custom::PartnerProfile")


def wanted_profile(life: Life, stack: LifeStack) -> dict[str, Any]:
    """The properties that the template makes."""
    template, partners = stack.template, life.partners
    texts = {"DisplayName": template["display_name"], "LogoUrl": f"https://example.com/{template['logo']}.png"}
    made = profile(partners[template["partner"] % len(partners)].arn, **texts)
    if template["german"]:
        texts["Description"] = "Wir geben Beispiele."
        made["LocalizedContents"] = [{"Locale": "de-DE", "WebsiteUrl": "https://example.com/de", **texts}]
    if template["headquarters"]:
        made["Headquarters"] = {"CountryCode": "DE", "SubdivisionCode": template["headquarters"]}
    return {**made, "Visibility": template["visibility"]} if template["visibility"] else made


def details_of(wanted: dict[str, Any]) -> dict[str, Any]:
    """What a task has of the properties."""
    return {name: wanted[name] for name in _TASK_DETAILS.members if name in wanted}


def console_details() -> dict[str, Any]:
    """What a human gives a profile in the console: no template says the same."""
    return details_of({**profile(""), "DisplayName": "Console", "PrimarySolutionType": "SOFTWARE_PRODUCTS"})


def touch_task(life: Life, number: int, kind: str) -> None:
    """A human starts or cancels a task in the console, as far as the service lets them, or changes the visibility."""
    partner = life.partners[number % len(life.partners)]
    named = {"Catalog": partner.catalog, "Identifier": partner.arn}
    running = [task.id for task in partner.tasks if task.status == "IN_PROGRESS"]
    try:
        if kind in {"start", "approve"}:
            life.account.plan_profile_tasks(reads=None if kind == "start" else 0)
            life.human("StartProfileUpdateTask", **named, TaskDetails=console_details())
        elif kind == "cancel" and running:
            life.human("CancelProfileUpdateTask", **named, TaskId=running[0])
        elif kind == "show":
            life.human("PutProfileVisibility", **named, Visibility="PUBLIC")
            life.publishable.add(partner.arn)
    except ServiceError:
        pass


def check_write(life: Life, delivery: LifeDelivery, call: AwsCall) -> None:
    """Holds a changing call against what the event may do to the profile."""
    event, partner = delivery.event, life.partner(call.members["Identifier"])
    wanted = event["ResourceProperties"]
    if call.operation == "CancelProfileUpdateTask":
        assert call.members["TaskId"] in life.own_tasks, "a task of somebody else is canceled"
    if call.operation == "PutProfileVisibility":
        assert call.members["Visibility"] == wanted.get("Visibility"), "a visibility that the template doesn't have"
    if call.operation == "StartProfileUpdateTask":
        is_first = event["RequestId"] not in life.tokens
        token = life.tokens.setdefault(event["RequestId"], call.members["ClientToken"])
        assert call.members["ClientToken"] == token, "one request starts two tasks"
        assert len([other for other in life.tokens.values() if other == token]) == 1, "two requests share a task"
        sent = {name: value for name, value in call.members["TaskDetails"].items() if name != "PrimarySolutionType"}
        assert sent == details_of(wanted), "other details than the template's"
        if partner and is_first and not delivery.is_shaken:
            had = {"LocalizedContents": [], **partner.profile}
            differs = any(had.get(name) != value for name, value in {"LocalizedContents": [], **sent}.items())
            runs = any(task.status == "IN_PROGRESS" for task in partner.tasks)
            assert differs or runs or life.readings.approved_logo_is_copied, "a task though nothing differs"


def check_success(life: Life, delivery: LifeDelivery, answer: Answer) -> None:
    """Holds a successful answer against what the service has."""
    arn = delivery.event["ResourceProperties"].get("PartnerArn", "")
    if TOLERANT.intersection({delivery.first_told, delivery.told}):
        return
    assert answer.physical_id == f"profile-of-{arn.rpartition('/')[2]}", "another physical id"
    if delivery.event["RequestType"] == "Create" and not delivery.is_shaken:
        partner, wanted = life.partner(arn), details_of(delivery.event["ResourceProperties"])
        found = partner.profile if answer.data["TaskStatus"] == "SUCCEEDED" else partner.tasks[-1].details
        assert wanted.items() <= found.items(), f"{answer.data['TaskStatus']} with another profile"


def check_profiles(life: Life) -> None:
    """What must hold after each step."""
    for partner in life.partners:
        assert partner.visibility != "PUBLIC" or partner.arn in life.publishable, "public though no template says so"


def check_converged(life: Life, stack: LifeStack) -> None:
    """What the last deployment has brought; and another one brings nothing more."""
    partner, wanted = life.partner(stack.deployed["PartnerArn"]), stack.deployed
    assert details_of(wanted).items() <= partner.profile.items(), "another profile than the template's"
    assert ("LocalizedContents" in partner.profile) == ("LocalizedContents" in wanted), "contents that were removed"
    assert partner.visibility == wanted.get("Visibility", partner.visibility), "another visibility"
    assert stack.outputs["ProfileTaskStatus"] == "SUCCEEDED" or "ProfileTaskStatus" in stack.imported


def remedy(life: Life, error: HandlerError, stack: LifeStack) -> bool:
    """Whether a human could do what the error says outside the template."""
    if "CancelProfileUpdateTask" in str(error):
        touch_task(life, stack.template["partner"], "cancel")
        return True
    return False
