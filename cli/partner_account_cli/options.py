"""Options that several commands share, apart from those that reach AWS."""

from pathlib import Path

import click

CATALOGS = ("AWS", "Sandbox")

catalog_option = click.option(
    "--catalog",
    type=click.Choice(CATALOGS),
    default="AWS",
    show_default=True,
    help="The catalog of Partner Central.",
)

output_option = click.option(
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the result is written.",
)

readings_option = click.option(
    "--readings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Answer as the report of `probe` in this file says, where AWS documents nothing.",
)

show_contact_option = click.option(
    "--show-contact", is_flag=True, help="Show the contact's personal data, of which otherwise a letter is shown."
)
