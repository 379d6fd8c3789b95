"""The commands of `partner-account` that prepare and show a partner, against the simulator and moto."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import urllib3
from botocore.exceptions import ClientError

from partner_account_cli import partners
from partner_account_cli.simulator import FAULT_KINDS
from partner_central_simulator import FaultKind, Readings
from tests.cli.page import PAGE
from tests.cli.stage import ACCOUNT, BUSINESS, CONTACT, EMAIL, Stage, open_stage
from tests.handler.test_runtime import later_model
from tests.simulator.test_profiles import PROFILE

PROFILE_TASK = {"TaskDetails": PROFILE}


def complete(stage: Stage, kind: str, outcome: str = "SUCCEEDED") -> None:
    """A human follows the completion URL."""
    answer = stage.client("partnercentral-account").get_verification(VerificationType=kind)
    (details,) = answer["VerificationResponseDetails"].values()
    urllib3.request("POST", f"{details['CompletionUrl']}?outcome={outcome}")


class TestVerification:
    """`partner-account verification`."""

    def test_start_and_status(self, newcomer: Stage) -> None:
        """Both are started and succeed, the business without an address; the exit status says so."""
        business = newcomer.run("verification", "start", "business", *BUSINESS)
        registrant = newcomer.run("verification", "start", "registrant")
        assert (business.status, registrant.status) == (0, 0)
        assert "IN_PROGRESS" in business.stdout
        assert "/_simulator/verifications/" not in business.stdout
        assert "PENDING_CUSTOMER_ACTION" in registrant.stdout
        assert re.search(r"complete it until [-0-9]{10} [:0-9]{8} UTC at\n", registrant.stdout)
        assert f"\n{newcomer.simulator.url}/_simulator/verifications/" in registrant.stdout
        pending = newcomer.run("verification", "status")
        assert pending.status == 1
        assert pending.stdout.count("/_simulator/verifications/") == 1
        assert newcomer.run("verification", "status", "business").status == 0
        assert newcomer.run("verification", "status", "registrant").status == 1
        complete(newcomer, "REGISTRANT_VERIFICATION")
        done = newcomer.run("verification", "status", "--output", "json")
        assert done.status == 0
        assert [one["VerificationStatus"] for one in done.document["Verifications"]] == ["SUCCEEDED", "SUCCEEDED"]

    def test_business_with_an_address(self, moto_url: str) -> None:
        """Where AWS wants a human for it, it is told where, as for the registrant."""
        readings = Readings(business_verification_has_completion_url=True)
        with open_stage(moto_url, verified=False, readings=readings) as stage:
            started = stage.run("verification", "start", "business", *BUSINESS)
            assert re.search(r"complete it until [-0-9]{10} [:0-9]{8} UTC at\n", started.stdout)
            assert stage.run("verification", "status", "business", "--watch").status == 1
            complete(stage, "BUSINESS_VERIFICATION")
            assert stage.run("verification", "status", "business").status == 0

    def test_nothing_started(self, newcomer: Stage) -> None:
        """Says so, and how to start."""
        done = newcomer.run("verification", "status", "registrant")
        assert done.status == 1
        assert "NOT_STARTED" in done.stdout
        assert "partner-account verification start registrant" in done.stdout

    @pytest.mark.parametrize("piped", [False, True])
    def test_details_from_a_file(self, newcomer: Stage, tmp_path: Path, piped: bool) -> None:
        """A JSON file, or standard input, keeps the registration out of the shell's history."""
        details = {
            "LegalName": "Example Corp",
            "RegistrationId": "12-3456789",
            "CountryCode": "US",
            "JurisdictionOfIncorporation": "DE",
        }
        (tmp_path / "business.json").write_text(json.dumps(details))
        file, stdin = ("-", json.dumps(details)) if piped else (str(tmp_path / "business.json"), "")
        done = newcomer.run("verification", "start", "business", "--file", file, "--output", "json", stdin=stdin)
        assert done.status == 0
        (answer,) = done.document["Verifications"]
        assert answer["VerificationResponseDetails"]["BusinessVerificationResponse"]["BusinessVerificationDetails"] == (
            details
        )

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ("{", "is no JSON"),
            ("[]", "is no JSON object of texts"),
            ('{"LegalName": 1}', "is no JSON object of texts"),
            ('{"Legalname": "x"}', "has unknown members: Legalname"),
        ],
    )
    def test_wrong_file(self, newcomer: Stage, content: str, told: str) -> None:
        """A file that holds something else is named with what it should hold."""
        done = newcomer.run("verification", "start", "business", "--file", "-", stdin=content)
        assert done.status == 1
        assert told in done.stderr
        assert newcomer.operations() == []

    def test_wrong_details(self, newcomer: Stage) -> None:
        """All mistakes at once, by option, without the values, and before anything is sent."""
        done = newcomer.run(
            *("verification", "start", "business", "--legal-name", "x" * 81, "--registration-id", "\u0007"),
            *("--country-code", "us", "--jurisdiction-of-incorporation", "California"),
        )
        assert done.status == 1
        assert "--legal-name has 81 characters, and may have 1 to 80" in done.stderr
        assert "--registration-id has not the form it must have" in done.stderr
        assert "--country-code has not the form [A-Z]{2}" in done.stderr
        assert "--jurisdiction-of-incorporation has 10 characters, and may have 2" in done.stderr
        assert "xxx" not in done.stderr
        assert newcomer.operations() == []

    def test_started_twice(self, newcomer: Stage) -> None:
        """The refusal says what to do instead."""
        newcomer.run("verification", "start", "registrant")
        done = newcomer.run("verification", "start", "registrant")
        assert done.status == 1
        assert "VERIFICATION_ALREADY_IN_PROGRESS" in done.stderr
        assert "partner-account verification status" in done.stderr

    def test_watch(self, newcomer: Stage) -> None:
        """It asks until the verification has ended, tells each change, and is quiet about the rest."""
        desk = newcomer.simulator.account(ACCOUNT)
        desk.set_verification("BUSINESS_VERIFICATION", "IN_PROGRESS")
        desk.set_verification("REGISTRANT_VERIFICATION", "SUCCEEDED")
        with newcomer.terminal("verification", "status", "--watch", "--interval", "1") as terminal:
            terminal.expect("business: IN_PROGRESS, registrant: SUCCEEDED; asking again every 1 s")
            desk.set_verification("BUSINESS_VERIFICATION", "SUCCEEDED")
            assert terminal.ended() == 0
        assert "business: SUCCEEDED, registrant: SUCCEEDED" in terminal.shown

    def test_watch_ends_for_a_human(self, newcomer: Stage) -> None:
        """It doesn't wait for what a human has to do."""
        newcomer.run("verification", "start", "registrant")
        assert newcomer.run("verification", "status", "registrant", "--watch").status == 1

    def test_watch_does_not_hide_what_a_human_must_do_behind_what_takes_an_hour(self, newcomer: Stage) -> None:
        """While AWS checks the business, the registrant's completion URL would expire: it is told at once."""
        desk = newcomer.simulator.account(ACCOUNT)
        desk.set_verification("BUSINESS_VERIFICATION", "IN_PROGRESS")
        newcomer.run("verification", "start", "registrant")
        done = newcomer.run("verification", "status", "--watch", "--interval", "1")
        assert done.status == 1
        assert "business: AWS checks it; it takes up to an hour." in done.stdout
        assert "registrant: complete it until" in done.stdout


