"""`partner-account` as a program: help, completion, options, statuses, widths, encodings, and each kind of error."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from partner_account_cli import rendering
from partner_account_cli.command_line import COMMANDS, partner_account
from tests.cli.stage import ACCOUNT, BUSINESS, EMAIL, SCRIPT, CliStage

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/cli.md").read_text("utf-8")
HEAVY = {"boto3", "botocore", "rich", "aws_cdk", "jsii", "werkzeug", "ministack", "yaml"}


def commands(group: click.Group = partner_account, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """All commands below a group, by the words that call them."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.resolve_command(context, [name])[1]
        assert command
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


LEAVES = {path: command for path, command in commands() if not isinstance(command, click.Group)}


def options_of(command: click.Command) -> set[str]:
    """The options of a command."""
    return {name for parameter in command.params if isinstance(parameter, click.Option) for name in parameter.opts}


# --- Help


def test_each_command_and_option_is_named_in_the_documentation() -> None:
    """A command's page is its --help; docs/cli.md names what there is."""
    for path, command in commands():
        assert f"partner-account {path}" in PAGE
        assert {name for name in options_of(command) if f"`{name}`" not in PAGE} == set(), path
    assert "`partner-account --version`" in PAGE


@pytest.mark.versions
def test_help_and_version_import_only_click() -> None:
    """Nothing of AWS's, the simulator's or the terminal's libraries."""
    script = (
        "import sys\n"
        "from partner_account_cli.__main__ import main\n"
        "for option in ('--help', '-h', '--version'):\n"
        "    sys.argv[:] = ['partner-account', option]\n"
        "    try: main()\n"
        "    except SystemExit as end: assert not end.code\n"
        "print(*sys.modules, sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()}
    assert "click" in loaded
    assert loaded & HEAVY == set()


def test_the_list_of_commands_has_the_first_line_of_each_help() -> None:
    """The list of commands shows the first line of each command's own help."""
    told = {path: (command.help or "").splitlines()[0] for path, command in commands() if path in COMMANDS}
    assert told == {name: text for name, (_, text) in COMMANDS.items()}


@pytest.mark.versions
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("s", ["send-code", "store-code", "show", "simulator"]),
        ("show --sh", ["--show-contact"]),
        ("show --catalog ", ["aws", "sandbox"]),
        ("verification st", ["start", "status"]),
        ("--profile op", ["operator"]),
        ("doctor --profile ", ["default", "operator"]),
        ("simulator faults add ListPartners lag", ["lagging-list"]),
    ],
)
def test_completion_offers_commands_options_values_and_profiles(
    stage: CliStage, tmp_path: Path, words: str, offered: list[str]
) -> None:
    """As the scripts for the shells ask for them."""
    (tmp_path / "config").write_text("[default]\n[profile operator]\n")
    line = f"partner-account {words}"
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), "_PARTNER_ACCOUNT_COMPLETE": "bash_complete"}
    done = stage.run(AWS_CONFIG_FILE=str(tmp_path / "config"), **asked)
    # Some versions of click offer a choice as it is written, others its folded form.
    assert [line.partition(",")[2].lower() for line in done.stdout.splitlines()] == offered


@pytest.mark.versions
@pytest.mark.parametrize("shell", ["bash", "fish", "ZSH"])
def test_completion_prints_the_script_of_a_shell(stage: CliStage, shell: str) -> None:
    """By the option that gh has for it; bash can run its own."""
    done = stage.run("completion", "-s", shell)
    assert done.status == 0
    assert f"_PARTNER_ACCOUNT_COMPLETE={shell.lower()}_complete" in done.stdout
    if shell == "bash":
        subprocess.run(["bash", "-c", f"{done.stdout}\ncomplete -p partner-account"], check=True, capture_output=True)


@pytest.mark.versions
def test_mistyped_command_suggests_the_nearest_command(stage: CliStage) -> None:
    """By click, in the list of all commands and in a group."""
    for typed, meant in ((["verificaton"], "verification"), (["simulator", "outbax"], "outbox")):
        assert f"Did you mean '{meant}'?" in stage.run(*typed).stderr


# --- Options


