"""Answers as data → what came of a request.

Rules of this file: pure; an ``Answer`` in, an outcome out. What the provider *may* have done decides, not what it says
went wrong: an outcome that claims "not sent" of a message that was sent makes somebody send it twice.

Source: WhatsApp Cloud API, messages, media and message-template references, error codes, read 2026-11.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, assert_never

from attrs import field, frozen

from wa_connector.errors import ProviderError, UnknownProviderError
from wa_connector.model.address import Address, AddressKind
from wa_connector.model.directory import Account
from wa_connector.model.ids import ProviderId
from wa_connector.model.outbound import (
    Accepted,
    AccountStopped,
    Deferred,
    FetchFailed,
    OutcomeUnknown,
    Rejected,
    SendOutcome,
)
from wa_connector.model.template import Template, TemplateButton, TemplateCard, TemplateCategory, TemplateStatus
from wa_connector_cloud_api import errors
from wa_connector_cloud_api._json import decode
from wa_connector_cloud_api._wire import digits, reference, sha256, text
from wa_connector_cloud_api.errors import Care, Refusal

_LONGEST_WAIT: Final = timedelta(days=3)


@frozen
class Answer:
    """An HTTP response: names of headers in lower case, the body as bytes."""

    status: int
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def is_ok(self) -> bool:
        """Whether the provider, or something on the way, says yes."""
        return 200 <= self.status < 300


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = decode(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


# --------------------------------------------------------------------------------------- sending


def sent(answer: Answer, account: Account) -> SendOutcome:
    """What became of a message. Accepted is not delivered: that comes as a status."""
    if not answer.is_ok:
        return refused(answer)
    body = _object(answer.body)
    message = _first(body.get("messages"))
    if not (provider_id := reference(message.get("id"))):
        return OutcomeUnknown("the provider said yes in words that could not be read")
    return Accepted(ProviderId(provider_id), _paired(_first(body.get("contacts")), account))


def _first(found: object) -> dict[str, Any]:
    first = found[0] if isinstance(found, list) and found else None
    return first if isinstance(first, dict) else {}


def _paired(contact: Mapping[str, object], account: Account) -> tuple[Address, ...]:
    """The addresses of the recipient as the provider knows him; in Brazil and Mexico another number than was asked."""
    found = [(AddressKind.WHATSAPP_ID, digits(contact.get("wa_id")), "")]
    if account.portfolio:
        user, parent = reference(contact.get("user_id")), reference(contact.get("parent_user_id"))
        found.append((AddressKind.BSUID, user, account.portfolio))
        found.append((AddressKind.PARENT_BSUID, parent, account.portfolio))
    addresses = []
    for kind, value, portfolio in found:
        if value:
            addresses.append(Address(kind, value, portfolio))
    return tuple(addresses)


def refused(answer: Answer) -> SendOutcome:
    """What an answer that is no success says of a message.

    A known code decides alone. Without one the HTTP status has to: 4xx is a refusal, 5xx may have come after the
    message left.
    """
    refusal = _refusal(answer)
    if refusal is None:
        return _not_the_provider(answer)
    match _care(answer, refusal):
        case Care.SAFE:
            return Deferred(refusal.code, refusal.meaning, _wait(answer, refusal))
        case Care.UNSURE:
            return OutcomeUnknown(f"{refusal.code}: {refusal.meaning}")
        case Care.NEVER | Care.FIX | Care.DEFER:
            return Rejected(refusal.code, refusal.meaning, errors.correction(refusal.code))
        case Care.ACCOUNT:
            return AccountStopped(refusal.code, refusal.meaning)
        case _ as unreachable:
            assert_never(unreachable)


def _refusal(answer: Answer) -> Refusal | None:
    error = _object(answer.body).get("error")
    if not isinstance(error, dict):
        return None
    refusal = errors.read(error)
    return refusal if refusal.code else None


def _care(answer: Answer, refusal: Refusal) -> Care:
    if refusal.row is not None:
        return refusal.row.care
    if answer.status == 429:
        return Care.SAFE
    return Care.UNSURE if refusal.is_transient or answer.status >= 500 else Care.NEVER


def _not_the_provider(answer: Answer) -> SendOutcome:
    """An answer without an error object: not the provider's own, but of something between, or of a wrong address."""
    code, status = f"http {answer.status}", answer.status
    if status == 429:
        return Deferred(code, "too many requests", _wait(answer, None))
    if 300 <= status < 400:
        return AccountStopped(code, "the provider's address redirects elsewhere; check the account's base_url")
    if status in (401, 403, 407):
        return AccountStopped(code, "something on the way to the provider refuses the request")
    # 408 and 499 say that somebody gave up waiting, not that nothing happened.
    if 400 <= status < 500 and status not in (408, 499):
        return Rejected(code, "no such address at the provider, or a request that something on the way refuses")
    return OutcomeUnknown(f"{code} without a reason")


