"""Create and Update of a profile: compare first, and start at most one profile task.

AWS validates a profile, perhaps by human review, so a task that doesn't end soon is left running.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from partner_account_handler import log
from partner_account_handler.clock import pauses
from partner_account_handler.errors import CallError, HandlerError, PartnerError, ProfileTaskError, RequestError
from partner_account_handler.identity import partner_id
from partner_account_handler.partner_central import Aws, ProfileTask
from partner_account_handler.profile_properties import ProfileProperties
from partner_account_handler.request import ProfileRequest
from partner_account_handler.stack_gate import ObservedStack

IN_PROGRESS, SUCCEEDED = "IN_PROGRESS", "SUCCEEDED"

FOLLOW_SECONDS = 60.0  # how long a profile task is followed


@dataclass(frozen=True)
class ProfileResult:
    """The outcome for a profile; `profile_id` is empty if no call has returned one."""

    written: bool
    task_status: str
    profile_id: str = ""
    not_restored: HandlerError | None = None
    """What a rollback has left unchanged, since the former template doesn't specify it."""


def write_profile(
    request: ProfileRequest,
    aws: Aws,
    stack: ObservedStack,
    on_started: Callable[[], None],
    *,
    is_rollback: bool = False,
    was_approved: bool = True,
) -> ProfileResult:
    """Changes the profile to what the template says, or starts to.

    It is hidden before it changes, and becomes public only when it matches the template.

    Args:
        request: The profile that the template describes.
        aws: Where it is written.
        stack: The stack state on which each change relies.
        on_started: Called when a task was started.
        is_rollback: Whether the Update may be a reversed one: then it restores what it can.
        was_approved: Whether the former profile was, as far as the stack shows.

    Raises:
        HandlerError: The profile can't be changed to that.
    """
    wanted, previous = request.wanted, request.previous
    if wanted.partner_arn.split(":")[4:5] != request.stack_id.split(":")[4:5]:
        raise RequestError(["PartnerArn is in another account than the stack"])
    _validate(wanted, aws)
    if is_rollback and _was_refused(request, aws):
        return ProfileResult(written=False, task_status=SUCCEEDED if was_approved else IN_PROGRESS)
    profile_id, was_set = "", False
    if wanted.visibility == "PRIVATE":
        profile_id, was_set = _write_visibility(request, aws, stack, SUCCEEDED, is_rollback=is_rollback)
    content = _write_content(request, aws, stack, on_started, is_rollback=is_rollback, was_approved=was_approved)
    if wanted.visibility == "PUBLIC":
        profile_id, was_set = _write_visibility(request, aws, stack, content.task_status, is_rollback=is_rollback)
    left = previous.left_out_by(wanted) if is_rollback and previous else []
    happened = f"the former template doesn't specify the profile's {', '.join(left)}, which stay unchanged"
    not_restored = PartnerError("NotRestored", happened, "Set them in the template, deploy again.") if left else None
    return ProfileResult(content.written or was_set, content.task_status, profile_id, not_restored)


def _validate(wanted: ProfileProperties, aws: Aws) -> None:
    aws.partner_central.validate("StartProfileUpdateTask", {"TaskDetails": wanted.details})


def _was_refused(request: ProfileRequest, aws: Aws) -> bool:
    """Whether the Update that is rolled back was refused before anything was written."""
    if request.previous is None:
        return request.was_refused
    try:
        _validate(request.previous, aws)
    except RequestError:
        return True
    return False


def _write_content(
    request: ProfileRequest,
    aws: Aws,
    stack: ObservedStack,
    on_started: Callable[[], None],
    *,
    is_rollback: bool,
    was_approved: bool,
) -> ProfileResult:
    wanted, previous, central = request.wanted, request.previous, aws.partner_central
    arn, canceled = wanted.partner_arn, False
    profile, task = central.profile(arn), central.profile_task(arn)
    if (
        task
        and task.runs
        and not wanted.is_in(task.details)
        and previous
        and previous.would_start(task.details, profile)
    ):
        central.cancel_profile_task(arn, task, stack)
        log.info("profile task canceled", task=task.id)
        canceled, former = True, task.id
        profile, task = central.profile(arn), central.profile_task(arn)  # it may have ended before
        if task and task.runs and task.id == former:
            task = replace(task, status="CANCELED")  # the service shows it late
    if task and task.runs and wanted.is_in(task.details):
        return ProfileResult(canceled, _followed(arn, task, aws))
    if _is_as_wanted(wanted, previous, profile, task, is_rollback=is_rollback, was_approved=was_approved):
        if task and task.runs:
            log.warning("a task for another profile is running", task=task.id)
        return ProfileResult(canceled, SUCCEEDED)
    if task and task.runs:
        raise PartnerError(
            "OtherProfileTask",
            f"{task.id} is in progress for a profile of neither this template nor the former",
            "Let it end, or cancel it (CancelProfileUpdateTask), then deploy again.",
        )
    # A person may need it: once the new one is approved, no call returns it any more.
    log.info("profile before this task", partner=partner_id(arn), profile=profile)
    task = _started(request, aws, stack, profile)
    if task is None:
        return ProfileResult(canceled, SUCCEEDED)
    log.info("profile task started", task=task.id)
    on_started()
    return ProfileResult(written=True, task_status=_followed(arn, task, aws))


