"""The results of a rehearsal, as facts for JSON or an HTML page. Contacts are masked, and there is no code.

The legal name is included: whoever approves a partner account must see the permanent name that it would have.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

from partner_account_rehearsal.assembly import NESTED_STACK, Stack
from partner_account_rehearsal.faults import Fault
from partner_account_rehearsal.iam_statements import Statement, UsedStatement, statements_of
from partner_account_rehearsal.partners import OWN_TYPES, SANDBOX, partners_of, profiles_of
from partner_account_rehearsal.planned_updates import METADATA, UpdateReport, planned_update
from partner_account_rehearsal.stand_ins import StandIn

FORMAT = 2
"""Changes when a field of the JSON report changes its meaning or is removed; fields may be added at any time."""

CLOUDFORMATION, PARTNER_CENTRAL = "CloudFormation", "Partner Central"
_WORDS = {"DisplayName": "display name", "Description": "description", "WebsiteUrl": "website", "LogoUrl": "logo"}
_RETAINED = ("Retain", "RetainExceptOnCreate")
_ADDRESS = re.compile(r"([\w.+-])[\w.+-]*@(?=[\w.-]+\.[A-Za-z]{2,})")
# All of an ARN before the resource; its account may be written `${AWS::AccountId}`.
_ARN_PREFIX = re.compile(r"\barn:(?:(?:\$\{[^}]*\}|[^:\s])*:){4}(?:secret:)?")


@dataclass(frozen=True)
class RehearsalEvent:
    """Something that happened during a step.

    Attributes:
        seconds: when, counted from the beginning of the rehearsal.
        source: `CloudFormation` or `Partner Central`.
        stack: the stack's name, or the path of a nested stack; empty for Partner Central.
        type: the resource's type; empty for Partner Central.
        subject: the path of the resource's construct, or the operation that was requested.
        status: the resource's status, or the request's error; `OK` for a success.
        reason: CloudFormation's reason, or why a request's failure was to be expected.
        changes: whether a request of this operation changes something at Partner Central.
        expected: whether a request's failure was to be expected, and doesn't count.
    """

    seconds: float
    source: str
    stack: str
    type: str
    subject: str
    status: str
    reason: str = ""
    changes: bool = False
    expected: bool = False

    @property
    def failed(self) -> bool:
        """Whether it is a failure."""
        if self.source == PARTNER_CENTRAL:
            return self.status != "OK" and not self.expected
        return self.status.endswith("FAILED")

    @property
    def is_of_stack(self) -> bool:
        """Whether it is about a stack as a whole."""
        return self.type == NESTED_STACK and self.subject == self.stack

    @property
    def matters(self) -> bool:
        """Whether the summary for a reader in a hurry includes it."""
        return (
            self.source == PARTNER_CENTRAL
            or (self.is_of_stack and self.status != "REVIEW_IN_PROGRESS")
            or self.failed
            or self.type in OWN_TYPES
            or self.status == "DELETE_SKIPPED"
        )


@dataclass
class StepReport:
    """One step of the rehearsal, and what happened in it.

    Attributes:
        id: its name, such as `deploy`; it stays the same in later versions.
        title: the same, in plain words.
        began: when, in seconds from the beginning of the rehearsal.
        seconds: how long it took.
        outcome: `passed`, `failed` or `interrupted`.
        refused: whether it failed only because AWS would reject what the local AWS has done.
        events: what happened, in its order.
    """

    id: str
    title: str
    began: float = 0.0
    seconds: float = 0.0
    outcome: str = "passed"
    refused: bool = False
    events: list[RehearsalEvent] = field(default_factory=list)

    @property
    def rolled_back(self) -> bool:
        """Whether a stack rolled back in it."""
        return any(event.is_of_stack and event.status.endswith("ROLLBACK_COMPLETE") for event in self.events)

    @property
    def ending(self) -> str:
        """How it ended, in words: a step that was rolled back passes only if that was intended."""
        if self.refused:
            return "AWS would refuse this"
        return "rolled back, as intended" if self.outcome == "passed" and self.rolled_back else self.outcome

    @property
    def requests(self) -> list[RehearsalEvent]:
        """What Partner Central received."""
        return [event for event in self.events if event.source == PARTNER_CENTRAL]

    @property
    def changes(self) -> list[str]:
        """The requests that change something at Partner Central."""
        return [request.subject for request in self.requests if request.changes]


@dataclass(frozen=True)
class StackReport:
    """What a stack would create: how many resources of each type, and the paths of those that outlive it.

    `update` is how it differs from what is deployed now; None if the stack is new.
    """

    name: str
    resources: dict[str, int]
    retained: list[str]
    update: UpdateReport | None = None


@dataclass
class PartnerReport:
    """A partner account as the template describes it, with the contact masked, and the code's location.

    `exists` is whether what is deployed now has it already, so that it isn't created.
    """

    path: str
    catalog: str
    legal_name: str
    primary_solution_type: str
    contact: str
    verification_code: str
    exists: bool = False

    @property
    def rows(self) -> list[tuple[str, str]]:
        """All of it for display, except the path."""
        return [
            ("legal name", self.legal_name),
            ("catalog", self.catalog),
            ("primary solution type", self.primary_solution_type),
            ("alliance lead contact", self.contact),
            ("verification code", self.verification_code),
            *([("state", "already deployed")] if self.exists else []),
        ]


@dataclass
class ProfileReport:
    """A partner's profile as the template describes it: its texts in each locale, and whether it is public.

    What the template omits is empty, and is not changed. `task_status` is the status of its validation after the
    deployment, which may include a human's review; empty before, and if no output of the stack has it.
    """

    path: str
    visibility: str
    texts: dict[str, dict[str, str]]
    industry_segments: list[str]
    primary_solution_type: str = ""
    headquarters: dict[str, str] = field(default_factory=dict)
    task_status: str = ""

    @property
    def rows(self) -> list[tuple[str, str]]:
        """All of it for display; the locale is beside a text if there are several."""
        visibility = {
            "PUBLIC": "PUBLIC: everybody may read this",
            "": "not changed; a new profile is PRIVATE",
        }
        rows = [("visibility", visibility.get(self.visibility, self.visibility))]
        for locale, texts in self.texts.items():
            suffix = f" ({locale})" if len(self.texts) > 1 else ""
            rows += [(f"{_WORDS[name]}{suffix}", text) for name, text in texts.items()]
        rows += [
            ("industry segments", ", ".join(self.industry_segments)),
            ("primary solution type", self.primary_solution_type or "the one that the partner has"),
            ("headquarters", ", ".join(self.headquarters.values()) or "not changed"),
            ("task status", self.task_status),
        ]
        return [(name, value) for name, value in rows if value]


@dataclass(frozen=True)
class RehearsalFinding:
    """Something to know before the deployment; its `id` stays the same in later versions.

    What AWS would reject, although the local AWS does it, `fails` the rehearsal after everything else is rehearsed.
    """

    id: str
    text: str
    fails: bool = False


@dataclass
class RehearsalReport:
    """All facts of one rehearsal.

    Attributes:
        outcome: `passed`, `failed` or `interrupted`.
        problem: why it didn't pass; empty if it did.
        cli_output: the last lines of the cdk command that failed or was interrupted, without source text.
        results: what it has verified, in sentences.
        readings: those of Partner Central that differ from the simulator's defaults.
        irreversible: what a deployment does permanently; nothing in the Sandbox, or for an existing partner.
        versions: of this package, the local AWS, the cdk CLI and the app's aws-cdk-lib.
        commit: the app's commit, with `-dirty` if files differ from it; empty if it isn't in Git.
    """

    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0
    outcome: str = "failed"
    problem: str = ""
    cli_output: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    fault: str = ""
    fault_meaning: str = ""
    readings: dict[str, bool | str] = field(default_factory=dict)
    stacks: list[StackReport] = field(default_factory=list)
    partners: list[PartnerReport] = field(default_factory=list)
    profiles: list[ProfileReport] = field(default_factory=list)
    iam_statements: list[Statement] = field(default_factory=list)
    irreversible: list[str] = field(default_factory=list)
    findings: list[RehearsalFinding] = field(default_factory=list)
    not_rehearsed: list[StandIn] = field(default_factory=list)
    steps: list[StepReport] = field(default_factory=list)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    commit: str = ""

    def describe(self, stacks: Sequence[Stack], fault: Fault | None = None, former: Sequence[Stack] = ()) -> None:
        """Note, before it happens, what the app would create, or change in the existing stacks `former`."""
        self.stacks = []
        existing = {partner.catalog for partner in partners_of(former)}
        deployed = {stack.name: stack for stack in former}
        for stack in stacks:
            resources = [one for one in stack.resources() if one.type != METADATA]
            types = Counter(one.type for one in resources)
            retained = [one.path for one in resources if one.definition.get("DeletionPolicy") in _RETAINED]
            update = planned_update(deployed[stack.name], stack) if stack.name in deployed else None
            self.stacks.append(StackReport(stack.name, dict(sorted(types.items())), retained, update))
        partners, profiles = partners_of(stacks), profiles_of(stacks)
        self.partners = [
            PartnerReport(
                path=partner.path,
                catalog=partner.catalog,
                legal_name=partner.legal_name,
                primary_solution_type=partner.text("PrimarySolutionType"),
                contact=partner.masked_contact,
                verification_code=without_arn_prefix(partner.code_source),
                exists=partner.catalog in existing,
            )
            for partner in partners
        ]
        self.profiles = [
            ProfileReport(
                one.path,
                one.visibility,
                one.texts,
                one.industry_segments,
                one.text("PrimarySolutionType"),
                one.headquarters,
            )
            for one in profiles
        ]
        # There is no Partner Central in another partition.
        self.iam_statements = [
            replace(one, resources=[resource.replace("${AWS::Partition}", "aws") for resource in one.resources])
            for one in statements_of([*partners, *profiles])
        ]
        self.irreversible = [*_irreversible(self.partners)]
        self.fault, self.fault_meaning = (fault.name, fault.meaning) if fault else ("", "")

    def note_used(self, used: Sequence[UsedStatement]) -> None:
        """Note which of the function's statements have allowed something, and which were not used."""
        self.iam_statements = [one.with_usage(used) for one in self.iam_statements]
        unused = [
            one.sid or "one without a Sid" for one in self.iam_statements if one.effect == "Allow" and not one.used
        ]
        sentence = "Enforced: the function's IAM statements allow what it did"
        self.results.append(f"{sentence}; not used here: {', '.join(unused)}." if unused else f"{sentence}.")

    def note_profiles(self) -> None:
        """Note the state of the profiles after the last step."""
        for one in self.profiles:
            waits = one.visibility == "PUBLIC" and one.task_status == "IN_PROGRESS"
            visibility = "; it was not made public, because it is not approved yet" if waits else ""
            if one.task_status:
                self.results.append(f"Profile {one.path}: TaskStatus {one.task_status}{visibility}.")

    def moment(self, when: datetime | None = None) -> float:
        """The seconds from the beginning until then, by default until now."""
        return round(((when or datetime.now(UTC)) - self.began_at).total_seconds(), 6)

    @property
    def refusals(self) -> list[str]:
        """What AWS would reject, although the local AWS has done it."""
        return [finding.text for finding in self.findings if finding.fails]

    @property
    def headline(self) -> str:
        """What a reader of the report must see first."""
        if not self.partners:
            return "The rehearsal ended before it read the app"
        sentences = []
        for fate, partners in (
            (" would be created", self.new_partners),
            (", already deployed", [one for one in self.partners if one.exists]),
        ):
            names = [
                f"“{one.legal_name}” in catalog {one.catalog}" if len(self.partners) > 1 else f"“{one.legal_name}”"
                for one in partners
            ]
            if names:
                count = "One partner account" if len(names) == 1 else f"{len(names)} partner accounts"
                sentences.append(f"{count}{fate}: {' and '.join(names)}")
        if public := [
            f"“{next(iter(one.texts.values()))['DisplayName']}”" for one in self.profiles if one.visibility == "PUBLIC"
        ]:
            sentences.append(f"the profile {' and '.join(public)} would be public")
        return "; ".join(sentences)

    @property
    def new_partners(self) -> list[PartnerReport]:
        """The partner accounts that don't exist yet."""
        return [one for one in self.partners if not one.exists]

    @property
    def course(self) -> str:
        """What would happen to the stacks' resources: `created`, or also `updated` if a stack exists already."""
        return "created or updated" if any(stack.update for stack in self.stacks) else "created"

    @property
    def retained(self) -> list[str]:
        """The paths of what is kept when the stacks are destroyed."""
        return [path for stack in self.stacks for path in stack.retained]

    def to_json(self) -> str:
        """The report as a JSON object with member names as AWS writes them; times are seconds from `BeganAt`."""
        members = asdict(self, dict_factory=lambda pairs: {_member(name): value for name, value in pairs})
        return json.dumps({"Format": FORMAT, **members}, indent=2, default=datetime.isoformat) + "\n"


