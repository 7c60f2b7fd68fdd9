"""``wa-connector doctor``: is this configuration able to send and to hear, and what is to be done where it is not?

Rules of this file: pure; questions are asked through what the caller gives, and each step is a ``Finding`` with a remedy that
a person can follow. A step that needs what an earlier one found broken is skipped, and says so. The command is in
``checkup``.

Source: WhatsApp Cloud API, get started, webhooks and phone number health, read 2026-11.
"""

import hmac
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from hashlib import sha256
from typing import Final, TypeAlias, TypeVar
from urllib.parse import urlencode

from attrs import evolve, field, frozen

from wa_connector.errors import ProviderError, WaConnectorError
from wa_connector.model.directory import Account, Line
from wa_connector.model.secret import Secret
from wa_connector.model.template import TemplateStatus
from wa_connector_cloud_api import administration, errors, responses
from wa_connector_cloud_api.options import Options, target
from wa_connector_cloud_api.requests import Call, templates
from wa_connector_cloud_api.responses import Answer

_T = TypeVar("_T")

NEEDED_SCOPES: Final = frozenset({"whatsapp_business_messaging", "whatsapp_business_management"})
NEEDED_FIELDS: Final = frozenset({"messages"})
USEFUL_FIELDS: Final = frozenset(
    {"calls", "user_preferences", "message_template_status_update", "template_category_update", "account_update"}
)
_SOON: Final = timedelta(days=14)
_CHALLENGE: Final = "1158201444"


class State(Enum):
    """How a step went; only ``BROKEN`` keeps the configuration from working."""

    GOOD = "good"
    DOUBTFUL = "doubtful"
    BROKEN = "broken"
    SKIPPED = "skipped"


@frozen
class Finding:
    """What a step found, in a sentence, and what to do about it."""

    step: str
    state: State
    what: str
    remedy: str = ""


@frozen
class Subject:
    """What is examined. Without ``app_ref`` and ``app_secret`` the token's scopes and the app's fields stay unknown;
    without ``webhook`` nothing is called there."""

    account: Account
    line: Line
    app_ref: str = ""
    app_secret: Secret | None = None
    webhook: str = ""
    verify_token: Secret | None = None
    request: tuple[str, str] | None = None
    """Name and language of the template that asks for consent; None where nobody said."""
    is_on: bool = True
    """Whether the organizations have the channel switched on."""
    options: Options = field(factory=Options, repr=False)


@frozen
class Visit:
    """A request to the host's own webhook address: no token of the provider's is in it."""

    method: str
    url: str
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


Ask: TypeAlias = Callable[[Account, Call, Callable[[Answer], _T]], _T]
"""Makes a call, as ``CloudApiTransport.ask`` does."""
Go: TypeAlias = Callable[[Visit], tuple[int, bytes]]
"""Performs a visit; raises ``OSError`` when there is no answer."""


