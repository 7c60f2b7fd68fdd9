"""A number's and an account's own affairs, as requests and what their answers mean: profile, health, limits, blocks,
subscriptions, uploads.

Rules of this file: pure; as ``requests`` and ``responses`` are. An answer that is no success raises what
``responses.provider_error`` makes of it.

Source: WhatsApp Business Management API and Cloud API, phone numbers, profiles, block users, v26.0, read 2026-11.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from attrs import field, frozen

from wa_connector.errors import UnknownProviderError
from wa_connector.model.address import Address, AddressKind
from wa_connector.model.directory import Account, Line
from wa_connector.model.secret import Secret
from wa_connector_cloud_api import errors
from wa_connector_cloud_api._json import decode
from wa_connector_cloud_api._wire import reference, text
from wa_connector_cloud_api.requests import Call
from wa_connector_cloud_api.responses import Answer, provider_error

_HEALTH_FIELDS: Final = (
    "id,display_phone_number,verified_name,name_status,status,code_verification_status,quality_rating,throughput,"
    "platform_type,is_on_biz_app,whatsapp_business_manager_messaging_limit,health_status,webhook_configuration"
)
_PROFILE_FIELDS: Final = "about,address,description,email,profile_picture_url,websites,vertical"
MOST_BLOCKED_AT_ONCE: Final = 1000


def _read(answer: Answer) -> dict[str, Any]:
    if not answer.is_ok:
        raise provider_error(answer)
    try:
        found = decode(answer.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UnknownProviderError("", "the answer could not be read", retryable=True, body=answer.body)
    return found


def _rows(found: object) -> list[dict[str, Any]]:
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _segment(value: str) -> str:
    return quote(value, safe="").replace(".", "%2E") or "-"


def done(answer: Answer) -> None:
    """The answer of a call that has nothing to tell. Raises ``ProviderError`` when it was refused."""
    _read(answer)


# --------------------------------------------------------------------------------------- profile


@frozen
class Profile:
    """What customers read about the business. ``picture`` is an address when read, and the handle of an upload when
    written; parts that are empty are not written."""

    about: str = ""
    address: str = ""
    description: str = ""
    email: str = ""
    websites: tuple[str, ...] = ()
    vertical: str = ""
    picture: str = ""


_PROFILE_LIMITS: Final = {"about": 139, "address": 256, "description": 512, "email": 128}


def profile_mistakes(profile: Profile) -> tuple[str, ...]:
    """What the provider would refuse, each as a sentence with its place."""
    wrong = [
        f"{key}: at most {most} characters"
        for key, most in _PROFILE_LIMITS.items()
        if len(getattr(profile, key)) > most
    ]
    if len(profile.websites) > 2 or any(len(site) > 256 for site in profile.websites):
        wrong.append("websites: at most two, of at most 256 characters")
    return tuple(wrong)


def read_profile(line: Line) -> Call:
    """The question for the profile."""
    return Call("GET", f"/{_segment(line.provider_ref)}/whatsapp_business_profile", query={"fields": _PROFILE_FIELDS})


def profile(answer: Answer) -> Profile:
    """The profile of an answer."""
    rows = _rows(_read(answer).get("data"))
    row = rows[0] if rows else {}
    sites = row.get("websites")
    return Profile(
        about=text(row.get("about")),
        address=text(row.get("address")),
        description=text(row.get("description")),
        email=text(row.get("email")),
        websites=tuple(text(site) for site in sites) if isinstance(sites, list) else (),
        vertical=text(row.get("vertical")),
        picture=text(row.get("profile_picture_url")),
    )


def write_profile(line: Line, wanted: Profile) -> Call:
    """The request that writes what is not empty; ``profile_mistakes`` says beforehand what would be refused."""
    facts: dict[str, object] = {
        "about": wanted.about,
        "address": wanted.address,
        "description": wanted.description,
        "email": wanted.email,
        "websites": list(wanted.websites),
        "vertical": wanted.vertical,
        "profile_picture_handle": wanted.picture,
    }
    body = {"messaging_product": "whatsapp"} | {key: value for key, value in facts.items() if value}
    return Call("POST", f"/{_segment(line.provider_ref)}/whatsapp_business_profile", json=body)


# -------------------------------------------------------------------------------- health, limits


@frozen
class Ailment:
    """Why something cannot send: of what kind it is (PHONE_NUMBER, WABA, BUSINESS, APP …), and what the provider says."""

    entity: str
    state: str
    code: str = ""
    description: str = ""
    solution: str = ""


@frozen
class NumberHealth:
    """How a business number is. ``can_send`` is the provider's word: AVAILABLE, LIMITED or BLOCKED; '' when it says
    nothing. ``messaging_limit`` is its tier (TIER_250 …)."""

    provider_ref: str
    display_number: str
    verified_name: str
    status: str
    quality: str
    name_status: str
    platform: str
    throughput: str
    messaging_limit: str
    can_send: str
    is_on_app: bool = False
    ailments: tuple[Ailment, ...] = ()
    webhook: str = field(default="", repr=False)
    """Where webhooks of this number go, by the most special of the addresses that are set."""

    @property
    def is_registered(self) -> bool:
        """Whether the number is on the Cloud API."""
        return self.platform in ("CLOUD_API", "") and self.status not in ("DISCONNECTED", "DELETED", "MIGRATED")


def read_health(line: Line) -> Call:
    """The question how a number is."""
    return Call("GET", f"/{_segment(line.provider_ref)}", query={"fields": _HEALTH_FIELDS})


def health(answer: Answer) -> NumberHealth:
    """How a number is, of an answer; whatever it leaves out is empty."""
    row = _read(answer)
    state = row.get("health_status")
    state = state if isinstance(state, dict) else {}
    throughput, hooks = row.get("throughput"), row.get("webhook_configuration")
    hooks = hooks if isinstance(hooks, dict) else {}
    return NumberHealth(
        provider_ref=reference(row.get("id")),
        display_number=text(row.get("display_phone_number")),
        verified_name=text(row.get("verified_name")),
        status=text(row.get("status")).upper(),
        quality=text(row.get("quality_rating")).upper(),
        name_status=text(row.get("name_status")).upper(),
        platform=text(row.get("platform_type")).upper(),
        throughput=text(throughput.get("level")).upper() if isinstance(throughput, dict) else "",
        messaging_limit=text(row.get("whatsapp_business_manager_messaging_limit")).upper(),
        can_send=text(state.get("can_send_message")).upper(),
        is_on_app=row.get("is_on_biz_app") is True,
        ailments=tuple(_ailments(state)),
        webhook=text(hooks.get("phone_number") or hooks.get("whatsapp_business_account") or hooks.get("application")),
    )


def _ailments(state: Mapping[str, object]) -> list[Ailment]:
    found = []
    for entity in _rows(state.get("entities")):
        kind, can = text(entity.get("entity_type")), text(entity.get("can_send_message")).upper()
        for error in _rows(entity.get("errors")):
            solution = text(error.get("possible_solution"))
            code = reference(error.get("error_code"))
            found.append(Ailment(kind, can, code, text(error.get("error_description")), solution))
        if can not in ("", "AVAILABLE") and not _rows(entity.get("errors")):
            found.append(Ailment(kind, can))
    return found


def read_numbers(account: Account) -> Call:
    """The question which numbers an account has."""
    query = {"fields": "id,display_phone_number,status", "limit": "100"}
    return Call("GET", f"/{_segment(account.provider_ref)}/phone_numbers", query=query)


def numbers(answer: Answer) -> Mapping[str, str]:
    """The numbers of an answer: the provider's ids, and the numbers as people write them."""
    rows = _rows(_read(answer).get("data"))
    return {reference(row.get("id")): text(row.get("display_phone_number")) for row in rows}


