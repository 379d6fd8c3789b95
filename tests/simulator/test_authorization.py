"""How the simulated Partner Central authorizes requests by the Service Authorization Reference, and the effects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from aws_cdk import Aws
from botocore import xform_name
from botocore.exceptions import ClientError
from werkzeug.wrappers import Request, Response

from partner_account import Catalog, permissions
from partner_account_handler.identity import OWNER_TAG
from partner_central_simulator import Readings, Simulator
from partner_central_simulator.authorization import AccessCheck, Caller, CallerCredentials, HttpAuthorizer
from tests.simulator.calls import ACCOUNT, CONTACT, client_of, new_code, partner_request, server_of
from tests.simulator.test_profiles import DETAILS

SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/Role/session"
PARTNERS = f"arn:aws:partnercentral:us-east-1:{ACCOUNT}:catalog/AWS/partner/"
TAGS = [{"Key": OWNER_TAG, "Value": "stack"}, {"Key": "Team", "Value": "Alliances"}]


@dataclass
class Recorder:
    """Records the checks, and denies some; knows one access key."""

    denied: set[str] = field(default_factory=set)
    checks: list[AccessCheck] = field(default_factory=list)

    def caller(self, credentials: CallerCredentials) -> Caller | None:
        """The session, for its own key and token."""
        known = credentials == CallerCredentials("ASIASESSION", "token")
        return Caller(ACCOUNT, SESSION, self._allows) if known else None

    def _allows(self, check: AccessCheck) -> bool:
        self.checks.append(check)
        return check.action not in self.denied


class Judge:
    """Decides by the construct's own policy, for catalog AWS, with the evaluator that the local AWS has."""

    def __init__(self) -> None:
        """Request the code, as a person does beforehand."""
        granted = [one.to_statement() for one in permissions.of_partner(Catalog.AWS, may_create=True)]
        text = json.dumps(granted)
        for token, value in {Aws.PARTITION: "aws", Aws.ACCOUNT_ID: ACCOUNT, Aws.STACK_ID: "stack"}.items():
            text = text.replace(token, value)
        self._iam = pytest.importorskip("ministack.core.iam_evaluator")
        self._statements = self._iam.parse_policy_document({"Statement": json.loads(text)})
        self.asked = 0

    def caller(self, _: CallerCredentials) -> Caller:
        """Everybody is the function's role."""
        return Caller(ACCOUNT, SESSION, self._allows)

    def _allows(self, check: AccessCheck) -> bool:
        self.asked += 1
        context = self._iam.EvalContext(
            principal_arn=SESSION,
            principal_type="AssumedRole",
            principal_account=ACCOUNT,
            action=check.action,
            resource_arn=check.resource,
            region="us-east-1",
            service_context={key.lower(): value for key, value in check.context.items()},
        )
        allowed = self._iam.evaluate(context, [self._statements]).decision == "Allow"
        return allowed or check.action == "partnercentral:SendEmailVerificationCode"


@contextmanager
def partner_central(authorizer: Any, **readings: Any) -> Iterator[tuple[Simulator, Any]]:
    """A simulator that calls the authorizer, and a client with the session's credentials."""
    with Simulator(verified=True, readings=Readings(**readings), authorizer=authorizer) as simulator:
        yield simulator, client(simulator)


def client(simulator: Simulator, access_key: str = "ASIASESSION") -> Any:
    """A client of the session, or with another key."""
    return client_of(simulator, access_key, session_token="token")


def create(simulator: Simulator, client: Any) -> str:
    """A partner with tags; its ARN."""
    code = new_code(simulator, client)
    request = partner_request(Catalog="AWS", EmailVerificationCode=code, Tags=TAGS)
    return str(client.create_partner(**request)["Arn"])


def asked(recorder: Recorder) -> tuple[str, str, Mapping[str, Any]]:
    """The only check since the last one was read."""
    (check,) = recorder.checks
    recorder.checks.clear()
    return check.action.removeprefix("partnercentral:"), check.resource, check.context


