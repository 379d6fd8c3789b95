"""The commands of `partner-account` that prepare and show a partner, against the simulator and moto."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import urllib3
from botocore.exceptions import ClientError

from partner_account_cli import partners
from partner_central_simulator import FaultKind, Readings
from tests.cli.stage import ACCOUNT, BUSINESS, CONTACT, EMAIL, SCRIPT, CliStage, open_stage
from tests.handler.test_runtime import later_model
from tests.simulator.calls import ManualClock
from tests.simulator.test_profiles import DETAILS as PROFILE

pytestmark = pytest.mark.versions

PROFILE_TASK = {"TaskDetails": PROFILE}


def complete(stage: CliStage, kind: str, outcome: str = "SUCCEEDED") -> None:
    """A person follows the completion URL."""
    answer = stage.client("partnercentral-account").get_verification(VerificationType=kind)
    (details,) = answer["VerificationResponseDetails"].values()
    urllib3.request("POST", f"{details['CompletionUrl']}?outcome={outcome}")


class TestVerification:
    """`partner-account verification`."""

    def test_both_verifications_start_and_exit_with_0(self, newcomer: CliStage) -> None:
        """The business without an address, the registrant at a completion URL; until then the status is 1."""
        assert "start registrant" in newcomer.run("verification", "status", "registrant").stdout
        business = newcomer.run("verification", "start", "business", *BUSINESS)
        registrant = newcomer.run("verification", "start", "registrant")
        assert (business.status, registrant.status) == (0, 0)
        assert "IN_PROGRESS" in business.stdout
        assert "/_simulator/verifications/" not in business.stdout
        assert "PENDING_CUSTOMER_ACTION" in registrant.stdout
        assert re.search(
            r"registrant: A human must complete it until [-0-9]{10} [:0-9]{8} UTC at this", registrant.stdout
        )
        assert f"\n{newcomer.simulator.url}/_simulator/verifications/" in registrant.stdout
        pending = newcomer.run("verification", "status")
        assert pending.status == 1
        assert pending.stdout.count("/_simulator/verifications/") == 1
        assert newcomer.run("verification", "status", "business").status == 0
        for kinds in (["registrant"], []):
            assert newcomer.run("verification", "status", *kinds).status == 1
        complete(newcomer, "REGISTRANT_VERIFICATION")
        done = newcomer.run("verification", "status", "--output", "json")
        assert done.status == 0
        assert [one["VerificationStatus"] for one in done.document["Verifications"]] == ["SUCCEEDED", "SUCCEEDED"]

    def test_business_verification_shows_its_completion_url(self, moto_url: str) -> None:
        """If AWS requires a person for it, as for the registrant."""
        readings = Readings(business_verification_has_completion_url=True)
        with open_stage(moto_url, verified=False, readings=readings) as stage:
            started = stage.run("verification", "start", "business", *BUSINESS)
            assert "business: A human must complete it until" in started.stdout
            assert stage.run("verification", "status", "business").status == 1
            complete(stage, "BUSINESS_VERIFICATION")
            assert stage.run("verification", "status", "business").status == 0

    @pytest.mark.parametrize("ending", ["FAILED", "REJECTED"])
    def test_a_failed_business_verification_may_mean_that_the_company_is_a_partner(
        self, newcomer: CliStage, ending: str
    ) -> None:
        """AWS says so: it must be migrated then. A failed registrant just starts again."""
        for kind in ("BUSINESS_VERIFICATION", "REGISTRANT_VERIFICATION"):
            newcomer.simulator.account(ACCOUNT).set_verification(kind, ending)
        done = newcomer.run("verification", "status")
        assert done.status == 1
        assert "business: It also fails if the company is an AWS Partner already: then migrate" in done.stdout
        assert "registrant: Start it again: partner-account verification start registrant" in done.stdout
        assert "It also fails if the company is an AWS Partner already: then migrate" in newcomer.run("doctor").stdout

    def test_all_invalid_details_are_reported_by_option_without_values_before_any_call(
        self, newcomer: CliStage
    ) -> None:
        """botocore checks only some of them."""
        done = newcomer.run(
            *("verification", "start", "business", "--legal-name", "x" * 81, "--registration-id", "\u0007"),
            *("--country-code", "Utopia", "--jurisdiction-of-incorporation", "California"),
        )
        assert done.status == 64
        assert "--legal-name has more than 80 characters" in done.stderr
        assert "--registration-id has characters or a form that AWS refuses" in done.stderr
        country = "--country-code has more than 2 characters, and has characters or a form that AWS refuses"
        assert f"{country}: give one such as DE" in done.stderr
        assert "--jurisdiction-of-incorporation has more than 2 characters" in done.stderr
        assert "xxx" not in done.stderr
        assert newcomer.operations() == []

    def test_second_start_is_rejected_with_what_to_do_instead(self, newcomer: CliStage) -> None:
        """By default there is no address to complete it at."""
        newcomer.run("verification", "start", "registrant")
        done = newcomer.run("verification", "start", "registrant")
        assert done.status == 1
        assert "VERIFICATION_ALREADY_IN_PROGRESS" in done.stderr
        assert "Wait, or complete it at the URL that `partner-account verification status` shows." in done.stderr

    def test_watch_waits_for_aws_and_a_person_and_prints_the_url_once(
        self, newcomer: CliStage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each change is printed once, on standard error, and the outcome in the end."""
        admin = newcomer.simulator.account(ACCOUNT)
        admin.set_verification("BUSINESS_VERIFICATION", "IN_PROGRESS")
        newcomer.run("verification", "start", "registrant")
        meanwhile = iter(
            (
                lambda: None,
                lambda: complete(newcomer, "REGISTRANT_VERIFICATION"),
                lambda: admin.set_verification("BUSINESS_VERIFICATION", "SUCCEEDED"),
            )
        )
        slept: list[int] = []

        def sleep(seconds: int) -> None:
            slept.append(seconds)
            next(meanwhile)()

        monkeypatch.setattr("time.sleep", sleep)
        done = newcomer.run("verification", "status", "--watch", "--interval", "7")
        assert (done.status, slept) == (0, [7, 7, 7])
        pending, human, address, on = done.stderr.splitlines()
        assert pending == "business: IN_PROGRESS, registrant: PENDING_CUSTOMER_ACTION"
        assert human.startswith("registrant: A human must complete it until ")
        assert address.startswith(f"{newcomer.simulator.url}/_simulator/verifications/")
        assert on == "business: IN_PROGRESS, registrant: SUCCEEDED"
        assert done.stdout.count("SUCCEEDED") == 2
        assert "_simulator" not in done.stdout

    def test_watch_in_a_terminal_prints_each_change_on_its_own_line(self, newcomer: CliStage) -> None:
        """And not behind the spinner's words."""
        newcomer.run("verification", "start", "registrant")
        newcomer.simulator.faults.add("GetVerification", "delay", seconds=0.5)  # the spinner is there by then
        with newcomer.terminal("verification", "status", "--watch", COLUMNS="200") as terminal:
            terminal.expect("/_simulator/verifications/[^\r]+\r\n")
            terminal.type("\x03")
            assert terminal.ended() == 130
        assert "Ctrl-C stops it" in terminal.shown
        assert not re.search(r"Ctrl-C stops it(\x1b\[[0-9;]*m)*business: ", terminal.shown)

    def test_watch_ends_when_no_verification_is_in_progress(self, moto_url: str) -> None:
        """A completion URL that has expired is waited for in vain, and so is what was never started."""
        with open_stage(moto_url, verified=False, clock=ManualClock(datetime.now(UTC) - timedelta(days=2))) as stage:
            stage.run("verification", "start", "registrant")
            done = stage.run("verification", "status", "--watch", "--output", "json")
            assert done.status == 1
            told = [one["VerificationStatus"] for one in done.document["Verifications"]]
            assert told == ["NOT_STARTED", "PENDING_CUSTOMER_ACTION"]
            assert "has expired. Start it again: " in stage.run("verification", "status", "registrant").stdout


