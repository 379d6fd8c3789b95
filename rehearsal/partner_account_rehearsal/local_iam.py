"""IAM on the local AWS: MiniStack's evaluator, extended beyond MiniStack's own services.

MiniStack's AUTH=true gives functions the sessions of their roles, and checks each request against the policies of the
session's role. In addition, the tokens of sessions begin with the local AWS's own here; decryption with a customer
managed key, a function's writes to its log, and permissions boundaries are checked too; Partner Central can use it; and
it records which statements have allowed something.
"""

# MiniStack has no hooks or settings for any of it.
# ruff: noqa: SLF001

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import asdict, replace
from typing import Any

from ministack.core import iam_evaluator, lambda_runtime, responses
from ministack.core.iam_evaluator import EvalContext, PrincipalInfo
from ministack.services import iam, kms, lambda_svc, secretsmanager, ssm
from ministack.services.cloudformation import provisioners

from partner_account_rehearsal.iam_statements import UsedStatement

_AWS_MANAGED = "alias/aws/"
# MiniStack doesn't show which parameters these list: a statement on any parameters counts as one on these.
_OF_SEVERAL = {"ssm:GetParameters", "ssm:DeleteParameters"}

_simulated: ContextVar[Mapping[str, Any] | None] = ContextVar("simulated", default=None)
"""The condition keys of the request that SimulatePrincipalPolicy simulates; None outside of it."""

_evaluate = iam_evaluator.evaluate
_enforce = iam_evaluator.enforce
_execution_credentials = lambda_runtime.execution_credentials
_emit_lambda_logs = lambda_svc._emit_lambda_logs


class LocalIam:
    """The evaluator of the MiniStack in this process, once it is installed there."""

    def __init__(self, session_token: str) -> None:
        """Make every session's token begin with that one."""
        self._session_token = session_token
        self._used: dict[tuple[str, str, tuple[str, ...]], set[str]] = {}

    def install(self) -> None:
        """Replace MiniStack's own functions; before its first request."""
        gen_session_token = iam._gen_session_token
        # STS takes it from there when it is imported.
        iam._gen_session_token = lambda: self._own(gen_session_token())
        from ministack.services import sts  # noqa: PLC0415 - only now, see above

        register_session = sts.register_session
        sts.register_session = lambda access_key, session: register_session(
            access_key, {**session, "SessionToken": self._own(session["SessionToken"])}
        )
        lambda_runtime.execution_credentials = lambda_svc.execution_credentials = self._execution_credentials
        lambda_svc._emit_lambda_logs = self._emit_lambda_logs
        roles = provisioners._RESOURCE_HANDLERS["AWS::IAM::Role"]
        roles.update(create=_create_role, update=_update_role)
        secrets = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
        secrets.update(create=_create_secret, update=_update_secret, delete=_delete_secret)
        simulate = iam._IAM_HANDLERS["SimulatePrincipalPolicy"]
        iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = lambda parameters: _with_context(simulate, parameters)
        iam_evaluator.evaluate = self._evaluate
        iam_evaluator.enforce = self._enforce

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any] | None:
        """The caller with the credentials, and which of the checks are allowed; None if they are invalid.

        The form is that of the simulator's `HttpAuthorizer`.
        """
        access_key = question["credentials"]["access_key"]
        responses.set_request_account_id(iam_evaluator.find_iam_access_key_account(access_key) or access_key)
        account = responses.get_account_id()
        credential = iam_evaluator.resolve_credential(access_key, account, question["credentials"]["session_token"])
        if isinstance(credential, iam_evaluator.CredentialResolutionError):
            return None
        principal = iam_evaluator.resolve_principal(access_key, account, credential)
        if isinstance(principal, iam_evaluator.AuthError):
            return None
        allowed = [_allows(principal, one["action"], one["resource"], one["context"]) for one in question["checks"]]
        return {"account": principal.account, "arn": principal.arn, "allowed": allowed}

    def used(self) -> list[dict[str, Any]]:
        """The statements that have allowed something, in the form of `UsedStatement`."""
        used = [UsedStatement(*key, sorted(allowed)) for key, allowed in list(self._used.items())]
        return [asdict(one) for one in used]

    def _own(self, token: str) -> str:
        """The gateway recognizes a session's token by its unguessable prefix; MiniStack's own can be guessed."""
        return token if token.startswith(self._session_token) else f"{self._session_token}.{token}"

    def _execution_credentials(self, config: Mapping[str, Any]) -> dict[str, str]:
        credentials: dict[str, str] = _execution_credentials(config)
        return credentials | {"AWS_SESSION_TOKEN": self._own(credentials["AWS_SESSION_TOKEN"])}

    def _evaluate(self, context: EvalContext, policies: Sequence[Any], *limits: Sequence[Any]) -> Any:
        if (simulated := _simulated.get()) is not None:
            return _evaluate(replace(context, service_context=simulated), policies, *limits)
        result = _evaluate(context, policies, *limits)
        if result.decision != "Allow" and context.resource_arn == "*" and context.action in _OF_SEVERAL:
            patterns = {one for policy in policies for statement in policy for one in statement.resources}
            contexts = (replace(context, resource_arn=pattern) for pattern in patterns)
            context = next((one for one in contexts if _evaluate(one, policies, *limits).decision == "Allow"), context)
            result = _evaluate(context, policies, *limits)
        if result.decision == "Allow":
            statements = [statement for policy in policies for statement in policy]
            allowing = iam_evaluator._first_match(context, statements, "Allow")
            key = (context.principal_arn, allowing.sid, tuple(allowing.actions))
            self._used.setdefault(key, set()).add(context.action)
        return result

    def _enforce(
        self,
        access_key: str,
        action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Mapping[str, Any] | None = None,
    ) -> Any:
        denied = _enforce(access_key, action, service, region, resource_arn, service_context)
        if denied is None and (key := _customer_managed_key(action, resource_arn)):
            via = {"kms:ViaService": f"{service}.{region}.amazonaws.com"}
            return _enforce(access_key, "kms:Decrypt", "kms", region, key, via)
        return denied

    def _emit_lambda_logs(self, function: Mapping[str, Any], *rest: Any, **more: Any) -> None:
        config = function.get("config") or function
        principal, group = _role_of(config), config.get("LoggingConfig", {}).get("LogGroup")
        arn = f"{config['FunctionArn'].replace(':lambda:', ':logs:').partition(':function:')[0]}:log-group:"
        stream = f"{arn}{group or '/aws/lambda/' + config['FunctionName']}:log-stream:any"
        if all(_allows(principal, f"logs:{action}", stream, {}) for action in ("CreateLogStream", "PutLogEvents")):
            _emit_lambda_logs(function, *rest, **more)