class TestSendCode:
    """`partner-account send-code`."""

    def test_it_is_sent(self, stage: Stage) -> None:
        """To the address, and the daily limit is told; the code itself is nowhere."""
        done = stage.run("send-code", "--email", EMAIL)
        assert done.status == 0
        (mail,) = stage.simulator.outbox
        assert mail.email == EMAIL
        assert "Five a day" in done.stdout
        assert mail.code not in done.told

    def test_sandbox(self, stage: Stage) -> None:
        """Says that no e-mail comes."""
        done = stage.run("send-code", "--catalog", "Sandbox", "--email", EMAIL)
        assert done.status == 0
        assert "sends no e-mail" in done.stdout

    def test_no_address(self, stage: Stage) -> None:
        """Is refused before it is sent."""
        done = stage.run("send-code", "--email", "jane")
        assert done.status == 1
        assert done.stderr.startswith("Error: --email has not the form it must have")
        assert stage.operations() == []


class TestStoreCode:
    """`partner-account store-code`."""

    def test_secret(self, stage: Stage) -> None:
        """In a pipeline: one that isn't there is named, created by --create, and overwritten later."""
        store = ("store-code", "--secret-id", "partner/code")
        absent = stage.run(*store, stdin="012345\n")
        assert absent.status == 1
        assert "the secret partner/code is not there" in absent.stderr
        assert "--create" in absent.stderr
        assert stage.run(*store, "--create", stdin="012345\n").status == 0
        assert stage.run(*store, stdin="543210\n").status == 0
        client = stage.client("secretsmanager")
        assert client.get_secret_value(SecretId="partner/code")["SecretString"] == "543210"

    def test_field_of_a_secret(self, stage: Stage) -> None:
        """Only the field changes; a secret that is no JSON object is refused."""
        client = stage.client("secretsmanager")
        client.create_secret(Name="json", SecretString='{"code": "000000", "other": "kept"}')
        client.create_secret(Name="text", SecretString="000000")
        assert stage.run("store-code", "--secret-id", "json", "--json-field", "code", stdin="123456").status == 0
        stored = json.loads(client.get_secret_value(SecretId="json")["SecretString"])
        assert stored == {"code": "123456", "other": "kept"}
        refused = stage.run("store-code", "--secret-id", "text", "--json-field", "code", stdin="123456")
        assert refused.status == 1
        assert "holds no JSON object" in refused.stderr
        created = ("--secret-id", "new", "--json-field", "code", "--create")
        assert stage.run("store-code", *created, stdin="123456").status == 0
        assert json.loads(client.get_secret_value(SecretId="new")["SecretString"]) == {"code": "123456"}

    def test_parameter(self, stage: Stage) -> None:
        """Likewise; it is a SecureString."""
        ssm = stage.client("ssm")
        store = ("store-code", "--parameter", "/partner/code")
        assert stage.run(*store, stdin="123456").status == 1
        assert stage.run(*store, "--create", stdin="123456").status == 0
        assert stage.run(*store, stdin="654321").status == 0
        stored = ssm.get_parameter(Name="/partner/code", WithDecryption=True)["Parameter"]
        assert (stored["Value"], stored["Type"]) == ("654321", "SecureString")

    def test_open_parameter(self, stage: Stage) -> None:
        """A parameter whose value isn't encrypted gets no code."""
        stage.client("ssm").put_parameter(Name="/open", Value="-", Type="String")
        done = stage.run("store-code", "--parameter", "/open", "--create", stdin="123456")
        assert done.status == 1
        assert "the parameter /open is a String, whose value isn't encrypted" in done.stderr
        assert stage.client("ssm").get_parameter(Name="/open")["Parameter"]["Value"] == "-"

    @pytest.mark.parametrize(
        "piped", ["", "12345\n", "1234567\n", "12345a\n", "\uff11\uff12\uff13\uff14\uff15\uff16\n"]
    )
    def test_no_code(self, stage: Stage, piped: str) -> None:
        """What is not six digits is refused, and not repeated."""
        done = stage.run("store-code", "--secret-id", "code", "--create", stdin=piped)
        assert done.status == 1
        assert done.stderr.startswith("Error: standard input is not six digits\n")
        assert not piped or piped.strip() not in done.stderr
        assert stage.client("secretsmanager").list_secrets()["SecretList"] == []

    def test_prompt(self, stage: Stage) -> None:
        """On a terminal it is asked for, again after a typing error, and never shown."""
        with stage.terminal("store-code", "--secret-id", "code", "--create") as terminal:
            terminal.expect("Verification code .*: ")
            terminal.type("98765\n")
            terminal.expect("Error: .*Verification code .*: ")
            terminal.type("987654\n")
            assert terminal.ended() == 0
        assert "98765" not in terminal.shown
        assert stage.client("secretsmanager").get_secret_value(SecretId="code")["SecretString"] == "987654"

    def test_prompt_interrupted(self, stage: Stage) -> None:
        """Ctrl-C at the prompt stores nothing."""
        with stage.terminal("store-code", "--secret-id", "code", "--create") as terminal:
            terminal.expect("Verification code .*: ")
            terminal.type("\x03")
            assert terminal.ended() == 130
        assert "Traceback" not in terminal.shown
        assert stage.client("secretsmanager").list_secrets()["SecretList"] == []

    def test_debug_hides_the_code(self, stage: Stage) -> None:
        """Not even --debug shows it."""
        done = stage.run("store-code", "--secret-id", "code", "--create", "--debug", stdin="987654")
        assert done.status == 0
        assert "CreateSecret" in done.stderr
        assert "987654" not in done.told


