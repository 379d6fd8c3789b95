"""The contract of Partner Central as a suite for any endpoint: it finds the readings of each simulator, and no others.

The same calls that `partner-account probe` makes to AWS. What the Sandbox can't tell, the suite must not claim.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.wrappers import Response

from partner_central_simulator import ProfileIdAppears, ProfileIdComesWith, Readings, Simulator, partners
from partner_central_simulator.contract import (
    MOST_CALLS,
    ContractFinding,
    ContractReport,
    ContractRun,
    Sandbox,
    Status,
    StoppedError,
    client_config,
)
from partner_central_simulator.contract.questions import NAME_PREFIX, NOT_IN_SANDBOX
from partner_central_simulator.contract.report import mask, word
from partner_central_simulator.models import partner_arn
from tests.simulator.calls import ACCOUNT, ManualClock, client_of, partner_request, server_of

SWITCHES = {field.name: field.default for field in fields(Readings)}
TAGS_LATER = "sandbox_takes_tags_later"

_session = boto3.Session()


def others(name: str) -> list[Any]:
    """The values of a switch besides its default."""
    default: Any = SWITCHES[name]
    return [not default] if isinstance(default, bool) else [one for one in type(default) if one is not default]


EACH_ALONE = [{name: value} for name in SWITCHES for value in others(name)]
ANY_READINGS = st.fixed_dictionaries({name: st.sampled_from([SWITCHES[name], *others(name)]) for name in SWITCHES})


class ContractStage:
    """A simulator, and runs against it that don't wait in earnest."""

    def __init__(self, simulator: Simulator, clock: ManualClock) -> None:
        """Take both; the account is that of the other tests."""
        self.simulator = simulator
        self.clock = clock
        self.slept: list[float] = []
        self.before_call: dict[int, Callable[[], object]] = {}

    def run(self, read_timeout: float = 60, **settings: Any) -> ContractRun:
        """A run that has made no call yet."""
        client = _session.client(
            "partnercentral-account",
            region_name="us-east-1",
            endpoint_url=self.simulator.url,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="secret",
            config=client_config(read_timeout),
        )
        sandbox = Sandbox(client, sleep=self._sleep, now=lambda: self.clock().timestamp())
        return ContractRun(sandbox, **settings)

    def report(self, **settings: Any) -> ContractReport:
        """The report of a whole run."""
        run = self.run(**settings)
        whole(run)
        return run.report

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds=seconds)
        self.before_call.pop(len(self.simulator.requests) + 1, lambda: None)()


@contextmanager
def stage(**readings: Any) -> Iterator[ContractStage]:
    """A stage whose simulator has these readings."""
    clock = ManualClock()
    with Simulator(readings=Readings(**readings), clock=clock) as simulator:
        yield ContractStage(simulator, clock)


def observable(**readings: Any) -> dict[str, Any]:
    """What of these readings makes a difference in the Sandbox, and must be found."""
    told = {**SWITCHES, **readings}
    if told["profile_id"] is ProfileIdAppears.AT_ONCE:
        del told["profile_id_comes_with"]
    elif told["profile_id"] is ProfileIdAppears.WITH_PROFILE:
        # The answer needs the id, which a profile that is not there has only if the publication gives it.
        told["visibility_before_profile"] &= told["profile_id_comes_with"] is ProfileIdComesWith.PUBLICATION
    if not told["reused_token_conflicts"]:
        del told["failed_request_keeps_token"]  # another body is looked at anew in either case
    if not told.get(TAGS_LATER):
        del told["tag_keys_ignore_case"]
    return {name: value for name, value in told.items() if name not in NOT_IN_SANDBOX}


def whole(run: ContractRun) -> None:
    """All of a run."""
    run.count_existing()
    list(run.findings())


def answer(report: ContractReport, question: str) -> ContractFinding:
    """The one finding on a question."""
    (found,) = (one for one in report.findings if one.question == question)
    return found


# --- It finds what is true


