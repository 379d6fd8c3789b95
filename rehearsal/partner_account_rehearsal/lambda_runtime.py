"""The runtimes of the local Lambda, in which functions find what Lambda's own runtimes provide.

For Python, boto3 and nothing that is installed with this command; for Node.js, an SDK whose calls botocore makes.
"""

import importlib.util
import json
import shutil
import sysconfig
import venv
from pathlib import Path

VARIABLE = "PARTNER_ACCOUNT_LAMBDA_PYTHON"
"""The environment variable that passes it to the gateway."""

# boto3 and its dependencies, which Lambda's Python runtimes have.
_MODULES = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")


def make_python(folder: Path) -> Path:
    """Create it in a new folder, and return the program; the modules are those that are installed here.

    Raises:
        ModuleNotFoundError: one of them is not installed.
    """
    venv.EnvBuilder(symlinks=True).create(folder)
    modules = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    for name in _MODULES:
        installed = _installed(name)
        (modules / installed.name).symlink_to(installed)
    return folder / "bin" / "python"


def _installed(module: str) -> Path:
    """The folder of a package, or the file of a module that is none."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(name=module)
    return Path(spec.submodule_search_locations[0] if spec.submodule_search_locations else spec.origin)


def make_node_environment(folder: Path) -> dict[str, str]:
    """Copy the SDK to the folder of that Python, and return the environment in which Node.js functions find it."""
    for suffix in (".js", ".py"):
        shutil.copy(Path(__file__).with_name(f"javascript_sdk{suffix}"), folder)
    return {
        "NODE_OPTIONS": f"--require {json.dumps(str(folder / 'javascript_sdk.js'))}",
        # CDK's AwsCustomResource would install the SDK's latest version, and continues without it.
        "NPM_CONFIG_OFFLINE": "true",
        "NPM_CONFIG_CACHE": str(folder / "npm"),
    }
