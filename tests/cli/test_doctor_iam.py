"""What `doctor` says of permissions, judged by policies like AWS's own; the evaluator is that of the local AWS."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.cli.stage import ACCOUNT, Stage
from tests.cli.test_doctor import check

pytestmark = pytest.mark.e2e  # of all stages only the main lock has the evaluator


def managed(*catalogs: str) -> list[dict[str, Any]]:
    """The statement that AWS's own policies have, for some catalogs."""
    only = {"StringEquals": {"partnercentral:Catalog": list(catalogs)}}
    return [{"Effect": "Allow", "Action": ["partnercentral:*"], "Resource": "*", "Condition": only}]


VERIFICATION = {
    "Effect": "Allow",
    "Action": ["partnercentral:GetVerification", "partnercentral:StartVerification"],
    "Resource": "*",
    "Condition": {
        "StringEquals": {"partnercentral:VerificationType": ["BUSINESS_VERIFICATION", "REGISTRANT_VERIFICATION"]}
    },
}
BY_PARTNER = {
    "Effect": "Allow",
    "Action": ["partnercentral:PutAllianceLeadContact", "partnercentral:TagResource"],
    "Resource": f"arn:aws:partnercentral:*:{ACCOUNT}:catalog/AWS/partner/*",
}
NO_RESOURCE = {
    "Effect": "Allow",
    "Action": ["partnercentral:CreatePartner", "partnercentral:SendEmailVerificationCode"],
    "Resource": "*",
    "Condition": {
        "StringEquals": {"partnercentral:Catalog": "AWS"},
        "Null": {"aws:RequestTag/cdk-partner-account:owner": "false"},
    },
}
ALL = {"Effect": "Allow", "Action": "partnercentral:*", "Resource": "*"}
WITH_MFA = {
    "Effect": "Allow",
    "Action": "partnercentral:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
}
ELSEWHERE = {
    "Effect": "Deny",
    "Action": "*",
    "Resource": "*",
    "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["us-east-1"]}},
}
NOT_BUSINESS = {
    "Effect": "Deny",
    "Action": "partnercentral:StartVerification",
    "Resource": "*",
    "Condition": {"StringEquals": {"partnercentral:VerificationType": "BUSINESS_VERIFICATION"}},
}


@contextmanager
def judging_iam(statements: list[dict[str, Any]]) -> Iterator[str]:
    """IAM with the caller's policy: it judges by the context that it is given, and tells the keys that it wasn't given.

    MiniStack's evaluator judges; MiniStack's own SimulatePrincipalPolicy heeds no context.
    """
    evaluator = import_module("ministack.core.iam_evaluator")
    parsed = evaluator.parse_policy_document({"Version": "2012-10-17", "Statement": statements})

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            assert asked["Action"] == "SimulatePrincipalPolicy"
            context = {
                asked[f"ContextEntries.member.{number}.ContextKeyName"]: asked[
                    f"ContextEntries.member.{number}.ContextKeyValues.member.1"
                ]
                for number in range(1, 10)
                if f"ContextEntries.member.{number}.ContextKeyName" in asked
            }
            results = "".join(
                _result(value, asked.get("ResourceArns.member.1", "*"), context)
                for name, value in asked.items()
                if name.startswith("ActionNames.")
            )
            answer = "SimulatePrincipalPolicy"
            body = (
                f'<{answer}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><{answer}Result>'
                f"<EvaluationResults>{results}</EvaluationResults></{answer}Result></{answer}Response>"
            ).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    def _result(action: str, resource: str, context: dict[str, str]) -> str:
        given = {key.lower(): value for key, value in context.items()}
        request = evaluator.EvalContext(
            principal_arn=f"arn:aws:iam::{ACCOUNT}:user/moto",
            principal_type="User",
            principal_account=ACCOUNT,
            action=action,
            resource_arn=resource,
            region=given.get("aws:requestedregion", ""),
            service_context=given,
        )
        decision = evaluator.evaluate(request, [parsed]).decision
        asked_for = {
            key
            for statement in statements
            if fnmatch_any(action, statement["Action"])
            for keys in statement.get("Condition", {}).values()
            for key in keys
        }
        missing = "".join(f"<member>{key}</member>" for key in sorted(asked_for) if key.lower() not in given)
        word = {"Allow": "allowed", "Deny": "explicitDeny", "ImplicitDeny": "implicitDeny"}[decision]
        return (
            f"<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{resource}</EvalResourceName>"
            f"<EvalDecision>{word}</EvalDecision><MissingContextValues>{missing}</MissingContextValues></member>"
        )

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def fnmatch_any(action: str, patterns: str | list[str]) -> bool:
    """Whether a statement is about an action."""
    fnmatch_iam = import_module("ministack.core.iam_evaluator").fnmatch_iam
    return any(fnmatch_iam(action, one) for one in ([patterns] if isinstance(patterns, str) else patterns))


