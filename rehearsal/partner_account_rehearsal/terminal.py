"""What a rehearsal tells in the terminal before the first deployment and in the end."""

import json
from collections.abc import Iterable, Iterator

from partner_account_rehearsal.narration import Narrator
from partner_account_rehearsal.report import PartnerReport, Report
from partner_account_rehearsal.rights import Statement


def preview(report: Report, narrator: Narrator) -> None:
    """What would be created, with which rights, what can't be undone, and what is not rehearsed."""
    for partner in report.partners:
        narrator.dictate(f"Partner account {partner.path}", _partner(partner))
    resources = [f"  {one.name}: {_counted(one.resources)}" for one in report.stacks]
    narrator.dictate("Would be created", resources)
    narrator.dictate("The partner account's function may", map(_statement, report.rights))
    narrator.dictate("Can't be undone", _bullets(report.irreversible))
    if report.readings:
        readings = [f"  {name}: {json.dumps(value)}" for name, value in report.readings.items()]
        narrator.dictate("Readings of Partner Central that differ from the simulator's defaults", readings)
    if report.not_rehearsed:
        narrator.dictate("Not rehearsed: the local AWS can't create it, so something that does nothing stands in")
        for one in report.not_rehearsed:
            narrator.tell(f"{one.type}: {', '.join(one.paths)}", "yellow")


def summary(report: Report, narrator: Narrator) -> None:
    """How each step ended, the outputs, and the verdict."""
    steps = [f"  {_mark(step.outcome)} {step.title}  {step.seconds:.1f} s" for step in report.steps]
    narrator.dictate("Report", steps)
    for stack, outputs in report.outputs.items():
        narrator.dictate(f"Outputs of {stack} (simulated)", (f"  {name} = {value}" for name, value in outputs.items()))
    if report.outcome == "passed":
        narrator.dictate("Shown", (f"  {sentence}" for sentence in report.shown))
        narrator.conclude(verdict(report))


def headline(report: Report) -> str:
    """What a reader of the report must know first."""
    match report.partners:
        case []:
            return "The rehearsal ended before it knew the app"
        case [one]:
            return f"One partner account would be created: “{one.legal_name}”"
        case several:
            names = " and ".join(f"“{one.legal_name}” in catalog {one.catalog}" for one in several)
            return f"{len(several)} partner accounts would be created: {names}"


def verdict(report: Report) -> str:
    """What a rehearsal that passed has shown, in one sentence."""
    count = len(report.partners)
    what = "One partner account was created" if count == 1 else f"{count} partner accounts were created"
    return f"{what}, and never one too many."


def _partner(partner: PartnerReport) -> Iterator[str]:
    yield f"  legal name             {partner.legal_name}"
    yield f"  catalog                {partner.catalog}"
    yield f"  primary solution type  {partner.primary_solution_type}"
    yield f"  alliance lead contact  {partner.contact}"
    yield f"  verification code      {partner.verification_code}"
    yield f"  existing partner       {partner.existing_partner}"


def _counted(resources: dict[str, int]) -> str:
    return ", ".join(f"{name} ({count})" if count > 1 else name for name, count in resources.items())


def _statement(statement: Statement) -> str:
    on = f"  {statement.sid or statement.effect}: {', '.join(statement.actions)} on {', '.join(statement.resources)}"
    return f"{on} if {' and '.join(statement.conditions)}" if statement.conditions else on


def _bullets(sentences: Iterable[str]) -> Iterator[str]:
    return (f"  {sentence}" for sentence in sentences)


def _mark(outcome: str) -> str:
    return "✓" if outcome == "passed" else "✗"
