"""The lifecycle of a partner's profile in the Sandbox, for questions that AWS leaves open.

Three tasks of the ten a day are started, and the visibility, of which five changes a day are allowed, is changed twice,
or four times if the service doesn't show the profile's id earlier. In the end it is private, and no task runs.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any, TypeAlias

from partner_central_simulator.contract.report import word
from partner_central_simulator.contract.sandbox import CATALOG, Reply, Sandbox, StoppedError
from partner_central_simulator.readings import ProfileIdComesWith

REVIEW = "review"
"""Stands for the question on how a task ends, which has no reading."""

Seen: TypeAlias = tuple[str, bool | str | None]
"""What was seen, and what it means: of a rule that AWS documents, whether it holds; of a reading, its value; of any
other question, True. None if it decides nothing."""

_WAITS = (1, 2, 4, 8, 15)
"""The seconds before each look at a task: half a minute in all."""

_HIDE = (
    f"Hide it: aws partnercentral-account put-profile-visibility --region us-east-1 --catalog {CATALOG} "
    f"--visibility PRIVATE --identifier … (`partner-account show --catalog {CATALOG}` lists it)"
)
_FROM_THE_BEGINNING = "beginning"
_STEPS = {
    "": "no response has it",
    _FROM_THE_BEGINNING: "it has one before a task is started",
    ProfileIdComesWith.PUBLICATION: "that it was public",
    ProfileIdComesWith.TASK: "a task that was started, though it was canceled",
    ProfileIdComesWith.PROFILE: "a task that has succeeded",
}


class ProfileLife:
    """The lifecycle of one partner's profile."""

    def __init__(self, sandbox: Sandbox, arn: str, details: dict[str, Any]) -> None:
        """Prepare; `details` are those of its tasks, without the ClientToken, and unlike those of earlier runs."""
        self._sandbox = sandbox
        self._call = partial(sandbox.call, Identifier=arn)
        self._details = details
        self._id_since = ""

    def answers(self) -> Iterator[tuple[str, Seen]]:
        """The answers by their readings, as they are found; each question is answered.

        Raises:
            StoppedError: as any call does; the text says if the profile is public then.
        """
        if "DisplayName" in self._look(_FROM_THE_BEGINNING):
            yield "visibility_before_profile", ("the partner had a profile before this run", None)
        else:
            yield "visibility_before_profile", self._publish_early()
        yield "canceled_task_is_shown", self._cancel_task()
        task, seconds = self._await_review()
        status = task.answer.get("Status", task.outcome)
        errors = [
            f"{word(one.get('Reason'))} ({word(one.get('Locale'))})" for one in task.answer.get("ErrorDetailList", ())
        ]
        yield REVIEW, (f"{', '.join([word(status), *errors])} after {seconds:.0f} s", True)
        logo: Seen = ("no task has succeeded", None)
        unchanged = logo
        if status == "SUCCEEDED":
            logo = self._compare_logo()
            if not self._id_since and self._publish().succeeded:
                self._look(ProfileIdComesWith.PUBLICATION)
            unchanged = self._start_unchanged()
        yield "approved_logo_is_copied", logo
        is_known = self._id_since in list(ProfileIdComesWith)
        yield "profile_id_comes_with", (_STEPS[self._id_since], str(self._id_since) if is_known else None)
        yield "unchanged_profile_starts_task", unchanged

    def _look(self, step: str) -> dict[str, Any]:
        """The profile as it is shown; `step` gave it its id, if that appears now for the first time."""
        profile: dict[str, Any] = self._call("GetPartner").answer.get("Profile", {})
        if "ProfileId" in profile:
            self._id_since = self._id_since or step
        return profile

    def _publish(self) -> Reply:
        """Make the profile public, and private again at once."""
        try:
            reply = self._call("PutProfileVisibility", Visibility="PUBLIC")
            if reply.succeeded and (outcome := self._hide()) != "success":
                raise StoppedError(f"the profile is still public: {outcome}", _HIDE)
        except KeyboardInterrupt:  # even before the response: it may be public by then
            self._hide()
            raise
        return reply

    def _hide(self) -> str:
        try:
            return self._call("PutProfileVisibility", Visibility="PRIVATE").outcome
        except StoppedError as stop:
            raise StoppedError(f"the profile may still be public: {stop}", _HIDE) from stop

    def _publish_early(self) -> Seen:
        reply = self._publish()
        if not reply.succeeded:
            return f"no: {reply.outcome}", False if reply.reason == "PARTNER_PROFILE_NOT_FOUND" else None
        self._look(ProfileIdComesWith.PUBLICATION)
        return "yes", True

    def _start(self, **changes: str) -> Reply:
        return self._call("StartProfileUpdateTask", TaskDetails={**self._details, **changes})

    def _cancel(self, task: Reply) -> Reply:
        return self._call("CancelProfileUpdateTask", TaskId=task.answer["TaskId"])

    def _cancel_task(self) -> Seen:
        """Start a task with another description, cancel it, and see what is shown of it."""
        task = self._start(Description="This task is canceled.")
        reply = self._cancel(task) if task.succeeded else task
        if not reply.succeeded:
            return reply.outcome, None
        self._look(ProfileIdComesWith.TASK)
        shown = self._call("GetProfileUpdateTask")
        if shown.answer.get("TaskId") != task.answer["TaskId"]:
            return "no: the one before it is" if shown.succeeded else f"no: {shown.outcome}", False
        return f"yes: {word(shown.answer.get('Status'))}", True

    def _await_review(self) -> tuple[Reply, float]:
        """A task's end, or its state after half a minute, when it is canceled; and how long that took."""
        began = self._sandbox.now()
        reply = task = self._start()
        for seconds in _WAITS:
            if reply.answer.get("Status") != "IN_PROGRESS":
                break
            self._sandbox.sleep(seconds)
            reply = self._call("GetProfileUpdateTask")
        else:
            self._cancel(task)
        return reply, self._sandbox.now() - began

    def _compare_logo(self) -> Seen:
        is_copied = self._look(ProfileIdComesWith.PROFILE).get("LogoUrl") != self._details["LogoUrl"]
        return "yes" if is_copied else "no: at the given one", is_copied

    def _start_unchanged(self) -> Seen:
        task = self._start()
        if not task.succeeded:
            return f"no: {task.outcome}", False if task.reason == "INCOMPATIBLE_PROFILE_STATE" else None
        if task.answer["Status"] == "IN_PROGRESS":
            self._cancel(task)
        return f"yes: {task.answer['Status']}", True