class TestShow:
    """`partner-account show`."""

    def test_text(self, stage: Stage) -> None:
        """All there is, with the contact masked."""
        arn = stage.create_partner(Tags=[{"Key": "team", "Value": "alliances"}])
        done = stage.run("show")
        assert done.status == 0
        assert arn in done.stdout
        for told in ("Example Corp", "SOFTWARE_PRODUCTS", "PRIVATE", "pprofile-", "team=alliances", "none"):
            assert told in done.stdout
        assert "J*** D***, A***, j***@example.com" in done.stdout
        assert "Jane" not in done.stdout
        assert EMAIL not in done.stdout
        assert "Jane Doe, Alliance Lead, jane@example.com" in stage.run("show", "--show-contact").stdout

    def test_json(self, stage: Stage) -> None:
        """The service's member names; the contact is masked here, too."""
        arn = stage.create_partner(Tags=[{"Key": "team", "Value": "alliances"}])
        (partner,) = stage.run("show", "--output", "json").document["Partners"]
        assert partner["Arn"] == arn
        assert partner["Tags"] == {"team": "alliances"}
        assert partner["AllianceLeadContact"]["Email"] == "j***@example.com"
        (partner,) = stage.run("show", "--show-contact", "--output", "json").document["Partners"]
        assert partner["AllianceLeadContact"] == CONTACT

    def test_profile_task(self, stage: Stage) -> None:
        """A running profile task, and one that has failed with its reasons."""
        arn = stage.create_partner()
        desk = stage.simulator.account(ACCOUNT)
        client = stage.client("partnercentral-account")
        desk.plan_profile_tasks(reads=3, errors=[{"Locale": "en-US", "Message": "m", "Reason": "INVALID_LOGO"}])
        client.start_profile_update_task(Catalog="AWS", Identifier=arn, **PROFILE_TASK)
        assert "IN_PROGRESS since " in stage.run("show").stdout
        client.get_profile_update_task(Catalog="AWS", Identifier=arn)
        told = stage.run("show").stdout
        assert "FAILED since " in told
        assert "INVALID_LOGO (en-US)" in told

    def test_sandbox(self, stage: Stage) -> None:
        """--catalog chooses; tags are shown if the partner has them."""
        arn = stage.create_partner("Sandbox")
        done = stage.run("show", "--catalog", "Sandbox")
        assert done.status == 0
        assert re.search(r"Tags +none", done.stdout)
        stage.simulator.account(ACCOUNT).tag_partner(arn.rpartition("/")[2], {"cdk-partner-account:owner": "x"})
        assert "cdk-partner-account:owner=x" in stage.run("show", "--catalog", "Sandbox").stdout

    def test_a_later_api_version_changes_nothing(self, stage: Stage, tmp_path: Path) -> None:
        """botocore takes the latest version that it finds anywhere; the commands name the one they were written for."""
        stage.create_partner()
        later_model(tmp_path)
        done = stage.run("show", AWS_DATA_PATH=str(tmp_path))
        assert (done.status, done.stderr) == (0, "")
        assert re.search(r"Legal name +Example Corp", done.stdout)

    def test_sandbox_that_refuses_to_list_tags(self, stage: Stage) -> None:
        """Has none, as the function takes it; what is denied is told."""

        def refuse(**_: object) -> None:
            raise ClientError({"Error": {"Code": "ValidationException"}}, "ListTagsForResource")

        client = stage.client("partnercentral-account")
        client.meta.events.register("before-call.partnercentral-account.ListTagsForResource", refuse)
        arn = stage.create_partner("Sandbox")
        assert partners.partner(client, "Sandbox", arn).unread == {}
        stage.simulator.faults.add("ListTagsForResource", "access-denied")
        assert stage.run("show", "--catalog", "Sandbox").status == 1

    def test_a_part_that_is_denied(self, stage: Stage) -> None:
        """The rest is shown, the denial is told, and the exit status says so."""
        stage.create_partner()
        stage.simulator.faults.add("GetAllianceLeadContact", "access-denied")
        done = stage.run("show")
        assert done.status == 1
        assert "could not be read" in done.stdout
        assert "Example Corp" in done.stdout
        assert "Allow partnercentral:GetAllianceLeadContact" in done.stderr