@pytest.mark.parametrize("readings", [{}, *EACH_ALONE], ids=str)
def test_exactly_the_readings_of_the_simulator_are_found(readings: dict[str, Any]) -> None:
    """In few calls; what AWS documents is as documented."""
    with stage(**readings) as at:
        report = at.report()
        assert report.readings == observable(**readings)
        assert all(type(value) in {bool, str} for value in report.readings.values())
        assert {one.status for one in report.findings} & {Status.DIFFERS} == set()
        assert report.calls == len(at.simulator.requests) <= MOST_CALLS - 20
        assert not report.stopped


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANY_READINGS)
def test_any_combination_of_readings_is_found(readings: dict[str, Any]) -> None:
    """Whatever the other rules are."""
    with stage(**readings) as at:
        assert at.report().readings == observable(**readings)


def test_second_run_finds_the_same_if_an_account_can_have_several_partners() -> None:
    """It creates one partner: the account has shown already that it may have several."""
    with stage(one_partner_per_catalog=False) as at:
        first, second = at.report(), at.report()
        assert (first.partners_created, second.partners_created) == (2, 1)
        assert first.readings == second.readings


def test_second_run_leaves_questions_undecided_that_need_a_new_partner() -> None:
    """The partner of the first run serves for the rest."""
    with stage() as at:
        at.report()
        again = at.report()
        assert again.partners_created == 0
        of_a_new_one = {"profile_id", "profile_id_comes_with", "visibility_before_profile"}
        assert again.readings == {name: value for name, value in observable().items() if name not in of_a_new_one}
        assert answer(again, "How long is a client token remembered?").status is Status.NOT_ASKED


@pytest.mark.parametrize("keeps", [True, False])
def test_partner_that_was_not_created_by_a_run_is_neither_read_nor_changed(*, keeps: bool) -> None:
    """Its contact, tags and profile."""
    with stage(failed_request_keeps_token=keeps) as at:
        client_of(at.simulator).create_partner(**partner_request())
        mark = at.simulator.mark()
        before = at.simulator.account(ACCOUNT).partners
        report = at.report()
        assert at.simulator.account(ACCOUNT).partners == before
        operations = {one.operation for one in at.simulator.requests_since(mark)}
        assert operations == {"ListPartners", "CreatePartner", "GetPartner"}
        found = {"one_partner_per_catalog": True}
        if keeps:
            found = {"failed_request_keeps_token": True, "reused_token_conflicts": True, **found}
        assert report.readings == found


def test_undecidable_questions_are_reported_as_such() -> None:
    """Such as the lifetime of a code, if any six digits are accepted; and each simulator reading is covered."""
    with stage() as at:
        report = at.report()
    statuses = {one.reading: one.status for one in report.findings if one.reading}
    assert set(SWITCHES) <= set(statuses)
    assert {name for name, status in statuses.items() if status is Status.NOT_IN_SANDBOX} == set(NOT_IN_SANDBOX)


@pytest.mark.parametrize("readings", [{}, {"visibility_before_profile": True}, {"unchanged_profile_starts_task": True}])
def test_profile_is_left_private_without_a_running_task_and_far_from_the_quotas_of_a_day(
    readings: dict[str, Any],
) -> None:
    """Also where the id takes a publication, in a second run of the same day, and after a review that goes on."""
    with stage(profile_id_comes_with=ProfileIdComesWith.PUBLICATION, **readings) as at:
        at.report()
        at.simulator.account(ACCOUNT).plan_profile_tasks(reads=None)
        at.report()
        (partner,) = at.simulator.account(ACCOUNT).partners
    assert partner.visibility == "PRIVATE"
    assert {task.status for task in partner.tasks} == {"CANCELED", "SUCCEEDED"}
    assert len(partner.tasks) <= 6
    assert len(partner.visibility_updates) <= 4


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        ({"reads": 3}, "SUCCEEDED after 11 s"),
        ({"reads": None}, "IN_PROGRESS after 3[0-9] s"),
        (
            {"errors": [{"Locale": "en-US", "Message": "m", "Reason": "INVALID_LOGO"}]},
            r"FAILED, INVALID_LOGO \(en-US\) after",
        ),
    ],
)
def test_review_outcome_is_reported_and_questions_about_approved_profiles_may_stay_undecided(
    plan: dict[str, Any], told: str
) -> None:
    """With its reasons; half a minute is waited for."""
    with stage() as at:
        at.simulator.account(ACCOUNT).plan_profile_tasks(**plan)
        report = at.report()
    assert re.match(told, answer(report, "How does a profile task end?").answer)
    is_approved = told.startswith("SUCCEEDED")
    of_a_profile = {"approved_logo_is_copied", "profile_id_comes_with", "unchanged_profile_starts_task"}
    assert of_a_profile & set(report.readings) == (of_a_profile if is_approved else set())


