"""The construct where what POSIX alone has is missing, as on Windows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SYNTH = """
from tests.construct.apps import new_stack, partner_in, template_of
stack = new_stack()
partner_in(stack)
template = template_of(stack)
"""


def test_on_windows_the_construct_writes_the_same_template() -> None:
    """With the same asset as elsewhere."""
    here: dict[str, Any] = {}
    exec(SYNTH, here)  # noqa: S102 - the same here and there
    pose = "import json; from tests.cli import windows; windows.become('aws_cdk', 'pytest')"
    script = f"{pose}{SYNTH}print(json.dumps(template))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Custom::PartnerAccount" in done.stdout
    assert json.loads(done.stdout) == here["template"]
