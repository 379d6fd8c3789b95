"""docs/cli.md: its examples are what the commands print, and nothing that can be typed is missing in it."""

from __future__ import annotations

import click
import pytest

from partner_account_cli.command_line import partner_account
from tests.cli.page import PAGE, played
from tests.cli.test_command import commands

DOCUMENT = PAGE.read_text("utf-8")


def shown(*words: str) -> str:
    """What the page shows of a command's help."""
    line = f"$ {' '.join(['partner-account', *words, '--help'])}\n"
    assert line in DOCUMENT, f"the page shows no help of {' '.join(words)}"
    return DOCUMENT.split(line, 1)[1].split("```", 1)[0]


@pytest.mark.slow
def test_examples_are_what_the_commands_print(moto_url: str) -> None:
    """Each example, run in the page's order, prints what the page shows: `python -m tests.cli.page` writes it anew."""
    written, statuses = played(moto_url)
    assert written == DOCUMENT
    assert {status for _, status in statuses} >= {0, 1, 2, 64}


def test_each_command_and_each_option_is_documented() -> None:
    """The help of each command, with all its options and arguments, is on the page."""
    for path, command in commands(partner_account):
        told = shown(*path)
        for parameter in command.params:
            names = parameter.opts if isinstance(parameter, click.Option) else [parameter.human_readable_name]
            assert any(name in told for name in names), (path, parameter.name)


def test_each_command_has_an_example() -> None:
    """Beside its help."""
    runs = [line[2:] for line in DOCUMENT.splitlines() if line.startswith("$ ") and "--help" not in line]
    for path, command in commands(partner_account):
        if not hasattr(command, "commands") and path not in {("rehearse",), ("simulator", "start")}:
            assert any(f"partner-account {' '.join(path)}" in run for run in runs), path