# ---------------------------------------------------------------------------------------- blocks


@frozen
class Blocked:
    """What came of blocking: who is (or is no longer) blocked, and whose blocking failed, with code and meaning."""

    done: tuple[str, ...]
    failed: Mapping[str, tuple[str, str]] = field(factory=dict)


def block(line: Line, people: Sequence[Address], *, to: bool = True) -> Call:
    """The request that blocks people, or ends that; at most a thousand, and only such as wrote within 24 hours."""
    users = [{"user": "+" + p.value.removeprefix("+")} if _is_number(p) else {"user_id": p.value} for p in people]
    body = {"messaging_product": "whatsapp", "block_users": users[:MOST_BLOCKED_AT_ONCE]}
    return Call("POST" if to else "DELETE", f"/{_segment(line.provider_ref)}/block_users", json=body)


def _is_number(address: Address) -> bool:
    return address.kind in (AddressKind.NUMBER, AddressKind.WHATSAPP_ID)


def blocked(answer: Answer) -> Blocked:
    """What came of it. The provider answers 200 with an error beside the result when some could not be blocked."""
    result = _read(answer).get("block_users")
    result = result if isinstance(result, dict) else {}
    done = (*_rows(result.get("added_users")), *_rows(result.get("removed_users")))
    failed = {}
    for row in _rows(result.get("failed_users")):
        refusal = errors.read((_rows(row.get("errors")) or [{}])[0])
        failed[text(row.get("input"))] = (refusal.code, refusal.meaning)
    return Blocked(tuple(text(row.get("input")) for row in done), failed)


# --------------------------------------------------------------------------------- subscriptions