class _Broken(Exception):
    """Ends the steps that build on this one."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self.finding = finding


def examine(subject: Subject, ask: Ask[object], go: Go, now: datetime) -> Iterator[Finding]:
    """Every step in its order, as it is done."""
    steps: tuple[tuple[str, Callable[[Subject, Ask[object], datetime], Finding]], ...] = (
        ("address and token", _configured),
        ("account", _account),
        ("token's scopes", _scopes),
        ("number of the account", _number),
        ("health of the number", _health),
        ("subscription of the app", _subscription),
        ("fields of the app", _fields),
        ("templates", _templates),
        ("request for consent", _request),
    )
    broken = ""
    for name, step in steps:
        if broken:
            yield Finding(name, State.SKIPPED, f"not asked, since “{broken}” is broken")
            continue
        finding = _guarded(name, lambda step=step: step(subject, ask, now))  # type: ignore[misc]  # a default binds it
        yield finding
        if finding.state is State.BROKEN and name in ("address and token", "account"):
            broken = name
    yield from _visits(subject, go)


def _guarded(name: str, step: Callable[[], Finding]) -> Finding:
    try:
        return evolve(step(), step=name)
    except ProviderError as refusal:
        return Finding(name, State.BROKEN, f"{refusal.code}: {refusal.meaning}", _remedy(refusal.code))
    except WaConnectorError as error:
        remedy = "Check the network, a proxy (Options.proxy) and the account's base_url."
        return Finding(name, State.BROKEN, str(error), remedy)


def _remedy(code: str) -> str:
    return errors.remedy(int(code)) if code.isdigit() else "Check the account's base_url: this is not the provider."


# ----------------------------------------------------------------------------------------- steps


def _configured(subject: Subject, _ask: Ask[object], _now: datetime) -> Finding:
    to = target(subject.account, subject.options)
    if not subject.is_on:
        return Finding(
            "", State.DOUBTFUL, "the channel is switched off for this line", "Switch it on for its organizations."
        )
    if to.base_url.startswith("http://"):
        return Finding(
            "", State.DOUBTFUL, "calls go to a plain address", "Right for an emulator, and for nothing else."
        )
    return Finding("", State.GOOD, "the address is one for a token, and the token is one that can be sent")


def _account(subject: Subject, ask: Ask[object], _now: datetime) -> Finding:
    ask(subject.account, administration.read_numbers(subject.account), administration.numbers)
    return Finding("", State.GOOD, "the provider knows the account, and accepts the token for it")


def _scopes(subject: Subject, ask: Ask[object], now: datetime) -> Finding:
    app = _as_app(subject)
    if app is None:
        return Finding("", State.SKIPPED, "not asked, for want of the app's id and secret")
    found = ask(app, administration.inspect_token(subject.account.token), administration.token)
    assert isinstance(found, administration.Token)
    if not found.is_valid:
        return Finding("", State.BROKEN, "the token is not valid", errors.remedy(190))
    if missing := NEEDED_SCOPES - found.scopes:
        return Finding("", State.BROKEN, f"the token lacks {', '.join(sorted(missing))}", errors.remedy(10))
    if found.app and found.app != subject.app_ref:
        return Finding(
            "", State.BROKEN, "the token belongs to another app", "Use a token of the app that is configured."
        )
    ends_at = datetime.fromtimestamp(found.expires_at, UTC) if found.expires_at else None
    if ends_at is not None and ends_at < now + _SOON:
        return Finding(
            "", State.DOUBTFUL, f"the token ends on {ends_at:%Y-%m-%d}", "Make a system-user token: it does not end."
        )
    return Finding("", State.GOOD, "the token may send and manage")


def _as_app(subject: Subject) -> Account | None:
    if not subject.app_ref or not subject.app_secret:
        return None
    return evolve(subject.account, token=Secret(f"{subject.app_ref}|{subject.app_secret.reveal()}"))


def _number(subject: Subject, ask: Ask[object], _now: datetime) -> Finding:
    known = ask(subject.account, administration.read_numbers(subject.account), administration.numbers)
    assert isinstance(known, Mapping)
    if subject.line.provider_ref not in known:
        return Finding(
            "",
            State.BROKEN,
            f"the account has {len(known)} numbers, and the one that is configured is not among them",
            "Configure the phone number id, not the number itself; the provider's manager shows it beside the number.",
        )
    return Finding("", State.GOOD, "the number is the account's")


def _health(subject: Subject, ask: Ask[object], _now: datetime) -> Finding:
    found = ask(subject.account, administration.read_health(subject.line), administration.health)
    assert isinstance(found, administration.NumberHealth)
    if not found.is_registered:
        return Finding("", State.BROKEN, "the number is not registered", errors.remedy(133010))
    if found.can_send == "BLOCKED":
        return Finding("", State.BROKEN, f"the number cannot send: {_said(found)}", _solution(found))
    if found.name_status in ("DECLINED", "EXPIRED"):
        return Finding("", State.DOUBTFUL, "the display name is not approved", "Ask for another display name.")
    if found.can_send == "LIMITED" or found.quality == "RED":
        return Finding("", State.DOUBTFUL, f"the number sends less than it could: {_said(found)}", _solution(found))
    limit = f", {found.messaging_limit}" if found.messaging_limit else ""
    return Finding("", State.GOOD, f"the number can send (quality {found.quality or 'unknown'}{limit})")


def _said(found: administration.NumberHealth) -> str:
    said = [ailment.description or ailment.entity for ailment in found.ailments]
    return "; ".join(said) or f"quality {found.quality}"


def _solution(found: administration.NumberHealth) -> str:
    solutions = [ailment.solution for ailment in found.ailments if ailment.solution]
    return " ".join(solutions) or "Read the number's state in the provider's manager."


def _subscription(subject: Subject, ask: Ask[object], _now: datetime) -> Finding:
    found = ask(subject.account, administration.read_subscriptions(subject.account), administration.subscriptions)
    assert isinstance(found, Mapping)
    if not found or (subject.app_ref and subject.app_ref not in found):
        return Finding(
            "",
            State.BROKEN,
            "the app does not hear of the account: no webhooks will come",
            "Subscribe it: POST /{account}/subscribed_apps (administration.subscribe). The fields of the app are a second"
            " subscription beside this one.",
        )
    return Finding("", State.GOOD, "the app hears of the account")


def _fields(subject: Subject, ask: Ask[object], _now: datetime) -> Finding:
    app = _as_app(subject)
    if app is None:
        return Finding("", State.SKIPPED, "not asked, for want of the app's id and secret")
    found = ask(app, administration.read_app_fields(subject.app_ref), administration.app_fields)
    assert isinstance(found, tuple)
    url, fields = found
    if not url:
        remedy = "Set the callback address and the fields in the app's dashboard, or POST /{app}/subscriptions."
        return Finding("", State.BROKEN, "the app has no callback address", remedy)
    if "*" not in fields and (missing := NEEDED_FIELDS - fields):
        return Finding(
            "", State.BROKEN, f"the app does not hear {', '.join(missing)}", "Add the field in the app's dashboard."
        )
    if subject.webhook and url != subject.webhook:
        return Finding(
            "",
            State.DOUBTFUL,
            "the app's callback address is another than the one that was given",
            "Right where an account or a number has an override; else correct one of them.",
        )
    if "*" not in fields and (missing := USEFUL_FIELDS - fields):
        remedy = f"Add {', '.join(sorted(missing))}: stops of marketing, calls and changes of templates come there."
        return Finding("", State.DOUBTFUL, "the app hears messages, and not all that the connector uses", remedy)
    return Finding("", State.GOOD, "the app hears all fields that the connector uses")


def _templates(subject: Subject, ask: Ask[object], _now: datetime) -> Finding:
    found = ask(subject.account, templates(subject.account, ""), _read_templates(subject))
    assert isinstance(found, tuple)
    approved = [template for template in found if template.status is TemplateStatus.APPROVED]
    if not approved:
        return Finding(
            "",
            State.DOUBTFUL,
            f"of {len(found)} templates none is approved: nobody can be written to first",
            "Hand in a template that asks for consent (drafts.create), and wait for its review.",
        )
    return Finding("", State.GOOD, f"{len(approved)} templates are approved")


def _request(subject: Subject, ask: Ask[object], _now: datetime) -> Finding:
    """Whether whoever has not agreed yet can be asked to."""
    if subject.request is None:
        return Finding("", State.SKIPPED, "not asked, for want of the settings that name the template")
    name, language = subject.request
    known = ask(subject.account, templates(subject.account, "", name), _read_templates(subject))
    assert isinstance(known, tuple)
    found = [each for each in known if (each.name, each.language) == subject.request]
    if not found:
        remedy = (
            "Hand the template in (drafts.create), or name another: the settings opt_in_template and opt_in_language."
        )
        return Finding("", State.BROKEN, f"there is no template {name} in {language}: nobody can be asked", remedy)
    if found[0].status is not TemplateStatus.APPROVED:
        said = (found[0].raw_status or found[0].status.value).lower()
        remedy = "Wait for its review, or mend it; the provider's manager says what is wrong."
        return Finding("", State.BROKEN, f"the template {name} in {language} is {said}: nobody can be asked", remedy)
    return Finding("", State.GOOD, f"the template {name} in {language} asks")


def _read_templates(subject: Subject) -> Callable[[Answer], object]:
    def read(answer: Answer) -> object:
        if not answer.is_ok:
            raise responses.provider_error(answer)
        return responses.template_page(answer, subject.account).templates

    return read


# ------------------------------------------------------------------------------- the host's own side


def _visits(subject: Subject, go: Go) -> Iterator[Finding]:
    if not subject.webhook:
        yield Finding("webhook: handshake", State.SKIPPED, "not called, for no address was given")
        return
    yield _visited("webhook: handshake", lambda: _handshake(subject, go))
    if not subject.app_secret:
        yield Finding("webhook: signature", State.SKIPPED, "not called, for want of the app's secret")
        return
    yield _visited("webhook: signature", lambda: _signature(subject, go))


def _visited(name: str, step: Callable[[], Finding]) -> Finding:
    try:
        return evolve(step(), step=name)
    except OSError as error:
        remedy = "Start the host, and check that the address can be reached from outside, by HTTPS."
        return Finding(name, State.BROKEN, f"no answer ({type(error).__name__})", remedy)


def _handshake(subject: Subject, go: Go) -> Finding:
    token = subject.verify_token.reveal() if subject.verify_token else ""
    query = {"hub.mode": "subscribe", "hub.challenge": _CHALLENGE, "hub.verify_token": token}
    mark = "&" if "?" in subject.webhook else "?"
    status, body = go(Visit("GET", f"{subject.webhook}{mark}{urlencode(query)}"))
    if status != 200:
        remedy = "Compare the verify token, and see that the host gives webhooks to the connector unchanged."
        return Finding("", State.BROKEN, f"the handshake was answered with {status}", remedy)
    if body.decode(errors="replace").strip() != _CHALLENGE:
        remedy = "Answer with the connector's body as it is: no quotes, no page around it."
        return Finding("", State.BROKEN, "the handshake did not echo the challenge", remedy)
    return Finding("", State.GOOD, "the handshake is answered")


def _signature(subject: Subject, go: Go) -> Finding:
    assert subject.app_secret is not None
    body = b'{"object":"whatsapp_business_account","entry":[]}'
    signed = hmac.new(subject.app_secret.reveal().encode(), body, sha256).hexdigest()
    right = {"content-type": "application/json", "x-hub-signature-256": f"sha256={signed}"}
    wrong = {**right, "x-hub-signature-256": "sha256=" + "0" * 64}
    status, _ = go(Visit("POST", subject.webhook, right, body))
    if status != 200:
        remedy = "Compare the app's secret, and see that the raw body arrives: nothing may parse and write it anew."
        return Finding("", State.BROKEN, f"a webhook that was signed rightly was answered with {status}", remedy)
    status, _ = go(Visit("POST", subject.webhook, wrong, body))
    if 200 <= status < 300:
        remedy = "Give webhooks to the connector before anything else answers them."
        return Finding("", State.BROKEN, "a webhook with a false signature was taken", remedy)
    return Finding("", State.GOOD, "webhooks are taken when they are signed, and only then")