def _with_context(simulate: Callable[[Mapping[str, Any]], Any], parameters: Mapping[str, Any]) -> Any:
    """MiniStack's SimulatePrincipalPolicy, without ignoring the context entries of the request."""
    context: dict[str, Any] = {"aws:tagkeys": None}
    names = [name for name in parameters if name.endswith(".ContextKeyName")]
    for entry in (name.removesuffix(".ContextKeyName") for name in names):
        values = [
            iam._p(parameters, name) for name in parameters if name.startswith(f"{entry}.ContextKeyValues.member.")
        ]
        is_list = iam._p(parameters, f"{entry}.ContextKeyType").endswith("List")
        context[iam._p(parameters, f"{entry}.ContextKeyName").lower()] = values if is_list else "".join(values)
    token = _simulated.set(context)
    try:
        return simulate(parameters)
    finally:
        _simulated.reset(token)


def _create_role(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Any:
    """MiniStack's CloudFormation creates roles without their permissions boundary."""
    name, attributes = provisioners._iam_role_create(logical_id, properties, stack_name)
    iam._roles[name]["PermissionsBoundary"] = properties.get("PermissionsBoundary")
    return name, attributes


def _update_role(
    physical_id: str, old: Any, new: Mapping[str, Any], stack_name: str, logical_id: str | None = None
) -> Any:
    updated = provisioners._iam_role_update(physical_id, old, new, stack_name, logical_id)
    name = updated[0] if isinstance(updated, tuple) else physical_id
    if role := iam._roles.get(name):
        role["PermissionsBoundary"] = new.get("PermissionsBoundary")
    return updated


def _create_secret(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Any:
    """A secret's Ref is its name in MiniStack's CloudFormation; policies need the ARN that it is in AWS's."""
    _, attributes = provisioners._sm_secret_create(logical_id, properties, stack_name)
    return attributes["Arn"], attributes


def _update_secret(
    physical_id: str, old: Any, new: Mapping[str, Any], stack_name: str, logical_id: str | None = None
) -> Any:
    name, _ = secretsmanager._resolve(physical_id)
    _, attributes = provisioners._sm_secret_update(name, old, new, stack_name, logical_id)
    return attributes["Arn"], attributes


def _delete_secret(physical_id: str, properties: Mapping[str, Any]) -> None:
    name, _ = secretsmanager._resolve(physical_id)
    provisioners._sm_secret_delete(name, properties)


def _allows(principal: PrincipalInfo, action: str, resource: str, context: Mapping[str, Any]) -> bool:
    if principal.policies is None:  # the account itself
        return True
    keys = {"aws:tagkeys": None} | {name.lower(): value for name, value in context.items()}
    asked = EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region=responses.get_region(),
        service_context=keys,
        principal_keys=principal.keys,
    )
    return bool(iam_evaluator.evaluate(asked, principal.policies, *principal.limits).decision == "Allow")


def _role_of(config: Mapping[str, Any]) -> PrincipalInfo:
    """The function's role, as Lambda itself assumes it."""
    account, name = config["Role"].split(":")[4], config["Role"].rpartition("/")[2]
    return PrincipalInfo(
        arn=f"arn:aws:sts::{account}:assumed-role/{name}/{config['FunctionName']}",
        type="AssumedRole",
        account=account,
        policies=iam_evaluator._gather_role_policies(name, account),
        limits=iam_evaluator._permissions_boundary(iam._roles, name, account),
    )


def _customer_managed_key(action: str, resource_arn: str) -> str | None:
    """The key that encrypts what is read there, if it is not an AWS managed one."""
    if action == "secretsmanager:GetSecretValue":
        _, stored = secretsmanager._resolve(resource_arn)
    elif action == "ssm:GetParameter":
        # Whether the request wants the value decrypted is unknown here; it does if it reads one.
        secure = (one for one in ssm._parameters.values() if one["Type"] == "SecureString")
        stored = next((one for one in secure if one["ARN"] == resource_arn), None)
    else:
        return None
    name = (stored or {}).get("KmsKeyId") or (stored or {}).get("KeyId")
    key = None if not name or name.startswith(_AWS_MANAGED) else kms._resolve_key(name)
    return str(key["Arn"]) if key else None
