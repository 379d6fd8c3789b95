"""Runs the steps of a rehearsal: times them, and records what the cdk CLI, CloudFormation and Partner Central do."""

import re
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import dropwhile
from math import inf
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from partner_account_rehearsal import RehearsalError
from partner_account_rehearsal.assembly import ConstructPaths, Stack
from partner_account_rehearsal.cdk import Cdk, CommandResult
from partner_account_rehearsal.limits import explain_failure, explain_refusal
from partner_account_rehearsal.local_aws import REGION, LocalAws
from partner_account_rehearsal.partners import PARTNER_TYPE
from partner_account_rehearsal.report import (
    CLOUDFORMATION,
    PARTNER_CENTRAL,
    RehearsalEvent,
    RehearsalFinding,
    RehearsalReport,
    StepReport,
    without_addresses,
)
from partner_account_rehearsal.simulator_client import ReceivedRequest
from partner_account_rehearsal.terminal import Reporter

# The stack in which expressions are evaluated, which is not the app's.
_OWN_STACKS = "PartnerAccountRehearsal"
# After these the connection was closed without a response, so none will come.
_UNANSWERED = {"cut", "hang"}
# The CLI prints the events too, but seconds later and unordered.
_EVENT_OF_CLI = re.compile(r"\S+ \| +\d+(/\d+)? \| ")
_POLLING_SECONDS = 0.4
# What AWS would reject is in what these deploy.
_DEPLOYMENTS_OF_THE_APP = ("deploy", "deploy-with-fault", "deploy-after-fault", "deploy-unchanged")
_LAST_LINES = 40
# Lines at the end of the CLI's output that give no reason.
_NO_REASON = re.compile(r"\s*$|.*: Subprocess exited with error \d+$|Synthesis finished with errors$|Found errors$")


