"""The sources from which the handler reads the code that AWS sent by e-mail.

Each source defines its value in the template, the permissions to read it, and the errors that
would make it leak or fail.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Annotations, Aws, CfnParameter, Stack
from constructs import Construct

from partner_account import permissions
from partner_account.errors import has_attribute, type_errors
from partner_account.outputs import root_stack
from partner_account.permissions import Permission
from partner_account.props import Catalog
from partner_account.tokens import holds_token

if TYPE_CHECKING:
    from aws_cdk.aws_kms import IKey, Key
    from aws_cdk.aws_secretsmanager import ISecret, Secret
    from aws_cdk.aws_ssm import IStringParameter

# Secrets Manager appends a hyphen and six characters to a secret's name in its ARN, and treats any ARN with such an
# ending as complete, whatever the secret's name is.
_SIX = "-??????"
_LOOKS_COMPLETE = re.compile(r"-[A-Za-z0-9]{6}$")

_NO_CODE_YET = (
    "The partner's own stack creates the secret for the verification code, so the secret holds no code in the first "
    "deployment, which fails. Create it beforehand (partner-account store-code --create) or in another stack, "
    "and store the code; if it is already deployed and holds the code, acknowledge this warning."
)


class VerificationCode(ABC):
    """A reference to the six-digit code from the e-mail. Create one with a `from_…` method.

    The code for `Catalog.AWS` itself can't be written into a template.
    """

    # To pyright CDK's classes lack their interfaces, whose parameters jsii names otherwise; so both are named.
    @staticmethod
    def from_secrets_manager(secret: "ISecret | Secret", json_field: str | None = None) -> "VerificationCode":
        """Read the code from a secret when a call needs it.

        Args:
            secret: The secret; the template contains only its ARN or name.
            json_field: The field that holds the code if the secret is a JSON object. By default
                the whole secret is the code.
        """
        return _SecretsManagerCode(secret, json_field)

    @staticmethod
    def from_ssm_parameter(
        parameter: "IStringParameter", *, encryption_key: "IKey | Key | None" = None
    ) -> "VerificationCode":
        """Read the code from a SecureString in SSM Parameter Store when a call needs it.

        Args:
            parameter: The parameter, as returned by
                `StringParameter.from_secure_string_parameter_attributes`.
            encryption_key: The customer-managed key of the parameter; repeat it here, since
                CDK doesn't expose it. By default the AWS-managed key, which needs no permission.
        """
        return _ParameterStoreCode(parameter, encryption_key)

    @staticmethod
    def from_parameter(cfn_parameter: CfnParameter) -> "VerificationCode":
        """Read the code from a CloudFormation parameter with `no_echo=True`, given at deployment.

        The parameter must be a String without a default, in the partner's own stack: another stack
        would pass the code on in plaintext.
        """
        return _CfnParameterCode(cfn_parameter)

    @staticmethod
    def for_sandbox() -> "VerificationCode":
        """Use any six digits, which the Sandbox accepts. Invalid in any other catalog."""
        return _SandboxCode()

    @abstractmethod
    def _template_value(self, stack: Stack) -> Mapping[str, str]:
        """The property `EmailVerificationCode` of a custom resource in that stack."""

    def _permissions(self, stack: Stack) -> Sequence[Permission]:  # noqa: ARG002 - for subclasses
        """The permissions of the handler's role to read the code for a partner in that stack."""
        return ()

    def _errors(self, partner: Construct, catalog: Catalog) -> Iterator[str]:  # noqa: ARG002 - for subclasses
        """The errors of this source for that partner, in terms of the props."""
        yield from ()

    def _warn(self, partner: Construct) -> None:  # noqa: B027 - most have nothing to warn about
        """Warn about what may go wrong with this source for that new partner."""


@dataclass(frozen=True)
class _SecretsManagerCode(VerificationCode):
    secret: "ISecret"
    json_field: str | None

    def _template_value(self, stack: Stack) -> Mapping[str, str]:
        field = {} if self.json_field is None else {"JsonField": self.json_field}
        return {"From": "SecretsManager", "SecretId": self._name_in(stack) or self.secret.secret_arn, **field}

    def _permissions(self, stack: Stack) -> Sequence[Permission]:  # noqa: ARG002
        key = self.secret.encryption_key
        read = permissions.read_code("Secret", "secretsmanager:GetSecretValue", self._arn_in_policies())
        service = f"secretsmanager.{self.secret.env.region}"
        return [read] if key is None else [read, permissions.decrypt_code("Secret", key, service)]

    def _errors(self, partner: Construct, catalog: Catalog) -> Iterator[str]:  # noqa: ARG002
        if not has_attribute(self.secret, "secret_arn"):
            yield (
                "email_verification_code: from_secrets_manager requires a secret, such as "
                'Secret.from_secret_name_v2(stack, "Code", "partner-account/code")'
            )
        elif self._is_taken_for_another(Stack.of(partner)):
            yield (
                "email_verification_code: the secret's name ends in a hyphen and six characters, so Secrets Manager "
                "treats its partial ARN as complete; import the secret by its complete ARN, or by "
                "from_secret_name_v2 in the partner's own stack if it is in the same account and region"
            )
        if self.json_field == "":
            yield "email_verification_code: json_field is empty; name a field or omit it"
        elif not isinstance(self.json_field, str | None):
            yield "email_verification_code: json_field must be a string, the name of a field"

    def _warn(self, partner: Construct) -> None:
        from aws_cdk.aws_secretsmanager import Secret  # noqa: PLC0415 - an app with a secret has already imported it

        # An imported secret is not a Secret.
        if not isinstance(self.secret, Secret) or root_stack(Stack.of(self.secret)) is not root_stack(
            Stack.of(partner)
        ):
            return
        # Without a value in the template, it gets a generated one.
        if getattr(self.secret.node.default_child, "secret_string", None) is None:
            Annotations.of(partner).add_warning_v2("partner-account:secret-without-code", _NO_CODE_YET)

    def _has_partial_arn(self) -> bool:
        """Whether the secret is imported without the six characters that Secrets Manager appends to its name."""
        return self.secret.secret_full_arn is None

    def _name_in(self, stack: Stack) -> str | None:
        """The name, if the ARN is partial and the secret is where a name resolves: in the stack's account, region."""
        own_secrets = f":secretsmanager:{stack.region}:{stack.account}"
        prefix, _, name = self.secret.secret_arn.partition(":secret:")
        return name if self._has_partial_arn() and prefix.endswith(own_secrets) else None

    def _is_taken_for_another(self, stack: Stack) -> bool:
        known_name = self.secret.secret_arn if self._has_partial_arn() else getattr(self.secret, "_physical_name", "")
        if not _LOOKS_COMPLETE.search(known_name):
            return False
        is_partial = self._has_partial_arn() or _SIX in str(stack.resolve(self._arn_in_policies()))
        return is_partial and self._name_in(stack) is None

    def _arn_in_policies(self) -> str:
        if self._has_partial_arn():
            return f"{self.secret.secret_arn}{_SIX}"
        # For a secret that the app creates in another account or region, CDK writes a partial ARN, and knows it.
        arn: str = getattr(self.secret, "_arn_for_policies", self.secret.secret_arn)
        return arn


