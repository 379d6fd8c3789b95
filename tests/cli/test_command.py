"""`partner-account` as a program: help, completion, options, exit statuses, encodings, and each kind of error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from partner_account_cli.command_line import COMMANDS, partner_account
from tests.cli.stage import ACCOUNT, BUSINESS, SCRIPT, Stage

pytestmark = pytest.mark.versions

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
    if path:
        yield path, group
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield from commands(command, (*path, name))


def test_each_command_and_option_is_named_in_the_documentation() -> None:
    """A command's page is its --help; docs/cli.md names what there is."""
    page = (Path(__file__).parents[2] / "docs/cli.md").read_text("utf-8")
    for path, command in commands(partner_account):
        assert f"partner-account {' '.join(path)}" in page, path
        for parameter in command.params:
            assert isinstance(parameter, click.Argument) or all(f"`{name}`" in page for name in parameter.opts), (
                parameter.name
            )
    assert "`partner-account --version`" in page


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []], ids=["--help", "--version", "none"])
def test_help_loads_no_dependency(arguments: list[str]) -> None:
    """The command's own help loads click, and nothing of AWS's, the simulator's or the terminal's libraries."""
    script = TRACED.format(arguments=["partner-account", *arguments])
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()}
    assert "click" in loaded
    assert loaded & HEAVY == set()


def test_the_list_of_commands_has_the_first_line_of_each_help() -> None:
    """The list of commands says of each what the command's own help begins with."""
    for (name, *rest), command in commands(partner_account):
        if not rest:
            assert (command.help or "").splitlines()[0] == COMMANDS[name]


def test_completion_offers_commands_options_and_values(stage: Stage) -> None:
    """As click's scripts for bash, zsh and fish ask for them; they are in the documentation."""
    for words, offered in {
        "partner-account s": ["send-code", "store-code", "show", "simulator"],
        "partner-account show --sh": ["--show-contact"],
        "partner-account show --catalog ": ["AWS", "Sandbox"],
        "partner-account verification st": ["start", "status"],
    }.items():
        asked = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_PARTNER_ACCOUNT_COMPLETE": "bash_complete"}
        done = stage.run(**asked)
        assert [line.partition(",")[2] for line in done.stdout.splitlines()] == offered


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
        (["verification", "start", "business"], "Missing option '--legal-name'"),
        (["drift"], "Missing option '--stack-name'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use_ends_with_64_before_any_call(stage: Stage, arguments: list[str], told: str) -> None:
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

    def test_code_is_stored_in_the_region_of_the_option_else_of_the_environment(self, stage: Stage) -> None:
        """--region, else AWS_REGION, else AWS_DEFAULT_REGION says in which region the code is stored."""
        store = ("store-code", "--secret-id", "code", "--create")
        assert stage.run(*store, "--region", "eu-north-1", stdin="123456\n").status == 0
        assert stage.run(*store, stdin="123456\n").status == 0
        assert stage.run(*store, stdin="123456\n", AWS_REGION="", AWS_DEFAULT_REGION="ap-south-1").status == 0
        for region in ("eu-north-1", "eu-west-1", "ap-south-1"):
            assert stage.client("secretsmanager", region).get_secret_value(SecretId="code")["SecretString"] == "123456"

    def test_profile_option_or_aws_profile_chooses_the_credentials(self, stage: Stage, tmp_path: Path) -> None:
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

    def test_endpoint_url_option_wins_over_the_environment(self, stage: Stage) -> None:
        """--endpoint-url leads to Partner Central, and wins over the environment."""
        away = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT": ""}
        assert stage.run("show", "--endpoint-url", stage.simulator.url, **away).status == 0
        assert stage.run("show", **away).status == 1
        assert stage.operations() == ["ListPartners"]


def error_of(stage: Stage, *arguments: str, **environment: str) -> tuple[str, str]:
    """What went wrong, and the remedy: an error is told in two lines on standard error, with the exit status 1."""
    done = stage.run(*arguments, **environment)
    assert (done.status, done.stdout) == (1, "")
    error, remedy = done.stderr.splitlines()
    return error.removeprefix("Error: "), remedy


NO_KEYS = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
NOWHERE = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("arguments", "environment", "error", "remedy"),
    [
        (["show"], NO_KEYS, "Unable to locate credentials", "Log in (aws sso login), set AWS_PROFILE"),
        (["show", "--profile", "x"], {}, "The config profile (x) could not be found", "Name a profile that `aws con"),
        (["drift", "--stack-name", "x"], {"AWS_REGION": ""}, "You must specify a region", "Name one by --region or"),
        (["show", "--endpoint-url", NOWHERE], {}, f'Could not connect to the endpoint URL: "{NOWHERE}/"', "Check the"),
        (["show", "--endpoint-url", "nonsense"], {}, "Invalid endpoint: nonsense", "Check the network"),
    ],
    ids=["credentials", "profile", "region", "network", "endpoint"],
)
def test_what_keeps_from_reaching_aws_is_told_with_its_remedy(
    stage: Stage, arguments: list[str], environment: dict[str, str], error: str, remedy: str
) -> None:
    """Each in botocore's words, and the remedy in the command's."""
    told = error_of(stage, *arguments, **environment)
    assert told[0] == error
    assert told[1].startswith(remedy)


