"""The questions of one run, in their order, and how each answer is read. Calls are `sandbox`'s affair."""

import secrets
from collections.abc import Callable, Iterator
from typing import Any

from partner_central_simulator.contract.findings import Finding, ReadingValue, Report, Status, unasked
from partner_central_simulator.contract.sandbox import (
    AccessDeniedStopError,
    OpenOutcomeError,
    Reply,
    Sandbox,
    StoppedError,
)
from partner_central_simulator.readings import ProfileIdAppears

NAME_PREFIX = "partner-account probe"
"""Begins the legal name of each partner that a run creates; the rest is made up, since names are unique."""

EMAIL = "alliance-lead@example.com"
"""The Sandbox sends no e-mail; nobody has an address at example.com."""

AWS_ENDPOINT = "https://partnercentral-account.us-east-1.api.aws"

_CODE = "123456"
_PAGES = 5
_LAGS = (1, 2, 4, 8, 15)
"""The seconds before each further look, so a look is half a minute at most."""

_MOST_PARTNERS = 3
"""Two are made by intention, if the service allows several; a third only if it takes what it should refuse."""

_CONFLICT, _DUPLICATE = "CONFLICT_CLIENT_TOKEN", "DUPLICATE_PARTNER"
_TAG_KEYS = ("partner-account-probe", "Partner-Account-Probe")

_DOCS = "https://docs.aws.amazon.com/partner-central/latest"
_CREATION = f"{_DOCS}/APIReference/API_account_CreatePartner.html"
_READING = f"{_DOCS}/APIReference/API_account_GetPartner.html"
_REGISTRATION = f"{_DOCS}/APIReference/working-with-partner-registration.html"
_TESTING = f"{_DOCS}/APIReference/testing-sandbox-account.html"

NOT_IN_SANDBOX = {
    "legal_name_is_the_verified_one": (
        "Must the legal name be the verified one?",
        "a Sandbox partner needs no verification, so there is no verified name",
    ),
    "failed_attempt_spends_code": (
        "Does a failed attempt use the code up?",
        "the Sandbox accepts any six digits, so no code is ever used up",
    ),
    "business_verification_has_completion_url": (
        "Does a business verification need a human?",
        "a verification has no catalog: it would be of the real business",
    ),
    "tag_at_creation_on_partner": (
        "Which resource does IAM check for TagResource inside CreatePartner?",
        "the Sandbox refuses tags in CreatePartner",
    ),
    "list_tags_on_partner": (
        "Which resource does IAM check for ListTagsForResource?",
        "only a policy that is made for it could tell, and the command changes no policy",
    ),
}
"""The switches that only catalog AWS could tell of: the question, and why."""

_SEVERAL = "May an account have several partners in a catalog?"
_OTHER_BODY = "What does a known token answer to another body?"
_ANY_CHANGE = "Does any change of the contact need a code?"
_NEW_EMAIL = "Does a new contact address need a code?"
_TAGS_LATER = "Does TagResource work in the Sandbox?"
_TAG_CASE = "Are `Team` and `team` one tag key?"
_NOT_CREATED = "no partner could be created"
_NOT_OURS = "the account's partner was not created by this command, and is left as it is"


