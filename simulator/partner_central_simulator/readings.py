"""How the simulator behaves where AWS documents nothing. What AWS documents is not configurable."""

import json
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any


class ProfileIdAppears(StrEnum):
    """When a partner's optional `ProfileId` first appears."""

    AT_ONCE = "at once"
    """The responses of `CreatePartner` and every later operation include it."""

    IN_VISIBILITY = "in visibility"
    """Not in `CreatePartner`'s response: AWS's CloudTrail sample event for it has a profile without one.

    Before a profile task has succeeded, only `GetProfileVisibility` and `PutProfileVisibility` include it, whose
    responses require it in the service model.
    """

    WITH_PROFILE = "with profile"
    """There is none before there is a profile (see `ProfileIdComesWith`); visibility is PARTNER_PROFILE_NOT_FOUND."""


class ProfileIdComesWith(StrEnum):
    """The event that gives a partner's profile its id, unless it has one from the beginning."""

    TASK = "task"
    """`StartProfileUpdateTask`, however that ends."""

    PROFILE = "profile"
    """A task that has succeeded."""

    PUBLICATION = "publication"
    """A `PutProfileVisibility` that has made it public, whose response is the first to include the id."""


@dataclass(frozen=True, kw_only=True)
class Readings:
    """One switch for each undocumented rule.

    The defaults are the stricter reading of each rule: what works under them works under the others too. Five are what
    AWS's documentation suggests without stating it: `profile_id`, `profile_id_comes_with`, `canceled_task_is_shown`,
    `any_contact_change_needs_code` and `business_verification_has_completion_url`.
    """

    failed_request_keeps_token: bool = True
    """A `ClientToken` belongs to its body from the first valid request on, even if that request failed.

    The same token with another body is then a conflict; with False a failed request leaves its token free.
    The same token with the same body is tried again in either case.
    """

    reused_token_conflicts: bool = True
    """The token of a request that succeeded, sent with another body, is refused as CONFLICT_CLIENT_TOKEN.

    With False the first result is returned, whatever the new body says.
    """

    one_partner_per_catalog: bool = True
    """A second partner of one account in one catalog is refused as DUPLICATE_PARTNER."""

    legal_name_is_the_verified_one: bool = True
    """In catalog AWS the legal name must be that of the business verification, if that has a name.

    Otherwise it is refused as INCOMPATIBLE_LEGAL_NAME. Sandbox partners need no verification, hence no such name.
    """

    new_contact_email_needs_code: bool = True
    """`PutAllianceLeadContact` with another e-mail address needs the code that was sent to that address."""

    any_contact_change_needs_code: bool = False
    """A change of any other member needs a code too. Not the default: the code is optional in the service model."""

    failed_attempt_spends_code: bool = True
    """An e-mail code is spent by the first request that names its address, even if that request fails."""

    tag_keys_ignore_case: bool = False
    """`Team` and `team` are one key: setting either replaces the other, and removing either removes it."""

    sandbox_takes_tags_later: bool = False
    """`TagResource` and `UntagResource` work on a partner of the Sandbox.

    That `CreatePartner` rejects tags there is documented, and not a reading. AWS's policy for tests in the Sandbox
    grants both actions on its partners, which suggests that they work.
    """

    business_verification_has_completion_url: bool = False
    """`StartVerification` of a business returns PENDING_CUSTOMER_ACTION and a `CompletionUrl` for a human.

    With False it returns IN_PROGRESS without a URL, and the verification ends by itself. `CompletionUrl` is optional in
    the service model, and AWS documents a time-limited URL for the registrant's identity only.
    """

    profile_id: ProfileIdAppears = ProfileIdAppears.IN_VISIBILITY
    """When the optional `ProfileId` first appears."""

    profile_id_comes_with: ProfileIdComesWith = ProfileIdComesWith.PROFILE
    """When every response starts to include the ProfileId. Not the strictest: AWS mentions private profiles."""

    visibility_before_profile: bool = False
    """`PutProfileVisibility` works before a profile task has succeeded.

    With False it is refused as PARTNER_PROFILE_NOT_FOUND: AWS says that only approved profiles become public.
    """

    unchanged_profile_starts_task: bool = False
    """`StartProfileUpdateTask` with the profile's current content starts a task, and counts toward the quota.

    With False it is refused as INCOMPATIBLE_PROFILE_STATE.
    """

    canceled_task_is_shown: bool = True
    """`GetProfileUpdateTask` shows a canceled task with its details: the service model has a status for it.

    With False it shows the task before it, or returns PARTNER_PROFILE_TASK_NOT_FOUND.
    """

    approved_logo_is_copied: bool = True
    """`GetPartner` shows each logo of an approved profile at a URL of AWS's own, the task at the given URL."""

    tag_at_creation_on_partner: bool = False
    """IAM checks the `TagResource` that goes with `CreatePartner` on `…/partner/*`, and not on `*`."""

    list_tags_on_partner: bool = False
    """IAM checks `ListTagsForResource` on the partner's ARN, and not on `*`."""

    def differing(self) -> dict[str, bool | str]:
        """The readings that differ from the defaults, by their names."""
        values = {field.name: (getattr(self, field.name), field.default) for field in fields(self)}
        return {name: value for name, (value, default) in values.items() if value != default}


class ReadingsFileError(Exception):
    """The file can't be read, or names readings that this simulator doesn't have."""


def load_readings(path: Path) -> Readings:
    """The readings in the object `Readings` of a JSON file, such as a report of `partner-account probe`.

    Readings that the file omits have their defaults.

    Raises:
        ReadingsFileError: the file is invalid.
    """
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ReadingsFileError(f"{path} can't be read: {error.strerror}") from None
    except ValueError:
        raise ReadingsFileError(f"{path} is not JSON: use a report of `partner-account probe`") from None
    named = content.get("Readings") if isinstance(content, dict) else None
    if not isinstance(named, dict):
        raise ReadingsFileError(f"{path} has no object `Readings`: use a report of `partner-account probe`")
    known: dict[str, Any] = {field.name: type(field.default) for field in fields(Readings)}
    if unknown := sorted(set(named) - set(known)):
        raise ReadingsFileError(f"{path} names unknown readings: {', '.join(unknown)}; known are {', '.join(known)}")
    for name, value in named.items():
        if known[name] is bool:
            if not isinstance(value, bool):
                raise ReadingsFileError(f"{path}: {name} must be true or false")
        elif value not in list(known[name]):
            raise ReadingsFileError(f"{path}: {name} must be one of {', '.join(known[name])}")
    return Readings(**{name: known[name](value) for name, value in named.items()})
