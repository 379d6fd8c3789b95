"""One AWS for a handler test: Partner Central (our simulator), the rest of AWS (moto), and CloudFormation's events.

The handler talks to all of them over real HTTP, but for DescribeStacks: a quarter of its calls, which moto takes
twice as long to answer as the simulator does others. `test_contract` and the deployments have it over HTTP too. Time is
virtual: a pause takes none.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from time import monotonic
from typing import Any

import boto3
import pytest
import urllib3
from moto.backends import get_backend
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import Stack
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult

from partner_account_handler import calls
from partner_account_handler.clock import Clock
from partner_account_handler.lifecycle import respond
from partner_account_handler.outcome import Answer
from partner_account_handler.partner_central import Aws
from partner_account_handler.request import read_request
from partner_central_simulator import Simulator

ACCOUNT = "123456789012"
REGION = "eu-west-1"
EMAIL = "jane@example.com"


def properties(**changes: Any) -> dict[str, Any]:
    """The custom resource's properties as the construct writes them, in catalog AWS unless changed."""
    return {
        "ServiceToken": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f",
        "ServiceTimeout": "300",
        "SchemaVersion": "1",
        "Catalog": "AWS",
        "LegalName": "Example Corp",
        "PrimarySolutionType": "SOFTWARE_PRODUCTS",
        "AllianceLeadContact": contact(),
        "EmailVerificationCode": {"From": "ParameterStore", "Name": "/partner/code"},
        "Owner": {"StackName": "Root", "ConstructPath": "Partner"},
        "Tags": [{"Key": "team", "Value": "alliances"}],
        "OutputPrefix": "Partner",
        **changes,
    }


def profile(arn: str, **changes: Any) -> dict[str, Any]:
    """Those of the profile of a partner; a None leaves one out."""
    made = {
        **{name: properties()[name] for name in ("ServiceToken", "ServiceTimeout", "SchemaVersion")},
        "PartnerArn": arn,
        "DisplayName": "Example",
        "Description": "We give examples.",
        "WebsiteUrl": "https://example.com",
        "LogoUrl": "https://example.com/logo.png",
        "IndustrySegments": ["EDUCATION", "SOFTWARE_INTERNET"],
        "TranslationSourceLocale": "en-US",
        "OutputPrefix": "Profile",
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def sandbox(**changes: Any) -> dict[str, Any]:
    """The same in the Sandbox, which takes no tags and any six digits."""
    made = properties(Catalog="Sandbox", EmailVerificationCode={"From": "Sandbox"}, **changes)
    return {name: value for name, value in made.items() if name != "Tags"}


def contact(**changes: str) -> dict[str, str]:
    """An alliance lead contact in the service's member names."""
    return {"FirstName": "Jane", "LastName": "Doe", "Email": EMAIL, "BusinessTitle": "Alliance Lead", **changes}


CEO = properties(AllianceLeadContact=contact(BusinessTitle="CEO"))
SALES = [{"Key": "team", "Value": "sales"}]


class LambdaContext:
    """Lambda's context, as far as the handler uses it; in real time, but for pauses."""

    def __init__(self, seconds: float = 180) -> None:
        self._seconds = seconds
        self._end = 0.0

    def sleep(self, seconds: float) -> None:
        """A pause, which takes no time of ours."""
        self.get_remaining_time_in_millis()
        self._end -= seconds

    def get_remaining_time_in_millis(self) -> int:
        """What is left until Lambda ends the invocation, which begins with the first question."""
        self._end = self._end or monotonic() + self._seconds
        return int((self._end - monotonic()) * 1000)


@dataclass
class VirtualTime:
    """A Lambda invocation's time: pauses are noted and pass at once.

    `each_call` is what a call to AWS takes; `meanwhile` happens during each pause.
    """

    seconds: float = 180.0
    pauses: list[float] = field(default_factory=list)
    each_call: float = 0.0
    meanwhile: Callable[[], None] = lambda: None

    def remaining(self) -> float:
        """Seconds until Lambda ends the invocation."""
        return self.seconds

    def today(self) -> datetime:
        """The date."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Passes at once, and is noted."""
        self.pauses.append(seconds)
        self.seconds -= seconds
        self.meanwhile()


def _list_imports(self: Any) -> ActionResult:
    """ListImports, which moto lacks. AWS refuses it for an export that nobody imports."""
    name, imports = self._get_param("ExportName"), getattr(self.cloudformation_backend, "imports", {})
    if not imports.get(name):
        raise ValidationError(message=f"Export '{name}' is not imported by any stack.")
    return ActionResult({"Imports": imports[name]})


def _told_outputs(stack: Any) -> list[dict[str, str]] | None:
    """In moto's place, which names exports by their values."""
    return [*getattr(stack, "told_outputs", {}).values()] or None


def _template(name: str) -> dict[str, Any]:
    value = {"Name": name, "Type": "String", "Value": "moto wants a resource in each stack"}
    return {"Resources": {"Parameter": {"Type": "AWS::SSM::Parameter", "Properties": value}}}


_last_port: dict[str, int] = {}


def _started(**settings: Any) -> Simulator:
    """At the port of the one before, if that is free: so both have the same clients, which take long to be made."""
    try:
        simulator = Simulator(verified=True, port=_last_port.get("simulator", 0), **settings).start()
    except OSError:
        simulator = Simulator(verified=True, **settings).start()
    _last_port["simulator"] = int(simulator.url.rpartition(":")[2])
    return simulator


@cache
def _human(service: str, region: str, url: str) -> Any:
    keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "x"}
    return boto3.client(service, endpoint_url=url, region_name=region, **keys)


