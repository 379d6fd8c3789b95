"""The public apps that the round goes through, each at one commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial


@dataclass(frozen=True, kw_only=True)
class OtherApp:
    """One app in a public repository.

    Attributes:
        name: what the table calls it.
        repository: `owner/name` on GitHub.
        commit: the commit that is tried.
        folder: the folder of its `cdk.json`.
        program: the file in it to which the partner is added.
        before: what stands in the file where the partner is added.
        scope: what a stack of the partner's own is made in; `path` is the path of that construct, with a slash.
        stack: the stack of the app's own that gets a partner.
        asks: what it asks of aws-cdk-lib.
        python: the version of Python that it runs on.
        install: what pip is told to install.
        npm: what npm is told to install besides.
        files: files that it needs and hasn't, by their names.
        tests: the command that runs its own tests; empty if it has none.
        context: context values that it needs.
        command: what is run instead of the command in its `cdk.json`.
        variables: environment variables that it needs.
        rehearse: arguments of the rehearsal with the partner in the app's own stack.
    """

    name: str
    repository: str
    commit: str
    folder: str = "."
    program: str = "app.py"
    before: str = "app.synth()"
    scope: str = "app"
    path: str = ""
    stack: str
    asks: str
    python: str = "3.11"
    install: Sequence[str] = ("-r", "requirements.txt")
    npm: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    tests: str = ""
    context: Sequence[str] = ()
    command: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    rehearse: Sequence[str] = ()


_EXAMPLE = partial(
    OtherApp,
    repository="aws-samples/aws-cdk-examples",
    commit="bccff1d2775e4b0bf777721c6b41c0107e122f73",
    asks=">=2.262.0",
)
_WORKSHOP = partial(
    OtherApp,
    repository="aws-samples/aws-cdk-intro-workshop",
    commit="3a59661864d5ad3022a897fa98d13747a2764798",
    asks="~=2.150",
)
_WITH_PYTEST = ("-r", "requirements.txt", "-r", "requirements-dev.txt")
_PYTEST = "python -m pytest -q"
_ACCOUNT = {"CDK_DEFAULT_ACCOUNT": "111111111111", "CDK_DEFAULT_REGION": "us-east-1"}

APPS = [
    _EXAMPLE(
        name="lambda-cron",
        folder="python/lambda-cron",
        stack='app.node.find_child("LambdaCronExample")',
        tests=f"{_PYTEST} test_lambda-cron.py",
    ),
    _EXAMPLE(
        name="custom-resource",
        folder="python/custom-resource",
        stack='app.node.find_child("CustomResourceDemoStack")',
    ),
    _EXAMPLE(
        name="athena-s3-glue",
        folder="python/athena-s3-glue",
        stack="demo_stack",
        install=_WITH_PYTEST,
        tests=_PYTEST,
        rehearse=("--stand-in", "AWS::Glue::Crawler"),
    ),
    _EXAMPLE(
        name="lambda-nag",
        folder="python/lambda-nag",
        stack='app.node.find_child("LambdaNagExampleStack")',
    ),
    _EXAMPLE(
        name="codepipeline-build-deploy",
        folder="python/codepipeline-build-deploy",
        stack='app.node.find_child("CodepipelineBuildDeployStack")',
        install=_WITH_PYTEST,
        tests=_PYTEST,
    ),
    _EXAMPLE(
        name="new-vpc-alb-asg-mysql",
        folder="python/new-vpc-alb-asg-mysql",
        stack="rds_stack",
    ),
    _EXAMPLE(
        name="global-table-with-cmk",
        folder="python/ddb/global-table-with-cmk",
        stack='app.node.find_child("global-ddb-cmk")',
    ),
    _EXAMPLE(
        name="url-shortener",
        folder="python/url-shortener",
        stack='app.node.find_child("urlshort-app")',
        rehearse=("--stand-in", "AWS::Route53::RecordSet"),
    ),
    _EXAMPLE(
        name="route53-failover",
        folder="python/route53-failover",
        stack="hostedZoneStack",
        context=(
            *("domain=example.com", "email=ops@example.com"),
            *("primaryRegion=us-east-1", "secondaryRegion=us-west-2"),
        ),
    ),
    _EXAMPLE(
        name="iotcore",
        folder="python/iotcore",
        stack='app.node.find_child("CdkIotThingStack")',
        install=_WITH_PYTEST,
        tests=_PYTEST,
    ),
    _WORKSHOP(
        name="tests-workshop",
        folder="code/python/tests-workshop",
        stack='app.node.find_child("cdk-workshop")',
        install=_WITH_PYTEST,
        tests=_PYTEST,
    ),
    _WORKSHOP(
        name="pipelines-workshop",
        folder="code/python/pipelines-workshop",
        program="cdk_workshop/pipeline_stage.py",
        before="self._hc_endpoint = ",
        scope="self",
        path="WorkshopPipelineStack/Deploy/",
        stack="service",
        rehearse=("WorkshopPipelineStack/Deploy/*",),
    ),
    OtherApp(
        name="project-structure",
        repository="aws-samples/aws-cdk-project-structure-python",
        commit="f78bdc2ef678af22b42be8b21250ba5095040028",
        stack='app.node.find_child("UserManagementBackendSandbox")',
        asks="==2.102.0",
        install=("-r", "requirements.txt", "-r", "backend/api/runtime/requirements.txt"),
        npm=("aws-cdk@2",),
        tests="python -m unittest tests/test_backend_api_runtime_lambda_function.py",
        variables={"PYTHONPATH": "backend/api/runtime", "AWS_DEFAULT_REGION": "us-east-1", **_ACCOUNT},
        rehearse=("UserManagementBackendSandbox",),
    ),
    OtherApp(
        name="starter-kit",
        repository="towardsthecloud/aws-cdk-python-starter-kit",
        commit="a69af52e4f5f4d1b03c0aca99ad2847223fffe85",
        program="src/app.py",
        stack='app.node.find_child("BaseStack-dev")',
        asks="==2.254.0",
        python="3.13",
        install=("aws-cdk-github-oidc", "aws-cdk-lib==2.254.0", "constructs>=10.5.1,<11.0.0", "pytest==7.4.3"),
        tests=_PYTEST,
        variables={"PYTHONPATH": "src"},
    ),
    OtherApp(
        name="lambda-handler-cookbook",
        repository="ran-isenberg/aws-lambda-handler-cookbook",
        commit="0caa22b9a65a7e4754517d6498fa15b76da8e4d3",
        stack="my_stack",
        asks="==2.213.0 (lock)",
        python="3.13",
        install=(
            *("aws-cdk-lib==2.213.0", "aws-cdk-aws-lambda-python-alpha==2.213.0a0", "cdk-nag==2.37.13"),
            *("cdk-monitoring-constructs", "boto3", "GitPython", "pytest", "pytest-mock", "mypy-boto3-dynamodb"),
            *("pydantic", "email-validator", "aws-lambda-powertools[tracer]", "aws-lambda-env-modeler", "cachetools"),
        ),
        tests=f"{_PYTEST} tests/unit",
    ),
    OtherApp(
        name="polyautomate",
        repository="giuliovv/polyautomate",
        commit="f241c15e3909b3db3f9df9da7c107d569c13a886",
        folder="infra",
        stack='app.node.find_child("PolyautomateStack")',
        asks="==2.183.0",
    ),
    OtherApp(
        name="openchallenges",
        repository="Sage-Bionetworks-IT/openchallenges",
        commit="95e10f5c2ef5a5617d7c4ad4ea46d330aa32a13b",
        stack="bucket_stack",
        asks="==2.139.0",
        install=("-r", "requirements.txt", "pytest"),
        tests=_PYTEST,
    ),
    OtherApp(
        name="titiler",
        repository="developmentseed/titiler",
        commit="483c9f554e01b942349d535df792e06c389523b8",
        folder="deployment/aws",
        stack="lambda_stack",
        asks="~=2.253.0",
        install=("aws-cdk-lib~=2.253.0", "constructs>=10.4.2", "pydantic~=2.0", "pydantic-settings~=2.0"),
    ),
]