def test_create_partner_with_tags_needs_tag_resource_too() -> None:
    """Both on `*`, with the catalog, each tag, and the tags' keys."""
    recorder = Recorder()
    with partner_central(recorder) as (simulator, session):
        create(simulator, session)
        with_tags = recorder.checks[1:]
    context = {
        "partnercentral:Catalog": "AWS",
        f"aws:RequestTag/{OWNER_TAG}": "stack",
        "aws:RequestTag/Team": "Alliances",
        "aws:TagKeys": [OWNER_TAG, "Team"],
    }
    assert with_tags == [
        AccessCheck("partnercentral:CreatePartner", "*", context),
        AccessCheck("partnercentral:TagResource", "*", context),
    ]


def test_each_operation_is_checked_on_the_resource_that_the_reference_names() -> None:
    """A partner's ARN, also where the request has its id, with the partner's tags; `*` where there is no resource."""
    recorder = Recorder()
    with partner_central(recorder) as (simulator, session):
        arn = create(simulator, session)
        recorder.checks.clear()
        tags = {f"aws:ResourceTag/{tag['Key']}": tag["Value"] for tag in TAGS}
        by_arn, catalog = {"Catalog": "AWS", "Identifier": arn}, {"partnercentral:Catalog": "AWS"}
        by_id = {**by_arn, "Identifier": arn.rpartition("/")[2]}
        team = {"aws:RequestTag/Team": "Sales", "aws:TagKeys": ["Team"]}
        business = "BUSINESS_VERIFICATION"
        for operation, request, resource, context in (
            ("CreatePartner", partner_request(), "*", {"partnercentral:Catalog": "Sandbox"}),  # and no TagResource
            ("ListPartners", {"Catalog": "AWS"}, "*", catalog),
            ("GetPartner", by_id, arn, catalog | tags),
            ("GetAllianceLeadContact", by_arn, arn, catalog | tags),
            ("PutAllianceLeadContact", {**by_arn, "AllianceLeadContact": CONTACT}, arn, catalog | tags),
            ("GetProfileVisibility", by_arn, arn, catalog | tags),
            ("StartProfileUpdateTask", {**by_arn, "TaskDetails": DETAILS}, arn, catalog | tags),
            ("CancelProfileUpdateTask", {**by_id, "TaskId": "pprofiletask-0123456789abc"}, arn, catalog | tags),
            ("GetProfileUpdateTask", by_arn, arn, catalog | tags),
            ("PutProfileVisibility", {**by_arn, "Visibility": "PUBLIC"}, arn, catalog | tags),
            ("TagResource", {"ResourceArn": arn, "Tags": [{"Key": "Team", "Value": "Sales"}]}, arn, team | tags),
            (
                "UntagResource",
                {"ResourceArn": arn, "TagKeys": ["Team"]},
                arn,
                {"aws:TagKeys": ["Team"], **tags, "aws:ResourceTag/Team": "Sales"},
            ),
            ("ListTagsForResource", {"ResourceArn": arn}, "*", {f"aws:ResourceTag/{OWNER_TAG}": "stack"}),
            ("GetVerification", {"VerificationType": business}, "*", {"partnercentral:VerificationType": business}),
        ):
            with suppress(ClientError):  # of the service: there is no such task
                getattr(session, xform_name(operation))(**request)
            assert asked(recorder) == (operation, resource, context)


def test_resource_of_tag_actions_is_as_the_readings_say_where_the_reference_is_silent() -> None:
    """TagResource in CreatePartner on any new partner, ListTagsForResource on the partner."""
    recorder = Recorder()
    readings = {"tag_at_creation_on_partner": True, "list_tags_on_partner": True}
    with partner_central(recorder, **readings) as (simulator, session):
        arn = create(simulator, session)
        assert [(one.action, one.resource) for one in recorder.checks[1:]] == [
            ("partnercentral:CreatePartner", "*"),
            ("partnercentral:TagResource", f"{PARTNERS}*"),
        ]
        recorder.checks.clear()
        session.list_tags_for_resource(ResourceArn=arn)
        assert asked(recorder)[1] == arn