def _is_as_wanted(
    wanted: ProfileProperties,
    previous: ProfileProperties | None,
    profile: Mapping[str, Any],
    task: ProfileTask | None,
    *,
    is_rollback: bool,
    was_approved: bool,
) -> bool:
    """Whether the profile already matches the template.

    The service may show a logo at a URL of its own, and the former profile for a moment. So a task that succeeded is
    the better source. If the latest one did not, the profile is unchanged: in a rollback it is the former one, and
    otherwise the template's if its logo URLs are the same as before, unless those were still in review.
    """
    if task and task.status == SUCCEEDED:
        return wanted.is_in({"Headquarters": profile.get("Headquarters"), **task.details})
    if wanted.is_in(profile):
        return True
    if not was_approved or not wanted.is_in(profile, logos=False) or (task and wanted.is_in(task.details)):
        return False
    return is_rollback or (previous is not None and previous.logos == wanted.logos)


def _started(request: ProfileRequest, aws: Aws, stack: ObservedStack, profile: Mapping[str, Any]) -> ProfileTask | None:
    """The new task; None if the service reports that it would change nothing."""
    wanted, previous, central = request.wanted, request.previous, aws.partner_central
    arn = wanted.partner_arn
    details = {"PrimarySolutionType": profile.get("PrimarySolutionType", ""), **wanted.details}
    try:
        return central.start_profile_task(arn, details, request.client_token, stack)
    except CallError as error:
        reason, asks_for_other_logos = error.failure.reason, previous and previous.logos != wanted.logos
        # Read again, since a lost answer may have been a success.
        if reason == "INCOMPATIBLE_PROFILE_STATE" and wanted.is_in(
            central.profile(arn), logos=bool(asks_for_other_logos)
        ):
            return None
        # It may be our own, if its answer was lost, and its token forgotten.
        task = central.profile_task(arn) if reason == "INCOMPATIBLE_PARTNER_PROFILE_TASK_STATE" else None
        if task and task.runs and wanted.is_in(task.details):
            return task
        raise


def _followed(arn: str, task: ProfileTask, aws: Aws) -> str:
    """The status of a task after a minute at most; a ProfileTaskError if it fails or is canceled."""
    until = aws.clock.spent() + FOLLOW_SECONDS
    for pause in pauses():
        if task.status in {"FAILED", "CANCELED"}:
            log.error("profile task ended", task=task.id, status=task.status, errors=task.errors)
            raise ProfileTaskError(task.id, task.status, task.errors)
        if not task.runs or aws.clock.spent() + pause > until or not aws.clock.pause(pause):
            return task.status
        with suppress(HandlerError):  # the task goes on, whether it can be seen or not
            latest = aws.partner_central.profile_task(arn, repeat=False)
            task = latest if latest and latest.id == task.id else task
    raise AssertionError("pauses never end")


def _write_visibility(
    request: ProfileRequest, aws: Aws, stack: ObservedStack, task_status: str, *, is_rollback: bool
) -> tuple[str, bool]:
    """The profile id, empty if there is none yet, and whether the visibility was written."""
    wanted, previous, arn = request.wanted.visibility, request.previous, request.wanted.partner_arn
    seen = aws.partner_central.visibility(arn)
    # A profile that doesn't exist yet is visible to nobody.
    visibility, profile_id = seen or ("PRIVATE", "")
    if wanted == visibility:
        # The service may show late that the Update that is rolled back made it public.
        was_published = is_rollback and previous is not None and previous.visibility == "PUBLIC"
        if not (seen and wanted == "PRIVATE" and was_published):
            return profile_id, False
    if wanted == "PUBLIC" and task_status == IN_PROGRESS:
        log.error("visibility not set, since this profile is not approved yet", visibility=wanted)
        return profile_id, False
    aws.partner_central.put_visibility(arn, wanted, stack)
    return profile_id, True
