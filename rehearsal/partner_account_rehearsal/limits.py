"""What can't be rehearsed, and is refused before anything is deployed."""

from collections import Counter
from collections.abc import Iterator, Sequence

from partner_account_rehearsal.assembly import Stack
from partner_account_rehearsal.faults import WRONG_CODE, Fault
from partner_account_rehearsal.partners import SANDBOX, ManagedPartner


def obstacles(stacks: Sequence[Stack], partners: Sequence[ManagedPartner], fault: Fault | None) -> Iterator[str]:
    """Why these stacks can't be rehearsed with that fault, each with its remedy."""
    if not partners:
        yield "none of these stacks has a PartnerAccount: there is nothing to rehearse"
        return
    if len(accounts := {stack.account for stack in stacks if stack.account}) > 1:
        yield f"these stacks belong to {len(accounts)} accounts: name stacks of one account"
    if adopting := [partner.path for partner in partners if partner.adopts]:
        yield (
            f"{', '.join(adopting)} adopts a partner that only your account has: rehearse it without "
            "existing_partner_id"
        )
    catalogs = Counter(partner.catalog for partner in partners)
    if twice := [catalog for catalog, count in catalogs.items() if count > 1]:
        yield (
            f"there are several partners in catalog {', '.join(twice)}: no documentation says that an account may "
            "have more than one, and the simulated Partner Central refuses it: name stacks with one"
        )
    if fault is WRONG_CODE and set(catalogs) == {SANDBOX}:
        yield "the Sandbox accepts any code, so none is wrong: choose another --fault"