def when_visibility_is_put(
    run: ContractRun, visibility: str, act: Callable[[], object], *, after: bool = False
) -> None:
    """Let something happen once, before a PutProfileVisibility is sent, or after it has taken effect."""
    call, acts = run.sandbox.call, [act]

    def watched(operation: str, **request: Any) -> Any:
        is_it = request.get("Visibility") == visibility and acts
        if is_it and after:
            call(operation, **request)
        if is_it:
            acts.pop()()
        return call(operation, **request)

    run.sandbox.call = watched  # type: ignore[method-assign]


def interrupt() -> None:
    """Ctrl-C."""
    raise KeyboardInterrupt


@pytest.mark.parametrize(("visibility", "after"), [("PUBLIC", True), ("PRIVATE", False)])
def test_profile_is_hidden_again_if_the_run_is_interrupted_while_it_is_public(visibility: str, *, after: bool) -> None:
    """Ctrl-C comes before the answer to the call that makes it public, or in the pause after it."""
    with stage(visibility_before_profile=True) as at:
        run = at.run()
        when_visibility_is_put(run, visibility, interrupt, after=after)
        with pytest.raises(KeyboardInterrupt):
            whole(run)
        (partner,) = at.simulator.account(ACCOUNT).partners
    assert (partner.was_public, partner.visibility) == (True, "PRIVATE")


@pytest.mark.parametrize("kind", ["throttle", "access-denied", "cut"])
def test_profile_that_could_not_be_hidden_again_stops_the_run_with_the_command_that_hides_it(kind: str) -> None:
    """Whatever the reason is."""
    with stage(visibility_before_profile=True) as at:
        run = at.run()
        when_visibility_is_put(run, "PRIVATE", lambda: at.simulator.faults.add("PutProfileVisibility", kind))
        with pytest.raises(StoppedError, match="the profile may still be public: PutProfileVisibility") as stopped:
            whole(run)
    assert "put-profile-visibility --region us-east-1 --catalog Sandbox --visibility PRIVATE" in stopped.value.remedy


def test_profile_left_public_by_an_interruption_is_reported_with_the_command_that_hides_it() -> None:
    """It may be public by then, and nothing else would report it."""
    with stage(visibility_before_profile=True) as at:

        def throttle_and_interrupt() -> None:
            at.simulator.faults.add("PutProfileVisibility", "throttle", times=None)
            interrupt()

        run = at.run()
        when_visibility_is_put(run, "PUBLIC", throttle_and_interrupt, after=True)
        with pytest.raises(StoppedError, match="the profile may still be public: PutProfileVisibility") as stopped:
            whole(run)
    assert "--visibility PRIVATE" in stopped.value.remedy


@pytest.mark.parametrize(
    ("lag", "told"),
    [
        (0, "GetPartner has it at once; ListPartners has it at once"),
        (8, "GetPartner has it at once; ListPartners has it after 11 s"),
        (3600, "GetPartner has it at once; ListPartners doesn't have it after "),
    ],
)
def test_list_lag_is_measured_or_abandoned_and_the_rest_is_found(lag: float, told: str) -> None:
    """By looks that are further and further apart, within the bounds of calls and time."""
    with stage() as at:
        at.simulator.faults.add("ListPartners", "lagging-list", times=None, seconds=lag)
        report = at.report()
        assert answer(report, "How soon is a new partner found?").answer.startswith(told)
        assert report.readings == observable()