@pytest.mark.versions
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("bogus", "No such command 'bogus'"),
        ("show --bogus", "No such option"),
        ("show --catalog gov", "'gov' is not one of"),
        ("show --endpoint-url notaurl", "'notaurl' is not a URL: a URL begins with http:// or https://"),
        ("--endpoint-url notaurl show", "'notaurl' is not a URL"),
        ("show --endpoint-url http://", "'http://' is not a URL"),
        ("send-code", "Missing option '--email'"),
        (
            "send-code --email jane",
            "--email has characters or a form that AWS refuses: give one such as name@example.com, in ASCII",
        ),
        ("doctor --email jane@", "--email has characters or a form that AWS refuses"),
        ("probe --yes --email jane@", "--email has characters or a form that AWS refuses"),
        ("store-code", "Specify the store: --secret-id or --parameter."),
        ("store-code --secret-id x --parameter y", "Specify one store"),
        ("store-code --parameter y --json-field z", "--json-field requires --secret-id"),
        ("store-code --secret-id x 123456", "The code can't be an argument"),
        ("store-code --create --secret-id arn:aws:secretsmanager:eu-west-1:123456789012:secret:x", "requires a name"),
        ("verification start business", "Missing option '--legal-name'"),
        ("drift", "Missing option '--stack-name'"),
        ("completion --shell cmd", "'cmd' is not one of"),
        ("probe --yes --catalog AWS", "No such option"),
        ("probe --yes --catalog Sandbox", "No such option"),
        ("simulator outbox", "Missing option '--endpoint-url'"),
        *(
            (f"{command} ''", f"{command.split()[-1]} is empty.")
            for command in (
                "drift --stack-name",
                "show --profile",
                "--region '' show --region",
                "doctor --secret-id",
                "doctor --secret-id x --json-field",
                "store-code --parameter",
            )
        ),
        ("simulator start --host '' --readings README.md", "--host is empty."),
        ("rehearse --json absent/x.json", "absent/x.json can't be written"),
        ("rehearse --json README.md", "README.md would be lost"),
        ("rehearse --html absent/x.html --ssm-parameter foo", "'foo' is not NAME=VALUE"),
        ("rehearse --html absent/x.html --ssm-parameter =foo", "'=foo' is not NAME=VALUE"),
        ("rehearse --html absent/x.html --parameters foo", "'foo' is not NAME=VALUE"),
        ("rehearse --html absent/x.html -c foo", "'foo' is not NAME=VALUE"),
        (
            "rehearse --stop absent --keep -v --output text 'Prod/*'",
            "--stop rehearses nothing: omit stacks, --keep, --verbose, --output.",
        ),
    ],
)
def test_usage_error_exits_with_64_before_any_call(stage: CliStage, arguments: str, told: str) -> None:
    """A usage error points to the help, has the exit status 64, and calls AWS not at all."""
    nowhere = {"AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT": ""} if "simulator" in arguments else {}
    done = stage.run(*shlex.split(arguments), **nowhere)
    assert done.status == 64
    assert told in " ".join(done.stderr.split())
    assert "--help" in done.stderr
    assert not re.search(r"(?<!\d)123456(?!\d)|jane", done.stderr)
    assert done.stdout == ""
    assert stage.operations() == []


def test_choices_ignore_case(stage: CliStage) -> None:
    """Catalogs, formats, kinds of verification and of fault."""
    assert stage.run("show", "--catalog", "sandbox", "--output", "JSON").document["Catalog"] == "Sandbox"
    assert stage.run("verification", "status", "BUSINESS").status == 0
    assert stage.run("simulator", "faults", "add", "ListPartners", "Throttle").status == 0


@pytest.mark.versions
@pytest.mark.parametrize("path", LEAVES)
def test_unknown_option_is_rejected_before_and_after_the_command(stage: CliStage, path: str) -> None:
    """Unsupported options are never ignored; each command has --debug. Other tests cover their effects."""
    options = options_of(LEAVES[path])
    assert "--debug" in options
    needed = {"completion": ["-s", "bash"], "simulator faults add": ["ListPartners", "throttle"]}.get(path, [])
    for option in {"--profile", "--region", "--endpoint-url"} - options:
        given, command = [option, "http://x"], [*path.split(), *needed]
        for arguments in ([*given, *command], [*command, *given]):
            done = stage.run(*arguments)
            assert (done.status, "No such option" in done.stderr) == (64, True), arguments


