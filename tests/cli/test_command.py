"""`partner-account` as a program: help, completion, options, exit statuses, and how it tells each kind of error."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from partner_account_cli.command_line import COMMANDS
from tests.cli.stage import ACCOUNT, BUSINESS, SCRIPT, Stage

HEAVY = {"boto3", "botocore", "rich", "aws_cdk", "jsii", "werkzeug", "ministack", "yaml"}
TRACED = """
import sys
from partner_account_cli.__main__ import main
sys.argv[:] = {arguments!r}
try:
    main()
finally:
    print(*sys.modules, sep="\\n")
"""


def commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands below a group, with the words that call them."""
    yield path, group
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []], ids=["--help", "--version", "none"])
def test_help_loads_no_dependency(arguments: list[str]) -> None:
    """The command's own help loads click, and nothing of AWS's, the simulator's or the terminal's libraries."""
    script = TRACED.format(arguments=["partner-account", *arguments])
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()}
    assert "click" in loaded
    assert loaded & HEAVY == set()


def test_one_line_of_help_each() -> None:
    """The list of commands says of each what the command's own help begins with."""
    for name, (module, told) in COMMANDS.items():
        command = getattr(importlib.import_module(f"partner_account_cli.{module}"), module)
        assert command.help.splitlines()[0] == told, name


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("partner-account s", ["send-code", "store-code", "show", "simulator"]),
        ("partner-account show --sh", ["--show-contact"]),
        ("partner-account show --catalog ", ["AWS", "Sandbox"]),
        ("partner-account verification st", ["start", "status"]),
        ("partner-account simulator faults add ListPartners th", ["throttle"]),
    ],
)
def test_completion(stage: Stage, words: str, offered: list[str]) -> None:
    """A shell that asks as click's script does is offered commands, options and values."""
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_PARTNER_ACCOUNT_COMPLETE": "bash_complete"}
    done = stage.run(**asked)
    assert [line.partition(",")[2] for line in done.stdout.splitlines()] == offered


