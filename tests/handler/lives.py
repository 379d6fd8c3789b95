"""Random lives of stacks: hypothesis chooses the steps of `tests/handler/life.py`, and shrinks what breaks one.

`python -m tests.handler.lives --sequences 2000` goes through many, and prints its figures.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from contextlib import ExitStack
from typing import Any

import hypothesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from partner_central_simulator import ProfileIdAppears, ProfileIdComesWith, Readings
from tests.handler.life import Life, Way
from tests.handler.life_deliveries import FOR_EVER, STACKS, CallFault, closed_world, figures
from tests.handler.life_profiles import PROFILES, REVIEWS, touch_task

_OPERATIONS = [
    *("CreatePartner", "ListPartners", "GetPartner", "ListTagsForResource", "TagResource", "UntagResource"),
    *("GetAllianceLeadContact", "PutAllianceLeadContact", "GetProfileVisibility", "DescribeStacks"),
    *("GetParameter", "GetSecretValue", "ConnectToResponseURL", "ListImports", "*"),
]
_OF_PROFILES = [
    *("StartProfileUpdateTask", "CancelProfileUpdateTask", "GetProfileUpdateTask", "PutProfileVisibility"),
    *("GetPartner", "GetProfileVisibility", "DescribeStacks", "ConnectToResponseURL", "ListImports", "*"),
]
_KINDS = [
    "lost",
    "answer lost",
    "500",
    "500 after it",
    "throttled",
    "denied",
    "hang",
    "garbled",
    "lagging list",
    "no tags",
    "no ProfileId",
    "stale",
    "not found",
]


def _faults(operations: list[str]) -> st.SearchStrategy[tuple[CallFault, ...]]:
    times = st.sampled_from([1, 2, 3, FOR_EVER])
    faults = st.builds(CallFault, st.sampled_from(operations), st.sampled_from(_KINDS), times)
    return st.lists(faults, max_size=3).map(tuple)


_ORDER = st.lists(st.integers(0, 2), max_size=24).map(tuple)
_MOSTLY = st.sampled_from([True, True, True, False])
_SELDOM = st.sampled_from([False, False, False, True])


def _ways(operations: list[str]) -> st.SearchStrategy[Way]:
    return st.builds(Way, fresh_code=_MOSTLY) | st.builds(
        Way,
        faults=_faults(operations),
        rolled_back=st.none() | st.integers(0, 14) | st.just(99),
        rollback_faults=_faults(operations),
        beside=st.none() | st.just(-1) | st.integers(0, 40),
        order=_ORDER,
        heard=_MOSTLY,
        fresh_code=_MOSTLY,
        no_rollback=_SELDOM,
        taken_back_in=st.sampled_from(["", "UPDATE_IN_PROGRESS", "UPDATE_FAILED", "UPDATE_ROLLBACK_IN_PROGRESS"]),
        old_shape=_SELDOM,
    )


_FAULTS, _WAYS = _faults(_OPERATIONS), _ways(_OPERATIONS)
_NAMES = st.sampled_from(STACKS)
_LEGAL_NAMES = st.sampled_from(["Canary {}", "Canary {} Two", "Canary Console", "Canary Renamed"])
_CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(["Canary", "Canary CEO", "Canary CTO"]),
        "email": st.sampled_from(["canary@{}.example", "canary2@{}.example"]),
        "tags": st.dictionaries(st.sampled_from(["team", "cost"]), st.sampled_from("12"), max_size=2),
        "legal_name": _LEGAL_NAMES,
        "solution": st.sampled_from(["SOFTWARE_PRODUCTS", "SOFTWARE_PRODUCTS", "CONSULTING_SERVICES"]),
        "catalog": st.sampled_from(["AWS", "AWS", "Sandbox"]),
        "code": st.sampled_from(["ParameterStore", "SecretsManager", "Parameter"]),
        "existing": st.sampled_from([None, 0, 1, 2]),
        "path": st.sampled_from(["Partner", "Partner", "Moved/Partner"]),
    },
)
_PROFILE_CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "partner": st.sampled_from([0, 0, 0, 1]),
        "display_name": st.sampled_from(["Example", "Other", "Third"]),
        "logo": st.sampled_from(["logo", "new"]),
        "german": st.booleans(),
        "headquarters": st.sampled_from([None, "BY", "BE"]),
        "visibility": st.sampled_from([None, "PRIVATE", "PUBLIC"]),
    },
)
_SWITCHES = (
    *("failed_request_keeps_token", "reused_token_conflicts", "one_partner_per_catalog"),
    *("new_contact_email_needs_code", "any_contact_change_needs_code", "failed_attempt_spends_code"),
    *("sandbox_takes_tags_later", "visibility_before_profile", "unchanged_profile_starts_task"),
    *("canceled_task_is_shown", "approved_logo_is_copied"),
)


class Lives(RuleBasedStateMachine):
    """Lets hypothesis choose what happens."""

    life: Life

    def __init__(self) -> None:
        super().__init__()
        self._world = ExitStack()
        self._records = self._world.enter_context(closed_world())
        figures["sequences"] += 1

    @initialize(
        readings=st.builds(
            Readings,
            profile_id=st.sampled_from(ProfileIdAppears),
            profile_id_comes_with=st.sampled_from(ProfileIdComesWith),
            **dict.fromkeys(_SWITCHES, st.booleans()),
        ),
        verified_name=st.sampled_from(["", "", "", "Canary Alpha"]),
        old_is_attempted=st.booleans(),
    )
    def begin(self, readings: Readings, verified_name: str, *, old_is_attempted: bool) -> None:
        """An account, in one reading of what AWS documents nowhere."""
        self.life = Life(readings, self._records, verified_name)
        self.life.old_is_attempted = old_is_attempted

    @rule(name=_NAMES, changes=_CHANGES, way=_WAYS)
    def deploy(self, name: str, changes: dict[str, Any], way: Way) -> None:
        """A deployment, mostly of an existing stack."""
        self.life.deploy(name, changes, way)

    @rule(changes=_CHANGES, way=_WAYS)
    def deploy_first(self, changes: dict[str, Any], way: Way) -> None:
        """One stack is deployed more often than the others."""
        self.life.deploy(STACKS[0], changes, way)

    @rule(changes=_CHANGES, way=_WAYS, others=_CHANGES, other_way=_WAYS, order=_ORDER)
    def deploy_two(
        self, changes: dict[str, Any], way: Way, others: dict[str, Any], other_way: Way, order: tuple[int, ...]
    ) -> None:
        """Two stacks at the same time."""
        self.life.together(
            order,
            lambda: self.life.deploy(STACKS[0], changes, way),
            lambda: self.life.deploy(STACKS[1], others, other_way),
        )

    @precondition(lambda self: self.life.partners)
    @rule(changes=_PROFILE_CHANGES, way=_ways(_OF_PROFILES), review=st.sampled_from(list(REVIEWS)))
    def deploy_profile(self, changes: dict[str, Any], way: Way, review: str) -> None:
        """A profile is deployed; its task, and that of its rollback, is reviewed in some way."""
        self.life.account.plan_profile_tasks(**REVIEWS[review])
        self.life.deploy(PROFILES, changes, way)

    @precondition(lambda self: self.life.live)
    @rule(name=_NAMES, output=st.integers(0, 2), lets_go=st.booleans())
    def read(self, name: str, output: int, lets_go: bool) -> None:
        """Another stack begins to import an output, or all of them let go."""
        self.life.read(name, output, lets_go=lets_go)

    @precondition(lambda self: self.life.partners)
    @rule(number=st.integers(0, 5), kind=st.sampled_from(["start", "approve", "cancel", "show"]))
    def touch_task(self, number: int, kind: str) -> None:
        """A human does something about a profile in the console."""
        touch_task(self.life, number, kind)

    @precondition(lambda self: self.life.events)
    @rule(number=st.integers(0, 60), faults=_FAULTS)
    def redeliver(self, number: int, faults: tuple[CallFault, ...]) -> None:
        """An event comes again, whatever has happened since."""
        self.life.redeliver(number, faults)

    @precondition(lambda self: self.life.live)
    @rule(number=st.integers(0, 3), keep=st.booleans())
    def delete(self, number: int, keep: bool) -> None:
        """A stack, or its partner, is removed."""
        name = sorted(self.life.live)[number % len(self.life.live)]
        if keep and self.life.live[name].arn:
            self.life.remove(name)
        else:
            self.life.delete(name)

    @precondition(lambda self: STACKS[0] in self.life.live)
    @rule(changes=_CHANGES, legal_name=_LEGAL_NAMES, way=_WAYS)
    def recreate(self, changes: dict[str, Any], legal_name: str, way: Way) -> None:
        """A stack is deleted, and deployed again under its name, perhaps with a corrected legal name."""
        template = self.life.live[STACKS[0]].template
        self.life.delete(STACKS[0])
        self.life.deploy(STACKS[0], {**template, **changes, "legal_name": legal_name}, way)

    @rule(catalog=st.sampled_from(["AWS", "Sandbox"]), legal_name=st.sampled_from(["Canary Console", "Canary Other"]))
    def add_partner(self, catalog: str, legal_name: str) -> None:
        """A human creates a partner in the console."""
        if not self.life.foreign:
            self.life.add_partner(catalog, legal_name)

    @precondition(lambda self: self.life.partners)
    @rule(
        number=st.integers(0, 5),
        kind=st.sampled_from(["contact", "name", "disown", "tag"]),
        value=st.sampled_from(["Canary Renamed", "Canary Console"]),
    )
    def touch(self, number: int, kind: str, value: str) -> None:
        """A human changes a partner."""
        self.life.touch(number, kind, value)

    @rule(name=_NAMES, wipe=st.booleans())
    def lose(self, name: str, wipe: bool) -> None:
        """The Sandbox is wiped, or a secret deleted."""
        if wipe:
            self.life.wipe()
        else:
            self.life.lose_code(name)

    @invariant()
    def holds(self) -> None:
        """What must hold after each step."""
        figures["steps"] += 1
        if hasattr(self, "life"):
            self.life.check()

    def teardown(self) -> None:
        """The faults stop."""
        try:
            survived = hasattr(self, "life") and sys.exc_info()[0] is None  # a failure is told, not one that follows
            for name in list(self.life.live) if survived else []:
                self.life.converge(name)
                self.life.check()
        finally:
            self._world.close()


def live(sequences: int, *, seed: int | None = None) -> None:
    """Goes through many lives; the same ones each time if no seed is given."""
    chosen = settings(
        max_examples=sequences,
        stateful_step_count=20,
        deadline=None,
        database=None,
        derandomize=seed is None,
        suppress_health_check=list(HealthCheck),
    )
    machine = Lives if seed is None else hypothesis.seed(seed)(Lives)
    run_state_machine_as_test(machine, settings=chosen)


def main() -> None:
    """The command line of `make soak`."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.handler.lives", description="Live through many lives of stacks."
    )
    parser.add_argument("--sequences", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    arguments = parser.parse_args()
    began = time.monotonic()
    print(f"seed {arguments.seed}", flush=True)  # noqa: T201
    try:
        live(arguments.sequences, seed=arguments.seed)
    finally:
        figures["seconds"] = round(time.monotonic() - began)
        print(", ".join(f"{count} {name}" for name, count in figures.items()))  # noqa: T201


if __name__ == "__main__":
    main()
