"""What an update would change in an existing stack: compares its template with the one that is deployed now."""

from dataclasses import dataclass

from partner_account_rehearsal.assembly import Stack

METADATA = "AWS::CDK::Metadata"
"""The type of the resource with CDK's own analytics, which doesn't matter to whoever deploys."""


@dataclass(frozen=True)
class PlannedChange:
    """What an update would do to a resource: `Add`, `Modify` or `Remove` it, as in a change set."""

    action: str
    type: str
    path: str

    @property
    def done(self) -> str:
        """The action in the past tense."""
        return {"Add": "added", "Modify": "changed", "Remove": "removed"}[self.action]


@dataclass(frozen=True)
class UpdateReport:
    """What an update would change in a stack, and how many of its resources are unchanged."""

    changes: list[PlannedChange]
    unchanged: int


def planned_update(former: Stack, stack: Stack) -> UpdateReport:
    """The changes in the template; without resources that change only because one that they refer to is replaced."""
    before, after = (
        {(*(parent.logical_id for parent in one.parents), one.logical_id): one for one in each.resources()}
        for each in (former, stack)
    )
    changes: list[PlannedChange] = []
    unchanged = 0
    for key, one in (before | after).items():
        if one.type == METADATA:
            continue
        if key not in before or key not in after:
            changes.append(PlannedChange("Add" if key in after else "Remove", one.type, one.path))
        # CDK's metadata, such as paths, doesn't change the resource itself.
        elif {**before[key].definition, "Metadata": {}} != {**one.definition, "Metadata": {}}:
            changes.append(PlannedChange("Modify", one.type, one.path))
        else:
            unchanged += 1
    return UpdateReport(changes, unchanged)
