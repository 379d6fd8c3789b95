"""The questions of a run, in their order, and how each answer is read. `sandbox` makes the calls."""

import secrets
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

from partner_central_simulator.contract.profile_life import REVIEW, ProfileLife, Seen
from partner_central_simulator.contract.report import ContractFinding, ContractReport, Status
from partner_central_simulator.contract.sandbox import Reply, Sandbox, StoppedError
from partner_central_simulator.readings import ProfileIdAppears

NAME_PREFIX = "partner-account probe"
"""The prefix of each created partner's legal name; the rest is random, since names are unique."""

EMAIL = "alliance-lead@example.com"
"""The Sandbox sends no e-mail; nobody has an address at example.com."""

LOGO_URL = "https://example.com/logo.png"
"""There is no logo: AWS doesn't document whether the Sandbox looks for it."""

AWS_ENDPOINT = "https://partnercentral-account.us-east-1.api.aws"

NOT_IN_SANDBOX = {
    "legal_name_is_the_verified_one": (
        "Must the legal name be the verified one?",
        "a Sandbox partner needs no verification, so there is no verified name",
    ),
    "failed_attempt_spends_code": (
        "Does a failed attempt use up the code?",
        "the Sandbox accepts any six digits, so no code is ever used up",
    ),
    "business_verification_has_completion_url": (
        "Does a business verification require a human?",
        "a verification has no catalog: it would be of the real business",
    ),
    "tag_at_creation_on_partner": (
        "Which resource does IAM check for TagResource inside CreatePartner?",
        "the Sandbox refuses tags in CreatePartner",
    ),
    "list_tags_on_partner": (
        "Which resource does IAM check for ListTagsForResource?",
        "only a policy made for it could show that, and the command changes no policy",
    ),
}
"""The switches that only catalog AWS could show: the question, and why."""

_CODE = "123456"
_PAGES = 5
_LAGS = (1, 2, 4, 8, 15)
"""The seconds before each further look, so a look is half a minute at most."""

_MOST_PARTNERS = 3
"""Two are intended, if the service allows several; a third only if it accepts what it should refuse."""

_CONFLICT, _DUPLICATE = "CONFLICT_CLIENT_TOKEN", "DUPLICATE_PARTNER"
_TAG_KEYS = ("partner-account-probe", "Partner-Account-Probe")