def _wait(answer: Answer, refusal: Refusal | None) -> timedelta | None:
    """How long to wait: what the answer says, else what the table says, and never more than days."""
    asked = answer.headers.get("retry-after", "")
    if asked.isascii() and asked.isdigit() and len(asked) < 9:
        return min(timedelta(seconds=int(asked)), _LONGEST_WAIT)
    if (minutes := _regained_in(answer.headers.get("x-business-use-case-usage", ""))) > 0:
        return min(timedelta(minutes=minutes), _LONGEST_WAIT)
    return refusal.row.retry_after if refusal and refusal.row else None


def _regained_in(usage: str) -> int:
    """Minutes until calls are allowed again: ``{"<account>": [{"estimated_time_to_regain_access": 7, …}]}``."""
    minutes = 0
    for uses in _object(usage.encode(errors="replace")).values():
        for use in uses if isinstance(uses, list) else ():
            estimate = use.get("estimated_time_to_regain_access") if isinstance(use, dict) else None
            if isinstance(estimate, int) and 0 < estimate < 10**6:
                minutes = max(minutes, estimate)
    return minutes


# ----------------------------------------------------------------------------------------- media


def uploaded(answer: Answer) -> str | SendOutcome:
    """The provider's id of an uploaded file, or what its refusal means for the message that was to carry it.

    The message itself was not handed over, so nothing is ever unknown here: uploading once more harms nobody.
    """
    if answer.is_ok:
        handle = reference(_object(answer.body).get("id"))
        return handle or Deferred("media", "the provider's answer to an upload could not be read")
    return _nothing_sent("media", "the upload failed", refused(answer))


def not_looked_up(answer: Answer) -> SendOutcome:
    """What a refusal to list templates means for a message whose buttons were to be looked up there."""
    return _nothing_sent("template", "the template's buttons could not be looked up", refused(answer))


def _nothing_sent(code: str, what: str, outcome: SendOutcome) -> SendOutcome:
    """What came of a step before the message itself: not knowing that step's outcome is no doubt about the message."""
    return Deferred(code, f"{what}: {outcome.problem}") if isinstance(outcome, OutcomeUnknown) else outcome


@frozen
class MediaAddress:
    """Where a file can be fetched for five minutes, and what the provider says of it. ``size`` is 0 when it says
    nothing."""

    url: str = field(repr=False)
    mime_type: str
    sha256: str
    size: int


def media_address(answer: Answer) -> MediaAddress | FetchFailed:
    """The answer to the question where a file is."""
    if not answer.is_ok:
        return not_fetched(answer)
    body = _object(answer.body)
    if not (url := text(body.get("url"))):
        return FetchFailed("the provider's answer names no address of the file", is_final=False)
    size = reference(body.get("file_size"))
    return MediaAddress(
        url=url,
        mime_type=text(body.get("mime_type")),
        sha256=sha256(body.get("sha256")),
        size=int(size) if size.isdigit() and len(size) < 16 else 0,
    )


def not_fetched(answer: Answer) -> FetchFailed:
    """What an answer that is no success says of a file. A file is given up only for what is about the file: a bad
    token or an overloaded provider will be mended, and the file waits seven days."""
    refusal = _refusal(answer)
    if refusal is None:
        return FetchFailed(f"http {answer.status}", is_final=answer.status in (404, 410))
    is_final = _care(answer, refusal) in (Care.NEVER, Care.FIX)
    return FetchFailed(f"{refusal.code}: {refusal.meaning}", is_final)


# ------------------------------------------------------------------------------------- templates


@frozen
class TemplatePage:
    """Templates of one page; ``after`` is the cursor of the next, '' on the last."""

    templates: tuple[Template, ...]
    after: str