def test_token_age_still_known_or_already_forgotten_is_reported() -> None:
    """The run waits for it, and distinguishes a service that has forgotten it from one that hasn't."""
    question = "How long is a client token remembered?"
    with stage() as at:
        assert answer(at.report(wait=200), question).answer.startswith("longer than 20")
    with stage() as at:
        run = at.run(wait=200)
        run.count_existing()
        for finding in run.findings():
            if finding.reading == "profile_id":
                with at.simulator._service.transaction() as state:  # noqa: SLF001 - nothing else forgets
                    state.accounts[ACCOUNT].tokens.clear()
        told = answer(run.report, question).answer
        assert told.startswith("less than 20")
        assert "DUPLICATE_PARTNER" in told


def test_error_that_repeats_the_request_is_reported() -> None:
    """Whoever logs them must know."""
    question = "Does an error's message repeat the request?"
    with stage() as at:
        assert answer(at.report(), question).answer == "no"
    with stage() as at:
        at.simulator.faults.add("CreatePartner", "echo", times=None)
        assert answer(at.report(), question).answer.startswith("yes: ")


def test_uniqueness_of_legal_names_is_decided_only_if_an_account_can_have_several_partners(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where it may have one, another partner is a duplicate whatever its name is."""
    question = "Is a legal name unique?"
    with stage() as at:
        assert answer(at.report(), question).status is Status.UNDECIDED
    with stage(one_partner_per_catalog=False) as at:
        assert answer(at.report(), question).status is Status.DOCUMENTED
    monkeypatch.setattr(partners, "is_name_taken", lambda *_: False)
    with stage(one_partner_per_catalog=False) as at:
        run = at.run()
        with pytest.raises(StoppedError, match="3 partners were created, unexpectedly"):
            whole(run)
        assert answer(run.report, question).status is Status.DIFFERS


# --- Where it is careful


def test_no_call_can_name_another_catalog_than_the_sandbox() -> None:
    """There is no way to another catalog: it is no parameter, and a request that names one is never sent."""
    with stage(one_partner_per_catalog=False) as at:
        run = at.run()
        whole(run)
        for request in at.simulator.requests:
            assert request.input.get("Catalog", "Sandbox") == "Sandbox", request
            assert ":catalog/Sandbox/" in request.input.get("ResourceArn", ":catalog/Sandbox/")
        assert {one.catalog for one in at.simulator.account(ACCOUNT).partners} == {"Sandbox"}
        sandbox = run.sandbox
        count = len(at.simulator.requests)
        arn = partner_arn(ACCOUNT, "AWS", "partner-0000000000000")
        foreign: list[tuple[str, dict[str, Any]]] = [
            ("CreatePartner", {**partner_request(), "Catalog": "AWS"}),
            ("ListPartners", {"Catalog": "AWS"}),
            ("TagResource", {"ResourceArn": arn, "Tags": []}),
            ("StartVerification", {"VerificationDetails": {"RegistrantVerificationDetails": {}}}),
            ("SendEmailVerificationCode", {"Email": "jane@example.com"}),
        ]
        for operation, members in foreign:
            with pytest.raises(ValueError, match=f"{operation} is not called in catalog Sandbox alone"):
                sandbox.call(operation, **members)
        assert len(at.simulator.requests) == count


def test_calls_are_made_one_by_one_with_a_pause_of_a_second() -> None:
    """By default; none is repeated by botocore."""
    with stage() as at:
        report = at.report()
        assert at.slept.count(1.0) >= report.calls - 1


def test_number_of_calls_is_bounded_whatever_the_service_answers() -> None:
    """Such as a list that never ends."""
    with stage() as at:
        run = at.run()
        run.sandbox.calls = MOST_CALLS - 5  # as if the run had been longer
        with pytest.raises(StoppedError, match=f"{MOST_CALLS} calls were made"):
            whole(run)
        assert len(at.simulator.requests) == 5
        assert run.report.stopped


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("throttle", "was throttled"),
        ("access-denied", "returned AccessDeniedException, ACCESS_DENIED"),
        ("internal-error", r"the service failed at \w+ \(500, InternalServerException\)"),
        ("unavailable", r"the service failed at \w+ \(503, 503\)"),
        ("cut", r"got no response \(ConnectionClosedError\)"),
        ("garbled", "the endpoint returned an invalid AWS response"),
    ],
)
@pytest.mark.parametrize("nth", [1, 4, 18])
def test_run_stops_at_the_first_fault(kind: str, told: str, nth: int) -> None:
    """No call follows it; earlier findings are kept, and the report has the same reason."""
    with stage() as at:
        at.before_call[nth] = lambda: at.simulator.faults.add("*", kind)
        if nth == 1:
            at.before_call.pop(1)()
        run = at.run()
        with pytest.raises(StoppedError, match=told) as stopped:
            whole(run)
        if kind != "garbled":  # only what is no error can break off: the first such answer from then on
            assert len(at.simulator.requests) == nth
        assert run.report.readings.items() <= observable().items()
        if nth > 1:
            assert run.report.document()["Stopped"] == f"{stopped.value}. {stopped.value.remedy}"


@pytest.mark.parametrize(
    ("kind", "created"),
    [("cut", None), ("hang", None), ("internal-error", None), ("garbled", None), ("throttle", 0), ("access-denied", 0)],
)
def test_number_of_created_partners_is_unknown_after_an_uncertain_create_partner(
    kind: str, created: int | None
) -> None:
    """A partner may have come of it, and the remedy says how to find out; of one that is refused for certain, none."""
    with stage() as at:
        run = at.run()
        run.count_existing()
        if kind == "hang":
            run.sandbox.client = at.run(read_timeout=0.3).sandbox.client
        at.simulator.faults.add("CreatePartner", kind, after_commit=kind in {"cut", "hang", "internal-error"})
        with pytest.raises(StoppedError) as stopped:
            list(run.findings())
        is_open = created is None
        assert ("CreatePartner timed out" in str(stopped.value)) == (kind == "hang")
        assert ("a partner may have been created all the same" in str(stopped.value)) is is_open
        assert ("`partner-account show --catalog Sandbox` shows what is there." in stopped.value.remedy) is is_open
        document = run.report.document()
        assert document["PartnersCreated"] == created
        assert document["Stopped"] == f"{stopped.value}. {stopped.value.remedy}"


def test_failed_create_partner_stops_the_run_with_a_remedy() -> None:
    """Such as by an address that is none."""
    with stage() as at:
        with pytest.raises(StoppedError, match="no partner can be created: .*AllianceLeadContact.Email") as stopped:
            whole(at.run(email="nobody"))
        assert stopped.value.remedy == "Correct what the error names, then run it again."
        assert at.simulator.account(ACCOUNT).partners == []


def test_throttled_tag_operation_stops_the_run() -> None:
    """Only a denial may be the Sandbox's own way to refuse tags."""
    with stage() as at:
        at.simulator.faults.add("TagResource", "throttle")
        with pytest.raises(StoppedError, match="TagResource was throttled"):
            whole(at.run())


def test_unlisted_duplicate_is_reported_as_a_lagging_list_or_a_finding() -> None:
    """As after a run right before this one: there is nothing to correct."""
    with stage() as at:
        at.report()
        at.simulator.faults.add("ListPartners", "lagging-list", times=None, seconds=3600)
        with pytest.raises(StoppedError, match="DUPLICATE_PARTNER, though ListPartners shows none") as stopped:
            whole(at.run())
    assert "run it again in a few minutes" in stopped.value.remedy
    assert "report this" in stopped.value.remedy


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ("TagResource", Status.UNDECIDED),
        ("ListTagsForResource", Status.UNDECIDED),
        ("UntagResource", Status.FOUND),
    ],
)
def test_denied_tag_operation_leaves_only_later_questions_undecided(operation: str, status: Status) -> None:
    """It may be a policy, or the Sandbox's own way to refuse them."""
    with stage(sandbox_takes_tags_later=True) as at:
        at.simulator.faults.add(operation, "access-denied")
        report = at.report()
    for question in ("Does TagResource work in the Sandbox?", "Are `Team` and `team` one tag key?"):
        assert answer(report, question).status is status
    assert answer(report, "How many calls are allowed?").status is Status.FOUND
    assert set(SWITCHES) <= {one.reading for one in report.findings}


