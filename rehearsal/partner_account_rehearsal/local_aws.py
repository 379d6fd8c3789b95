"""AWS on this machine: MiniStack behind TLS, and the simulated Partner Central beside it.

Everything that either of them writes is in one folder, which is removed with them. What is deployed
there doesn't concern this module.
"""

import json
import os
import re
import secrets
import shlex
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import botocore
import botocore.session
import trustme
import urllib3
from botocore.config import Config

from partner_account_rehearsal import lambda_runtime, processes, require_installed
from partner_account_rehearsal.iam_statements import IAM_PATH, UsedStatement
from partner_account_rehearsal.simulator_client import SimulatorClient
from partner_central_simulator.models import API_VERSION, SERVICE

LOOPBACK = "127.0.0.1"
# MiniStack and the simulator take a 12-digit access key as the account ID.
ACCOUNT = "111111111111"
REGION = "us-east-1"
# The file in a kept folder with the servers' process groups.
_KEPT = "kept.json"
# Where jsii keeps what it has unpacked, and Node.js what it has compiled.
_CACHES = ("JSII_RUNTIME_PACKAGE_CACHE_ROOT", "NODE_COMPILE_CACHE")
# All that a program inherits from the user's environment. Profiles, proxies, trust and endpoints could
# lead it to a real account, or away from this one.
INHERITED = ("LANG", "LC_ALL", "LC_CTYPE", "PYTHONPATH", "USER", *_CACHES)
# Where jsii, which aws-cdk-lib runs on, keeps it by default: on Linux, on macOS.
JSII_CACHES = (".cache/aws/jsii/package-cache", "Library/Caches/com.amazonaws.jsii/package-cache")

# What could lead an app to a real account, or away from this machine.
_OF_AWS = ("AWS_", "CDK_")
# The CLI takes each of its options from a variable too, `--profile` from CDK_PROFILE. The CDK library reads these, and
# so do apps as in AWS's documentation: they configure the synthesis and its environment, and redirect nothing.
_OF_APPS = re.compile(r"CDK_(BLOCK_DEPRECATIONS|DEBUG|DEPLOY_.+|DISABLE_STACK_TRACE|DOCKER|VALIDATION)")
_NETWORK = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
_TRUST = {"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"}