class ContractRun:
    """One run: its findings are in its `report` at once, so nothing is lost if it ends early.

    A call whose reply several questions use is made for the first of them.
    """

    def __init__(self, sandbox: Sandbox, *, email: str = EMAIL, logo_url: str = LOGO_URL, wait: float = 0) -> None:
        """Prepare; nothing is called yet.

        Args:
            sandbox: the catalog to call.
            email: the address of the partner's alliance lead contact.
            logo_url: the logo of the partner's profile.
            wait: how many seconds after its first use a client token is sent again.
        """
        self.sandbox = sandbox
        self.email = email
        self.logo_url = logo_url
        self.wait = wait
        self.began = sandbox.now()
        self.existing: list[dict[str, Any]] = []
        self.request = self.new_request()
        self.created_arn, self.created_at = "", 0.0
        self.own_arn = ""
        self._report = ContractReport()

    def count_existing(self) -> int:
        """Count the existing partners, which changes nothing; call it before `findings`.

        Raises:
            StoppedError: the Sandbox can't be reached, or not by this identity.
        """
        self.existing = self.listed()
        own = [one for one in self.existing if str(one.get("LegalName", "")).startswith(NAME_PREFIX)]
        self.own_arn = own[-1]["Arn"] if own else ""
        return len(self.existing)

    def findings(self) -> Iterator[ContractFinding]:
        """Ask the questions one after another.

        Raises:
            StoppedError: the service throttled, denied, failed, hung, or returned an invalid response.
        """
        try:
            for question in QUESTIONS:
                finding = self._find(question)
                self._report.findings.append(finding)
                yield finding
        except StoppedError as stop:
            self._report.stopped = f"{stop}. {stop.remedy}"
            raise
        for name, (text, why) in NOT_IN_SANDBOX.items():
            finding = ContractFinding(text, Status.NOT_IN_SANDBOX, why, name)
            self._report.findings.append(finding)
            yield finding

    def _find(self, question: "Question") -> ContractFinding:
        missing = ""
        if question.about == "new partner" and not self.creation.succeeded:
            missing = "no partner could be created"
        elif question.about == "own partner" and not self.own_arn:
            missing = "the account's partner was not created by this command, and is left as it is"
        if missing:
            return ContractFinding(question.text, Status.NOT_ASKED, missing, question.reading)
        told, verdict = question.ask(self)
        status = Status.FOUND
        if verdict is None:
            status = Status.UNDECIDED
        elif question.source:
            status = Status.DOCUMENTED if verdict else Status.DIFFERS
        value = verdict if question.reading else None
        return ContractFinding(question.text, status, told, question.reading, value, question.source)

    @property
    def report(self) -> ContractReport:
        """What was found so far."""
        if self.sandbox.endpoint == AWS_ENDPOINT:
            self._report.endpoint = "AWS"
        self._report.calls = self.sandbox.calls
        self._report.seconds = self.sandbox.now() - self.began
        return self._report

    # --- Replies that more than one question looks at

    @cached_property
    def creation(self) -> Reply:
        """Of the first valid CreatePartner: a partner, or a duplicate of an existing one."""
        reply = self.create(self.request)
        remedy = "Correct what the error names, then run it again."
        if reply.succeeded:
            self.created_arn = self.own_arn = reply.answer["Arn"]
            self.created_at = self.sandbox.now()
        elif reply.reason != _DUPLICATE:
            raise StoppedError(f"no partner can be created: {reply.outcome}", remedy)
        elif not self.existing:
            remedy = (
                "If there was a run before, its partner may not be listed yet: run it again in a few minutes. If not, "
                "report this: the Sandbox counts a partner other than its own."
            )
            raise StoppedError(f"no partner can be created: {reply.outcome}, though ListPartners shows none", remedy)
        return reply

    @cached_property
    def other_body(self) -> Reply:
        """Of the first request's token with another body."""
        return self.create(_with_other_title(self.request))

    @cached_property
    def taken_name(self) -> tuple[Reply, Reply | None]:
        """Of a new token with a name that is taken, so that no partner is created; and of it with another body."""
        request = {**self.request, "ClientToken": _new_token()}
        reply = self.create(request)
        return reply, self.create(_with_other_title(request)) if reply.reason == _DUPLICATE else None

    @cached_property
    def second_partner(self) -> Reply:
        """Of creating a partner, with a name of its own, in addition to an existing one."""
        return self.creation if self.existing else self.create(self.new_request())

    @cached_property
    def contact(self) -> dict[str, str]:
        """The alliance lead contact as it is now, or should be."""
        reply = self.sandbox.call("GetAllianceLeadContact", Identifier=self.own_arn)
        return dict(reply.answer.get("AllianceLeadContact", self.request["AllianceLeadContact"]))

    @cached_property
    def tags(self) -> dict[str, Seen]:
        """The answers to the questions on tags in the Sandbox, by their readings, as far as IAM allows the calls.

        A denial may be the Sandbox's own way to refuse tags, or a policy's; the rest doesn't depend on it.
        """
        told: dict[str, Seen] = {}
        try:
            told.update(_tags_afterwards(self))
        except StoppedError as stop:
            if not stop.is_denial:
                raise
            for reading in ("sandbox_takes_tags_later", "tag_keys_ignore_case"):
                told.setdefault(reading, (str(stop), None))
        return told

    @cached_property
    def profile(self) -> dict[str, Seen]:
        """The answers to the questions on the own partner's profile, by their readings."""
        details = {
            "DisplayName": f"{NAME_PREFIX} {secrets.token_hex(6)}",
            "Description": "A profile by which the Sandbox is tested.",
            "WebsiteUrl": "https://example.com",
            "LogoUrl": self.logo_url,
            "PrimarySolutionType": "SOFTWARE_PRODUCTS",
            "IndustrySegments": ["SOFTWARE_INTERNET"],
            "TranslationSourceLocale": "en-US",
        }
        return dict(ProfileLife(self.sandbox, self.own_arn, details).answers())

    # --- Calls

    def new_request(self) -> dict[str, Any]:
        """A valid CreatePartner with a token and a name of its own."""
        contact = {"FirstName": "Alliance", "LastName": "Lead", "Email": self.email, "BusinessTitle": "Alliance Lead"}
        return {
            "ClientToken": _new_token(),
            "LegalName": f"{NAME_PREFIX} {secrets.token_hex(6)}",
            "PrimarySolutionType": "SOFTWARE_PRODUCTS",
            "AllianceLeadContact": contact,
            "EmailVerificationCode": _CODE,
        }

    def create(self, request: dict[str, Any]) -> Reply:
        """Call CreatePartner, and count the partners that it creates."""
        created = self._report.partners_created or 0
        if created >= _MOST_PARTNERS:
            told = f"{_MOST_PARTNERS} partners were created, unexpectedly"
            raise StoppedError(told, "Report this.")
        self._report.partners_created = None  # even if this is interrupted
        try:
            reply = self.sandbox.call("CreatePartner", **request)
        except StoppedError as stop:
            self._report.partners_created = None if stop.has_open_outcome else created
            raise
        self._report.partners_created = created + (reply.succeeded and not self.is_first_result(reply))
        return reply

    def is_first_result(self, reply: Reply) -> bool:
        """Whether it is about the partner of the first request."""
        return bool(self.created_arn) and reply.answer.get("Arn") == self.created_arn

    def put_contact(self, contact: dict[str, str], **code: str) -> Reply:
        """Replace the contact of the own partner."""
        call = self.sandbox.call
        return call("PutAllianceLeadContact", Identifier=self.own_arn, AllianceLeadContact=contact, **code)

    def listed(self) -> list[dict[str, Any]]:
        """All pages of ListPartners."""
        found: list[dict[str, Any]] = []
        page: dict[str, str] = {}
        for _ in range(_PAGES):
            answer = self.sandbox.call("ListPartners", **page).answer
            found += answer.get("PartnerSummaryList", [])
            if not answer.get("NextToken"):
                return found
            page = {"NextToken": answer["NextToken"]}
        raise StoppedError(f"the list has more than {_PAGES} pages", "Use an account with fewer Sandbox partners.")

    def lag(self, operation: str, is_there: Callable[[], bool]) -> str:
        """Poll at growing intervals until it is there, and return how long that took, in words."""
        began = self.sandbox.now()
        if is_there():
            return f"{operation} has it at once"
        for pause in _LAGS:
            self.sandbox.sleep(pause)
            if is_there():
                return f"{operation} has it after {self.sandbox.now() - began:.0f} s"
        return f"{operation} doesn't have it after {self.sandbox.now() - began:.0f} s"