@pytest.mark.versions
class TestEnvironment:
    """What leads to AWS."""

    def test_partner_central_is_in_one_region(self, stage: CliStage) -> None:
        """Whatever --region is, requests are signed for us-east-1: the simulator accepts no other."""
        done = stage.run("show", "--region", "eu-central-1")
        assert done.status == 0
        assert done.stdout == "This account has no partner in catalog AWS.\n"

    def test_code_is_stored_in_the_region_of_the_option_else_of_the_environment(self, stage: CliStage) -> None:
        """--region, before or after the name, else AWS_REGION, else AWS_DEFAULT_REGION."""
        store = ("store-code", "--secret-id", "code", "--create")
        assert stage.run("--region", "eu-north-1", *store, stdin="123456\n").status == 0
        assert stage.run(*store, "--region", "eu-south-1", stdin="123456\n").status == 0
        assert stage.run(*store, stdin="123456\n").status == 0
        assert stage.run(*store, stdin="123456\n", AWS_REGION="", AWS_DEFAULT_REGION="ap-south-1").status == 0
        for region in ("eu-north-1", "eu-south-1", "eu-west-1", "ap-south-1"):
            assert stage.client("secretsmanager", region).get_secret_value(SecretId="code")["SecretString"] == "123456"

    def test_profile_option_or_aws_profile_chooses_the_credentials(self, stage: CliStage, tmp_path: Path) -> None:
        """--profile, before or after the command's name, and AWS_PROFILE choose the credentials of a profile."""
        (tmp_path / "config").write_text(
            "[profile other]\naws_access_key_id = 999999999999\naws_secret_access_key = x\nregion = eu-west-3\n"
        )
        stage.environment |= {**NO_KEYS, "AWS_CONFIG_FILE": str(tmp_path / "config")}
        assert stage.run("--profile", "other", "show").status == 0
        assert stage.run("show", "--profile", "other").status == 0
        assert stage.run("show", AWS_PROFILE="other").status == 0
        assert [request.account for request in stage.simulator.requests] == ["999999999999"] * 3

    def test_endpoint_url_option_wins_over_the_environment(self, stage: CliStage) -> None:
        """--endpoint-url leads to Partner Central; behind the name it wins over the one before it."""
        away = {"AWS_ENDPOINT_URL": NOWHERE, "AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT": ""}
        assert stage.run("show", "--endpoint-url", stage.simulator.url, **away).status == 0
        assert stage.run("--endpoint-url", stage.simulator.url, "show", **away).status == 0
        both = ("--endpoint-url", NOWHERE, "show", "--endpoint-url", stage.simulator.url)
        assert stage.run(*both, **away).status == 0
        assert stage.run("show", **away).status == 1
        assert stage.operations() == ["ListPartners"] * 3


# --- Errors


def error_of(stage: CliStage, *arguments: str, **environment: str) -> tuple[str, str]:
    """An error is printed with its remedy, in two lines on standard error, with the exit status 1."""
    done = stage.run(*arguments, **environment)
    assert (done.status, done.stdout) == (1, "")
    error, remedy = done.stderr.splitlines()
    return error.removeprefix("Error: "), remedy


NO_KEYS = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
NOWHERE = "http://127.0.0.1:9"
SERVICE = "AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT"


@pytest.mark.versions
@pytest.mark.parametrize(
    ("arguments", "environment", "error", "remedy"),
    [
        ("show", NO_KEYS, "Unable to locate credentials", "Log in (aws sso login), set AWS_PROFILE"),
        ("probe --yes", NO_KEYS, "Unable to locate credentials", "Log in (aws sso login), set AWS_PROFILE"),
        ("show --profile x", {}, "The config profile (x) could not be found", "Use a profile that `aws con"),
        ("drift --stack-name x", {"AWS_REGION": ""}, "You must specify a region", "Set --region or"),
        ("show", {SERVICE: NOWHERE}, f'Could not connect to the endpoint URL: "{NOWHERE}/"', "Check the"),
        ("show", {SERVICE: "nonsense"}, "Invalid endpoint: nonsense", "Correct AWS_ENDPOINT_URL"),
    ],
)
def test_connection_failure_is_reported_with_its_remedy(
    stage: CliStage, arguments: str, environment: dict[str, str], error: str, remedy: str
) -> None:
    """Each in botocore's words, and the remedy in the command's."""
    told = error_of(stage, *arguments.split(), **environment)
    assert told[0] == error
    assert told[1].startswith(remedy)


