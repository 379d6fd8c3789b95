"""The local AWS and its processes: clients are led there and nowhere else, and nothing of it stays behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from partner_account_rehearsal.local_aws import ACCOUNT, LocalAws, local_aws, stop_kept
from partner_account_rehearsal.processes import (
    ProcessError,
    Server,
    interruptions_as_exits,
    start,
    uninterrupted_cleanup,
)
from tests.rehearsal.process_list import eventually_none, heed_interruptions, processes_that_name

pytestmark = pytest.mark.e2e

HANDLE = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
Nested = Callable[[Mapping[str, Any]], dict[str, Any]]
# Starts a local AWS, prints its folder, and waits.
WAITING = """
    import time
    from partner_account_rehearsal.local_aws import local_aws
    with local_aws() as aws:
        print(aws.folder, flush=True)
        time.sleep(60)
"""
# Starts a local AWS, prints how to use and how to end it, and leaves it.
KEEPING = """
    from partner_account_rehearsal.local_aws import local_aws
    with local_aws() as aws:
        aws.keep()
        print(*aws.shell_exports(), aws.stop_command(), sep="\\n")
"""


def run_python(code: str, aws: LocalAws) -> str:
    """What a Python program prints that has the local AWS's environment and no other."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, env=dict(aws.environment), capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_its_environment_points_an_unmodified_boto3_to_both_servers(aws: LocalAws) -> None:
    """Over trusted TLS to the local account, and to the simulator, which records the request."""
    code = """
    import boto3
    boto3.client('partnercentral-account').list_partners(Catalog='AWS')
    print(boto3.client('sts').get_caller_identity()['Account'])
    """
    already = len(aws.partner_central.requests())
    assert run_python(code, aws) == ACCOUNT
    assert [str(request) for request in aws.partner_central.requests(since=already)] == ["ListPartners"]


def test_a_refused_request_is_recorded_with_its_reason(aws: LocalAws) -> None:
    """As the error with which it was answered."""
    already = len(aws.partner_central.requests())
    with pytest.raises(ClientError):
        aws.client("partnercentral-account").get_partner(Catalog="AWS", Identifier="partner-0000000000000")
    (request,) = aws.partner_central.requests(since=already)
    assert str(request) == "GetPartner (ResourceNotFoundException PARTNER_NOT_FOUND)"