def _new_token() -> str:
    return f"probe-{secrets.token_hex(16)}"


def _with_other_title(request: dict[str, Any]) -> dict[str, Any]:
    return {**request, "AllianceLeadContact": {**request["AllianceLeadContact"], "BusinessTitle": "Director"}}


# --- The questions


class Question(NamedTuple):
    """A question: its text, as in docs/limits.md; the switch in `Readings`, or AWS's page, that it is about."""

    text: str
    reading: str
    source: str
    about: str
    """`new partner` or `own partner`, if it can only be asked with one that this run, or any run, has created."""
    ask: Callable[[ContractRun], Seen]


QUESTIONS: list[Question] = []
_DOCS = "https://docs.aws.amazon.com/partner-central/latest/APIReference/"


def _question(text: str, reading: str = "", *, source: str = "", about: str = "") -> Callable[[Any], Any]:
    def add(ask: Callable[[ContractRun], Seen]) -> Callable[[ContractRun], Seen]:
        QUESTIONS.append(Question(text, reading, source and _DOCS + source, about, ask))
        return ask

    return add


@_question("How are fields named in ErrorDetails?")
def _(run: ContractRun) -> Seen:
    contact = {"FirstName": "J" * 81, "LastName": "Doe", "Email": "nobody", "BusinessTitle": "Lead"}
    wrong = {"LegalName": "x" * 81, "PrimarySolutionType": "NONE", "EmailVerificationCode": "12345x"}
    reply = run.create({**run.new_request(), **wrong, "AllianceLeadContact": contact})
    names = [name for name, _ in reply.fields if name]
    expected = {*wrong, "AllianceLeadContact.FirstName", "AllianceLeadContact.Email"}
    if not names:
        return f"none was named: {reply.outcome}", None
    if set(names) == expected:
        return f"by their paths in the model, all at once: {', '.join(names)}", True
    return f"{', '.join(names)} (expected {', '.join(sorted(expected))})", True


@_question("How soon is a new partner found?", about="new partner")
def _(run: ContractRun) -> Seen:
    arn = run.created_arn
    told = run.lag("GetPartner", lambda: run.sandbox.call("GetPartner", Identifier=arn).succeeded)
    return f"{told}; {run.lag('ListPartners', lambda: any(one.get('Arn') == arn for one in run.listed()))}", True


@_question(
    "Does a repeated request return the same result?", about="new partner", source="API_account_CreatePartner.html"
)
def _(run: ContractRun) -> Seen:
    reply = run.create(run.request)
    return reply.outcome, run.is_first_result(reply)


@_question("What does a known token return for another body?", "reused_token_conflicts")
def _(run: ContractRun) -> Seen:
    reply = run.other_body if run.created_arn else run.taken_name[1]
    if reply is None:
        return "no partner could be created, and no request failed", None
    if reply.reason == _CONFLICT:
        return _CONFLICT, True
    if run.is_first_result(reply):
        return "the first result", False
    return f"neither the first result nor a conflict: {reply.outcome}", None