class StepRunner:
    """Runs the CLI on a local AWS, and records into a report."""

    def __init__(self, aws: LocalAws, cdk: Cdk, reporter: Reporter, report: RehearsalReport) -> None:
        """Record into `report`, whose seconds count from now."""
        self._aws = aws
        self._cdk = cdk
        self._reporter = reporter
        self._report = report
        report.began_at = datetime.now(UTC)
        self._known_requests = 0
        self._known_stack_events: set[str] = set()
        self._pending: list[RehearsalEvent] = []
        self._step = StepReport("", "")
        self._meets_fault = False
        self._cloudformations: list[Any] = []
        self._cli_lines: list[str] = []
        self._cli_failed = False
        self._paths = ConstructPaths()

    def select_account(self, aws: LocalAws, cdk: Cdk, stacks: Sequence[Stack]) -> None:
        """Continue in another account, in which these stacks are deployed."""
        self._aws, self._cdk, self._paths = aws, cdk, ConstructPaths(stacks)
        regions = sorted({stack.region or REGION for stack in stacks})
        self._cloudformations = [aws.at(region).client("cloudformation") for region in regions]

    @contextmanager
    def step(self, step_id: str, title: str, *, meets_fault: bool = False) -> Iterator[StepReport]:
        """One step, shown and recorded; its events are complete when the block has ended.

        `step_id` is its id in the JSON report. The failures of a step that `meets_fault` are shown as intended.
        """
        self._step = step = StepReport(step_id, title, self._report.moment(), outcome="failed")
        self._meets_fault, self._cli_lines, self._cli_failed = meets_fault, [], False
        self._report.steps.append(step)
        try:
            with self._reporter.step(step, len(self._report.steps)):
                try:
                    yield step
                    step.refused = step_id in _DEPLOYMENTS_OF_THE_APP and bool(self._report.refusals)
                    step.outcome = "failed" if step.refused else "passed"
                except (KeyboardInterrupt, SystemExit):
                    step.outcome = "interrupted"
                    raise
                finally:
                    step.seconds = round(self._report.moment() - step.began, 2)
                    self._report.seconds = self._report.moment()
        except BaseException as error:
            if self._cli_failed:
                # A traceback quotes the app's source, which may contain a contact.
                lines = [without_addresses(line) for line in self._cli_lines if not line.startswith(" " * 4)]
                self._report.cli_output = lines[-_LAST_LINES:]
                # Whoever interrupts it doesn't want more output.
                if isinstance(error, Exception) and not self._reporter.verbose:
                    for line in self._cli_lines:
                        self._reporter.quote(line)
            raise

    def run(self, *arguments: str) -> CommandResult:
        """Run the CLI as `attempt` does.

        Raises:
            RehearsalError: it failed; the reason is the first failure that a stack reported, or the CLI's own.
        """
        return self.succeeded(self.attempt(*arguments), arguments[0])

    def succeeded(self, result: CommandResult, command: str) -> CommandResult:
        """The result of a command that must have succeeded; otherwise raises as `run` does."""
        if result.exit_code:
            raise RehearsalError(f"cdk {command} failed: {self.reason(result)}")
        return result

    def reason(self, result: CommandResult, intended: Collection[str] = ()) -> str:
        """Why a command of this step failed: the first failure that a stack reported, or the CLI's own message.

        Failures of the types `intended` are not a reason.
        """
        failed = (one for one in self._step.events if one.failed and one.reason and one.type not in intended)
        reasons = (explain_failure(one.type or PARTNER_TYPE, one.subject, one.reason, one.status) for one in failed)
        if reason := next(reasons, ""):
            return reason
        reason = cli_reason(result.output) or f"exit code {result.exit_code}"
        return explain_refusal(reason) if self._step.id.startswith("deploy") else reason

    def attempt(self, *arguments: str) -> CommandResult:
        """Run the CLI; meanwhile show and record its output, the stacks' events and Partner Central's requests."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(_POLLING_SECONDS):
                # What can't be read now is read when the command has ended.
                with suppress(BotoCoreError, ClientError, OSError):
                    self.record_events(until=self._report.moment())

        def record_line(line: str) -> None:
            if not _EVENT_OF_CLI.match(line):
                self._cli_lines.append(line)
                self._reporter.cli_line(line)

        watcher = threading.Thread(target=watch, daemon=True)
        # If it is interrupted, its last lines are wanted too.
        self._cli_lines, self._cli_failed = [], True
        watcher.start()
        try:
            result = self._cdk.run(*arguments, echo=record_line)
            self._cli_failed = result.exit_code != 0
        finally:
            done.set()
            watcher.join()
        self.record_events()
        warnings = (RehearsalFinding("app-warning", text) for text in cli_annotations(result.output, "warning"))
        self._report.findings += [one for one in dict.fromkeys(warnings) if one not in self._report.findings]
        return result

    def record_events(self, *, until: float = inf) -> None:
        """Show and record the events since the last time, in their order.

        While one source is read, something may happen that the other has not reported yet: what is later than `until`
        waits for the next time.
        """
        for request in self._aws.partner_central.requests(since=self._known_requests):
            if not request.answered and not _UNANSWERED & set(request.faults):
                until = min(until, self._report.moment(request.arrived_at))
                break
            self._known_requests += 1
            self._pending.append(self._request_event(request))
        for cloudformation in self._cloudformations:
            self._pending += self._new_stack_events(cloudformation)
        self._pending.sort(key=lambda event: event.seconds)
        while self._pending and self._pending[0].seconds < until:
            event = self._pending.pop(0)
            self._step.events.append(event)
            self._reporter.event(event, intended=self._meets_fault)

    def skip_own_requests(self) -> None:
        """Leave the rehearsal's own requests to Partner Central out of the report."""
        self._known_requests += len(self._aws.partner_central.requests(since=self._known_requests))

    def disable_termination_protection(self, stacks: Sequence[str]) -> None:
        """Disable the termination protection of stacks, which they should have in the real account.

        The CLI deletes a stack not only to destroy it, but also to create it again after a rollback.
        """
        for cloudformation in self._cloudformations:
            for page in cloudformation.get_paginator("describe_stacks").paginate():
                for stack in page["Stacks"]:
                    if stack["StackName"] in stacks and stack.get("EnableTerminationProtection"):
                        cloudformation.update_termination_protection(
                            StackName=stack["StackName"], EnableTerminationProtection=False
                        )
                        self._reporter.line(f"{stack['StackName']} had termination protection, which is now disabled")

    def _request_event(self, request: ReceivedRequest) -> RehearsalEvent:
        return RehearsalEvent(
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

    def _new_stack_events(self, cloudformation: Any) -> Iterator[RehearsalEvent]:
        """The new events of all stacks, including deleted ones; those of one stack in their order."""
        stacks = [
            stack
            for page in cloudformation.get_paginator("list_stacks").paginate()
            for stack in page["StackSummaries"]
            if not stack["StackName"].startswith(_OWN_STACKS)
        ]
        for stack in stacks:
            pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack["StackId"])
            for event in reversed([event for page in pages for event in page["StackEvents"]]):
                if event["EventId"] in self._known_stack_events:
                    continue
                self._known_stack_events.add(event["EventId"])
                name, logical_id = event["StackName"], event["LogicalResourceId"]
                path = self._paths.of_stack(name)
                yield RehearsalEvent(
                    seconds=self._report.moment(event["Timestamp"]),
                    source=CLOUDFORMATION,
                    stack=path,
                    type=event["ResourceType"],
                    subject=path if logical_id == name else self._paths.of_resource(name, logical_id),
                    status=event["ResourceStatus"],
                    reason=event.get("ResourceStatusReason", ""),
                )


def cli_annotations(output: str, severity: str) -> list[str]:
    """The warnings or errors of constructs in the CLI's output, in the wording of its older and newer versions.

    The newer ones write the construct's path below. Several constructs with the same one are merged, with all paths.
    """
    found = re.findall(rf"^(?:{severity} |\[{severity} at ).*(?:\n[ \t]+\S.*)*", output, re.MULTILINE | re.IGNORECASE)
    paths: dict[tuple[str, str], dict[str, None]] = {}
    for text in found:
        told, path, rest = (" ".join(part.split()) for part in [*text.split("\n", 2), "", ""][:3])
        paths.setdefault((told, rest), {})[path] = None
    return [" ".join(filter(None, (told, ", ".join(at), rest))) for (told, rest), at in paths.items()]


def cli_reason(output: str) -> str:
    """Why the CLI failed, by its output: constructs' errors, an exception's message, or else its last line."""
    if errors := cli_annotations(output, "error"):
        return "\n".join(errors)
    lines = output.splitlines()
    while lines and _NO_REASON.match(lines[-1]):
        lines.pop()
    frames = [number for number, line in enumerate(lines) if re.match(r'  File ".*", line \d+, in ', line)]
    if not frames:
        # The last line, with the lines that it continues.
        begins = [number for number, line in enumerate(lines) if not line.startswith((" ", "-->"))]
        return "\n".join(lines[begins[-1] if begins else -1 :])
    # An exception's message begins after the last line of its traceback, which is indented.
    return "\n".join(dropwhile(lambda line: not line or line[0].isspace(), lines[frames[-1] :]))