class ContractRun:
    """One run: what it finds is in its `report` at once, so nothing is lost if it ends early."""

    def __init__(self, sandbox: Sandbox, *, email: str = EMAIL, wait: float = 0) -> None:
        """Prepare; nothing is called yet.

        Args:
            sandbox: what is called.
            email: the address of the partner's alliance lead contact.
            wait: how many seconds after its first use a client token is sent once more.
        """
        self._report = Report()
        self._sandbox = sandbox
        self._email = email
        self._wait = wait
        self._existing: list[dict[str, Any]] = []
        self._request = self._new_request()
        self._several: bool | None = None
        self._token_conflicts: bool | None = None
        self._same_name = Reply({}, 0)
        self._created: Reply | None = None
        self._created_at = 0.0
        self._own = ""
        self._began = sandbox.now()

    def count_existing(self) -> int:
        """Find out how many partners there are already, which changes nothing; call it before `findings`.

        Raises:
            StoppedError: the Sandbox can't be reached, or not by this identity.
        """
        self._existing = self._listed()
        own = [one for one in self._existing if str(one.get("LegalName", "")).startswith(NAME_PREFIX)]
        self._own = own[-1]["Arn"] if own else ""
        return len(self._existing)

    def findings(self) -> Iterator[Finding]:
        """Ask one question after the other.

        Raises:
            StoppedError: the service throttled, denied, failed, hung, or answered nonsense; the report says so.
        """
        try:
            for ask in (
                self._field_names,
                self._creation,
                self._list_lag,
                self._known_token,
                self._failed_token,
                self._tags_at_creation,
                self._second_partner,
                self._unique_name,
                self._contact,
                self._profile_id,
                self._token_memory,
                self._unknown_partner,
                self._tags_afterwards,
                self._answers,
                lambda: unasked(list(self._report.findings), NOT_IN_SANDBOX),
            ):
                for finding in ask():
                    self._report.findings.append(finding)
                    yield finding
        except StoppedError as stop:
            self._report.stopped = f"{stop}. {stop.remedy}"
            raise

    @property
    def report(self) -> Report:
        """What was found so far."""
        if self._sandbox.endpoint == AWS_ENDPOINT:
            self._report.endpoint = "AWS"
        self._report.calls = self._sandbox.calls
        self._report.seconds = self._sandbox.now() - self._began
        return self._report

    # --- What the service says of a request that it refuses

    def _field_names(self) -> Iterator[Finding]:
        contact = {"FirstName": "J" * 81, "LastName": "Doe", "Email": "nobody", "BusinessTitle": "Lead"}
        wrong = {"LegalName": "x" * 81, "PrimarySolutionType": "NONE", "EmailVerificationCode": "12345x"}
        reply = self._create({**self._new_request(), **wrong, "AllianceLeadContact": contact})
        names = [name for name, _ in reply.fields if name]
        expected = {*wrong, "AllianceLeadContact.FirstName", "AllianceLeadContact.Email"}
        question = "How are fields named in ErrorDetails?"
        if not names:
            yield _undecided(question, f"none was named: {reply.outcome}")
        elif set(names) == expected:
            yield _found(question, f"by their paths in the model, all at once: {', '.join(names)}")
        else:
            yield _found(question, f"{', '.join(names)} (asked for {', '.join(sorted(expected))})")

    def _unknown_partner(self) -> Iterator[Finding]:
        reply = self._sandbox.call("GetPartner", Identifier="partner-0000000000000")
        expected = (reply.code, reply.reason) == ("ResourceNotFoundException", "PARTNER_NOT_FOUND")
        yield _judged("What is a partner answered that doesn't exist?", reply.outcome, _READING, holds=expected)

    # --- Creation

    def _creation(self) -> Iterator[Finding]:
        reply = self._create(self._request)
        if reply.succeeded:
            self._created, self._created_at, self._own = reply, self._sandbox.now(), reply.answer["Arn"]
            if self._existing:
                yield self._several_found(f"yes: one was created beside {len(self._existing)}", value=True)
        elif reply.reason == _DUPLICATE and self._existing:
            told = "no: the account has one, and another name was refused as DUPLICATE_PARTNER"
            yield self._several_found(told, value=False)
        elif reply.reason == _DUPLICATE:
            raise StoppedError(
                f"no partner can be created: {reply.outcome}, though ListPartners shows none",
                "If there was a run before, its partner may not be listed yet: run it again in some minutes. Otherwise "
                "please report this: the Sandbox counts another partner than its own.",
            )
        else:
            raise StoppedError(
                f"no partner can be created: {reply.outcome}", "Correct what this names, then run it again."
            )

    def _list_lag(self) -> Iterator[Finding]:
        question = "How soon is a new partner found?"
        if self._created is None:
            yield _not_asked(question, _NOT_CREATED)
            return
        arn = self._created.answer["Arn"]
        told = self._lag(lambda: self._sandbox.call("GetPartner", Identifier=arn).succeeded, "GetPartner")
        listed = self._lag(lambda: any(one.get("Arn") == arn for one in self._listed()), "ListPartners")
        yield _found(question, f"{told}; {listed}")

    def _lag(self, is_there: Callable[[], bool], operation: str) -> str:
        began = self._sandbox.now()
        for looks, pause in enumerate((*_LAGS, None)):
            if is_there():
                return f"{operation} has it {f'after {self._sandbox.now() - began:.0f} s' if looks else 'at once'}"
            if pause is not None:
                self._sandbox.sleep(pause)
        return f"{operation} doesn't have it after {self._sandbox.now() - began:.0f} s"

    def _known_token(self) -> Iterator[Finding]:
        same = "Is a repeated request answered alike?"
        if self._created is None:
            yield _not_asked(same, _NOT_CREATED)
            return
        reply = self._create(self._request)
        yield _judged(same, reply.outcome, _CREATION, holds=self._is_first_result(reply))
        reply = self._create(_with_title(self._request, "Director"))
        if reply.reason == _CONFLICT:
            yield self._conflict_found()
        elif self._is_first_result(reply):
            self._token_conflicts = False
            yield _found(_OTHER_BODY, "the first result", "reused_token_conflicts", value=False)
        else:
            told = f"neither the first result nor a conflict: {reply.outcome}"
            yield _undecided(_OTHER_BODY, told, "reused_token_conflicts")

    def _failed_token(self) -> Iterator[Finding]:
        """By a name that is taken: whatever the service makes of the token, no partner can come of it."""
        taken = {**self._request, "ClientToken": _new_token()}
        question, reading = "Does a failed request leave its client token taken?", "failed_request_keeps_token"
        self._same_name = self._create(taken)
        if self._same_name.reason != _DUPLICATE:
            yield _undecided(question, f"no request failed: {self._same_name.outcome}", reading)
            return
        reply = self._create(_with_title(taken, "Director"))
        if reply.reason == _CONFLICT:
            if self._token_conflicts is None:
                yield self._conflict_found()
            yield _found(question, "yes: another body under it is CONFLICT_CLIENT_TOKEN", reading, value=True)
        elif reply.reason != _DUPLICATE:
            yield _undecided(question, f"another body under it: {reply.outcome}", reading)
        elif self._token_conflicts:
            yield _found(question, "no: another body under it is looked at anew", reading, value=False)
        else:
            told = "no token is known to conflict with another body, so it makes no difference"
            yield _undecided(question, told, reading)

    def _conflict_found(self) -> Finding:
        self._token_conflicts = True
        return _found(_OTHER_BODY, _CONFLICT, "reused_token_conflicts", value=True)

    def _tags_at_creation(self) -> Iterator[Finding]:
        # With a name that is taken, so that no partner comes of it if tags are accepted.
        tags = [{"Key": _TAG_KEYS[0], "Value": "1"}]
        reply = self._create({**self._request, "ClientToken": _new_token(), "Tags": tags})
        question = "Are tags refused in CreatePartner?"
        if reply.reason == _DUPLICATE:
            yield _undecided(question, "the partner that exists is refused first", source=_TESTING)
        else:
            yield _judged(question, reply.outcome, _TESTING, holds=reply.code == "ValidationException")

    def _second_partner(self) -> Iterator[Finding]:
        if self._existing:
            return  # the first creation has told
        reply = self._create(self._new_request())
        if reply.reason == _DUPLICATE:
            yield self._several_found("no: another legal name is DUPLICATE_PARTNER", value=False)
        elif reply.succeeded:
            yield self._several_found("yes: another one was created, with another legal name", value=True)
        else:
            yield _undecided(_SEVERAL, reply.outcome, "one_partner_per_catalog")

    def _several_found(self, told: str, *, value: bool) -> Finding:
        self._several = value
        return _found(_SEVERAL, told, "one_partner_per_catalog", value=not value)

    def _unique_name(self) -> Iterator[Finding]:
        question = "Is a legal name unique?"
        if self._created is None:
            yield _not_asked(question, _NOT_CREATED)
        elif self._several or self._same_name.reason != _DUPLICATE:
            holds = self._same_name.reason == _DUPLICATE
            yield _judged(question, self._same_name.outcome, _REGISTRATION, holds=holds)
        else:
            told = f"{_DUPLICATE}, which is also the answer where an account may have one partner"
            yield _undecided(question, told, source=_REGISTRATION)

    def _token_memory(self) -> Iterator[Finding]:
        question = "How long is a client token remembered?"
        if self._created is None:
            yield _not_asked(question, _NOT_CREATED)
            return
        self._sandbox.sleep(max(self._created_at + self._wait - self._sandbox.now(), 0))
        reply = self._create(self._request)
        age = f"{self._sandbox.now() - self._created_at:.0f} s"
        if self._is_first_result(reply):
            yield _found(question, f"longer than {age}: a repeated request is answered alike")
        else:
            yield _found(question, f"less than {age}: a repeated request is answered {reply.outcome}")

    # --- The contact

    def _contact(self) -> Iterator[Finding]:
        if not self._own:
            yield _not_asked(_ANY_CHANGE, _NOT_OURS, "any_contact_change_needs_code")
            yield _not_asked(_NEW_EMAIL, _NOT_OURS, "new_contact_email_needs_code")
            return
        given = self._request["AllianceLeadContact"]
        read = self._sandbox.call("GetAllianceLeadContact", Identifier=self._own)
        contact = read.answer.get("AllianceLeadContact", given)
        if self._created is not None:
            told = "yes" if contact == given else f"no ({read.outcome})"
            yield _found("Is the contact kept as it was given?", told)
        title = "Director" if contact.get("BusinessTitle") == "Alliance Lead" else "Alliance Lead"
        reply = self._put_contact({**contact, "BusinessTitle": title})
        yield _need_of_code(_ANY_CHANGE, reply, "any_contact_change_needs_code")
        if reply.succeeded:
            contact = {**contact, "BusinessTitle": title}
        email = self._email.replace("@", "-2@") if contact.get("Email") == self._email else self._email
        moved = {**contact, "Email": email}
        yield _need_of_code(_NEW_EMAIL, self._put_contact(moved), "new_contact_email_needs_code")
        reply = self._put_contact(moved, EmailVerificationCode=_CODE)
        yield _judged("Do any six digits do as its code?", reply.outcome, _TESTING, holds=reply.succeeded)

    def _put_contact(self, contact: dict[str, str], **code: str) -> Reply:
        return self._sandbox.call("PutAllianceLeadContact", Identifier=self._own, AllianceLeadContact=contact, **code)

    # --- ProfileId

    def _profile_id(self) -> Iterator[Finding]:
        question = "When does ProfileId appear?"
        if not self._own:
            yield _not_asked(question, _NOT_OURS, "profile_id")
            return
        partner = self._sandbox.call("GetPartner", Identifier=self._own)
        seen = self._sandbox.call("GetProfileVisibility", may_lack="ProfileId", Identifier=self._own)
        places = {
            "CreatePartner": self._created is not None and "ProfileId" in self._created.answer["Profile"],
            "GetPartner": "ProfileId" in partner.answer.get("Profile", {}),
            "GetProfileVisibility": "ProfileId" in seen.answer,
        }
        shown = " and ".join(name for name, has_it in places.items() if has_it)
        told = f"in the answers to {shown}" if shown else f"in no answer; GetProfileVisibility: {seen.outcome}"
        match tuple(places.values()), seen.reason:
            case (True, True, True), _:
                yield _found(question, told, "profile_id", value=str(ProfileIdAppears.AT_ONCE))
            case (False, False, True), _:
                yield _found(question, told, "profile_id", value=str(ProfileIdAppears.IN_VISIBILITY))
            case (False, False, False), "PARTNER_PROFILE_NOT_FOUND":
                yield _found(question, told, "profile_id", value=str(ProfileIdAppears.WITH_PROFILE))
            case _:
                yield _undecided(question, told, "profile_id")

    # --- Tags

    def _tags_afterwards(self) -> Iterator[Finding]:
        open_questions = {_TAGS_LATER: "sandbox_takes_tags_later", _TAG_CASE: "tag_keys_ignore_case"}
        if not self._own:
            for question, reading in open_questions.items():
                yield _not_asked(question, _NOT_OURS, reading)
            return
        try:
            for finding in self._tag_findings():
                del open_questions[finding.question]
                yield finding
        except AccessDeniedStopError as denied:
            # It may be the Sandbox's own way to refuse tags as well as a policy; the rest doesn't depend on it.
            for question, reading in open_questions.items():
                yield _undecided(question, str(denied), reading)

    def _tag_findings(self) -> Iterator[Finding]:
        reply = self._tag(_TAG_KEYS[0])
        if not reply.succeeded:
            yield _found(_TAGS_LATER, f"no: {reply.outcome}", "sandbox_takes_tags_later", value=False)
            yield _undecided(_TAG_CASE, "there are no tags in the Sandbox", "tag_keys_ignore_case")
            return
        lag = self._lag(lambda: _TAG_KEYS[0] in self._tag_keys(), "ListTagsForResource")
        yield _found(_TAGS_LATER, f"yes; {lag}", "sandbox_takes_tags_later", value=True)
        reply = self._tag(_TAG_KEYS[1])
        keys = self._tag_keys() & set(_TAG_KEYS)
        if not reply.succeeded:
            yield _undecided(_TAG_CASE, reply.outcome, "tag_keys_ignore_case")
        elif _TAG_KEYS[1] not in keys:
            yield _undecided(_TAG_CASE, "the second one isn't shown", "tag_keys_ignore_case")
        elif len(keys) == 1:
            yield _found(_TAG_CASE, "yes: the second replaced the first", "tag_keys_ignore_case", value=True)
        else:
            yield _found(_TAG_CASE, "no: both are kept", "tag_keys_ignore_case", value=False)
        self._sandbox.call("UntagResource", ResourceArn=self._own, TagKeys=list(_TAG_KEYS))

    def _tag(self, key: str) -> Reply:
        return self._sandbox.call("TagResource", ResourceArn=self._own, Tags=[{"Key": key, "Value": "1"}])

    def _tag_keys(self) -> set[str]:
        reply = self._sandbox.call("ListTagsForResource", ResourceArn=self._own)
        return {str(tag.get("Key")) for tag in reply.answer.get("Tags", [])}

    # --- What all calls together tell

    def _answers(self) -> Iterator[Finding]:
        refusals, misfits = self._sandbox.refusals, ", ".join(sorted(set(self._sandbox.misfits)))
        wrong = sorted({f"{one.code} {one.status}" for one in refusals if one.status != 400})  # noqa: PLR2004 - HTTP's
        told = ", ".join(wrong) or f"all {len(refusals)} refusals were HTTP 400"
        yield _judged("Which HTTP status do refusals have?", told, _CREATION, holds=not wrong)
        yield _judged("Do the answers fit the service model?", misfits or "all do", _READING, holds=not misfits)
        echoes = sorted({one.code for one in refusals if one.echoes})
        yield _found("Does an error's message repeat the request?", f"yes: {', '.join(echoes)}" if echoes else "no")
        calls, seconds = self._sandbox.calls, self._sandbox.now() - self._began
        told = f"{calls} calls within {seconds:.0f} s were not throttled; faster ones were not tried"
        yield _found("How many calls are allowed?", told)

    # --- Calls

    def _new_request(self) -> dict[str, Any]:
        return {
            "ClientToken": _new_token(),
            "LegalName": f"{NAME_PREFIX} {secrets.token_hex(6)}",
            "PrimarySolutionType": "SOFTWARE_PRODUCTS",
            "AllianceLeadContact": {
                "FirstName": "Alliance",
                "LastName": "Lead",
                "Email": self._email,
                "BusinessTitle": "Alliance Lead",
            },
            "EmailVerificationCode": _CODE,
        }

    def _create(self, request: dict[str, Any]) -> Reply:
        created = self._report.partners_created or 0
        if created >= _MOST_PARTNERS:
            raise StoppedError(
                f"{_MOST_PARTNERS} partners were created, against all expectation", "Please report this."
            )
        self._report.partners_created = None  # also if this is interrupted
        try:
            reply = self._sandbox.call("CreatePartner", **request)
        except OpenOutcomeError:
            raise
        except StoppedError:
            self._report.partners_created = created
            raise
        is_new = reply.succeeded and not self._is_first_result(reply)
        self._report.partners_created = created + is_new
        return reply

    def _is_first_result(self, reply: Reply) -> bool:
        return self._created is not None and reply.answer.get("Arn") == self._created.answer["Arn"]

    def _listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        page: dict[str, str] = {}
        for _ in range(_PAGES):
            answer = self._sandbox.call("ListPartners", **page).answer
            found += answer.get("PartnerSummaryList", [])
            if not answer.get("NextToken"):
                return found
            page = {"NextToken": answer["NextToken"]}
        raise StoppedError(f"the list has more than {_PAGES} pages", "Use an account with fewer Sandbox partners.")