def is_json_report(text: str) -> bool:
    """Whether `to_json` has made this, in this or another version."""
    try:
        content = json.loads(text)
    except ValueError:
        return False
    return isinstance(content, dict) and {"Format", "BeganAt", "Outcome", "Steps"} <= set(content)


def _member(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def created_accounts(count: int, within: str = "") -> str:
    """A sentence without its period: how many partner accounts were created; `within` may be ` in all`."""
    if not count:
        return "no partner account was created"
    created = "one partner account was created" if count == 1 else f"{count} partner accounts were created"
    return f"{created}{within}, and no other"


def without_arn_prefix(text: str) -> str:
    """The text with its ARNs reduced to what they name: `catalog/AWS/partner/*`, or a secret's name."""
    return _ARN_PREFIX.sub("", text)


def without_addresses(text: str) -> str:
    """The text with each e-mail address reduced to its first letter and its domain."""
    return _ADDRESS.sub(r"\1…@", text)


def _irreversible(partners: Sequence[PartnerReport]) -> Iterator[str]:
    real = [partner for partner in partners if partner.catalog != SANDBOX and not partner.exists]
    for partner in real:
        yield f"Creates “{partner.legal_name}” in catalog {partner.catalog} as {partner.primary_solution_type}."
    if real:
        yield (
            "A company that is an AWS Partner already must migrate its account instead: a new registration replaces "
            "its historical partner data, and no rehearsal and no call can tell whether it is one."
        )
        yield (
            "Accepts the AWS Partner Central and ACE terms for the company, and chooses the AWS account for good: it "
            "pays the yearly APN fee, its billing address becomes the headquarters, and all Partner Central users get "
            "access to it."
        )
        yield (
            "AWS has no call that deletes a partner account or changes its catalog or legal name, and only its profile "
            "can change its primary solution type; destroying the stack leaves it as it is."
        )