@pytest.mark.versions
@pytest.mark.parametrize(
    ("kind", "error", "remedy"),
    [
        ("access-denied", "ListPartners returned AccessDeniedException: ", "Allow partnercentral:ListPartners for"),
        ("throttle", "ListPartners returned ThrottlingException", "Try again"),
        ("internal-error", "ListPartners returned InternalServerException", "Try again"),
        ("unavailable", "ListPartners returned 503", "Try again"),
        ("cut", "Connection was closed before we received a valid response", "Check the network"),
        ("garbled", "AWS's response to ListPartners is incomplete", "Try again"),
    ],
)
def test_each_service_failure_is_reported_with_its_remedy(stage: CliStage, kind: str, error: str, remedy: str) -> None:
    """A denial names the permission; a transient failure is reported as such."""
    stage.simulator.faults.add("ListPartners", kind)
    told = error_of(stage, "show")
    assert told[0].startswith(error)
    assert told[1].startswith(remedy)


@pytest.mark.versions
def test_response_that_is_not_from_aws_is_reported(stage: CliStage) -> None:
    """Such as a proxy's page."""
    error, remedy = error_of(stage, "show", AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT=f"{stage.moto_url}/moto-api/")
    assert error == "AWS's response to ListPartners is incomplete"
    assert remedy.endswith("in a minute.")