def subscribe(account: Account, override: str = "", verify_token: Secret | None = None) -> Call:
    """The request that lets the app hear of an account; with an ``override`` its messages go there. Without one an
    earlier override is taken away. The address is asked to prove itself meanwhile."""
    body = {}
    if override:
        token = verify_token.reveal() if verify_token else ""
        body = {"override_callback_uri": override, "verify_token": token}
    return Call("POST", f"/{_segment(account.provider_ref)}/subscribed_apps", json=body)


def override_number(line: Line, url: str = "", verify_token: Secret | None = None) -> Call:
    """The request that sends the webhooks about a number's messages to an address of their own; without one, no more."""
    hook = {"override_callback_uri": url} | ({"verify_token": verify_token.reveal()} if verify_token else {})
    return Call("POST", f"/{_segment(line.provider_ref)}", json={"webhook_configuration": hook})


def subscribe_app(app_ref: str, url: str, verify_token: Secret, fields: Sequence[str]) -> Call:
    """The request that sets the address of an app's webhooks and their fields; with the app's own token
    (``id|secret``). It is the second subscription beside that of each account."""
    body = {
        "object": "whatsapp_business_account",
        "callback_url": url,
        "verify_token": verify_token.reveal(),
        "fields": ",".join(fields),
    }
    return Call("POST", f"/{_segment(app_ref)}/subscriptions", json=body)


def unsubscribe(account: Account) -> Call:
    """The request after which the app hears of the account no more."""
    return Call("DELETE", f"/{_segment(account.provider_ref)}/subscribed_apps")


def read_subscriptions(account: Account) -> Call:
    """The question which apps hear of an account."""
    return Call("GET", f"/{_segment(account.provider_ref)}/subscribed_apps")


def subscriptions(answer: Answer) -> Mapping[str, str]:
    """The apps of an answer, by id, with the override of each; '' where there is none."""
    found = {}
    for row in _rows(_read(answer).get("data")):
        app = row.get("whatsapp_business_api_data")
        if isinstance(app, dict):
            found[reference(app.get("id"))] = text(row.get("override_callback_uri"))
    return found


def read_app_fields(app_ref: str) -> Call:
    """The question where an app's webhooks go and which fields they have; with the app's own token
    (``id|secret``)."""
    return Call("GET", f"/{_segment(app_ref)}/subscriptions")


def app_fields(answer: Answer) -> tuple[str, frozenset[str]]:
    """The address of an app's webhooks and their fields; '' when there is none."""
    for row in _rows(_read(answer).get("data")):
        if row.get("object") == "whatsapp_business_account":
            fields = row.get("fields")
            names = [text(each.get("name")) if isinstance(each, dict) else text(each) for each in fields or ()]
            return text(row.get("callback_url")), frozenset(names)
    return "", frozenset()


# ------------------------------------------------------------------------------------------ token


@frozen
class Token:
    """What a token is good for. ``expires_at`` is in Unix seconds; 0: never."""

    is_valid: bool
    app: str = ""
    expires_at: int = 0
    scopes: frozenset[str] = frozenset()


def inspect_token(token: Secret) -> Call:
    """The question what a token is good for; asked with the app's own token."""
    return Call("GET", "/debug_token", query={"input_token": token.reveal()})


def token(answer: Answer) -> Token:
    """What an answer says of a token."""
    data = _read(answer).get("data")
    data = data if isinstance(data, dict) else {}
    expires_at, scopes = data.get("expires_at"), data.get("scopes")
    return Token(
        data.get("is_valid") is True,
        reference(data.get("app_id")),
        expires_at if isinstance(expires_at, int) else 0,
        frozenset(text(scope) for scope in scopes) if isinstance(scopes, list) else frozenset(),
    )


# ---------------------------------------------------------------------------------------- samples


def begin_upload(app_ref: str, name: str, mime_type: str, size: int) -> Call:
    """The first step of a resumable upload, of a header's sample or a profile's picture."""
    query = {"file_name": name, "file_length": str(size), "file_type": mime_type}
    return Call("POST", f"/{_segment(app_ref)}/uploads", query=query)


def upload_session(answer: Answer) -> str:
    """The id of the upload that has begun."""
    return _need(answer, "id")


def finish_upload(session: str, content: bytes) -> Call:
    """The second step: the bytes."""
    return Call("POST", f"/{quote(session, safe=':')}", raw=content)


def upload_handle(answer: Answer) -> str:
    """The handle that stands for the file: in ``TemplateDraft.sample`` or ``Profile.picture``."""
    return _need(answer, "h")


def created(answer: Answer) -> tuple[str, str, str]:
    """The id, status and category of a template that was handed in; the category may be another than was asked for."""
    row = _read(answer)
    return _need(answer, "id"), text(row.get("status")).upper(), text(row.get("category")).upper()


def _need(answer: Answer, key: str) -> str:
    found = text(_read(answer).get(key))
    if not found:
        raise UnknownProviderError("", f"the answer has no {key!r}", retryable=True, body=answer.body)
    return found