def test_code_is_sent_to_the_address_and_not_shown_and_the_sandbox_sends_no_email(stage: CliStage) -> None:
    """The daily limit is reported."""
    done = stage.run("send-code", "--email", EMAIL)
    (mail,) = stage.simulator.outbox
    assert (done.status, mail.email) == (0, EMAIL)
    assert "five a day" in done.stdout
    assert mail.code not in done.told
    sandbox = stage.run("send-code", "--catalog", "Sandbox", "--email", EMAIL)
    assert (sandbox.status, len(stage.simulator.outbox)) == (0, 1)
    assert "sends no e-mail" in sandbox.stdout


class TestShow:
    """`partner-account show`."""

    def test_text_and_json_mask_the_contact(self, stage: CliStage) -> None:
        """Unless --show-contact is given; JSON has the service's member names."""
        arn = stage.create_partner(Tags=[{"Key": "team", "Value": "alliances"}])
        done = stage.run("show")
        assert done.status == 0
        for told in (arn, "Example Corp", "SOFTWARE_PRODUCTS", "PRIVATE", "pprofile-", "team=alliances", "none"):
            assert told in done.stdout
        assert "J*** D***, A***, j***@example.com" in done.stdout
        assert "Jane" not in done.stdout
        assert EMAIL not in done.stdout
        assert f"Jane Doe, Alliance Lead, {EMAIL}" in stage.run("show", "--show-contact").stdout
        (partner,) = stage.run("show", "--output", "json").document["Partners"]
        assert partner["Arn"] == arn
        assert partner["Tags"] == {"team": "alliances"}
        assert partner["AllianceLeadContact"]["Email"] == "j***@example.com"
        (partner,) = stage.run("show", "--show-contact", "--output", "json").document["Partners"]
        assert partner["AllianceLeadContact"] == CONTACT

    def test_all_pages_of_partners_are_shown(self, moto_url: str) -> None:
        """Where an account has several."""
        with open_stage(moto_url, page_size=1) as stage:
            for name in ("Example One", "Example Two"):
                stage.simulator.account(ACCOUNT).add_partner(name)
            assert len(stage.run("show", "--output", "json").document["Partners"]) == 2

    def test_a_profile_task_is_shown_with_its_failures(self, stage: CliStage) -> None:
        """A running profile task, and one that has failed with its reasons."""
        arn = stage.create_partner()
        admin = stage.simulator.account(ACCOUNT)
        client = stage.client("partnercentral-account")
        admin.plan_profile_tasks(reads=3, errors=[{"Locale": "en-US", "Message": "m", "Reason": "INVALID_LOGO"}])
        client.start_profile_update_task(Catalog="AWS", Identifier=arn, **PROFILE_TASK)
        assert "IN_PROGRESS since " in stage.run("show").stdout
        client.get_profile_update_task(Catalog="AWS", Identifier=arn)
        told = stage.run("show").stdout
        assert "FAILED since " in told
        assert "INVALID_LOGO (en-US)" in told
        assert told.endswith("Correct what the reasons name, and deploy again.\n")

    def test_next_steps_are_commands_of_the_aws_cli_for_the_same_service_and_credentials(
        self, stage: CliStage, tmp_path: Path
    ) -> None:
        """To follow a task that is in progress, or to cancel it; to correct one; to make an approved profile public."""
        arn = stage.create_partner()
        which = {"Catalog": "AWS", "Identifier": arn}
        client, admin = stage.client("partnercentral-account"), stage.simulator.account(ACCOUNT)
        keys = f"aws_access_key_id = {ACCOUNT}\naws_secret_access_key = x\n"
        (tmp_path / "config").write_text(f'[profile "my own"]\n{keys}')
        options = ("--profile", "my own", "--endpoint-url", stage.simulator.url)
        led = f"--region us-east-1 --profile 'my own' --endpoint-url {stage.simulator.url} --catalog AWS"
        of_partner = f"{led} --identifier {arn.rpartition('/')[2]}"

        def last_lines(count: int) -> list[str]:
            done = stage.run("show", *options, AWS_CONFIG_FILE=str(tmp_path / "config"))
            return done.stdout.splitlines()[-count:]

        assert last_lines(1)[0].startswith("Profile task")
        admin.plan_profile_tasks(reads=None)
        task = client.start_profile_update_task(**which, **PROFILE_TASK)["TaskId"]
        assert last_lines(2) == [
            f"Follow the task: aws partnercentral-account get-profile-update-task {of_partner}",
            f"To cancel it: aws partnercentral-account cancel-profile-update-task {of_partner} --task-id {task}",
        ]
        client.cancel_profile_update_task(**which, TaskId=task)
        admin.plan_profile_tasks(reads=0)
        client.start_profile_update_task(**which, **PROFILE_TASK)
        assert last_lines(1) == [
            f"To make it PUBLIC: aws partnercentral-account put-profile-visibility {of_partner} --visibility PUBLIC"
        ]
        client.put_profile_visibility(**which, Visibility="PUBLIC")
        assert last_lines(1)[0].startswith("Profile task")
        assert re.search(r"Display name +Example\n", stage.run("show").stdout)

    def test_in_the_sandbox_tags_are_shown_if_there_are_any(self, stage: CliStage) -> None:
        """--catalog chooses; tags are shown if the partner has them."""
        arn = stage.create_partner("Sandbox")
        done = stage.run("show", "--catalog", "Sandbox")
        assert done.status == 0
        assert re.search(r"Tags +none", done.stdout)
        stage.simulator.account(ACCOUNT).tag_partner(arn.rpartition("/")[2], {"cdk-partner-account:owner": "x"})
        assert "cdk-partner-account:owner=x" in stage.run("show", "--catalog", "Sandbox").stdout

    def test_a_later_api_version_changes_nothing(self, stage: CliStage, tmp_path: Path) -> None:
        """botocore takes the latest version that it finds anywhere; the commands name the one they were written for."""
        stage.create_partner()
        later_model(tmp_path)
        done = stage.run("show", AWS_DATA_PATH=str(tmp_path))
        assert (done.status, done.stderr) == (0, "")
        assert re.search(r"Legal name +Example Corp", done.stdout)

    def test_a_sandbox_that_refuses_to_list_tags_has_none(self, stage: CliStage) -> None:
        """Like the function. A denial there is reported, and so is any refusal in catalog AWS."""

        def refuse(**_: object) -> None:
            raise ClientError({"Error": {"Code": "ValidationException"}}, "ListTagsForResource")

        client = stage.client("partnercentral-account")
        client.meta.events.register("before-call.partnercentral-account.ListTagsForResource", refuse)
        arn = stage.create_partner("Sandbox")
        assert partners.read(client, "Sandbox", arn).unread == {}
        assert set(partners.read(client, "AWS", stage.create_partner()).unread) == {"Tags"}
        stage.simulator.faults.add("ListTagsForResource", "access-denied")
        assert stage.run("show", "--catalog", "Sandbox").status == 1

    def test_denied_part_leaves_the_rest_and_exits_with_1(self, stage: CliStage) -> None:
        """The rest is shown, the denial is reported, and the exit status is 1."""
        stage.create_partner()
        stage.simulator.faults.add("GetAllianceLeadContact", "access-denied")
        done = stage.run("show")
        assert done.status == 1
        assert re.search(r"Contact +could not be read", done.stdout)
        assert "Example Corp" in done.stdout
        assert "Allow partnercentral:GetAllianceLeadContact" in done.stderr