def test_internal_error_is_reported_without_its_text(stage: CliStage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which may hold anything; --debug, before or after the name, shows where it comes from."""
    monkeypatch.setattr("partner_account_cli.partners.list_arns", lambda *_: dict[str, str]()["sword" + "fish"])
    assert error_of(stage, "show")[0] == "internal error (KeyError): report it"
    for arguments in (("show", "--debug"), ("--debug", "show")):
        told = stage.run(*arguments).stderr
        assert "show.py" in told
        assert "swordfish" not in told


def test_the_sixth_code_of_a_day_is_refused_with_the_limit(stage: CliStage) -> None:
    """Partner Central's reasons have remedies of their own."""
    for _ in range(5):
        stage.client("partnercentral-account").send_email_verification_code(Catalog="AWS", Email="a@example.com")
    error, remedy = error_of(stage, "send-code", "--email", "a@example.com")
    assert "LIMIT_EXCEEDED_NUMBER_OF_EMAIL" in error
    assert remedy == "At most five codes a day are sent to an address: use the newest, or try again tomorrow."


@pytest.mark.versions
def test_debug_logs_calls_request_ids_and_tracebacks_but_no_secret(stage: CliStage) -> None:
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


def test_closed_output_pipe_is_no_error(stage: CliStage) -> None:
    """Such as `head`."""
    pipe = subprocess.PIPE
    with subprocess.Popen([SCRIPT, "show"], env=stage.variables(), stdout=pipe, stderr=pipe) as run:
        assert run.stdout
        assert run.stderr
        run.stdout.close()
        assert run.stderr.read() == b""


def test_ctrl_c_ends_a_command_with_the_status_of_sigint(stage: CliStage) -> None:
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


@pytest.mark.parametrize(
    ("missing", "arguments"),
    [("click", ["show"]), ("boto3", ["show"]), ("werkzeug", ["simulator", "start"])],
)
def test_missing_dependency_is_reported_with_its_extra(missing: str, arguments: list[str], tmp_path: Path) -> None:
    """With the construct alone installed, the error names the extra that the command needs."""
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{missing!r}] = None\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([SCRIPT, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: the Python package {missing}")
    assert "pip install 'cdk-partner-account[cli" in done.stderr
    assert "Traceback" not in done.stderr


# --- Terminals


NAME = "Zoë & 株式会社 “Söhne”"
TAKEN = "database/password-of-the-application-that-nobody-may-overwrite"
PROBE = "probe --pause 0 --wait 0 --yes"
CHANGING = re.compile(r"\d{2}:\d{2}:\d{2}|─|^\d+$")
COPIED = re.compile(r"`[^`]+`|partner-account |export |https?://|arn:|[0-9a-f/]{65}")

TOLD = [
    ("doctor --secret-id absent-secret --email jane@example.com", 1),
    ("verification status", 1),
    ("verification start registrant", 1),
    ("send-code --email a-rather-long-address-of-alliances@alliances.example.com", 0),
    ("store-code --secret-id a-rather-long-name-of-a-secret/of-the-code-of-partner-central --create", 0),
    (f"store-code --secret-id {TAKEN}", 1),
    ("show", 0),
    ("drift --stack-name A-Stack-That-Is-Not-There-And-That-Has-Quite-A-Long-Name-For-One", 1),
    ("simulator outbox", 0),
    ("simulator requests", 0),
    ("simulator faults list", 0),
    (PROBE, 0),
    ("show --catalog nowhere-in-particular-and-not-in-the-sandbox-either", 64),
    ("--region eu-west-1 simulator faults add nothing-that-partner-central-knows-of throttle", 64),
    *[(f"{path} --help", 0) for path, _ in commands()],
]


def test_lines_wrap_between_words_and_continuation_lines_are_indented(newcomer: CliStage) -> None:
    """As terminals of 80 and 120 columns show it. Only what is to be copied stays in one line that is longer."""
    newcomer.simulator.account(ACCOUNT).add_partner(NAME, tags={"cdk-partner-account:owner": "0" * 65, "team": "a"})
    newcomer.simulator.account(ACCOUNT).set_verification("BUSINESS_VERIFICATION", "FAILED")
    newcomer.run("verification", "start", "registrant")
    newcomer.client("partnercentral-account").send_email_verification_code(Catalog="AWS", Email=EMAIL)
    newcomer.client("secretsmanager").create_secret(Name=TAKEN, SecretString="swordfish")
    newcomer.run(*PROBE.split())  # which finds something else the second time
    wrong = []
    for arguments, status in TOLD:
        words = arguments.split()
        unlimited = (
            CliRunner().invoke(partner_account, words, "123456", newcomer.variables(), terminal_width=100_000).output
        )
        known = set(unlimited.split())
        cells = [cell for line in unlimited.splitlines() for cell in re.split(r"\s{2,}", line.strip())]
        first = {cell.split()[0] for cell in cells if cell}
        for width in (80, 120):
            narrow = newcomer.run(*words, stdin="123456", FORCE_COLOR="1", NO_COLOR="1", COLUMNS=str(width))
            assert narrow.status == status, narrow.told
            for line in narrow.plain.splitlines():
                is_fit = len(line.rstrip()) <= width or COPIED.search(line)
                is_whole = all(word in known or CHANGING.search(word) for word in line.split())
                is_indented = not line or line.startswith(" ") or line.split()[0] in first
                if not (is_fit and is_whole and is_indented):
                    wrong.append((arguments, width, line))
    assert wrong == []


def test_text_to_copy_is_never_wrapped(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A command below its sentence, a long ARN beside its label."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "30")
    command = "partner-account verification start registrant"
    rendering.say(f"Its URL has expired. Start it again: {command}")
    assert capsys.readouterr().out.splitlines() == ["Its URL has expired. Start it", "  again:", f"  {command}"]
    rendering.say("arn:aws:partnercentral:us-east-1:123456789012 is one", label="ARN", width=3)
    assert capsys.readouterr().out.splitlines() == [
        "ARN  arn:aws:partnercentral:us-east-1:123456789012",
        "     is one",
    ]


def test_colours_are_for_terminals_without_no_color(stage: CliStage) -> None:
    """A file and a pipe never get any; a sentence goes on between words in a narrow terminal."""
    with stage.terminal("doctor", COLUMNS="60") as terminal:
        assert terminal.ended() == 0
    assert "\x1b[32mpassed" in terminal.shown
    assert "only a real call to\r\n         SendEmailVerificationCode would tell\r\n" in terminal.shown
    assert "\x1b[32m" not in stage.run("doctor", FORCE_COLOR="1", NO_COLOR="1").told
    assert "\x1b" not in stage.run("doctor").told


@pytest.mark.versions
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_characters_missing_from_the_encoding_are_escaped(stage: CliStage, encoding: str) -> None:
    """As Python escapes it, in text, tables and errors; as JSON does, in JSON."""
    stage.simulator.account(ACCOUNT).add_partner(NAME, tags={"team": "社長"})
    shown = stage.run("show", charset=encoding)
    assert shown.status == 0
    assert r"\u682a\u5f0f\u4f1a\u793e " in shown.stdout
    assert r"\u793e\u9577" in shown.stdout
    assert ("Zoë" if encoding == "cp1252" else r"Zo\xeb") in shown.stdout
    (partner,) = stage.run("show", "--output", "json", charset=encoding).document["Partners"]
    assert partner["LegalName"] == NAME
    wrong = stage.run(NAME, charset=encoding)
    assert wrong.status == 64
    assert "No such command" in wrong.stderr
    table = stage.run("verification", "status", charset=encoding).stdout
    assert "---" in table
    assert "\\" not in table


def test_names_are_escaped_in_a_terminal_without_a_locale(stage: CliStage) -> None:
    """No locale at all, and Python told not to help itself to UTF-8. The spinner is plain."""
    stage.simulator.account(ACCOUNT).add_partner(NAME)
    none = {"LANG": "", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with stage.terminal("show", **none) as terminal:
        assert terminal.ended() == 0
    assert r"\u682a" in terminal.shown
    assert r"\u28" not in terminal.shown
    assert NAME in stage.run("show").stdout
    assert NAME in stage.run("show", "--output", "json").stdout


# --- JSON

JSON_ROWS = dict(re.findall(r"^\| (`[^|]+) \| (.+) \|$", PAGE.split("| command | members |")[1], re.MULTILINE))
RAW = {"Tags", "Input", "Readings"}
"""Members whose own keys are the user's, the service's, or names of switches."""


def members_of(document: Any) -> Iterator[str]:
    """The names of all members, at any depth."""
    for name, value in document.items() if isinstance(document, dict) else ():
        yield name
        yield from members_of(value) if name not in RAW else ()
    for one in document if isinstance(document, list) else ():
        yield from members_of(one)


@pytest.mark.versions
def test_each_command_writes_json_in_one_casing_with_the_members_of_the_reference(newcomer: CliStage) -> None:
    """Those that AWS names, AWS documents. tests/cli/test_drift.py has drift's."""
    assert {path for path, command in LEAVES.items() if "--output" not in options_of(command)} == {"completion"}
    newcomer.create_partner("Sandbox")
    newcomer.simulator.faults.add("TagResource", "throttle")
    for command in (
        *("verification start registrant", "verification status", "doctor", "send-code --email a@example.com"),
        *("store-code --secret-id code --create", "store-code --parameter /code --create", "show --catalog Sandbox"),
        *("simulator outbox", "simulator requests", "simulator faults list", "simulator faults clear", PROBE),
    ):
        document = newcomer.run(*command.split(), "--output", "json", stdin="123456").document
        members = set(members_of(document))
        assert {name for name in members if not re.fullmatch(r"([A-Z][a-z0-9]*)+", name)} == set()
        calls = re.match(r"(simulator |verification )?[a-z-]+", command)
        (row,) = (text for names, text in JSON_ROWS.items() if calls and f"`{calls[0]}`" in names)
        own = members if command.startswith(("doctor", "send", "store", "simulator")) else set(document)
        assert command == PROBE or {name for name in own if f"`{name}`" not in row} == set(), command


# --- Windows


ON_WINDOWS = """
import json, sys
from tests.cli import windows
windows.become("click.testing")
for absent in ("import fcntl", "import signal; signal.SIGHUP", "import os; os.killpg", "import pwd"):
    try: exec(absent)
    except (ModuleNotFoundError, AttributeError): continue
    raise SystemExit(f"this is no Windows: {absent}")
from click.testing import CliRunner
from partner_account_cli import rendering
from partner_account_cli.command_line import partner_account
for arguments in json.load(sys.stdin):
    ended = CliRunner().invoke(partner_account, arguments, "123456", catch_exceptions=False)
    print(json.dumps([ended.exit_code, ended.output]))
"""


def test_on_windows_each_command_works_or_says_that_it_needs_posix(stage: CliStage) -> None:
    """Everything but a local AWS and the simulator runs there, and what poses as Windows lacks what Windows lacks."""
    stage.create_partner()
    work = [
        ["verification", "status"],
        ["send-code", "--email", "alliances@example.com"],
        ["store-code", "--secret-id", "code", "--create"],
        ["show"],
        ["simulator", "outbox"],
        *[[name, "--help"] for name in COMMANDS],
    ]
    done = subprocess.run(
        [sys.executable, "-c", ON_WINDOWS],
        env=stage.variables(PYTHONPATH="."),
        input=json.dumps([*work, ["rehearse"], ["simulator", "start"]]),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *worked, rehearse, start = map(json.loads, done.stdout.splitlines())
    assert [status for status, _ in worked] == [0] * len(work)
    for name, (status, told) in (("rehearse", rehearse), ("simulator start", start)):
        assert status == 1
        assert told.startswith(f"Error: partner-account {name} needs Linux or macOS\nOn Windows, run it in WSL")
