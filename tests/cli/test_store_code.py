"""`partner-account store-code`: what it overwrites and what it doesn't, and that the code is never shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cli.relay import Relay, open_relay
from tests.cli.stage import CliStage, Ended

CODE = "987654"
SECRET = ("--secret-id", "kept")
FIELD = (*SECRET, "--json-field", "code")
PARAMETER = ("--parameter", "/kept")


@pytest.fixture
def relay(stage: CliStage) -> Iterator[Relay]:
    """The relay between the command and its store."""
    with open_relay(stage.moto_url) as relay:
        stage.environment["AWS_ENDPOINT_URL"] = relay.url
        yield relay


class Kept:
    """A secret of the user's, or a parameter."""

    def __init__(self, stage: CliStage) -> None:
        """Nothing is there yet."""
        self.stage = stage
        self._secrets = stage.client("secretsmanager")
        self._ssm = stage.client("ssm")

    def holds(self, value: Any) -> None:
        """Let the secret hold it, an object as JSON; and, if it is a text, the parameter."""
        if value is None:
            self._secrets.create_secret(Name="kept")
        elif isinstance(value, bytes):
            self._secrets.create_secret(Name="kept", SecretBinary=value)
        else:
            text = value if isinstance(value, str) else json.dumps(value)
            self._secrets.create_secret(Name="kept", SecretString=text)
            self._ssm.put_parameter(Name="/kept", Value=text, Type="SecureString")

    def value(self, options: tuple[str, ...]) -> Any:
        """What is there now, where the options lead."""
        if options is PARAMETER:
            return self.parameter
        try:
            return json.loads(self.secret) if options is FIELD else self.secret
        except ValueError:
            return self.secret

    @property
    def secret(self) -> Any:
        """The secret's value now."""
        found = self._secrets.get_secret_value(SecretId="kept")
        return found.get("SecretString", found.get("SecretBinary"))

    @property
    def parameter(self) -> str:
        """The parameter's value now."""
        return str(self._ssm.get_parameter(Name="/kept", WithDecryption=True)["Parameter"]["Value"])

    def store(self, *options: str, stdin: str | bytes = CODE) -> Ended:
        """Store the code there."""
        return self.stage.run("store-code", *options, stdin=stdin)


@pytest.fixture
def kept(stage: CliStage) -> Kept:
    """The user's secret and parameter."""
    return Kept(stage)


def test_missing_store_is_created_only_with_create(kept: Kept) -> None:
    """A mistyped name is an error; a parameter becomes a SecureString, a field a JSON object."""
    for options in (SECRET, PARAMETER):
        absent = kept.store(*options)
        assert absent.status == 1
        assert "kept doesn't exist" in absent.stderr
        assert "--create" in absent.stderr
        assert kept.store(*options, "--create").status == 0
    assert (kept.secret, kept.parameter) == (CODE, CODE)
    assert kept.stage.client("ssm").get_parameter(Name="/kept")["Parameter"]["Type"] == "SecureString"
    assert kept.store("--secret-id", "json", "--json-field", "code", "--create").status == 0
    text = kept.stage.client("secretsmanager").get_secret_value(SecretId="json")["SecretString"]
    assert json.loads(text) == {"code": CODE}


@pytest.mark.parametrize("piped", [b"987654", b"987654\r\n", b"\xef\xbb\xbf987654\n"])
def test_code_is_read_from_a_unix_or_windows_pipe(kept: Kept, piped: bytes) -> None:
    """With a carriage return, or a byte order mark."""
    assert kept.store(*SECRET, "--create", stdin=piped).status == 0
    assert kept.secret == CODE


@pytest.mark.parametrize(
    "piped",
    [
        *(b"", b"12345\n", b"1234567\n", b"12345a\n", "１２３４５６\n".encode()),  # noqa: RUF001
        *(b"\xff\xfe9\x008\x00", b"\xe9\n", b"98765\xb2\n"),
    ],
)
def test_input_that_is_not_six_digits_is_rejected_and_not_echoed(kept: Kept, piped: bytes) -> None:
    """In whatever encoding it is."""
    done = kept.store(*SECRET, "--create", stdin=piped)
    assert done.status == 1
    assert done.stderr.startswith("Error: standard input is not six digits\n")
    assert not piped or piped.strip().decode(errors="replace") not in done.stderr
    assert kept.stage.client("secretsmanager").list_secrets()["SecretList"] == []