@pytest.mark.parametrize("denied", ["CreatePartner", "TagResource"])
def test_denied_request_has_no_effect(denied: str) -> None:
    """The error has AWS's words, and the code isn't spent."""
    recorder = Recorder({f"partnercentral:{denied}"})
    with partner_central(recorder) as (simulator, session):
        with pytest.raises(ClientError) as refused:
            create(simulator, session)
        assert not simulator.account(ACCOUNT).partners
        assert not simulator.outbox[-1].spent
    assert refused.value.response["Error"] == {
        "Code": "AccessDeniedException",
        "Message": f"User: {SESSION} is not authorized to perform: partnercentral:{denied} on resource: *",
    }


def test_unknown_access_key_is_refused() -> None:
    """As AWS refuses an access key that it doesn't know."""
    with partner_central(Recorder()) as (simulator, _), pytest.raises(ClientError, match="UnrecognizedClientException"):
        client(simulator, "ASIAANOTHER").list_partners(Catalog="AWS")


@pytest.mark.parametrize("tag_at_creation_on_partner", [False, True])
@pytest.mark.parametrize("list_tags_on_partner", [False, True])
def test_policy_of_the_construct_is_enough_in_all_readings(
    *, tag_at_creation_on_partner: bool, list_tags_on_partner: bool
) -> None:
    """By the evaluator that the local AWS has: whatever of the two doubts is true, nothing is denied."""
    readings = {
        "tag_at_creation_on_partner": tag_at_creation_on_partner,
        "list_tags_on_partner": list_tags_on_partner,
    }
    judge = Judge()
    with partner_central(judge, **readings) as (simulator, session):
        arn = create(simulator, session)
        session.list_tags_for_resource(ResourceArn=arn)
        session.tag_resource(ResourceArn=arn, Tags=[{"Key": "Team", "Value": "Sales"}])
    assert judge.asked >= 3


@pytest.fixture
def address() -> Iterator[tuple[str, list[Any]]]:
    """The URL of an authorizer, and its requests: it allows ListPartners only, and knows one key."""
    questions: list[Any] = []

    def respond(request: Request) -> Response:
        question = request.get_json()
        questions.append((request.headers["X-Amz-Security-Token"], question))
        known = question["credentials"]["access_key"] == "ASIASESSION"
        allowed = [one["action"] == "partnercentral:ListPartners" for one in question["checks"]]
        answer = {"account": ACCOUNT, "arn": SESSION, "allowed": allowed}
        return Response(json.dumps(answer), 200 if known else 403)

    with server_of(respond) as url:
        yield f"{url}/iam", questions


def test_http_authorizer_decides_by_what_its_address_answers(address: tuple[str, list[Any]]) -> None:
    """It is called with the simulator's own session token, and its decision applies."""
    url, questions = address
    with partner_central(HttpAuthorizer(url, "own")) as (simulator, session):
        assert session.list_partners(Catalog="AWS")["PartnerSummaryList"] == []
        with pytest.raises(ClientError, match="AccessDeniedException.*partnercentral:SendEmailVerificationCode"):
            create(simulator, session)
        with pytest.raises(ClientError, match="UnrecognizedClientException"):
            client(simulator, "ASIAANOTHER").list_partners(Catalog="AWS")
    check = {"action": "partnercentral:ListPartners", "resource": "*", "context": {"partnercentral:Catalog": "AWS"}}
    credentials = {"access_key": "ASIASESSION", "session_token": "token"}
    assert questions[1] == ("own", {"credentials": credentials, "checks": [check]})


def test_nothing_is_allowed_if_the_address_of_the_authorizer_does_not_answer() -> None:
    """The service fails, as AWS's does without IAM."""
    with (
        partner_central(HttpAuthorizer("http://127.0.0.1:9/iam", "own")) as (simulator, _),
        pytest.raises(ClientError, match="InternalServerException.*IAM doesn't respond"),
    ):
        client(simulator).list_partners(Catalog="AWS")
