"""`partner-account send-code`: has a verification code sent by e-mail."""

import click

from partner_account_cli import rendering
from partner_account_cli.aws import Access, aws_options, pass_access, require_valid
from partner_account_cli.options import catalog_option


@click.command()
@catalog_option
@click.option("--email", required=True, metavar="ADDRESS", help="The alliance lead contact's address.")
@aws_options("Partner Central")
@pass_access
def send_code(access: Access, *, catalog: str, email: str) -> None:
    """Have a verification code sent by e-mail.

    Five a day are sent to one address. How long a code lives is not documented: store it, and deploy, within minutes.
    """
    client = access.partner_central()
    require_valid(client, "SendEmailVerificationCode", {"Catalog": catalog, "Email": email})
    with rendering.working("Asking Partner Central for a code"):
        client.send_email_verification_code(Catalog=catalog, Email=email)
    if catalog == "Sandbox":
        rendering.say("Accepted. The Sandbox sends no e-mail: any six digits will do as its code.")
        return
    rendering.say(f"A code of six digits is on its way to {email}. Five a day are sent to one address.")
    rendering.say("Store it by `partner-account store-code`, and deploy within minutes.")