def answering(status: int, body: bytes) -> AbstractContextManager[str]:
    """A server that answers everything alike."""
    return server_of(lambda _: Response(body, status, content_type="text/plain"))


@pytest.mark.parametrize("status", [200, 400, 403, 404, 502])
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Sign in</html>", b"{}", b"[]", b'"text"', b"7", b'{"PartnerSummaryList": 7}', b'{"__type": 7}'],
)
def test_endpoint_that_is_not_partner_central_stops_the_run(status: int, body: bytes) -> None:
    """A proxy's page, another service, or plain nonsense."""
    with answering(status, body) as url, pytest.raises(StoppedError):
        ContractRun(Sandbox(client_of(url))).count_existing()


@pytest.mark.parametrize(("catalog", "catalog_of_arn"), [("AWS", "Sandbox"), ("Sandbox", "AWS")])
def test_answer_for_another_catalog_stops_the_run(catalog: str, catalog_of_arn: str) -> None:
    """It would go on with what it must not touch."""
    arn = partner_arn(ACCOUNT, catalog_of_arn, "partner-0000000000000")
    members = {"Catalog": catalog, "Arn": arn, "Id": "", "LegalName": "", "CreatedAt": 0, "Profile": {}}
    with (
        answering(200, json.dumps(members).encode()) as url,
        pytest.raises(StoppedError, match="responded for a catalog other than"),
    ):
        Sandbox(client_of(url)).call("GetPartner", Identifier="partner-0000000000000")