def template_page(answer: Answer, account: Account) -> TemplatePage:
    """One page of templates. A row without a name or a language is nothing that could be sent, and is left out.

    Raises ``ProviderError`` for a refusal, ``UnknownProviderError`` where no table knows the code.
    """
    if not answer.is_ok:
        raise provider_error(answer)
    body = _object(answer.body)
    rows = body.get("data")
    if not isinstance(rows, list):
        raise UnknownProviderError("", "the list of templates could not be read", True, body=answer.body)
    found = (_template(row, account) for row in rows if isinstance(row, dict))
    paging = body.get("paging")
    return TemplatePage(tuple(t for t in found if t is not None), _cursor(paging) if isinstance(paging, dict) else "")


def _cursor(paging: Mapping[str, object]) -> str:
    # There is an ``after`` on the last page too; ``next`` tells. It is not followed: it is an
    # address of the provider's choosing, and the token goes to the configured one only.
    cursors = paging.get("cursors")
    if not paging.get("next") or not isinstance(cursors, dict):
        return ""
    return text(cursors.get("after"))


def _template(row: Mapping[str, object], account: Account) -> Template | None:
    name, language = text(row.get("name")), text(row.get("language")).replace("-", "_")
    if not name or not language:
        return None
    raw_status = text(row.get("status"))
    parts = _components(row.get("components"))
    header, cards = parts.get("HEADER", {}), parts.get("CAROUSEL", {}).get("cards")
    quality, offer = row.get("quality_score"), parts.get("LIMITED_TIME_OFFER", {}).get("limited_time_offer")
    offer = offer if isinstance(offer, dict) else {}
    return Template(
        account=account.id,
        name=name,
        language=language,
        category=_category(row.get("category")),
        status=_status(raw_status),
        body=text(parts.get("BODY", {}).get("text")),
        header_kind=text(header.get("format")).upper(),
        header_text=text(header.get("text")),
        footer=text(parts.get("FOOTER", {}).get("text")),
        buttons=_buttons(parts),
        cards=tuple(_card(card) for card in _objects(cards)),
        quality=text(quality.get("score")).upper() if isinstance(quality, dict) else "",
        raw_status=raw_status,
        provider_ref=reference(row.get("id")),
        offer_text=text(offer.get("text")),
        offer_expires=offer.get("has_expiration") is True,
    )


def _objects(found: object) -> list[dict[str, Any]]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _card(card: Mapping[str, object]) -> TemplateCard:
    parts = _components(card.get("components"))
    header_kind = text(parts.get("HEADER", {}).get("format")).upper()
    return TemplateCard(header_kind, text(parts.get("BODY", {}).get("text")), _buttons(parts))


def _buttons(parts: Mapping[str, Mapping[str, object]]) -> tuple[TemplateButton, ...]:
    return tuple(_button(button) for button in _objects(parts.get("BUTTONS", {}).get("buttons")))


def _button(button: Mapping[str, object]) -> TemplateButton:
    kind, url = text(button.get("type")).upper(), text(button.get("url"))
    # A button with a one-time code is listed with its address, mostly; the code goes there in any case.
    return TemplateButton(kind, text(button.get("text")), url or ("{{1}}" if kind == "OTP" else ""))


def _components(found: object) -> dict[str, dict[str, Any]]:
    """Components by type; the provider spells types in either case."""
    return {text(component.get("type")).upper(): component for component in _objects(found)}


def _category(value: object) -> TemplateCategory:
    try:
        return TemplateCategory(text(value).upper())
    except ValueError:
        return TemplateCategory.UNKNOWN


def _status(value: str) -> TemplateStatus:
    try:
        return TemplateStatus(value.upper())
    except ValueError:
        return TemplateStatus.UNKNOWN


def provider_error(answer: Answer) -> ProviderError:
    """A refusal as an exception, for the calls whose contract says so."""
    refusal = _refusal(answer)
    if refusal is None:
        retryable = answer.status == 429 or answer.status >= 500
        return UnknownProviderError(
            f"http {answer.status}", "the answer gives no reason", retryable, _wait(answer, None), answer.body
        )
    kind = ProviderError if refusal.row else UnknownProviderError
    retryable = _care(answer, refusal) in (Care.SAFE, Care.UNSURE, Care.DEFER)
    return kind(refusal.code, refusal.meaning, retryable, _wait(answer, refusal), answer.body)
