"""Runs the cdk CLI for the steps of a rehearsal, tells what happens meanwhile as it comes, and records it.

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
from partner_account_rehearsal.assembly import ConstructPaths, Stack
from partner_account_rehearsal.cdk import Cdk, Result
from partner_account_rehearsal.limits import explain_failure
from partner_account_rehearsal.local_aws import REGION, LocalAws
from partner_account_rehearsal.partners import RESOURCE_TYPE
from partner_account_rehearsal.report import CLOUDFORMATION, PARTNER_CENTRAL, Event, Report, StepReport
from partner_account_rehearsal.terminal import Reporter

# Stacks that are the rehearsal's own business, not the app's.
_OWN_STACKS = ("CDKToolkit", "PartnerAccountRehearsal")
# After these the connection was closed without an answer, so none will come.
_UNANSWERED = {"cut", "hang"}
# The CLI tells of the events too, but seconds later and in no order.
_EVENT_OF_CLI = re.compile(r"\S+ \| +\d+(/\d+)? \| ")
_POLLING_SECONDS = 0.4


class StepRunner:
    """Runs the CLI on a local AWS, and records into a report."""

    def __init__(self, aws: LocalAws, cdk: Cdk, reporter: Reporter, report: Report) -> None:
        """Record into `report`, whose seconds count from now."""
        self._aws = aws
        self._cdk = cdk
        self._reporter = reporter
        self._report = report
        report.began_at = datetime.now(UTC)
        self._known_requests = 0
        self._known_stack_events: set[str] = set()
        self._step = StepReport("", 0.0)
        self._cloudformations: list[Any] = []
        self._repeated = False
        self._echoed_lines: set[str] = set()
        self._paths = ConstructPaths()

    def select_account(self, aws: LocalAws, cdk: Cdk, stacks: Sequence[Stack]) -> None:
        """Go on in another account, in which these stacks are deployed."""
        self._aws, self._cdk, self._paths = aws, cdk, ConstructPaths(stacks)
        regions = sorted({stack.region or REGION for stack in stacks})
        self._cloudformations = [aws.at(region).client("cloudformation") for region in regions]

    @contextmanager
    def step(self, title: str, *, repeated: bool = False) -> Iterator[StepReport]:
        """One step, told and recorded; what happened in it is known when the block has ended.

        `repeated` is a step after which each command says again what this one said, such as an app's warnings.
        """
        self._repeated = repeated
        self._step = StepReport(title, self._report.moment(), outcome="failed")
        self._report.steps.append(self._step)
        with self._reporter.step(f"{len(self._report.steps)}. {title}"):
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
            failed = (one for one in self._step.events if one.failed and one.reason)
            reasons = (explain_failure(one.type or RESOURCE_TYPE, one.subject, one.reason) for one in failed)
            reason = next(reasons, f"exit code {result.exit_code}; its own words stand in the terminal")
            raise RehearsalError(f"cdk {arguments[0]} failed: {reason}")

    def attempt(self, *arguments: str) -> Result:
        """Run the CLI; meanwhile tell and record what it says, what the stacks do and what Partner Central receives."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(_POLLING_SECONDS):
                # What can't be learned now is learned when the command has ended.
                with suppress(BotoCoreError, ClientError, OSError):
                    self.record_events()

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            result = self._cdk.run(*arguments, echo=self._echo)
        finally:
            done.set()
            watcher.join()
        self.record_events()
        return result

    def record_events(self) -> None:
        """Tell and record what has happened since the last time."""
        events = sorted([*self._new_requests(), *self._new_stack_events()], key=lambda event: event.seconds)
        for event in events:
            self._print(event)
        self._step.events = sorted([*self._step.events, *events], key=lambda event: event.seconds)

    def skip_own_requests(self) -> None:
        """Leave out of the report what the rehearsal itself has asked Partner Central."""
        self._known_requests += len(self._aws.partner_central.requests(since=self._known_requests))

    def disable_termination_protection(self, stacks: Sequence[str]) -> None:
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
                        self._reporter.line(f"{stack['StackName']} was protected against deletion, and is no more")

    def _echo(self, line: str) -> None:
        if not _EVENT_OF_CLI.match(line) and line not in self._echoed_lines:
            self._reporter.quote(line)
        if self._repeated:
            self._echoed_lines.add(line)

    def _print(self, event: Event) -> None:
        if event.source == PARTNER_CENTRAL:
            outcome = "" if event.status == "OK" else f" ({'; '.join(filter(None, (event.status, event.reason)))})"
            style = "red" if event.failed else "bold magenta" if event.changes else "cyan"
            self._reporter.line(f"→ Partner Central: {event.subject}{outcome}", style)
        elif event.matters or not event.status.endswith("IN_PROGRESS"):
            style = "red" if event.failed else "bold" if event.is_of_stack else ""
            self._reporter.line(" ".join(filter(None, (event.status, event.type, event.subject, event.reason))), style)

    def _new_requests(self) -> Iterator[Event]:
        for request in self._aws.partner_central.requests(since=self._known_requests):
            if not request.answered and not _UNANSWERED & set(request.faults):
                break
            self._known_requests += 1
            yield Event(
                seconds=self._report.moment(request.arrived_at),
                source=PARTNER_CENTRAL,
                stack="",
                type="",
                subject=request.operation,
                status=request.error or ("OK" if request.answered else "no answer"),
                reason=request.expected_refusal,
                changes=request.writes,
                expected=bool(request.expected_refusal),
            )

    def _new_stack_events(self) -> Iterator[Event]:
        for event in (event for cloudformation in self._cloudformations for event in _stack_events(cloudformation)):
            if event["EventId"] in self._known_stack_events:
                continue
            self._known_stack_events.add(event["EventId"])
            stack, logical_id = event["StackName"], event["LogicalResourceId"]
            path = self._paths.of_stack(stack)
            yield Event(
                seconds=self._report.moment(event["Timestamp"]),
                source=CLOUDFORMATION,
                stack=path,
                type=event["ResourceType"],
                subject=path if logical_id == stack else self._paths.of_resource(stack, logical_id),
                status=event["ResourceStatus"],
                reason=event.get("ResourceStatusReason", ""),
            )


def _stack_events(cloudformation: Any) -> Iterator[dict[str, Any]]:
    """All events of the app's stacks, of deleted ones too; those of one stack in their order."""
    for page in cloudformation.get_paginator("list_stacks").paginate():
        for stack in page["StackSummaries"]:
            if not stack["StackName"].startswith(_OWN_STACKS):
                pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack["StackId"])
                yield from reversed([event for events in pages for event in events["StackEvents"]])