def test_terminal_prompts_without_echo_and_again_after_invalid_input(stage: CliStage) -> None:
    """The input appears neither on the screen nor in any message."""
    with stage.terminal("store-code", *SECRET, "--create") as terminal:
        terminal.expect("Verification code .*: ")
        terminal.type("98765\n")
        terminal.expect("Error: .*Verification code .*: ")
        terminal.type(f"{CODE}\n")
        assert terminal.ended() == 0
    assert CODE[:5] not in terminal.shown
    assert stage.client("secretsmanager").get_secret_value(SecretId="kept")["SecretString"] == CODE


OTHERS = {"password": "sword\nfish", "port": 5432, "nested": {"a": [True, None]}, "name": "株式会社"}


@pytest.mark.parametrize(
    ("options", "held"),
    [
        *[(options, held) for options in (SECRET, PARAMETER) for held in ("123456", " 123456\n", " ")],
        (SECRET, None),
        *[(FIELD, {"code": held, **OTHERS}) for held in (None, "", "123456", 123456)],
        (FIELD, OTHERS),
    ],
)
def test_code_or_empty_value_is_replaced_and_other_json_fields_are_kept(
    kept: Kept, options: tuple[str, ...], held: Any
) -> None:
    """--create is not needed, even if a secret has no value yet."""
    kept.holds(held)
    assert kept.store(*options).status == 0
    assert kept.value(options) == ({**held, "code": CODE} if options is FIELD else CODE)


@pytest.mark.parametrize(
    ("options", "held", "kind"),
    [
        (SECRET, "swordfish", "something other than a code"),
        (SECRET, "1234567", "something other than a code"),
        (SECRET, "１２３４５６", "something other than a code"),  # noqa: RUF001 - digits of another script are none
        (SECRET, "[123456]", "something other than a code"),
        (SECRET, b"123456", "something other than a code"),
        (SECRET, {"password": "swordfish"}, "a JSON object"),
        (SECRET, {}, "a JSON object"),
        (PARAMETER, "swordfish", "something other than a code"),
        *[
            (FIELD, {"code": value, "other": "kept"}, "something other than a code")
            for value in ("swordfish", 12, True, ["123456"], {"code": "123456"})
        ],
        # Not even if it is a code: a stack may read it as a whole.
        *[(FIELD, value, "no JSON object") for value in ("swordfish", "123456")],
        (FIELD, b"123456", "something other than a code"),
    ],
)
def test_value_that_is_no_code_is_described_by_kind_and_kept_without_overwrite(
    kept: Kept, options: tuple[str, ...], held: Any, kind: str
) -> None:
    """Its value is never shown, --create changes nothing about it, and other fields stay in any case."""
    kept.holds(held)
    before = kept.value(options)
    done = kept.store(*options, "--create", "--debug")
    assert done.status == 1
    assert f" holds {kind}\n" in done.stderr
    assert "--overwrite replaces the value" in done.stderr
    assert "swordfish" not in done.told
    assert CODE not in done.told
    assert kept.value(options) == before
    assert kept.store(*options, "--overwrite").status == 0
    others = {"other": "kept"} if isinstance(held, dict) else {}
    assert kept.value(options) == ({"code": CODE, **others} if options is FIELD else CODE)


@pytest.mark.parametrize(
    "before", ['{"rate": 1.10}', '{"big": 12345678901234567890.123}', '{"a": "1", "a": "2"}', '{"n": {"x": 1E5}}']
)
def test_json_object_that_would_not_round_trip_is_left_unchanged(kept: Kept, before: str) -> None:
    """A number that is written in another way, and a field that occurs twice."""
    kept.holds(before)
    done = kept.store(*FIELD, "--overwrite")
    assert done.status == 1
    assert "would change if it were written again" in done.stderr
    assert kept.secret == before