@_question("Does a failed request keep its client token?", "failed_request_keeps_token")
def _(run: ContractRun) -> Seen:
    failed, reply = run.taken_name
    if reply is None:
        return f"no request failed: {failed.outcome}", None
    if reply.reason == _CONFLICT:
        return "yes: another body under it is CONFLICT_CLIENT_TOKEN", True
    if reply.reason != _DUPLICATE:
        return f"another body under it: {reply.outcome}", None
    if run.created_arn and run.other_body.reason == _CONFLICT:
        return "no: another body under it is evaluated anew", False
    return "no token is known to conflict with another body, so it makes no difference", None


@_question("Are tags refused in CreatePartner?", source="testing-sandbox-account.html")
def _(run: ContractRun) -> Seen:
    # With a name that is taken, so that no partner is created if tags are accepted.
    tags = [{"Key": _TAG_KEYS[0], "Value": "1"}]
    reply = run.create({**run.request, "ClientToken": _new_token(), "Tags": tags})
    if reply.reason == _DUPLICATE:
        return "the partner that exists is refused first", None
    return reply.outcome, reply.code == "ValidationException"


@_question("Can an account have several partners in a catalog?", "one_partner_per_catalog")
def _(run: ContractRun) -> Seen:
    reply = run.second_partner
    if reply.succeeded:
        return "yes: another one was created, with another legal name", False
    if reply.reason == _DUPLICATE:
        return "no: another legal name is DUPLICATE_PARTNER", True
    return reply.outcome, None


@_question("Is a legal name unique?", about="new partner", source="working-with-partner-registration.html")
def _(run: ContractRun) -> Seen:
    reply, _ = run.taken_name
    if reply.reason == _DUPLICATE and not run.second_partner.succeeded:
        return f"{_DUPLICATE}, which is also the error if an account can have only one partner", None
    return reply.outcome, reply.reason == _DUPLICATE


@_question("Is the contact stored as it was given?", about="new partner")
def _(run: ContractRun) -> Seen:
    return ("yes" if run.contact == run.request["AllianceLeadContact"] else "no"), True


@_question("Does any change to the contact require a code?", "any_contact_change_needs_code", about="own partner")
def _(run: ContractRun) -> Seen:
    title = "Director" if run.contact.get("BusinessTitle") == "Alliance Lead" else "Alliance Lead"
    reply = run.put_contact({**run.contact, "BusinessTitle": title})
    if reply.succeeded:
        run.contact["BusinessTitle"] = title
    return _code_requirement(reply)


@_question("Does a new contact address require a code?", "new_contact_email_needs_code", about="own partner")
def _(run: ContractRun) -> Seen:
    other = run.email.replace("@", "-2@")
    run.contact["Email"] = other if run.contact.get("Email") == run.email else run.email
    return _code_requirement(run.put_contact(run.contact))


def _code_requirement(reply: Reply) -> Seen:
    """What a change to the contact without a code shows."""
    if reply.succeeded:
        return "no: it succeeds without one", False
    if any("code" in name.lower() for name, _ in reply.fields):
        return f"yes: without one it is {reply.outcome}", True
    return reply.outcome, None


@_question("Are any six digits accepted as its code?", about="own partner", source="testing-sandbox-account.html")
def _(run: ContractRun) -> Seen:
    reply = run.put_contact(run.contact, EmailVerificationCode=_CODE)
    return reply.outcome, reply.succeeded


@_question("When does ProfileId appear?", "profile_id", about="own partner")
def _(run: ContractRun) -> Seen:
    partner = run.sandbox.call("GetPartner", Identifier=run.own_arn)
    visibility = run.sandbox.call("GetProfileVisibility", may_lack="ProfileId", Identifier=run.own_arn)
    places = {
        "CreatePartner": "ProfileId" in run.creation.answer.get("Profile", {}),
        "GetPartner": "ProfileId" in partner.answer.get("Profile", {}),
        "GetProfileVisibility": "ProfileId" in visibility.answer,
    }
    shown = " and ".join(name for name, has_it in places.items() if has_it)
    told = f"in the responses of {shown}" if shown else f"in no response; GetProfileVisibility: {visibility.outcome}"
    match tuple(places.values()), visibility.reason:
        case (True, True, True), _:
            return told, str(ProfileIdAppears.AT_ONCE)
        case (False, False, True), _:
            return told, str(ProfileIdAppears.IN_VISIBILITY)
        case (False, False, False), "PARTNER_PROFILE_NOT_FOUND":
            return told, str(ProfileIdAppears.WITH_PROFILE)
    return told, None