@cache
def _function(service: str, region: str, _urls: tuple[str, str]) -> Any:
    """The handler's own client, made in the environment of a cloud at these URLs."""
    return calls.client.__wrapped__(service, region)


@contextmanager
def open_cloud(moto_url: str, **simulator: Any) -> Iterator[Cloud]:
    """A `Cloud` that the handler's clients find by the environment; `simulator` are the `Simulator`'s own settings."""
    with ExitStack() as stack:
        partner_central, patch = _started(**simulator), stack.enter_context(pytest.MonkeyPatch.context())
        stack.callback(partner_central.stop)
        patch.setenv("AWS_ENDPOINT_URL", moto_url)
        patch.setenv("AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT", partner_central.url)
        patch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
        patch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        patch.setattr(Stack, "outputs", property(_told_outputs))
        patch.setattr(CloudFormationResponse, "list_imports", _list_imports, raising=False)
        calls.client.cache_clear()  # a Lambda process has one environment, a test process has many
        urllib3.request("POST", f"{moto_url}/moto-api/reset")
        yield Cloud(partner_central, moto_url)
        calls.client.cache_clear()


Between = Callable[[str, Callable[..., Any], dict[str, Any]], Any]
"""Gets each call by botocore's name, what carries it out, and its members; returns or raises what the handler gets."""


class Intercepted:
    """A client whose calls go through something else."""

    def __init__(self, client: Any, between: Between) -> None:
        self.meta, self._client, self._between = client.meta, client, between

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return lambda **members: self._between(operation, getattr(self._client, operation), members)


