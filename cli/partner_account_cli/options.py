"""Options that several commands share, apart from those that reach AWS."""

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

show_contact_option = click.option(
    "--show-contact", is_flag=True, help="Show the contact's personal data, of which otherwise a letter is shown."
)