class TestSimulator:
    """`partner-account simulator`."""

    def test_start_runs_until_ctrl_c_and_shows_emails_and_requests(self, stage: CliStage) -> None:
        """To whoever has its session token."""
        with stage.terminal("simulator", "start", "--verified", "--port", "0") as terminal:
            terminal.expect(r"listening on http://127\.0\.0\.1:[0-9]+")
            url = next(word for word in terminal.shown.split() if word.startswith("http://"))
            terminal.expect("/_simulator/outbox[^\r]+\r\n")
            token = terminal.shown.rpartition("=")[2].split()[0]
            own = {"AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT": url, "AWS_SESSION_TOKEN": token}
            assert stage.run("send-code", "--email", EMAIL, **own).status == 0
            (mail,) = stage.run("simulator", "outbox", "--output", "json", **own).document["Outbox"]
            assert mail["Email"] == EMAIL
            assert mail["Code"] in stage.run("simulator", "outbox", "--endpoint-url", url, **own).stdout
            elsewhere = {**own, "AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT": "http://127.0.0.1:9"}
            assert mail["Code"] in stage.run("--endpoint-url", url, "simulator", "outbox", **elsewhere).stdout
            stranger = stage.run("simulator", "outbox", "--endpoint-url", url)
            assert stranger.status == 1
            assert "Export AWS_SESSION_TOKEN" in stranger.stderr
            assert "SendEmailVerificationCode" in stage.run("simulator", "requests", **own).stdout
            assert stage.run("simulator", "requests", "--since", "1", **own).stdout == "Requests: none\n"
            terminal.type("\x03")
            assert terminal.ended() == 130

    def test_start_prints_its_connection_settings_as_one_line_of_json(self, stage: CliStage) -> None:
        """And ends by SIGTERM with 0; its log is on standard error."""
        command = [str(SCRIPT), "simulator", "start", "--output", "json"]
        with subprocess.Popen(
            command, env=stage.variables(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as started:
            assert started.stdout
            told = json.loads(started.stdout.readline())
            own = {
                "AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT": told["EndpointUrl"],
                "AWS_SESSION_TOKEN": told["SessionToken"],
            }
            assert stage.run("show", **own).status == 0
            started.terminate()
            rest, log = started.communicate(timeout=30)
        assert (started.returncode, rest, set(told)) == (0, b"", {"EndpointUrl", "Region", "SessionToken"})
        assert b"ListPartners" in log

    def test_faults_are_added_listed_injected_and_cleared(self, stage: CliStage) -> None:
        """With all their options."""
        order = ("simulator", "faults", "add", "ListPartners", "throttle", "--times", "2")
        assert stage.run(*order).status == 0
        assert stage.run("show").status == 1
        (fault,) = stage.run("simulator", "faults", "list", "--output", "json").document["Faults"]
        assert (fault["Operation"], fault["Kind"], fault["Times"]) == ("ListPartners", "throttle", 1)
        assert stage.run("simulator", "faults", "clear").stdout == "Faults: none\n"
        always = ("simulator", "faults", "add", "*", "delay", "--always", "--seconds", "0.1", "--after-commit")
        assert stage.run(*always, "--lasting", "60").status == 0
        (fault,) = stage.simulator.faults.pending
        assert (fault.times, fault.seconds, fault.after_commit, fault.lasting) == (None, 0.1, True, 60)

    @pytest.mark.parametrize(
        ("kind", "told"),
        [("delay", "a delay needs a length: set seconds"), ("plague", "use one of throttle, access-denied, ")],
    )
    def test_impossible_fault_is_rejected_with_the_simulators_message(
        self, stage: CliStage, kind: str, told: str
    ) -> None:
        """They have the remedy."""
        done = stage.run("simulator", "faults", "add", "ListPartners", kind)
        assert done.status == 1
        assert told in done.stderr

    def test_help_names_each_kind_of_fault(self, stage: CliStage) -> None:
        """Of the simulator's."""
        told = "".join(stage.run("simulator", "faults", "add", "--help").stdout.split())  # a line may end in a kind
        assert [kind for kind in FaultKind if kind not in told] == []

    @pytest.mark.parametrize("url", ["http://127.0.0.1:9", "https://partnercentral.example.com"])
    def test_unreachable_simulator_is_reported_with_the_command_that_starts_one(
        self, stage: CliStage, url: str
    ) -> None:
        """Nobody there, another service."""
        done = stage.run("simulator", "requests", "--endpoint-url", url)
        assert done.status == 1
        assert len(done.stderr.splitlines()) == 2
        assert "start" in done.stderr