@dataclass(frozen=True)
class _ParameterStoreCode(VerificationCode):
    parameter: "IStringParameter"
    key: "IKey | None"

    def _template_value(self, stack: Stack) -> Mapping[str, str]:  # noqa: ARG002
        return {"From": "ParameterStore", "Name": self.parameter.parameter_name}

    def _permissions(self, stack: Stack) -> Sequence[Permission]:  # noqa: ARG002
        store = "ParameterStore"  # always of the stack's own region
        read = permissions.read_code(store, "ssm:GetParameter", self.parameter.parameter_arn)
        return [read] if self.key is None else [read, permissions.decrypt_code(store, self.key, f"ssm.{Aws.REGION}")]

    def _errors(self, partner: Construct, catalog: Catalog) -> Iterator[str]:  # noqa: ARG002
        a_key = 'a KMS key, such as Key.from_key_arn(stack, "Key", arn)'
        yield from type_errors("email_verification_code: encryption_key", self.key, "key_arn", a_key)
        if not has_attribute(self.parameter, "parameter_arn"):
            yield (
                "email_verification_code: from_ssm_parameter requires a parameter, such as "
                'StringParameter.from_secure_string_parameter_attributes(stack, "Code", parameter_name="/partner/code")'
            )
            return
        here, there = Stack.of(partner), self.parameter.env
        if _differ(here.account, there.account) or _differ(here.region, there.region):
            yield (
                "email_verification_code: the SSM parameter belongs to a stack in another account or region, but the "
                "function reads parameters only in its own; import the parameter in the partner's own stack"
            )
        # A StringParameter of the app itself has a token here: CloudFormation can't make a SecureString.
        if self.parameter.parameter_type != "SecureString":
            yield (
                "email_verification_code: the SSM parameter isn't a SecureString, so its value isn't encrypted; "
                "use one, with StringParameter.from_secure_string_parameter_attributes"
            )


@dataclass(frozen=True)
class _CfnParameterCode(VerificationCode):
    parameter: CfnParameter

    def _template_value(self, stack: Stack) -> Mapping[str, str]:  # noqa: ARG002
        return {"From": "Parameter", "Value": self.parameter.value_as_string}

    def _errors(self, partner: Construct, catalog: Catalog) -> Iterator[str]:  # noqa: ARG002
        if not isinstance(self.parameter, CfnParameter):
            yield (
                "email_verification_code: from_parameter requires the CfnParameter itself, such as "
                'CfnParameter(stack, "Code", no_echo=True)'
            )
            return
        prop = f"email_verification_code: the CloudFormation parameter {self.parameter.node.id!r}"
        if not self.parameter.no_echo:
            yield f"{prop} shows its value to everyone who can describe the stack; set no_echo=True"
        if self.parameter.default is not None:
            yield f"{prop} has a default, which is in the template; remove the default"
        if self.parameter.type != "String":
            yield f"{prop} must be of type String; as a Number a code would lose its leading zeros"
        if Stack.of(self.parameter) is not Stack.of(partner):
            yield f"{prop} would be passed on in plaintext; declare it in the partner's own stack"


@dataclass(frozen=True)
class _SandboxCode(VerificationCode):
    def _template_value(self, stack: Stack) -> Mapping[str, str]:  # noqa: ARG002
        return {"From": "Sandbox"}

    def _errors(self, partner: Construct, catalog: Catalog) -> Iterator[str]:  # noqa: ARG002
        if catalog == Catalog.AWS:
            yield (
                "email_verification_code: for_sandbox() works only with Catalog.SANDBOX; use "
                "VerificationCode.from_secrets_manager, from_ssm_parameter or from_parameter"
            )


def _differ(here: str, there: str) -> bool:
    """Whether two accounts or regions are known and differ."""
    return here != there and not holds_token(here) and not holds_token(there)
