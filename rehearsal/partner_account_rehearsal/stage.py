"""Where the steps of a rehearsal happen: runs the cdk CLI for them, tells of it as it comes, and records it.

Which steps there are, and what each must come to, is not this module's business.
"""

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from partner_account_rehearsal import RehearsalError
from partner_account_rehearsal.cdk import Cdk, Result
from partner_account_rehearsal.local_aws import LocalAws
from partner_account_rehearsal.narration import Narrator
from partner_account_rehearsal.partner_central import Request
from partner_account_rehearsal.paths import Paths
from partner_account_rehearsal.report import CLOUDFORMATION, PARTNER_CENTRAL, Event, Report, StepReport

# Stacks that are the rehearsal's own business, not the app's.
_BACKSTAGE = ("CDKToolkit", "PartnerAccountRehearsal")
# After these the connection was closed without an answer, so none will come.
_UNANSWERED = {"cut", "hang"}
# The CLI tells of the events too, but seconds later and in no order.
_EVENT_OF_CLI = re.compile(r"\S+ \| +\d+(/\d+)? \| ")
_SECONDS_BETWEEN_LOOKS = 0.4


class Stage:
    """A local AWS on which the CLI deploys, while what happens there is told and recorded in the report."""

    def __init__(self, aws: LocalAws, cdk: Cdk, narrator: Narrator, report: Report) -> None:
        """Record into `report`, whose seconds count from now."""
        self._aws = aws
        self._cdk = cdk
        self._narrator = narrator
        self._report = report
        report.began_at = datetime.now(UTC)
        self._requests = 0
        self._stack_events: set[str] = set()
        self._step = StepReport("", 0.0)
        self._cloudformations: list[Any] = []
        self._repeated = False
        self._said: set[str] = set()
        self._paths = Paths()

    def move_to(self, aws: LocalAws, cdk: Cdk, regions: set[str], paths: Paths) -> None:
        """Go on in another account, whose stacks lie in these regions and whose resources have these paths."""
        account = aws.environment["AWS_ACCESS_KEY_ID"]
        self._aws, self._cdk, self._paths = aws, cdk, paths
        self._cloudformations = [aws.at(account, region).client("cloudformation") for region in sorted(regions)]

    @contextmanager
    def step(self, title: str, *, repeated: bool = False) -> Iterator[StepReport]:
        """One step, told and recorded; what happened in it is known when the block has ended.

        `repeated` is a step after which each command says again what this one said, such as an app's warnings.
        """
        self._repeated = repeated
        self._step = StepReport(title, self._report.moment(), outcome="failed")
        self._report.steps.append(self._step)
        with self._narrator.step(f"{len(self._report.steps)}. {title}"):
            try:
                yield self._step
                self._step.outcome = "passed"
            finally:
                self._step.seconds = round(self._report.moment() - self._step.began, 2)
                self._report.seconds = self._report.moment()

    def run(self, *arguments: str) -> None:
        """Run the CLI as `attempt` does.

        Raises:
            RehearsalError: it failed; the reason is the first failure that a stack has told of.
        """
        result = self.attempt(*arguments)
        if result.exit_code:
            told = (f"{one.subject}: {one.reason}" for one in self._step.events if one.failed and one.reason)
            reason = next(told, f"exit code {result.exit_code}; its own words stand in the terminal")
            raise RehearsalError(f"cdk {arguments[0]} failed: {reason}")

    def attempt(self, *arguments: str) -> Result:
        """Run the CLI; meanwhile tell and record what it says, what the stacks do and what Partner Central receives."""
        done = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(done,), daemon=True)
        watcher.start()
        try:
            result = self._cdk.run(*arguments, echo=self._echo)
        finally:
            done.set()
            watcher.join()
        self.catch_up()
        return result

    def catch_up(self) -> None:
        """Tell and record what has happened since the last time."""
        events = [self._event_of(request) for request in self._new_requests()]
        events += [self._stack_event(event) for event in self._new_stack_events()]
        for event in sorted(events, key=lambda event: event.seconds):
            self._tell(event)
        self._step.events = sorted([*self._step.events, *events], key=lambda event: event.seconds)

    def overlook_requests(self) -> None:
        """Forget what the rehearsal itself has asked Partner Central."""
        self._requests += len(self._aws.partner_central.requests(since=self._requests))

    def lift_protection(self, stacks: Sequence[str]) -> None:
        """Let stacks be deleted that are protected against that, as they are to be in the real account.

        The CLI deletes a stack not only to destroy it, but also to create it again after a rollback.
        """
        for cloudformation in self._cloudformations:
            for page in cloudformation.get_paginator("describe_stacks").paginate():
                for stack in page["Stacks"]:
                    if stack["StackName"] in stacks and stack.get("EnableTerminationProtection"):
                        cloudformation.update_termination_protection(
                            StackName=stack["StackName"], EnableTerminationProtection=False
                        )
                        self._narrator.tell(f"{stack['StackName']} was protected against deletion, and is no more")

    def _watch(self, done: threading.Event) -> None:
        while not done.wait(_SECONDS_BETWEEN_LOOKS):
            # What can't be learned now is learned when the command has ended.
            with suppress(BotoCoreError, ClientError, OSError):
                self.catch_up()

    def _echo(self, line: str) -> None:
        if not _EVENT_OF_CLI.match(line) and line not in self._said:
            self._narrator.quote(line)
        if self._repeated:
            self._said.add(line)

    def _tell(self, event: Event) -> None:
        if event.source == PARTNER_CENTRAL:
            outcome = "" if event.status == "OK" else f" ({event.status})"
            style = "red" if event.failed else "bold magenta" if event.changes else "cyan"
            self._narrator.tell(f"→ Partner Central: {event.subject}{outcome}", style)
        elif event.matters or not event.status.endswith("IN_PROGRESS"):
            style = "red" if event.failed else "bold" if event.is_of_stack else ""
            self._narrator.tell(" ".join(filter(None, (event.status, event.type, event.subject, event.reason))), style)

    def _new_requests(self) -> Iterator[Request]:
        for request in self._aws.partner_central.requests(since=self._requests):
            if not request.answered and not _UNANSWERED & set(request.faults):
                break
            self._requests += 1
            yield request

    def _new_stack_events(self) -> Iterator[dict[str, Any]]:
        for event in (event for cloudformation in self._cloudformations for event in _events_of(cloudformation)):
            if event["EventId"] not in self._stack_events:
                self._stack_events.add(event["EventId"])
                yield event

    def _event_of(self, request: Request) -> Event:
        status = request.error or ("OK" if request.answered else "no answer")
        when = self._report.moment(request.arrived_at)
        return Event(when, PARTNER_CENTRAL, "", "", request.operation, status, changes=request.writes)

    def _stack_event(self, event: dict[str, Any]) -> Event:
        stack, logical_id = event["StackName"], event["LogicalResourceId"]
        path = self._paths.of_stack(stack)
        return Event(
            seconds=self._report.moment(event["Timestamp"]),
            source=CLOUDFORMATION,
            stack=path,
            type=event["ResourceType"],
            subject=path if logical_id == stack else self._paths.of_resource(stack, logical_id),
            status=event["ResourceStatus"],
            reason=event.get("ResourceStatusReason", ""),
        )


def _events_of(cloudformation: Any) -> Iterator[dict[str, Any]]:
    """All events of the app's stacks, of deleted ones too; those of one stack in their order."""
    for page in cloudformation.get_paginator("list_stacks").paginate():
        for stack in page["StackSummaries"]:
            if not stack["StackName"].startswith(_BACKSTAGE):
                pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack["StackId"])
                yield from reversed([event for events in pages for event in events["StackEvents"]])