@cache
def _session() -> botocore.session.Session:
    """Reads no configuration; one for all clients, since each would read all of AWS's endpoints."""
    nowhere = (None, None, os.devnull, None)
    return botocore.session.Session(
        session_vars={"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere}
    )


@dataclass(frozen=True)
class LocalAws:
    """A running local AWS, for callers with the session token in its environment.

    Attributes:
        folder: the private folder; it is gone when the local AWS has ended.
        environment: the complete environment that leads a program (the AWS CLI, boto3, cdk) here.
        partner_central: the requests to the simulated service, and the e-mails that it sent.
    """

    folder: Path
    environment: Mapping[str, str]
    partner_central: SimulatorClient
    _servers: Sequence[processes.Server]
    _resources: ExitStack

    def client(self, service: str) -> Any:
        """A client that leads here, whatever profile or proxy the user has configured."""
        own = self.environment
        return _session().create_client(
            service,
            region_name=own["AWS_REGION"],
            api_version=API_VERSION if service == SERVICE else None,
            endpoint_url=own.get(f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}", own["AWS_ENDPOINT_URL"]),
            verify=own["AWS_CA_BUNDLE"],
            aws_access_key_id=own["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=own["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=own["AWS_SESSION_TOKEN"],
            config=Config(proxies={}),
        )

    @property
    def account(self) -> str:
        """The ID of the account whose credentials the environment has."""
        return self.environment["AWS_ACCESS_KEY_ID"]

    def credentials_and_region(self) -> dict[str, str]:
        """The environment variables that choose the account and the region."""
        return {"AWS_ACCESS_KEY_ID": self.account, "AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}

    @property
    def region(self) -> str:
        """The region of the environment."""
        return self.environment["AWS_REGION"]

    def at(self, region: str, account: str = "") -> "LocalAws":
        """The same in another region, by default of the same account."""
        own = {"AWS_ACCESS_KEY_ID": account or self.account, "AWS_REGION": region, "AWS_DEFAULT_REGION": region}
        return replace(self, environment={**self.environment, **own})

    def environment_of_app(self, shell: Mapping[str, str]) -> dict[str, str]:
        """The environment in which a shell runs the user's app and CLI, without what leads away from here.

        The shell's PATH comes first, with its Python, its Node.js and its `cdk`; ours comes after it.
        """
        kept = {
            name: value
            for name, value in shell.items()
            if (not name.startswith(_OF_AWS) or _OF_APPS.fullmatch(name))
            and name.lower() not in _NETWORK
            and name not in _TRUST
        }
        path = os.pathsep.join(filter(None, (shell.get("PATH"), str(Path(sys.executable).parent))))
        # The app's directory stays as it was.
        private = {"TMPDIR": self.environment["TMPDIR"], "PYTHONDONTWRITEBYTECODE": "1"}
        return {**kept, **self._own_variables(), **private, "PATH": path}

    def used_statements(self) -> list[UsedStatement]:
        """The statements of IAM policies that have allowed something so far."""
        url = self.environment["AWS_ENDPOINT_URL"] + IAM_PATH
        token = {"X-Amz-Security-Token": self.environment["AWS_SESSION_TOKEN"]}
        with urllib3.PoolManager(ca_certs=self.environment["AWS_CA_BUNDLE"], timeout=10) as http:
            return [UsedStatement(**one) for one in json.loads(http.request("GET", url, headers=token).data)]

    def keep(self) -> None:
        """Let the servers and the folder outlive this process, until `stop_kept`."""
        pids = [server.process.pid for server in self._servers]
        (self.folder / _KEPT).write_text(json.dumps({pid: processes.command_of(pid) for pid in pids}), "utf-8")
        self._resources.pop_all()

    def shell_exports(self) -> list[str]:
        """The shell commands that point a terminal here."""
        return [
            "unset AWS_PROFILE",
            f'export PATH="$PATH":{shlex.quote(str(Path(sys.executable).parent))}',
            *(f"export {name}={shlex.quote(value)}" for name, value in self._own_variables().items()),
        ]

    def _own_variables(self) -> dict[str, str]:
        """The part of the environment that leads here, with any PATH and HOME."""
        return {name: value for name, value in self.environment.items() if name.startswith(_OF_AWS)}

    def stop_command(self) -> str:
        """The shell command that stops the servers and removes the folder."""
        return f"partner-account rehearse --stop {shlex.quote(str(self.folder))}"


def stop_kept(folder: Path) -> None:
    """Stop the servers that `LocalAws.keep` left, if they still run, and remove their folder.

    Raises:
        ProcessError: none was kept there.
    """
    try:
        kept: dict[str, str] = json.loads((folder / _KEPT).read_text("utf-8"))
    except (OSError, ValueError):
        raise processes.ProcessError(f"no local AWS was kept in {folder}: use the folder that --keep printed") from None
    for pid, command in kept.items():
        # By now the process ID may be another process's.
        if processes.command_of(int(pid)) == command:
            processes.end_group(int(pid))
    shutil.rmtree(folder)


@contextmanager
def local_aws(*, verified: bool = True, readings: Path | None = None) -> Iterator[LocalAws]:
    """Start a local AWS on free ports of the loopback interface, and remove everything afterwards.

    Every account's business counts as verified, unless `verified` is false; without that, no partner can be
    created in catalog AWS. `readings` is a file with the readings of Partner Central.

    Raises:
        ProcessError: a server did not start.
        ModuleNotFoundError: a server's package is not installed.
    """
    require_installed("ministack", "hypercorn", "werkzeug")
    with processes.interruptions_as_exits(), processes.uninterrupted_cleanup() as resources:
        folder = _private_folder(resources)
        environment, authority = _environment(folder), trustme.CA()
        authority.cert_pem.write_to_path(environment["AWS_CA_BUNDLE"])
        # Opened here, and handed over, so that no other process can take the port.
        with socket.create_server((LOOPBACK, 0)) as listener:
            environment["AWS_ENDPOINT_URL"] = f"https://{LOOPBACK}:{listener.getsockname()[1]}"
            simulator, address = _start_simulator(folder, environment, resources, verified=verified, readings=readings)
            environment["AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT"] = address
            ministack = _start_ministack(folder, environment, authority, listener, resources)
        partner_central = SimulatorClient(address, environment["AWS_SESSION_TOKEN"])
        yield LocalAws(folder, environment, partner_central, (ministack, simulator), resources)


def _private_folder(resources: ExitStack) -> Path:
    with processes.interruptions_deferred():
        folder = Path(tempfile.mkdtemp(prefix="partner-account-"))
        resources.callback(shutil.rmtree, folder, ignore_errors=True)
    for name in ("home", "tmp"):
        (folder / name).mkdir()
    return folder


def _environment(folder: Path) -> dict[str, str]:
    """The environment of everything that runs here, without the two endpoints."""
    programs = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    # jsii would take ten seconds to unpack what the user's own cache may have.
    caches = [str(cache) for name in JSII_CACHES if (cache := Path.home() / name).is_dir()]
    return {
        **({"JSII_RUNTIME_PACKAGE_CACHE_ROOT": caches[0]} if caches else {}),
        **inherited,
        "PATH": programs,
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "local",
        # Both servers require it: the account ID is not secret, and neither of them verifies a signature.
        "AWS_SESSION_TOKEN": secrets.token_hex(),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CA_BUNDLE": str(folder / "ca.pem"),
        # Not the user's, which may name a profile of a real account; `Cdk` writes the one that an app names.
        "AWS_CONFIG_FILE": str(folder / "home" / "aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "home" / "aws-credentials"),
        "CDK_HOME": str(folder / "home"),
    }


def _start_simulator(
    folder: Path, environment: Mapping[str, str], resources: ExitStack, *, verified: bool, readings: Path | None
) -> tuple[processes.Server, str]:
    command = [sys.executable, "-m", "partner_account_cli", "simulator", "start"]
    command += ["--verified"] if verified else []
    command += ["--readings", str(readings.resolve())] if readings else []
    own = {
        "PARTNER_CENTRAL_SIMULATOR_SESSION_TOKEN": environment["AWS_SESSION_TOKEN"],
        # The local AWS knows the role of each session, and what its policies allow.
        "PARTNER_CENTRAL_SIMULATOR_AUTHORIZER": environment["AWS_ENDPOINT_URL"] + IAM_PATH,
    }
    server = _serve("Partner Central", command, folder, {**environment, **own}, resources)

    def address() -> str | None:
        # Its own log has its address: another program's response can't be mistaken for its own.
        found = re.search(rf"http://{re.escape(LOOPBACK)}:\d+", server.log.read_text("utf-8", "replace"))
        return found[0] if found else None

    return server, server.wait_for(address)


def _start_ministack(
    folder: Path,
    environment: Mapping[str, str],
    authority: trustme.CA,
    listener: socket.socket,
    resources: ExitStack,
) -> processes.Server:
    """Start MiniStack, behind our gateway, with Hypercorn: its own command would also take port 443."""
    certificate = str(folder / "certificate.pem")
    authority.issue_cert(LOOPBACK).private_key_and_cert_chain_pem.write_to_path(certificate)
    command = [sys.executable, "-m", "hypercorn", "--workers", "0", "--certfile", certificate, "--keyfile", certificate]
    command += ["--bind", f"fd://{listener.fileno()}", "partner_account_rehearsal.gateway:app"]
    own = {
        lambda_runtime.VARIABLE: str(lambda_runtime.make_python(folder / "lambda")),
        "GATEWAY_PORT": str(listener.getsockname()[1]),
        "MINISTACK_HOST": LOOPBACK,
        "BIND_HOST": LOOPBACK,
        # crhelper responds to CloudFormation over HTTPS only, and the handler runs with the server's environment.
        "USE_SSL": "1",
        # Functions get sessions of their roles, and IAM policies apply to all but the account's own credentials.
        "AUTH": "true",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # For the responses of other custom resources: neither Node.js nor Python's own clients, as crhelper and
        # cfn-response have them, read AWS_CA_BUNDLE.
        "NODE_EXTRA_CA_CERTS": environment["AWS_CA_BUNDLE"],
        "SSL_CERT_FILE": str(_public_and_own_authorities(folder, environment["AWS_CA_BUNDLE"])),
        **lambda_runtime.make_node_environment(folder / "lambda"),
        # Otherwise it would remove containers that another MiniStack left on this machine.
        "DOCKER_HOST": f"unix://{folder}/no-docker",
    }
    descriptors = (listener.fileno(),)
    server = _serve("MiniStack", command, folder, {**environment, **own}, resources, descriptors)
    server.wait_for(lambda: "Running on" in server.log.read_text("utf-8", "replace") or None)
    return server


def _public_and_own_authorities(folder: Path, own: str) -> Path:
    """A bundle of the CAs that botocore trusts and the local AWS's own; a function may call other servers too."""
    bundle = folder / "authorities.pem"
    public = Path(botocore.__file__).with_name("cacert.pem")
    bundle.write_text(public.read_text("utf-8") + Path(own).read_text("utf-8"), "utf-8")
    return bundle


def _serve(
    name: str,
    command: Sequence[str | Path],
    folder: Path,
    environment: Mapping[str, str],
    resources: ExitStack,
    file_descriptors: Sequence[int] = (),
) -> processes.Server:
    log = folder / f"{name.lower().replace(' ', '-')}.log"
    with log.open("w", encoding="utf-8") as output:
        process = processes.start(
            command,
            environment=environment,
            folder=folder,
            output=output,
            resources=resources,
            file_descriptors=file_descriptors,
        )
    return processes.Server(name, process, log)
