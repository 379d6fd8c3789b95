"""AWS on this machine: MiniStack behind TLS, and the simulated Partner Central beside it.

Everything that either of them writes lies in one folder, which is removed with them. What is deployed
there is not this module's business.
"""

import http.client
import json
import os
import re
import secrets
import shlex
import shutil
import socket
import ssl
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import trustme
from botocore.config import Config

from partner_account_rehearsal import lambda_runtime, processes, require_installed
from partner_account_rehearsal.allowed import LOCAL_PATH, AllowedBy
from partner_account_rehearsal.partner_central import PartnerCentral
from partner_central_simulator.identity import API_VERSION, SERVICE

LOOPBACK = "127.0.0.1"
# MiniStack and the simulator take an access key of twelve digits for the number of its account.
ACCOUNT = "111111111111"
REGION = "us-east-1"
# All that a program gets from the user's own surroundings. Profiles, proxies, trust and endpoints could
# lead it to a real account, or away from this one.
INHERITED = ("JSII_RUNTIME_PACKAGE_CACHE_ROOT", "LANG", "LC_ALL", "LC_CTYPE", "PYTHONPATH", "USER")
# Where jsii, which aws-cdk-lib runs on, keeps what it has unpacked: on Linux, on macOS.
JSII_CACHES = (".cache/aws/jsii/package-cache", "Library/Caches/com.amazonaws.jsii/package-cache")


@dataclass(frozen=True)
class LocalAws:
    """A running local AWS, for whoever has the session token in its environment.

    Attributes:
        folder: the private folder; it is gone when the local AWS has ended.
        environment: the complete environment that leads a program (the AWS CLI, boto3, cdk) here.
        partner_central: what the simulated service was asked, and what it sent by e-mail.
    """

    folder: Path
    environment: Mapping[str, str]
    partner_central: PartnerCentral
    _servers: Sequence[processes.Server]
    _resources: ExitStack

    def client(self, service: str) -> Any:
        """A client that leads here, whatever profile or proxy the user has chosen elsewhere."""
        own = self.environment
        return _session_without_files().create_client(
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

    def at(self, account: str, region: str) -> "LocalAws":
        """The same as another account sees it, in another region."""
        own = {"AWS_ACCESS_KEY_ID": account, "AWS_REGION": region, "AWS_DEFAULT_REGION": region}
        return replace(self, environment={**self.environment, **own})

    def allowed(self) -> list[AllowedBy]:
        """The statements of IAM policies that have allowed something so far."""
        url = urlsplit(self.environment["AWS_ENDPOINT_URL"])
        tls = ssl.create_default_context(cafile=self.environment["AWS_CA_BUNDLE"])
        connection = http.client.HTTPSConnection(url.netloc, timeout=10, context=tls)
        try:
            connection.request(
                "GET", LOCAL_PATH, headers={"X-Amz-Security-Token": self.environment["AWS_SESSION_TOKEN"]}
            )
            return [AllowedBy(**one) for one in json.load(connection.getresponse())]
        finally:
            connection.close()

    def keep(self) -> None:
        """Let the servers and the folder outlive this process; `farewell` tells how to end them."""
        self._resources.pop_all()

    def directions(self) -> list[str]:
        """The shell commands that lead a terminal here."""
        variables = {name: value for name, value in self.environment.items() if name.startswith(("AWS_", "CDK_"))}
        return [
            "unset AWS_PROFILE",
            f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"',
            *(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
        ]

    def farewell(self) -> str:
        """The shell command that ends the servers and removes the folder."""
        groups = " ".join(f"-{server.process.pid}" for server in self._servers)
        return f"kill -- {groups}; rm -r {shlex.quote(str(self.folder))}"


@contextmanager
def local_aws(*, verified: bool = True, readings: Path | None = None) -> Iterator[LocalAws]:
    """Start a local AWS on free ports of the loopback interface, and leave nothing of it behind.

    Every account's business counts as verified, unless `verified` is false; without that, no partner can be
    created in catalog AWS. `readings` is a file that says how Partner Central answers where AWS documents nothing.

    Raises:
        ProcessError: a server did not start.
        ModuleNotFoundError: a server's package is not installed.
    """
    require_installed("ministack", "hypercorn", "werkzeug")
    with processes.unwinding(), processes.cleanly() as resources:
        folder = _private_folder(resources)
        environment = _environment(folder)
        certificate = _certificate(folder)
        # Opened here, and handed over, so that nobody else can get hold of the port.
        with socket.create_server((LOOPBACK, 0)) as listener:
            environment["AWS_ENDPOINT_URL"] = f"https://{LOOPBACK}:{listener.getsockname()[1]}"
            simulator, address = _start_simulator(folder, environment, resources, verified=verified, readings=readings)
            environment["AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT"] = address
            ministack = _start_ministack(folder, environment, certificate, listener, resources)
        partner_central = PartnerCentral(address, environment["AWS_SESSION_TOKEN"])
        yield LocalAws(folder, environment, partner_central, (ministack, simulator), resources)


def _session_without_files() -> botocore.session.Session:
    """A botocore session that reads no configuration file and knows no profile."""
    nowhere = (None, None, os.devnull, None)
    return botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": nowhere,
            "credentials_file": nowhere,
        }
    )