class TestSimulator:
    """`partner-account simulator`."""

    def test_it_runs_and_tells(self, stage: Stage, tmp_path: Path) -> None:
        """Started, asked for e-mails and requests, and ended by Ctrl-C."""
        state = str(tmp_path / "state.json")
        with stage.terminal("simulator", "start", "--verified", "--port", "0", "--state-file", state) as terminal:
            terminal.expect(r"listening on http://127\.0\.0\.1:[0-9]+")
            url = next(word for word in terminal.shown.split() if word.startswith("http://"))
            terminal.expect("/_simulator/outbox[^\r]+\r\n")
            token = terminal.shown.split()[-1].rpartition("=")[2]
            shown = terminal.shown.replace("\r", "").replace(url, "http://127.0.0.1:4711")
            assert shown.replace(token, "5d1f0c9a7b3e…").strip() in PAGE.read_text("utf-8")
            own = {"AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT": url, "AWS_SESSION_TOKEN": token}
            assert stage.run("send-code", "--email", EMAIL, **own).status == 0
            (mail,) = stage.run("simulator", "outbox", "--output", "json", **own).document["Outbox"]
            assert mail["email"] == EMAIL
            assert mail["code"] in stage.run("simulator", "outbox", "--endpoint-url", url, **own).stdout
            stranger = stage.run("simulator", "outbox", "--endpoint-url", url)
            assert stranger.status == 1
            assert "Export AWS_SESSION_TOKEN" in stranger.stderr
            assert "SendEmailVerificationCode" in stage.run("simulator", "requests", **own).stdout
            assert stage.run("simulator", "requests", "--since", "1", **own).stdout == "Requests: none\n"
            terminal.type("\x03")
            assert terminal.ended() == 0

    def test_faults(self, stage: Stage) -> None:
        """Ordered, listed, met, and cleared."""
        order = ("simulator", "faults", "add", "ListPartners", "throttle", "--times", "2")
        assert stage.run(*order).status == 0
        assert stage.run("show").status == 1
        (fault,) = stage.run("simulator", "faults", "list", "--output", "json").document["Faults"]
        assert (fault["operation"], fault["kind"], fault["times"]) == ("ListPartners", "throttle", 1)
        assert stage.run("simulator", "faults", "clear").stdout == "Faults: none\n"
        always = ("simulator", "faults", "add", "*", "delay", "--always", "--seconds", "0.1", "--after-commit")
        assert stage.run(*always, "--lasting", "60").status == 0
        (fault,) = stage.simulator.faults.pending
        assert (fault.times, fault.seconds, fault.after_commit, fault.lasting) == (None, 0.1, True, 60)

    def test_impossible_fault(self, stage: Stage) -> None:
        """The simulator says what is wrong with it."""
        done = stage.run("simulator", "faults", "add", "ListPartners", "delay")
        assert done.status == 1
        assert "a delay needs its length: give seconds" in done.stderr

    def test_kinds_of_fault(self, stage: Stage) -> None:
        """The command offers the simulator's kinds of fault, and no other; its help names each."""
        assert list(FAULT_KINDS) == [kind.value for kind in FaultKind]
        told = stage.run("simulator", "faults", "add", "--help").stdout
        assert [kind for kind in FAULT_KINDS if not re.search(rf"\b{kind}\b", told)] == []

    def test_nothing_is_cut_off_in_a_narrow_terminal(self, stage: Stage) -> None:
        """A cell that is too wide goes on below."""
        stage.simulator.faults.add("ListPartners", "access-denied")
        stage.run("show")
        with stage.terminal("simulator", "requests", COLUMNS="50") as terminal:
            assert terminal.ended() == 0
        assert "…" not in terminal.shown

    @pytest.mark.parametrize("url", ["http://127.0.0.1:9", "nonsense", "https://partnercentral.example.com"])
    def test_no_simulator(self, stage: Stage, url: str) -> None:
        """Says how to start one."""
        done = stage.run("simulator", "requests", "--endpoint-url", url)
        assert done.status == 1
        assert len(done.stderr.splitlines()) == 2
        assert "start" in done.stderr