def test_profile_proxy_endpoint_and_trust_of_the_users_shell_do_not_reach_clients(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They could lead to a real account."""
    for name, value in {
        "AWS_PROFILE": "nobody-has-this-one",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_CA_BUNDLE": "/nowhere.pem",
        "HTTPS_PROXY": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    assert aws.client("sts").get_caller_identity()["Account"] == ACCOUNT
    assert aws.used_statements() == []


def test_app_gets_the_shells_environment_without_profile_proxy_or_endpoint(aws: LocalAws) -> None:
    """Its Python, Node.js and `cdk` come first, and what they need; no profile, proxy, endpoint or trust store."""
    kept = {
        "HOME": "/people/jane",
        "VIRTUAL_ENV": "/venv",
        "CDK_DOCKER": "podman",
        "CDK_DEPLOY_ACCOUNT": "222222222222",
    }
    shell = {"PATH": "/venv/bin:/usr/bin", **kept}
    leads_away = {"AWS_PROFILE": "x", "CDK_DEFAULT_ACCOUNT": "1", "CDK_PROFILE": "x", "https_proxy": "x"}
    leads_away |= {"SSL_CERT_FILE": "x"}
    own = aws.environment_of_app({**shell, **leads_away})
    assert own["PATH"] == f"/venv/bin:/usr/bin:{Path(sys.executable).parent}"
    assert {name: own[name] for name in kept} == kept
    assert not set(leads_away) & set(own)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "CDK_HOME", "TMPDIR"):
        assert Path(own[name]).is_relative_to(aws.folder), "the user's own is neither read nor written"
    assert own["AWS_ENDPOINT_URL"] == aws.environment["AWS_ENDPOINT_URL"]


def deploy(aws: LocalAws, name: str, resources: Mapping[str, Any], *, verb: str = "create") -> str:
    """Create a stack with these resources, or update it, and wait for it; its id."""
    cloudformation = aws.client("cloudformation")
    change = getattr(cloudformation, f"{verb}_stack")
    stack_id = change(StackName=name, TemplateBody=json.dumps({"Resources": resources}))["StackId"]
    cloudformation.get_waiter(f"stack_{verb}_complete").wait(StackName=name, WaiterConfig={"Delay": 0.1})
    return str(stack_id)


def test_events_of_a_nested_stack_are_dated_between_those_of_its_resource_in_the_outer_stack(
    aws: LocalAws, nested: Nested
) -> None:
    """By milliseconds, which MiniStack dates events with, most of them would be simultaneous."""
    deploy(aws, "Outer", {"Inner": nested({"Resources": {"Handle": HANDLE}})})
    cloudformation = aws.client("cloudformation")
    stacks = [stack["StackId"] for stack in cloudformation.list_stacks()["StackSummaries"]]
    events = [event for one in stacks for event in cloudformation.describe_stack_events(StackName=one)["StackEvents"]]
    told = {event["Timestamp"]: (event["LogicalResourceId"], event["ResourceStatus"]) for event in events}
    expected = [(name, f"CREATE_{status}") for name, status in (
        ("Outer", "IN_PROGRESS"), ("Inner", "IN_PROGRESS"), ("Nested", "IN_PROGRESS"), ("Handle", "IN_PROGRESS"),
        ("Handle", "COMPLETE"), ("Nested", "COMPLETE"), ("Inner", "COMPLETE"), ("Outer", "COMPLETE"),
    )]  # fmt: skip
    assert [
        (re.sub("^Outer-Inner-.*", "Nested", name), status) for _, (name, status) in sorted(told.items())
    ] == expected


def test_nested_stack_returns_its_parent_and_its_root(aws: LocalAws, nested: Nested) -> None:
    """As CloudFormation does: the function finds the owner of a nested stack's partner by it."""
    inner = nested({"Resources": {"Handle": HANDLE}})
    root = deploy(aws, "Root", {"Middle": nested({"Resources": {"Inner": inner}})})
    stacks = [
        one for one in aws.client("cloudformation").describe_stacks()["Stacks"] if one["StackName"].startswith("Root")
    ]
    (middle,) = (one["StackId"] for one in stacks if one.get("ParentId") == root)
    told = sorted((one.get("ParentId", ""), one.get("RootId", "")) for one in stacks)
    assert told == sorted([("", ""), (root, root), (middle, root)])


def test_events_of_an_update_tell_a_resource_that_is_created_from_one_that_is_updated(
    aws: LocalAws, nested: Nested
) -> None:
    """In the stack and in the nested one, as CloudFormation does."""
    cloudformation = aws.client("cloudformation")
    for verb, names in (("create", ["Old"]), ("update", ["Old", "New"])):
        handles = dict.fromkeys(names, HANDLE)
        deploy(aws, "Updated", {**handles, "Inner": nested({"Resources": handles})}, verb=verb)
    stacks = [one["StackId"] for one in cloudformation.describe_stacks()["Stacks"] if "Updated" in one["StackName"]]
    assert len(stacks) == 2
    for stack in stacks:
        events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        told = {name: [one["ResourceStatus"] for one in events if one["LogicalResourceId"] == name] for name in names}
        created = ["CREATE_COMPLETE", "CREATE_IN_PROGRESS"]
        assert told == {"Old": ["UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", *created], "New": created}


def test_a_second_local_aws_is_independent_inherits_no_credentials_and_leaves_nothing(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has its own ports, folder and session token; a block that ends by an exception removes them, and only them."""
    secrets = {"AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "real", "HTTPS_PROXY": "http://proxy.example"}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    with suppress(ZeroDivisionError), local_aws() as other:
        assert {name for name in secrets if name in other.environment} == {"AWS_SESSION_TOKEN"}
        assert not set(secrets.values()) & set(other.environment.values())
        assert other.environment["AWS_ENDPOINT_URL"] != aws.environment["AWS_ENDPOINT_URL"]
        assert other.environment["AWS_SESSION_TOKEN"] != aws.environment["AWS_SESSION_TOKEN"]
        other.client("s3").create_bucket(Bucket="mine")
        assert processes_that_name(other.folder)
        raise ZeroDivisionError
    assert not other.folder.exists()
    assert processes_that_name(other.folder) == []
    assert aws.client("s3").list_buckets()["Buckets"] == []


def test_servers_listen_on_the_loopback_interface_only(aws: LocalAws) -> None:
    """Nobody else in the network reaches its servers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing: it only picks this machine's own address
        own_address = probe.getsockname()[0]
    for variable in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT"):
        port = int(aws.environment[variable].rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((own_address, port), timeout=5)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_local_aws_leaves_no_folder_and_no_process(number: signal.Signals) -> None:
    """Ctrl-C, termination and a closed terminal leave no folder and no process either."""
    heed_interruptions()
    command = [sys.executable, "-c", textwrap.dedent(WAITING)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as program:
        assert program.stdout is not None
        folder = Path(program.stdout.readline().strip())
        assert folder.is_dir()
        program.send_signal(number)
        assert program.wait(30) != 0
    assert not folder.exists()
    assert processes_that_name(folder) == []


def test_interruption_also_reaches_a_background_job_of_a_shell() -> None:
    """Which has it ignore SIGINT, and goes on to do so when it is over."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt), interruptions_as_exits():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_programs_own_interrupt_handler_is_kept() -> None:
    """A test runner's, for one, that starts a local AWS."""
    taken: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: taken.append(number))
    try:
        with interruptions_as_exits():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert taken == [signal.SIGINT]


def test_interruption_during_start_leaves_nothing(tmp_path: Path) -> None:
    """An interruption while the servers are being started leaves nothing, at whatever moment it comes."""
    heed_interruptions()
    command = [sys.executable, "-c", textwrap.dedent(WAITING)]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    for tenth in (0, 1, 3, 5):
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as program:
            # Not before: Python itself may lose an interruption that comes while it imports a module.
            while not list(tmp_path.iterdir()) and program.poll() is None:
                time.sleep(0.01)
            time.sleep(tenth / 10)
            program.send_signal(signal.SIGINT)
            assert program.wait(30) != 0
        assert list(tmp_path.iterdir()) == []
        assert processes_that_name(tmp_path) == []


def test_kept_local_aws_runs_on_until_its_stop_command() -> None:
    """The shell exports lead a terminal to it after the program has ended."""
    kept = subprocess.run([sys.executable, "-c", textwrap.dedent(KEEPING)], capture_output=True, text=True, check=True)
    *exports, stop = kept.stdout.splitlines()
    folder = stop.split()[-1]
    ask = "python -c \"import boto3; print(boto3.client('sts').get_caller_identity()['Account'])\""
    used = subprocess.run(["sh", "-c", "\n".join([*exports, ask])], capture_output=True, text=True, check=False)
    subprocess.run(["sh", "-c", "\n".join([*exports, stop])], check=True)
    assert used.stdout.strip() == ACCOUNT, used.stderr
    assert not Path(folder).exists()
    assert eventually_none(folder)


def test_stop_spares_other_folders_and_a_process_that_reuses_a_servers_pid(tmp_path: Path) -> None:
    """After a restart of the machine its number may be anybody's; the folder goes all the same."""
    with pytest.raises(ProcessError, match=f"no local AWS was kept in {tmp_path}: use the folder that --keep printed"):
        stop_kept(tmp_path)
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "kept.json").write_text(json.dumps({os.getpid(): "python -m hypercorn"}))
    stop_kept(kept)
    assert list(tmp_path.iterdir()) == []


def test_server_that_does_not_start_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    """Whatever it waits for, a server that has ended will not get there."""
    log = tmp_path / "log"
    with uninterrupted_cleanup() as resources, log.open("w") as output:
        command = [sys.executable, "-c", "raise SystemExit('the disk is full')"]
        process = start(command, environment={}, folder=tmp_path, output=output, resources=resources)
        with pytest.raises(ProcessError, match=r"Example did not start(.|\n)*the disk is full"):
            Server("Example", process, log).wait_for(lambda: None)


def test_grandchild_processes_end_with_their_process(tmp_path: Path) -> None:
    """A grandchild that outlives its parent is ended too, even one that doesn't listen to a polite request."""
    stubborn = f"trap '' TERM; sleep 600 & echo {tmp_path}; wait"
    with uninterrupted_cleanup() as resources, (tmp_path / "log").open("w") as output:
        start(
            ["sh", "-c", stubborn],
            environment={"PATH": "/usr/bin:/bin", "MARK": str(tmp_path)},
            folder=tmp_path,
            output=output,
            resources=resources,
        )
        time.sleep(0.2)
        assert processes_that_name(tmp_path)
    assert processes_that_name(tmp_path) == []