def test_unencrypted_parameter_gets_no_code_even_with_overwrite(kept: Kept) -> None:
    """Its type can't be changed, and its value isn't encrypted."""
    ssm = kept.stage.client("ssm")
    ssm.put_parameter(Name="/kept", Value="123456", Type="String")
    assert kept.store(*PARAMETER, "--overwrite").status == 1
    assert kept.parameter == "123456"


def test_secret_marked_for_deletion_is_not_created_again(kept: Kept) -> None:
    """It must be restored first. That goes for --overwrite as well, but moto would let it pass."""
    kept.holds("123456")
    kept.stage.client("secretsmanager").delete_secret(SecretId="kept")
    for options in ((), ("--create",)):
        done = kept.store(*SECRET, *options)
        assert done.status == 1
        assert "restore-secret" in done.stderr


def test_create_rejects_an_arn_as_name(kept: Kept) -> None:
    """A secret is created by a name: with an ARN, --create is wrong use, and isn't recommended."""
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:absent-AbCdEf"
    assert kept.store("--secret-id", arn, "--create").status == 64
    done = kept.store("--secret-id", arn)
    assert done.status == 1
    assert "--create" not in done.stderr


@pytest.mark.parametrize(("options", "operation"), [(SECRET, "GetSecretValue"), (PARAMETER, "GetParameter")])
def test_nothing_is_written_without_the_permission_to_read_unless_overwrite_is_given(
    kept: Kept, relay: Relay, options: tuple[str, ...], operation: str
) -> None:
    """Then nothing is read. The permission is named."""
    kept.holds("123456")
    relay.answers[operation] = lambda _: ("AccessDeniedException", "not allowed")
    done = kept.store(*options)
    assert done.status == 1
    assert f"Allow {operation} for this identity" in done.stderr
    assert (kept.secret, kept.parameter) == ("123456", "123456")
    assert kept.store(*options, "--overwrite").status == 0
    assert CODE in (kept.secret, kept.parameter)


def test_field_is_not_written_without_reading_the_secret(kept: Kept, relay: Relay) -> None:
    """The other fields would be lost: --overwrite doesn't help."""
    kept.holds('{"password": "swordfish"}')
    relay.answers["GetSecretValue"] = lambda _: ("AccessDeniedException", "not allowed")
    for options in (FIELD, (*FIELD, "--overwrite")):
        assert kept.store(*options).status == 1
    assert kept.secret == '{"password": "swordfish"}'


@pytest.mark.parametrize(
    "message",
    [
        "User: arn:aws:iam::1:user/x is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:x",
        "Access to KMS is not allowed",
    ],
)
def test_denied_key_is_reported_as_a_missing_permission(kept: Kept, relay: Relay, message: str) -> None:
    """The permission that AWS's own words name, or mean."""
    kept.holds("123456")
    relay.answers["GetSecretValue"] = lambda _: ("AccessDeniedException", message)
    assert "Allow kms:Decrypt " in kept.store(*SECRET).stderr


def test_store_created_concurrently_is_not_overwritten(kept: Kept, relay: Relay) -> None:
    """AWS refuses to create it once more."""
    client, ssm = kept.stage.client("secretsmanager"), kept.stage.client("ssm")
    relay.before["CreateSecret"] = lambda: client.create_secret(Name="kept", SecretString="swordfish")
    relay.before["PutParameter"] = lambda: ssm.put_parameter(Name="/kept", Value="swordfish", Type="SecureString")
    for options in (SECRET, PARAMETER):
        done = kept.store(*options, "--create")
        assert done.status == 1
        assert "It was created at the same moment" in done.stderr
    assert (kept.secret, kept.parameter) == ("swordfish", "swordfish")