def test_error_outside_the_operations_model_stops_the_run() -> None:
    """It is a proxy's, or another service's."""
    with (
        answering(404, b'{"__type": "com.amazonaws.s3#NoSuchBucket"}') as url,
        pytest.raises(StoppedError, match=r"invalid AWS response to ListPartners \(404, NoSuchBucket\)"),
    ):
        Sandbox(client_of(url)).call("ListPartners")


# --- What the report tells


def test_report_has_no_id_name_or_address_of_the_account() -> None:
    """Neither its id, nor names, addresses and ids of partners: it can be attached to an issue."""
    with stage(one_partner_per_catalog=False) as at:
        at.simulator.faults.add("*", "echo", times=None)
        document = str(at.report(email="jane.doe@example.com").document())
        for partner in at.simulator.account(ACCOUNT).partners:
            assert partner.id not in document
            assert partner.legal_name not in document
        for private in (ACCOUNT, "jane", "example.com", NAME_PREFIX, at.simulator.url):
            assert private not in document


@pytest.mark.parametrize(
    "text",
    [
        f"arn:aws:partnercentral:us-east-1:{ACCOUNT}:catalog/Sandbox/partner/partner-a1B2c3D4e5F6g",
        "partner-a1B2c3D4e5F6g is there",
        f"account {ACCOUNT}",
        "jane.doe@corp.example",
        "https://secret.corp.example/x",
    ],
)
def test_private_values_in_a_text_are_masked(text: str) -> None:
    """Whatever a service writes where a word is expected."""
    for private in ("a1B2c3D4e5F6g", ACCOUNT, "jane", "corp", "secret"):
        assert private not in mask(text)
    assert word(f"{text} and more") == "(no word)"
    assert word("partner-a1B2c3D4e5F6g") == "partner-***"


# --- docs/limits.md


def test_docs_limits_lists_each_question_with_the_source_of_its_answer() -> None:
    """Documented, with the source; found by the command; or open, with the reason. And no other is."""
    page = (Path(__file__).parents[2] / "docs/limits.md").read_text("utf-8")
    section = page.split("## Undocumented AWS behavior\n")[1]
    rows = dict(re.findall(r"^\| ([^|?]+\?)[^|]* \| (probe|open: [^|]+) \|", section, re.MULTILINE))
    with stage() as at:
        findings = at.report().findings
    unaskable = dict(NOT_IN_SANDBOX.values())
    undocumented = {one.question for one in findings if not one.source} - unaskable.keys()
    assert rows == dict.fromkeys(undocumented, "probe") | {name: f"open: {why}" for name, why in unaskable.items()}
    assert {one.source for one in findings if one.source} <= set(re.findall(r"https://\S+\.html", section))
