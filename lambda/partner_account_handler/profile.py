"""Create and Update of a profile: compare first, start one profile task at most, then set the visibility.

AWS validates a profile, perhaps by a human, so a task that doesn't end soon is left to itself.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
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
    """What became of a profile; `profile_id` is empty if the service tells none yet."""

    written: bool
    task_status: str
    profile_id: str


def write_profile(
    request: ProfileRequest,
    aws: Aws,
    stack: ObservedStack,
    on_started: Callable[[], None],
    *,
    is_rollback: bool = False,
) -> ProfileResult:
    """The profile as the template says, or on its way there; `on_started` is called when a task was started.

    A HandlerError says that it can't become so.
    """
    wanted = request.wanted
    if wanted.partner_arn.split(":")[4] != request.stack_id.split(":")[4]:
        raise RequestError(["PartnerArn is of another account than the stack"])
    aws.partner_central.validate("StartProfileUpdateTask", {"TaskDetails": wanted.details})
    failure: HandlerError | None = None
    try:
        task_status, started = _write_content(request, aws, stack, on_started, is_rollback=is_rollback)
    except HandlerError as error:
        if not is_rollback:
            raise
        # It restores what it can.
        failure, task_status, started = error, IN_PROGRESS, False
    profile_id, was_set = _write_visibility(request, aws, stack, task_status)
    if failure:
        raise failure
    return ProfileResult(started or was_set, task_status, profile_id)


def _write_content(
    request: ProfileRequest, aws: Aws, stack: ObservedStack, on_started: Callable[[], None], *, is_rollback: bool
) -> tuple[str, bool]:
    """The status of the profile's task, and whether anything was written."""
    wanted, previous, central = request.wanted, request.previous, aws.partner_central
    arn, canceled = wanted.partner_arn, False
    profile, task = central.profile(arn), central.profile_task(arn)
    if task and task.runs and previous and previous.is_in(task.details) and not wanted.is_in(task.details):
        central.cancel_profile_task(arn, task, stack)
        log.info("profile task canceled", task=task.id)
        canceled = True
        profile, task = central.profile(arn), central.profile_task(arn)  # it may have ended before
    if task and task.runs and wanted.is_in(task.details):
        return _followed(arn, task, aws), canceled
    if _is_as_wanted(wanted, previous, profile, task, is_rollback=is_rollback):
        if task and task.runs:
            log.warning("profile task that this stack did not start", task=task.id)
        return SUCCEEDED, canceled
    if task and task.runs:
        raise PartnerError(
            "OtherProfileTask",
            f"{task.id}, which this stack did not start, is in progress",
            "Let it end, or cancel it (CancelProfileUpdateTask), then deploy again.",
        )
    # A human may need it: once the new one is approved, no call tells it any more.
    log.info("profile before this task", partner=partner_id(arn), profile=profile)
    task = _started(request, aws, stack, profile)
    if task is None:
        return SUCCEEDED, canceled
    log.info("profile task started", task=task.id)
    on_started()
    return _followed(arn, task, aws), True


def _is_as_wanted(
    wanted: ProfileProperties,
    previous: ProfileProperties | None,
    profile: Mapping[str, Any],
    task: ProfileTask | None,
    *,
    is_rollback: bool,
) -> bool:
    """Whether the profile is the template's already.

    The service may show a logo at an address of its own, so a task that succeeded tells better what the profile is.
    If the latest one did not, the profile is what it was before: in a rollback the former one, and else the template's
    if that asks for the logos that it asked for before.
    """
    if wanted.is_in(profile):
        return True
    if task and task.status == SUCCEEDED:
        return wanted.is_in(task.details)
    if not wanted.is_in(profile, logos=False) or (task and wanted.is_in(task.details)):
        return False
    return is_rollback or (previous is not None and previous.logos == wanted.logos)


def _started(request: ProfileRequest, aws: Aws, stack: ObservedStack, profile: Mapping[str, Any]) -> ProfileTask | None:
    """The new task; None if the service says that it would change nothing."""
    wanted, central = request.wanted, aws.partner_central
    arn = wanted.partner_arn
    details = {"PrimarySolutionType": profile.get("PrimarySolutionType", ""), **wanted.details}
    try:
        return central.start_profile_task(arn, details, request.client_token, stack)
    except CallError as error:
        if error.failure.reason == "INCOMPATIBLE_PROFILE_STATE" and wanted.is_in(profile, logos=False):
            return None
        # It may be our own, if its answer was lost, and its token forgotten.
        task = central.profile_task(arn) if error.failure.reason == "INCOMPATIBLE_PARTNER_PROFILE_TASK_STATE" else None
        if task and task.runs and wanted.is_in(task.details):
            return task
        raise


def _followed(arn: str, task: ProfileTask, aws: Aws) -> str:
    """The status of a task after a minute at most; a ProfileTaskError if it ends otherwise than well."""
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


def _write_visibility(request: ProfileRequest, aws: Aws, stack: ObservedStack, task_status: str) -> tuple[str, bool]:
    """The profile id, empty if there is none yet, and whether the visibility was written."""
    wanted, arn = request.wanted.visibility, request.wanted.partner_arn
    # One that doesn't exist yet nobody sees.
    visibility, profile_id = aws.partner_central.visibility(arn) or ("PRIVATE", "")
    if not wanted and request.previous and request.previous.visibility:
        log.warning("visibility left, since the template says none any more", visibility=visibility)
    if wanted in {"", visibility}:
        return profile_id, False
    try:
        return aws.partner_central.put_visibility(arn, wanted, stack), True
    except CallError as error:
        if error.failure.reason != "PARTNER_PROFILE_NOT_FOUND" or task_status != IN_PROGRESS:
            raise
    log.error("visibility not set, since no profile is approved yet", visibility=wanted)
    return profile_id, False