@pytest.mark.parametrize(
    ("kind", "error", "remedy"),
    [
        ("access-denied", "ListPartners was refused: AccessDeniedException: ", "Allow partnercentral:ListPartners for"),
        ("throttle", "ListPartners was refused: ThrottlingException", "Try again"),
        ("internal-error", "ListPartners was refused: InternalServerException", "Try again"),
        ("unavailable", "ListPartners was refused: 503", "Try again"),
        ("cut", "Connection was closed before we received a valid response", "Check the network"),
        ("garbled", "AWS's response to ListPartners is incomplete", "Try again"),
    ],
)
def test_each_way_in_which_the_service_fails_is_told_with_its_remedy(
    stage: Stage, kind: str, error: str, remedy: str
) -> None:
    """A denial names the permission; what passes by itself says so."""
    stage.simulator.faults.add("ListPartners", kind)
    told = error_of(stage, "show")
    assert told[0].startswith(error)
    assert told[1].startswith(remedy)


def test_what_answers_otherwise_than_aws_is_told(stage: Stage) -> None:
    """Such as a proxy's page."""
    error, remedy = error_of(stage, "show", AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT=f"{stage.moto_url}/moto-api/")
    assert error
    assert remedy


def test_an_internal_error_is_told_without_its_text(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which may hold anything; --debug shows where it comes from."""
    monkeypatch.setattr("partner_account_cli.partners.list_arns", lambda *_: dict[str, str]()["sword" + "fish"])
    assert error_of(stage, "show")[0] == "internal error (KeyError); please report it"
    told = stage.run("show", "--debug").stderr
    assert "show.py" in told
    assert "swordfish" not in told


def test_the_sixth_code_of_a_day_is_refused_with_the_limit(stage: Stage) -> None:
    """Partner Central's reasons have remedies of their own."""
    for _ in range(5):
        stage.client("partnercentral-account").send_email_verification_code(Catalog="AWS", Email="a@example.com")
    error, remedy = error_of(stage, "send-code", "--email", "a@example.com")
    assert "LIMIT_EXCEEDED_NUMBER_OF_EMAIL" in error
    assert remedy == "Five codes a day are sent to one address: use the newest e-mail, or try again tomorrow."


def test_debug_tells_calls_request_ids_and_tracebacks_and_no_secret(stage: Stage) -> None:
    """What identifies the business is left out, though the error repeats it."""
    stage.simulator.faults.add("StartVerification", "echo")
    done = stage.run("verification", "start", "business", *BUSINESS, "--debug")
    assert done.status == 1
    for told in (
        "ACCOUNT_ALREADY_VERIFIED",
        "debug: partnercentral-account StartVerification at http://127.0.0.1:",
        "request id",
        "verification.py",
        "Received: ",
    ):
        assert told in done.stderr
    assert "12-3456789" not in done.stderr
    assert "Example Corp" not in done.stderr


def test_a_reader_that_goes_away_early_is_no_error(stage: Stage) -> None:
    """Such as `head`."""
    environment = {name: value for name, value in stage.variables({}).items() if value}
    with subprocess.Popen([SCRIPT, "show"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout
        assert run.stderr
        run.stdout.close()
        assert run.stderr.read() == b""


def test_ctrl_c_ends_a_command_with_the_status_of_sigint(stage: Stage) -> None:
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
def test_a_missing_dependency_is_told_with_its_extra(missing: str, tmp_path: Path) -> None:
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


def test_colours_are_for_terminals_without_no_color(stage: Stage) -> None:
    """A file and a pipe never get any; a sentence goes on between words in a narrow terminal."""
    shown = []
    for environment in ({}, {"NO_COLOR": "1"}):
        with stage.terminal("doctor", COLUMNS="60", **environment) as terminal:
            assert terminal.ended() == 0
        shown.append(terminal.shown)
    assert "\x1b[32mpassed" in shown[0]
    assert "\x1b[32m" not in shown[1]
    assert "only doing it would tell of\r\n         SendEmailVerificationCode\r\n" in shown[1]
    assert "\x1b" not in stage.run_script("doctor").told


NAME = "Zoë & 株式会社 “Söhne”"


@pytest.mark.parametrize(
    "encoding",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "cp1252"},
        # No locale at all, and Python told not to help itself to UTF-8.
        {"LANG": "", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["ascii", "cp1252", "C"],
)
def test_what_an_encoding_lacks_is_escaped_and_never_an_error(stage: Stage, encoding: dict[str, str]) -> None:
    """As Python escapes it, in text, tables and errors; as JSON does, in JSON. A terminal is told as well."""
    stage.simulator.account(ACCOUNT).add_partner(NAME, tags={"team": "社長"})
    shown = stage.run_script("show", **encoding)
    assert shown.status == 0
    assert r"\u682a\u5f0f\u4f1a\u793e " in shown.stdout
    assert r"\u793e\u9577" in shown.stdout
    assert ("Zoë" if encoding.get("PYTHONIOENCODING") == "cp1252" else r"Zo\xeb") in shown.stdout
    (partner,) = stage.run_script("show", "--output", "json", **encoding).document["Partners"]
    assert partner["LegalName"] == NAME
    wrong = stage.run_script(NAME, **encoding)
    assert wrong.status == 64
    assert "No such command" in wrong.stderr
    with stage.terminal("show", **encoding) as terminal:
        assert terminal.ended() == 0
    assert r"\u682a" in terminal.shown
    assert r"\u28" not in terminal.shown  # the spinner


def test_a_utf8_terminal_is_shown_names_as_they_are(stage: Stage) -> None:
    """And plain signs replace what a table is drawn with elsewhere."""
    stage.simulator.account(ACCOUNT).add_partner(NAME)
    assert NAME in stage.run("show").stdout
    assert NAME in stage.run("show", "--output", "json").stdout
    table = stage.run_script("verification", "status", PYTHONIOENCODING="ascii").stdout
    assert "---" in table
    assert "\\" not in table


ON_WINDOWS = """
import json, sys
from tests.cli import windows
windows.become("click.testing")
from click.testing import CliRunner
from partner_account_cli.command_line import partner_account
for arguments in json.load(sys.stdin):
    ended = CliRunner().invoke(partner_account, arguments, "123456", catch_exceptions=False)
    print(json.dumps([ended.exit_code, ended.output]))
"""


def on_windows(stage: Stage, *commands: list[str]) -> list[tuple[int, str]]:
    """How the commands end where what POSIX alone has is missing."""
    done = subprocess.run(
        [sys.executable, "-c", ON_WINDOWS],
        env={name: value for name, value in stage.variables({"PYTHONPATH": "."}).items() if value},
        input=json.dumps(commands),
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def test_what_poses_as_windows_lacks_what_windows_lacks() -> None:
    """The stage itself can fail: each of these ends in an error there."""
    for code in ("import fcntl", "import signal; signal.SIGHUP", "import os; os.killpg", "import pwd"):
        script = f"from tests.cli import windows; windows.become(); {code}"
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
        )
        assert ("ModuleNotFoundError" in done.stderr) or ("AttributeError" in done.stderr), code


def test_on_windows_each_command_works_or_says_that_it_needs_posix(stage: Stage) -> None:
    """Everything but a local AWS and the simulator runs there; the refusal names a way out."""
    stage.create_partner()
    work = [
        ["verification", "status"],
        ["send-code", "--email", "alliances@example.com"],
        ["store-code", "--secret-id", "code", "--create"],
        ["show"],
        ["simulator", "outbox"],
        *[[name, "--help"] for name in COMMANDS],
    ]
    assert [status for status, _ in on_windows(stage, *work)] == [0] * len(work)
    refused = on_windows(stage, ["rehearse"], ["simulator", "start"])
    for name, (status, told) in zip(("rehearse", "simulator start"), refused, strict=True):
        assert status == 1
        assert told.startswith(f"Error: partner-account {name} needs Linux or macOS\nOn Windows, run it in WSL")


SYNTH = """
import sys
import aws_cdk as cdk
{become}
from partner_account import AllianceLeadContact, Catalog, PartnerAccount, PrimarySolutionType, VerificationCode
app = cdk.App(outdir=sys.argv[1])
PartnerAccount(
    cdk.Stack(app, "Demo"), "Partner", catalog=Catalog.SANDBOX, legal_name="Example Corp",
    primary_solution_type=PrimarySolutionType.SOFTWARE_PRODUCTS,
    email_verification_code=VerificationCode.for_sandbox(),
    alliance_lead_contact=AllianceLeadContact(
        first_name="Jane", last_name="Doe", email="alliances@example.com", business_title="Alliance Lead"))
app.synth()
"""


def test_on_windows_the_construct_writes_the_same_template(tmp_path: Path) -> None:
    """With the same asset as elsewhere."""
    templates = []
    for name, become in (("here", ""), ("windows", "from tests.cli import windows; windows.become('aws_cdk')")):
        command = [sys.executable, "-c", SYNTH.format(become=become), str(tmp_path / name)]
        done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        templates.append((tmp_path / name / "Demo.template.json").read_text())
    assert "Custom::PartnerAccount" in templates[0]
    assert templates[0] == templates[1]