def _private_folder(resources: ExitStack) -> Path:
    with processes.undisturbed():
        folder = Path(tempfile.mkdtemp(prefix="partner-account-"))
        resources.callback(shutil.rmtree, folder, ignore_errors=True)
    for name in ("home", "tmp"):
        (folder / name).mkdir()
    return folder


def _environment(folder: Path) -> dict[str, str]:
    """The environment of everything that runs here, without the two endpoints."""
    programs = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {
        **_jsii_cache(),
        **inherited,
        "PATH": programs,
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "local",
        # Both servers ask for it: the account number is no secret, and neither of them checks a signature.
        "AWS_SESSION_TOKEN": secrets.token_hex(),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CA_BUNDLE": str(folder / "ca.pem"),
        "CDK_HOME": str(folder / "home"),
        # The checkout that an app is run from stays as it was.
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _jsii_cache() -> dict[str, str]:
    """Lead jsii to the cache that the user has already, if there is one: unpacking takes it ten seconds."""
    caches = [cache for name in JSII_CACHES if (cache := Path.home() / name).is_dir()]
    return {"JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(caches[0])} if caches else {}


def _start_simulator(
    folder: Path, environment: Mapping[str, str], resources: ExitStack, *, verified: bool, readings: Path | None
) -> tuple[processes.Server, str]:
    command = [sys.executable, "-m", "partner_account_cli", "simulator", "start"]
    command += ["--verified"] if verified else []
    command += ["--readings", str(readings.resolve())] if readings else []
    own = {
        "PARTNER_CENTRAL_SIMULATOR_SESSION_TOKEN": environment["AWS_SESSION_TOKEN"],
        # The local AWS knows whose each session is, and what the policies of its role allow.
        "PARTNER_CENTRAL_SIMULATOR_AUTHORIZER": environment["AWS_ENDPOINT_URL"] + LOCAL_PATH,
    }
    server = _serve("Partner Central", command, folder, {**environment, **own}, resources)

    def address() -> str | None:
        # Its own log tells its address: another program's answer can't be taken for its own.
        found = re.search(rf"http://{re.escape(LOOPBACK)}:\d+", server.log.read_text("utf-8", "replace"))
        return found[0] if found else None

    return server, server.wait_for(address)


def _start_ministack(
    folder: Path, environment: Mapping[str, str], certificate: str, listener: socket.socket, resources: ExitStack
) -> processes.Server:
    """Start MiniStack, behind our gateway, by Hypercorn: its own command would also take port 443."""
    tls = ["--certfile", certificate, "--keyfile", certificate]
    hypercorn = [sys.executable, "-m", "hypercorn", "--workers", "0", *tls]
    python = {lambda_runtime.VARIABLE: str(lambda_runtime.make_python(folder / "lambda"))}
    server = _serve(
        "MiniStack",
        [*hypercorn, "--bind", f"fd://{listener.fileno()}", "partner_account_rehearsal.gateway:app"],
        folder,
        {**environment, **_ministack_settings(folder, str(listener.getsockname()[1])), **python},
        resources,
        file_descriptors=(listener.fileno(),),
    )
    server.wait_for(lambda: "Running on" in server.log.read_text("utf-8", "replace") or None)
    return server


def _ministack_settings(folder: Path, port: str) -> dict[str, str]:
    return {
        "GATEWAY_PORT": port,
        "MINISTACK_HOST": LOOPBACK,
        "BIND_HOST": LOOPBACK,
        # crhelper answers CloudFormation by HTTPS only, and the handler runs with the server's environment.
        "USE_SSL": "1",
        # Functions get sessions of their roles, and all but the account's own credentials are judged by IAM policies.
        "AUTH": "true",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # It would remove containers that another MiniStack has left on this machine.
        "DOCKER_HOST": f"unix://{folder}/no-docker",
    }


def _certificate(folder: Path) -> str:
    """Make an authority (`ca.pem`), and by it a certificate of this machine, in one file with its key."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    path = str(folder / "certificate.pem")
    authority.issue_cert(LOOPBACK).private_key_and_cert_chain_pem.write_to_path(path)
    return path


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