@_question("How long is a client token remembered?", about="new partner")
def _(run: ContractRun) -> Seen:
    run.sandbox.sleep(max(run.created_at + run.wait - run.sandbox.now(), 0))
    reply = run.create(run.request)
    age = f"{run.sandbox.now() - run.created_at:.0f} s"
    if run.is_first_result(reply):
        return f"longer than {age}: a repeated request returns the same result", True
    return f"less than {age}: a repeated request returns {reply.outcome}", True


@_question("What does a call return for a partner that doesn't exist?", source="API_account_GetPartner.html")
def _(run: ContractRun) -> Seen:
    reply = run.sandbox.call("GetPartner", Identifier="partner-0000000000000")
    return reply.outcome, (reply.code, reply.reason) == ("ResourceNotFoundException", "PARTNER_NOT_FOUND")


@_question("Does TagResource work in the Sandbox?", "sandbox_takes_tags_later", about="own partner")
def _(run: ContractRun) -> Seen:
    return run.tags["sandbox_takes_tags_later"]


@_question("Are `Team` and `team` one tag key?", "tag_keys_ignore_case", about="own partner")
def _(run: ContractRun) -> Seen:
    return run.tags["tag_keys_ignore_case"]


def _tags_afterwards(run: ContractRun) -> Iterator[tuple[str, Seen]]:
    """Tags the partner with two keys that differ in case, and removes them."""
    later, case = "sandbox_takes_tags_later", "tag_keys_ignore_case"

    def tag(key: str) -> Reply:
        return run.sandbox.call("TagResource", ResourceArn=run.own_arn, Tags=[{"Key": key, "Value": "1"}])

    def shown() -> set[str]:
        reply = run.sandbox.call("ListTagsForResource", ResourceArn=run.own_arn)
        return {str(one.get("Key")) for one in reply.answer.get("Tags", [])}

    reply = tag(_TAG_KEYS[0])
    if not reply.succeeded:
        yield later, (f"no: {reply.outcome}", False)
        yield case, ("there are no tags in the Sandbox", None)
        return
    yield later, (f"yes; {run.lag('ListTagsForResource', lambda: _TAG_KEYS[0] in shown())}", True)
    reply = tag(_TAG_KEYS[1])
    keys = shown() & set(_TAG_KEYS)
    if not reply.succeeded or _TAG_KEYS[1] not in keys:
        yield case, (reply.outcome if reply.code else "the second one isn't shown", None)
    elif len(keys) == 1:
        yield case, ("yes: the second replaced the first", True)
    else:
        yield case, ("no: both are kept", False)
    run.sandbox.call("UntagResource", ResourceArn=run.own_arn, TagKeys=list(_TAG_KEYS))


for _reading, _text in {
    "visibility_before_profile": "Can visibility be set before there is a profile?",
    "canceled_task_is_shown": "Is a canceled profile task still shown?",
    REVIEW: "How does a profile task end?",
    "approved_logo_is_copied": "Is a logo shown at a URL of AWS's own?",
    "profile_id_comes_with": "What gives a profile its id?",
    "unchanged_profile_starts_task": "Does a profile task start if nothing changes?",
}.items():
    _add = _question(_text, _reading.removeprefix(REVIEW), about="own partner")
    _add(lambda run, reading=_reading: run.profile[reading])


@_question("Which HTTP status do errors have?", source="API_account_CreatePartner.html")
def _(run: ContractRun) -> Seen:
    refusals = run.sandbox.refusals
    wrong = sorted({f"{one.code} {one.status}" for one in refusals if one.status != 400})  # noqa: PLR2004 - HTTP's
    return ", ".join(wrong) or f"all {len(refusals)} errors were HTTP 400", not wrong


@_question("Do the responses match the service model?", source="API_account_GetPartner.html")
def _(run: ContractRun) -> Seen:
    misfits = ", ".join(sorted(set(run.sandbox.misfits)))
    return misfits or "all do", not misfits


@_question("Does an error's message repeat the request?")
def _(run: ContractRun) -> Seen:
    echoes = sorted({one.code for one in run.sandbox.refusals if one.echoes})
    return (f"yes: {', '.join(echoes)}" if echoes else "no"), True


@_question("How many calls are allowed?")
def _(run: ContractRun) -> Seen:
    seconds = run.sandbox.now() - run.began
    return f"{run.sandbox.calls} calls within {seconds:.0f} s were not throttled; faster ones were not tried", True