class Cloud:
    """The world around one stack: what the handler sees, and what a human does."""

    def __init__(self, simulator: Simulator, moto_url: str) -> None:
        self.simulator = simulator
        self._moto_url = moto_url
        self.between: Between = lambda _operation, call, members: call(**members)
        """What stands between the handler and all services."""
        self.require_reachable: Callable[[], None] = lambda: None
        """Whether an answer could be sent."""
        self.asked: list[str] = []
        """All calls of the handler to all services, by botocore's names."""
        self.stack_id = self.new_stack("Root")

    # CloudFormation

    def new_stack(self, name: str, parent_id: str | None = None) -> str:
        """A stack that is being created, and its id; nested in another one if that one's id is given."""
        stack: Any = self._cloudformation.create_stack(name, json.dumps(_template(name)), {})
        root_id = parent_id and (getattr(self._stack(parent_id), "root_id", None) or parent_id)
        stack.status, stack.parent_id, stack.root_id = "CREATE_IN_PROGRESS", parent_id, root_id
        return str(stack.stack_id)

    def recreate_stack(self) -> None:
        """Deletes the stack, and creates another of the same name."""
        self._cloudformation.delete_stack(self.stack_id)
        self.stack_id = self.new_stack("Root")

    def set_status(self, status: str, stack_id: str | None = None) -> None:
        """Moves a stack (the first one by default) into a status."""
        self._stack(stack_id).status = status

    def begin_deployment(self, stack_id: str | None = None) -> None:
        """Begins another update of a stack (the first one by default)."""
        stack = self._stack(stack_id)
        stack.status = "UPDATE_IN_PROGRESS"
        stack.creation_time += timedelta(minutes=1)  # moto tells no LastUpdatedTime

    def set_outputs(self, stack_id: str | None = None, /, **outputs: str | tuple[str, str]) -> None:
        """Gives a stack outputs beside those it has; one that is exported as its value and the export's name."""
        told = vars(self._stack(stack_id)).setdefault("told_outputs", {})
        for key, output in outputs.items():
            value, name = (output, None) if isinstance(output, str) else output
            told[key] = {"OutputKey": key, "OutputValue": value} | ({"ExportName": name} if name else {})

    def set_imports(self, imports: dict[str, list[str]]) -> None:
        """Lets stacks import exports, by their names."""
        self._cloudformation.imports = imports

    @property
    def imports(self) -> dict[str, list[str]]:
        """Which stacks import which exports."""
        return getattr(self._cloudformation, "imports", {})

    def _describe_stacks(self, call: Callable[..., Any], **members: str) -> Any:
        """What DescribeStacks tells of a stack that is there, or was; moto itself refuses others."""
        try:
            (stack,) = self._cloudformation.describe_stacks(members["StackName"])
        except ValidationError:
            return call(**members)
        described = {
            "StackStatus": stack.status,
            "CreationTime": stack.creation_time.replace(tzinfo=UTC),
            "Outputs": _told_outputs(stack) or [],
            "ParentId": getattr(stack, "parent_id", None),
            "RootId": getattr(stack, "root_id", None),
        }
        return {"Stacks": [described]}

    def _stack(self, stack_id: str | None) -> Any:
        return self._cloudformation.stacks[stack_id or self.stack_id]

    @property
    def _cloudformation(self) -> Any:
        return get_backend("cloudformation")[ACCOUNT][REGION]

    def event(self, kind: str, wanted: dict[str, Any], previous: Any = None, **changes: Any) -> dict[str, Any]:
        """An event of CloudFormation; a new request unless `RequestId` is given."""
        is_profile = isinstance(wanted, dict) and "PartnerArn" in wanted
        event = {
            "RequestType": kind,
            "ResponseURL": "https://localhost/nowhere",
            "StackId": self.stack_id,
            "RequestId": str(uuid.uuid4()),
            "ResourceType": f"Custom::Partner{'Profile' if is_profile else 'Account'}",
            "LogicalResourceId": "Partner",
            "ResourceProperties": wanted,
            **changes,
        }
        return event if previous is None else {**event, "OldResourceProperties": previous}

    # The handler

    def create(self, wanted: dict[str, Any], time: VirtualTime | None = None, **changes: Any) -> Answer:
        """Delivers a Create."""
        return self.deliver(self.event("Create", wanted, **changes), time)

    def update(
        self, arn: str, previous: Any, wanted: dict[str, Any], time: VirtualTime | None = None, **changes: Any
    ) -> Answer:
        """Delivers an Update."""
        return self.deliver(self.event("Update", wanted, previous, PhysicalResourceId=arn, **changes), time)

    def deliver(
        self,
        event: dict[str, Any],
        time: VirtualTime | None = None,
        on_timeout: Callable[[Answer], None] = lambda _: None,
    ) -> Answer:
        """Delivers an event in an invocation of its own."""
        return respond(read_request(event), self.aws(event["StackId"], time), on_timeout)

    def aws(self, stack_id: str, time: VirtualTime | None = None) -> Aws:
        """AWS as one invocation sees it, each call of which takes virtual time."""
        passing = time or VirtualTime()

        def between(operation: str, call: Callable[..., Any], members: dict[str, Any]) -> Any:
            passing.seconds -= passing.each_call
            self.asked.append(operation)
            if operation == "describe_stacks":
                call = partial(self._describe_stacks, call)
            return self.between(operation, call, members)

        clock = Clock(passing.remaining, passing.sleep, passing.today)
        urls = (self.simulator.url, self._moto_url)
        clients = lambda service, region: Intercepted(_function(service, region, urls), between)  # noqa: E731
        return Aws(stack_id, clock, self.require_reachable, clients)

    def answer_instead(self, operation: str, *answers: Any) -> None:
        """The next calls of an operation get these, of which an exception is raised; None is as if carried out."""
        left = iter(answers)

        def between(named: str, call: Callable[..., Any], members: dict[str, Any]) -> Any:
            answer = next(left, None) if named == operation else None
            if isinstance(answer, Exception):
                raise answer
            return call(**members) if answer is None else answer

        self.between = between

    def happens_before(self, operation: str, happens: Callable[[], object]) -> None:
        """Lets something happen before each call of an operation."""

        def between(named: str, call: Callable[..., Any], members: dict[str, Any]) -> Any:
            if named == operation:
                happens()
            return call(**members)

        self.between = between

    def alter_answers(self, operation: str, alter: Callable[[dict[str, Any]], object]) -> None:
        """Changes each answer of an operation before the handler gets it."""

        def between(named: str, call: Callable[..., Any], members: dict[str, Any]) -> Any:
            answer = call(**members)
            if named == operation:
                alter(answer)
            return answer

        self.between = between

    # Partner Central

    @property
    def account(self) -> Any:
        """The hands of humans, and of AWS support, on the account."""
        return self.simulator.account(ACCOUNT)

    @property
    def partners(self) -> list[Any]:
        """All partners of the account."""
        return list(self.account.partners)

    def add_partner(self, name: str = "Example Corp", **more: Any) -> Any:
        """A partner that a human has created on another day."""
        return self.account.add_partner(legal_name=name, **more)

    def fail(self, operation: str, kind: str, times: int | None = 1, **how: Any) -> None:
        """Has the next calls of an operation (`*`: of any) end in a fault; all of them if `times` is None."""
        self.simulator.faults.add(operation, kind, times=times, **how)

    def operations(self, since: int = 0) -> list[str]:
        """The operations that Partner Central received, those of humans' codes left out."""
        received = [request.operation or "" for request in self.simulator.requests[since:]]
        return [operation for operation in received if operation != "SendEmailVerificationCode"]

    def writes(self, since: int = 0) -> list[str]:
        """The changing ones of them."""
        return [name for name in self.operations(since) if not name.startswith(("Get", "List"))]

    @property
    def mark(self) -> int:
        """From where on `operations` and `writes` tell what comes now."""
        return len(self.simulator.requests)

    # Humans

    def client(self, service: str) -> Any:
        """A client of a human."""
        if service == "partnercentral-account":
            return _human(service, "us-east-1", self.simulator.url)
        return _human(service, REGION, self._moto_url)

    def request_code(self, email: str = EMAIL) -> str:
        """Has a code sent, and reads the e-mail."""
        self.client("partnercentral-account").send_email_verification_code(Catalog="AWS", Email=email)
        return str(self.simulator.outbox[-1].code)

    def store_code(self, code: str) -> None:
        """Puts a code where the default properties look for it."""
        self.client("ssm").put_parameter(Name="/partner/code", Value=code, Type="SecureString", Overwrite=True)

    def prepare(self, email: str = EMAIL) -> str:
        """All that comes before a first deployment: the code is requested and stored."""
        code = self.request_code(email)
        self.store_code(code)
        return code


class Deployed:
    """A stack whose partner exists, and that is being updated."""

    def __init__(self, cloud: Cloud, first: dict[str, Any] | None = None) -> None:
        """The stack's properties are those in catalog AWS, unless others are given."""
        self.cloud = cloud
        self.first = first or properties()
        if self.first["Catalog"] == "AWS":
            cloud.prepare()
        self.arn = cloud.create(self.first).physical_id
        cloud.set_status("UPDATE_IN_PROGRESS")
        self._mark = cloud.mark

    @property
    def partner(self) -> Any:
        """The partner as it is now."""
        return next(partner for partner in self.cloud.partners if partner.arn == self.arn)

    def update(self, previous: Any, wanted: dict[str, Any], time: VirtualTime | None = None) -> Answer:
        """Delivers an Update."""
        return self.cloud.update(self.arn, previous, wanted, time)

    def roll_back(self, previous: Any, wanted: dict[str, Any], time: VirtualTime | None = None) -> Answer:
        """Delivers the reversed Update of a rollback, which takes the stack from `previous` back to `wanted`."""
        self.cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
        return self.update(previous, wanted, time)

    def writes(self) -> list[str]:
        """The changing operations that Partner Central received since the deployment."""
        return self.cloud.writes(self._mark)