def test_completion_is_installed_by_click(stage: Stage) -> None:
    """Each shell gets the script that installs the completion."""
    for shell in ("bash", "zsh", "fish"):
        done = stage.run(_PARTNER_ACCOUNT_COMPLETE=f"{shell}_source")
        assert "_PARTNER_ACCOUNT_COMPLETE" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["bogus"], "No such command 'bogus'"),
        (["show", "--bogus"], "No such option"),
        (["show", "--catalog", "aws"], "'aws' is not one of 'AWS', 'Sandbox'"),
        (["send-code"], "Missing option '--email'"),
        (["store-code"], "Name the store: --secret-id or --parameter."),
        (["store-code", "--secret-id", "x", "--parameter", "y"], "Name one store"),
        (["store-code", "--parameter", "y", "--json-field", "z"], "--json-field belongs to --secret-id"),
        (["store-code", "--secret-id", "x", "123456"], "The code can't be an argument"),
        (["verification", "start", "business"], "--legal-name, --registration-id, --country-code missing"),
        (["drift"], "Missing option '--stack-name'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use(stage: Stage, arguments: list[str], told: str) -> None:
    """Wrong use is told with the way to the help, has the exit status 64, and asks AWS nothing."""
    done = stage.run(*arguments)
    assert done.status == 64
    assert told in done.stderr
    assert "--help" in done.stderr
    assert "123456" not in done.stderr
    assert done.stdout == ""
    assert stage.operations() == []


class TestEnvironment:
    """What leads to AWS."""

    def test_partner_central_is_in_one_region(self, stage: Stage) -> None:
        """Whatever --region says, requests are signed for us-east-1: the simulator takes no other."""
        done = stage.run("show", "--region", "eu-central-1")
        assert done.status == 0
        assert done.stdout == "This account has no partner in catalog AWS.\n"

    def test_region_of_the_store(self, stage: Stage) -> None:
        """--region, else AWS_REGION, else AWS_DEFAULT_REGION says in which region the code is stored."""
        store = ("store-code", "--secret-id", "code", "--create")
        assert stage.run(*store, "--region", "eu-north-1", stdin="123456\n").status == 0
        assert stage.run(*store, stdin="123456\n").status == 0
        assert stage.run(*store, stdin="123456\n", AWS_REGION="", AWS_DEFAULT_REGION="ap-south-1").status == 0
        for region in ("eu-north-1", "eu-west-1", "ap-south-1"):
            assert stage.client("secretsmanager", region).get_secret_value(SecretId="code")["SecretString"] == "123456"

    def test_profile(self, stage: Stage, tmp_path: Path) -> None:
        """--profile, before or after the command's name, and AWS_PROFILE choose the credentials of a profile."""
        (tmp_path / "config").write_text(
            "[profile other]\naws_access_key_id = 999999999999\naws_secret_access_key = x\nregion = eu-west-3\n"
        )
        stage.environment |= {
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_ACCESS_KEY_ID": "",
            "AWS_SECRET_ACCESS_KEY": "",
        }
        for arguments, environment in (
            (["--profile", "other", "show"], {}),
            (["show", "--profile", "other"], {}),
            (["show"], {"AWS_PROFILE": "other"}),
        ):
            assert stage.run(*arguments, **environment).status == 0
        assert {request.account for request in stage.simulator.requests} == {"999999999999"}
        assert len(stage.operations()) == 3

    def test_endpoint(self, stage: Stage) -> None:
        """--endpoint-url leads to Partner Central, and wins over the environment."""
        away = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT": ""}
        assert stage.run("show", "--endpoint-url", stage.simulator.url, **away).status == 0
        assert stage.run("show", **away).status == 1
        assert stage.operations() == ["ListPartners"]


class TestErrors:
    """Told in one or two lines on standard error, with a remedy, and the exit status 1."""

    @staticmethod
    def told(stage: Stage, *arguments: str, **environment: str) -> list[str]:
        """The lines of an error."""
        done = stage.run(*arguments, **environment)
        assert done.status == 1
        assert done.stdout == ""
        lines = done.stderr.splitlines()
        assert len(lines) == 2
        return lines

    def test_no_credentials(self, stage: Stage) -> None:
        """Says how to get some."""
        error, remedy = self.told(stage, "show", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
        assert error == "Error: Unable to locate credentials"
        assert remedy.startswith("Log in (aws sso login), set AWS_PROFILE")

    def test_no_such_profile(self, stage: Stage) -> None:
        """Says which exist."""
        error, remedy = self.told(stage, "show", "--profile", "absent")
        assert error == "Error: The config profile (absent) could not be found"
        assert "aws configure list-profiles" in remedy

    def test_no_region(self, stage: Stage) -> None:
        """Says how to name one, where one is needed."""
        error, remedy = self.told(stage, "drift", "--stack-name", "x", AWS_REGION="")
        assert error == "Error: You must specify a region"
        assert remedy == "Name one by --region or AWS_REGION."

    def test_no_network(self, stage: Stage) -> None:
        """Names the endpoint, and what may be wrong."""
        error, remedy = self.told(stage, "show", "--endpoint-url", "http://127.0.0.1:9")
        assert error == 'Error: Could not connect to the endpoint URL: "http://127.0.0.1:9/"'
        assert remedy.startswith("Check the network")

    def test_no_endpoint(self, stage: Stage) -> None:
        """An address that is none."""
        error, _ = self.told(stage, "show", "--endpoint-url", "nonsense")
        assert error == "Error: Invalid endpoint: nonsense"

    def test_denied(self, stage: Stage) -> None:
        """Names the permission."""
        stage.simulator.faults.add("ListPartners", "access-denied")
        error, remedy = self.told(stage, "show")
        assert error.startswith("Error: ListPartners was refused: AccessDeniedException: ")
        assert remedy.startswith("Allow partnercentral:ListPartners for this identity")

    @pytest.mark.parametrize("kind", ["throttle", "internal-error", "unavailable", "cut", "garbled"])
    def test_service_fails(self, stage: Stage, kind: str) -> None:
        """Each way in which the service can fail."""
        stage.simulator.faults.add("ListPartners", kind)
        error, remedy = self.told(stage, "show")
        assert "mistake" not in error
        assert remedy

    def test_quota(self, stage: Stage) -> None:
        """The sixth code of a day."""
        for _ in range(5):
            stage.client("partnercentral-account").send_email_verification_code(Catalog="AWS", Email="a@example.com")
        error, remedy = self.told(stage, "send-code", "--email", "a@example.com")
        assert "LIMIT_EXCEEDED_NUMBER_OF_EMAIL" in error
        assert remedy == "Five codes a day are sent to one address: use the newest e-mail, or try again tomorrow."

    def test_debug_tells_more_and_no_secret(self, stage: Stage) -> None:
        """Each call with AWS's request id, and where the error is from; what identifies the business is left out."""
        stage.simulator.faults.add("StartVerification", "echo")
        stage.client("partnercentral-account")
        done = stage.run("verification", "start", "business", *BUSINESS, "--debug")
        assert done.status == 1
        assert "ACCOUNT_ALREADY_VERIFIED" in done.stderr
        assert "debug: partnercentral-account StartVerification at http://127.0.0.1:" in done.stderr
        assert "request id" in done.stderr
        assert "verification.py" in done.stderr
        assert "Received: " in done.stderr
        assert "12-3456789" not in done.stderr
        assert "Example Corp" not in done.stderr

    def test_a_pipe_that_closes(self, stage: Stage) -> None:
        """A reader that goes away early is no error to be told."""
        environment = stage._environment({})  # noqa: SLF001
        with subprocess.Popen([SCRIPT, "show"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
            assert run.stdout
            assert run.stderr
            run.stdout.close()
            assert run.stderr.read() == b""


def test_interrupted(stage: Stage) -> None:
    """Ctrl-C while AWS is waited for ends the command with the status of SIGINT, and one word."""
    stage.simulator.faults.add("ListPartners", "hang")
    with stage.terminal("show") as terminal:
        terminal.expect("Reading from Partner Central")
        while not stage.operations():
            pass
        terminal.type("\x03")
        assert terminal.ended() == 130
    assert "Interrupted." in terminal.shown
    assert "Traceback" not in terminal.shown


@pytest.mark.parametrize("missing", ["click", "boto3", "rich", "werkzeug", "ministack"])
def test_a_missing_dependency(missing: str, tmp_path: Path) -> None:
    """Whoever installed the construct alone is told which extra the command needs."""
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{missing!r}] = None\n")
    of_others = {"werkzeug": ["simulator", "start"], "ministack": ["rehearse", "--app", "false"]}
    arguments = of_others.get(missing, ["show"])
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([SCRIPT, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: the Python package {missing}")
    assert "pip install 'cdk-partner-account[cli" in done.stderr
    assert "Traceback" not in done.stderr


def test_colours_are_for_terminals(stage: Stage) -> None:
    """A terminal gets colours, unless NO_COLOR is set; a file and a pipe never do."""
    with stage.terminal("simulator", "requests") as terminal:
        assert terminal.ended() == 0
    stage.run("show")
    shown = []
    for environment in ({}, {"NO_COLOR": "1"}):
        with stage.terminal("simulator", "requests", **environment) as terminal:
            assert terminal.ended() == 0
        shown.append(terminal.shown)
    assert "\x1b[32m200" in shown[0]
    assert "\x1b[32m" not in shown[1]
    assert "\x1b" not in stage.run("simulator", "requests").told
    assert ACCOUNT in shown[1]
