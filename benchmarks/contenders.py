"""The contenders: this construct, and three complete equivalents that users would write instead."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from partner_account.asset import assembled_asset

ROOT = Path(__file__).parents[1]
HANDLERS = Path(__file__).parent / "handlers"
VENDORED = ROOT / ".venv" / "vendored"
NODE_MODULES = Path(__file__).parent / "node_modules"


@dataclass(frozen=True)
class Contender:
    """One way to create a partner.

    Attributes:
        name: the module of its app, in `benchmarks.apps`.
        title: its name in tables.
        handler: the module of its own Python function, in `benchmarks/handlers`, if it has one.
    """

    name: str
    title: str
    handler: str = ""


CONSTRUCT = Contender("construct", "PartnerAccount")
AWS_CUSTOM_RESOURCE = Contender("aws_custom_resource", "AwsCustomResource")
PROVIDER_FRAMEWORK = Contender("provider_framework", "Provider, boto3", "provider_framework")
CRHELPER = Contender("crhelper_defaults", "crhelper, boto3", "crhelper_defaults")
EMPTY = Contender("empty", "empty app")
ROLE = Contender("role", "one IAM role")
FLOOR = Contender("floor", "floor", "floor")

ALL = (CONSTRUCT, AWS_CUSTOM_RESOURCE, PROVIDER_FRAMEWORK, CRHELPER)


def turned(contenders: Sequence[Contender], number: int) -> list[Contender]:
    """The contenders in the order of that round: each round begins with another one."""
    start = number % len(contenders)
    return [*contenders[start:], *contenders[:start]]


def fill_assets(folder: Path) -> dict[Contender, Path]:
    """The code of each Python function as a folder: what is zipped and uploaded, without compiled files."""
    with assembled_asset() as assembled:
        shutil.copytree(assembled, folder / CONSTRUCT.name)
    # crhelper is no part of Lambda's runtime; boto3 is.
    shutil.copytree(VENDORED / "crhelper", folder / FLOOR.name / "crhelper")
    for contender in (PROVIDER_FRAMEWORK, CRHELPER):
        shutil.copytree(VENDORED, folder / contender.name, ignore=shutil.ignore_patterns("bin", "__pycache__"))
    for contender in (PROVIDER_FRAMEWORK, CRHELPER, FLOOR):
        shutil.copy(HANDLERS / f"{contender.handler}.py", folder / contender.name)
    return {contender: folder / contender.name for contender in (CONSTRUCT, PROVIDER_FRAMEWORK, CRHELPER, FLOOR)}


def zipped_bytes(folder: Path) -> int:
    """The size of a folder's zip file, compressed as the cdk CLI does."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return len(buffer.getvalue())