def test_overwritten_parameter_keeps_its_key_and_description(kept: Kept, relay: Relay) -> None:
    """AWS resets what a write omits to the default: without KeyId, the AWS-managed key. moto would keep it."""
    own = {"KeyId": "alias/own", "Description": "the code", "AllowedPattern": "^[0-9]{6}$", "Tier": "Advanced"}
    kept.stage.client("ssm").put_parameter(Name="/kept", Value="123456", Type="SecureString", **own)
    for options in (PARAMETER, (*PARAMETER, "--overwrite")):
        relay.requests.clear()
        assert kept.store(*options).status == 0
        written = relay.members("PutParameter")
        assert {name: written.get(name) for name in own} == own
        assert (written["Type"], written["Overwrite"]) == ("SecureString", True)


def test_a_new_parameter_overwrites_nothing(kept: Kept, relay: Relay) -> None:
    """It is written on the condition that there is none."""
    assert kept.store(*PARAMETER, "--create", "--overwrite").status == 0
    assert not relay.members("PutParameter").get("Overwrite")


@pytest.mark.parametrize(
    "echo",
    [
        lambda body: f"refused: {body}",
        # A message may not be cut where it cuts a secret, whose first digits would then be shown.
        lambda body: f"{'-' * (297 - body.index(CODE))}{body}",
        lambda body: f"refused: {json.dumps(body)}",
        lambda _: f"refused: %22{CODE}%22",
        lambda _: f"refused:\\n{CODE}",
        lambda _: f"refused:\\u0022{CODE}",
    ],
    ids=["body", "long", "json", "url", "escaped", "unicode"],
)
def test_the_code_is_hidden_in_an_error_of_the_store(kept: Kept, relay: Relay, echo: Callable[[str], str]) -> None:
    """However its message writes it."""
    kept.holds("123456")
    relay.answers["PutSecretValue"] = lambda body: ("AccessDeniedException", echo(body))
    done = kept.store(*SECRET)
    assert done.status == 1
    assert "***" in done.stderr
    assert CODE[:4] not in done.told


@pytest.mark.parametrize(
    ("options", "operation"),
    [(SECRET, "PutSecretValue"), ((*SECRET, "--create"), "CreateSecret"), (PARAMETER, "PutParameter")],
)
def test_the_code_is_hidden_under_debug(kept: Kept, relay: Relay, options: tuple[str, ...], operation: str) -> None:
    """In each operation that writes one, in an error whose message is otherwise not shown."""
    if operation != "CreateSecret":
        kept.holds("123456")
    relay.answers[operation] = lambda body: ("ValidationException", f"refused: {body}")
    done = kept.store(*options, "--debug")
    assert done.status == 1
    assert f"debug: {operation} returned HTTP 400" in done.stderr
    assert "refused: " in done.stderr
    assert "***" in done.stderr
    assert CODE not in done.told


def test_the_other_fields_are_hidden_in_an_error_of_the_store(kept: Kept, relay: Relay) -> None:
    """A message that repeats a JSON secret repeats what else is in it."""
    kept.holds(json.dumps({"password": 'tuna"fish', "nested": [{"key": "Zoë's own key"}]}))
    relay.answers["PutSecretValue"] = lambda body: ("AccessDeniedException", f"refused: {body}")
    done = kept.store(*FIELD, "--debug")
    assert done.status == 1
    assert "refused: {" in done.stderr
    for hidden in (CODE, "tuna", "own key"):
        assert hidden not in done.told


@pytest.mark.parametrize(("name", "cautioned"), [("alliance-secret", True), ("alliance-secrets", False)])
def test_secret_name_that_ends_like_an_arn_gets_a_warning(kept: Kept, name: str, cautioned: bool) -> None:
    """When it is created, when it is used later, and by its full ARN, but never because of that ARN."""
    done = kept.store("--secret-id", name, "--create")
    arn = kept.stage.client("secretsmanager").describe_secret(SecretId=name)["ARN"]
    for ended in (done, kept.store("--secret-id", name), kept.store("--secret-id", arn)):
        assert ended.status == 0
        assert (f"The name {name} ends in a hyphen and six characters" in ended.stderr) == cautioned