def _new_token() -> str:
    return f"probe-{secrets.token_hex(16)}"


def _with_title(request: dict[str, Any], title: str) -> dict[str, Any]:
    return {**request, "AllianceLeadContact": {**request["AllianceLeadContact"], "BusinessTitle": title}}


def _found(question: str, told: str, reading: str = "", value: ReadingValue | None = None) -> Finding:
    return Finding(question, Status.FOUND, told, reading, value)


def _undecided(question: str, told: str, reading: str = "", source: str = "") -> Finding:
    return Finding(question, Status.UNDECIDED, told, reading, source=source)


def _not_asked(question: str, why: str, reading: str = "") -> Finding:
    return Finding(question, Status.NOT_ASKED, why, reading)


def _judged(question: str, told: str, source: str, *, holds: bool) -> Finding:
    return Finding(question, Status.DOCUMENTED if holds else Status.DIFFERS, told, source=source)


def _need_of_code(question: str, reply: Reply, reading: str) -> Finding:
    """What a change of the contact without a code tells."""
    if reply.succeeded:
        return _found(question, "no: it is made without one", reading, value=False)
    if any("code" in name.lower() for name, _ in reply.fields):
        return _found(question, f"yes: without one it is {reply.outcome}", reading, value=True)
    return _undecided(question, reply.outcome, reading)
