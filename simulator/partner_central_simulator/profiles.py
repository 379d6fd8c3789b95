"""Rules of a partner's public profile: its visibility, and the tasks that replace it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from partner_central_simulator.exceptions import ServiceError
from partner_central_simulator.models import DAY, ApiCall, Output, SimulatedPartner, SimulatedProfileTask, new_id
from partner_central_simulator.partners import identity, requested_partner
from partner_central_simulator.readings import ProfileIdAppears, ProfileIdComesWith

PROFILE_UPDATES_PER_DAY = 10
VISIBILITY_UPDATES_PER_DAY = 5


def get_profile_visibility(call: ApiCall) -> Output:
    """Who may see the profile, and the profile's id."""
    partner = requested_partner(call)
    _require_profile_id(call, partner)
    return _visibility(partner)


def put_profile_visibility(call: ApiCall) -> Output:
    """Show or hide the profile."""
    partner = requested_partner(call)
    if not partner.has_profile and not call.readings.visibility_before_profile:
        raise ServiceError.of("PARTNER_PROFILE_NOT_FOUND")
    makes_public = call.request["Visibility"] == "PUBLIC"
    if not (makes_public and call.readings.profile_id_comes_with is ProfileIdComesWith.PUBLICATION):
        _require_profile_id(call, partner)
    reason = "LIMIT_EXCEEDED_NUMBER_OF_PROFILE_VISIBILITY_UPDATE_PER_DAY"
    _count_update(call.now, partner.visibility_updates, VISIBILITY_UPDATES_PER_DAY, reason)
    partner.visibility = call.request["Visibility"]
    partner.was_public |= makes_public
    return _visibility(partner)


def _require_profile_id(call: ApiCall, partner: SimulatedPartner) -> None:
    """The visibility responses require the id, so they include it before others do, unless by another reading."""
    if call.readings.profile_id is ProfileIdAppears.WITH_PROFILE and not partner.has_profile_id(call.readings):
        raise ServiceError.of("PARTNER_PROFILE_NOT_FOUND")


def _visibility(partner: SimulatedPartner) -> Output:
    return {**identity(partner), "Visibility": partner.visibility, "ProfileId": partner.profile_id}


def _count_update(now: datetime, updates: list[datetime], limit: int, reason: str) -> None:
    """Count one of `limit` updates in any 24 hours, or raise the error `reason`."""
    updates[:] = [time for time in updates if now - time < DAY]
    if len(updates) >= limit:
        raise ServiceError.of(reason)
    updates.append(now)


def start_profile_update_task(call: ApiCall) -> Output:
    """Begin to replace the whole profile; there can be one such task at a time."""
    partner = requested_partner(call)
    task_id = call.once(lambda: _start(call, partner).id)
    return _describe(partner, _find_task(partner, task_id))


def _start(call: ApiCall, partner: SimulatedPartner) -> SimulatedProfileTask:
    if partner.tasks and partner.tasks[-1].status == "IN_PROGRESS":
        raise ServiceError.of("INCOMPATIBLE_PARTNER_PROFILE_TASK_STATE")
    unchanged = _replaced(partner.profile, call.request["TaskDetails"]) == partner.profile
    if unchanged and not call.readings.unchanged_profile_starts_task:
        raise ServiceError.of("INCOMPATIBLE_PROFILE_STATE")
    reason = "LIMIT_EXCEEDED_NUMBER_OF_PROFILE_UPDATE_PER_DAY"
    _count_update(call.now, partner.profile_updates, PROFILE_UPDATES_PER_DAY, reason)
    task = SimulatedProfileTask(new_id("pprofiletask"), dict(call.request["TaskDetails"]), call.now, call.task_plan)
    partner.tasks.append(task)
    _progress(call.now, partner, task)
    return task


def get_profile_update_task(call: ApiCall) -> Output:
    """The partner's latest task; each read brings it nearer to its planned end."""
    partner = requested_partner(call)
    task = _find_task(partner, with_canceled=call.readings.canceled_task_is_shown)
    task.reads += 1
    _progress(call.now, partner, task)
    return _describe(partner, task)


def _progress(now: datetime, partner: SimulatedPartner, task: SimulatedProfileTask) -> None:
    if task.status != "IN_PROGRESS" or task.plan.reads is None or task.reads < task.plan.reads:
        return
    task.ended_at = now
    task.status = "FAILED" if task.plan.errors else "SUCCEEDED"
    if task.status == "SUCCEEDED":
        partner.profile = _replaced(partner.profile, task.details)


def _replaced(profile: Mapping[str, Any], details: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the whole profile except the headquarters: by the service model, omitting them keeps the former ones."""
    return {name: value for name, value in profile.items() if name == "Headquarters"} | dict(details)


def cancel_profile_update_task(call: ApiCall) -> Output:
    """Stop a task that is still in progress."""
    partner = requested_partner(call)
    task_id = call.once(lambda: _cancel(call, partner).id)
    return _describe(partner, _find_task(partner, task_id))


def _cancel(call: ApiCall, partner: SimulatedPartner) -> SimulatedProfileTask:
    task = _find_task(partner, call.request["TaskId"])
    if task.status != "IN_PROGRESS":
        raise ServiceError.of("INCOMPATIBLE_PARTNER_PROFILE_TASK_STATE")
    task.status, task.ended_at = "CANCELED", call.now
    return task


def _find_task(
    partner: SimulatedPartner, task_id: str | None = None, *, with_canceled: bool = True
) -> SimulatedProfileTask:
    """The task of that id, or the latest."""
    for task in reversed(partner.tasks):
        if task_id in {None, task.id} and (with_canceled or task.status != "CANCELED"):
            return task
    raise ServiceError.of("PARTNER_PROFILE_TASK_NOT_FOUND")


def _describe(partner: SimulatedPartner, task: SimulatedProfileTask) -> Output:
    answer: Output = {
        **identity(partner),
        "TaskId": task.id,
        "TaskDetails": task.details,
        "StartedAt": task.started_at,
        "Status": task.status,
    }
    if task.ended_at:
        answer["EndedAt"] = task.ended_at
    if task.status == "FAILED":
        answer["ErrorDetailList"] = task.plan.errors
    return answer