@pytest.mark.parametrize(
    ("statements", "verdict", "told"),
    [
        ([*managed("AWS", "Sandbox"), VERIFICATION], "passed", "IAM allows CreatePartner, "),
        ([*managed("AWS"), VERIFICATION, ELSEWHERE], "passed", "IAM allows CreatePartner, "),
        (
            [NO_RESOURCE, BY_PARTNER, VERIFICATION],
            "unknown",
            "IAM can't tell of partnercentral:SendEmailVerificationCode: the policies ask for aws:RequestTag/",
        ),
        (
            managed("AWS", "Sandbox"),
            "unknown",
            "IAM can't tell of partnercentral:StartVerification: the policies ask for partnercentral:Catalog",
        ),
        ([WITH_MFA], "unknown", "the policies ask for aws:MultiFactorAuthPresent"),
        (
            [*managed("Sandbox"), VERIFICATION],
            "failed",
            "IAM denies partnercentral:CreatePartner, partnercentral:PutAllianceLeadContact, partnercentral:SendEmail",
        ),
        ([ALL, NOT_BUSINESS], "failed", "IAM denies partnercentral:StartVerification"),
        ([], "failed", "IAM denies partnercentral:CreatePartner, "),
    ],
    ids=["managed", "region", "own", "managed-without-verification", "mfa", "sandbox", "denied", "nothing"],
)
def test_iam_is_asked_with_the_context_that_policies_like_awss_own_ask_for(
    stage: Stage, statements: list[dict[str, Any]], verdict: str, told: str
) -> None:
    """Where a value is missing nothing is called denied; the verification calls name no catalog."""
    with judging_iam(statements) as url:
        stage.environment["AWS_ENDPOINT_URL_IAM"] = url
        found = check(stage, "permissions to act")
    assert told in found["Finding"]
    assert found["Status"] == verdict


def test_in_the_sandbox_iam_is_asked_about_the_sandbox(stage: Stage) -> None:
    """By AWS's policy for the Sandbox, which grants nothing in catalog AWS; tags are set after CreatePartner."""
    without_tags = {"Effect": "Deny", "Action": "partnercentral:TagResource", "Resource": "*"}
    untagged = {
        **without_tags,
        "Action": "*",
        "Condition": {"Null": {"aws:RequestTag/cdk-partner-account:owner": "false"}},
    }
    findings = []
    for denied in ([], [without_tags], [untagged]):
        with judging_iam([*managed("Sandbox"), VERIFICATION, *denied]) as url:
            stage.environment["AWS_ENDPOINT_URL_IAM"] = url
            findings.append(check(stage, "permissions to act", "--catalog", "Sandbox"))
    allowed, *denied = findings
    assert allowed["Status"] == "passed"
    assert "TagResource" in allowed["Finding"]
    assert {one["Finding"] for one in denied} == {"IAM denies partnercentral:TagResource"}
