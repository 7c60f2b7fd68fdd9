"""Write into the pages what the code says: tables, signatures and pictures.

    python docs/generate.py           write what has changed
    python docs/generate.py --check   write nothing, name what has changed, and exit with 1

A part of a page between ``<!-- generated: NAME -->`` and ``<!-- end -->`` is replaced by what the function of that name
in ``PARTS`` returns; the pictures of ``PICTURES`` are whole files. The result is kept in the repository, so that a page
can be read without building it and a change of a rule shows as a change of its page; a test runs ``--check``.

Meanings come from the docstrings beside the values where there are some, else from the tables here.
"""

import ast
import importlib
import inspect
import itertools
import re
import runpy
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, get_args

import attrs
import pictures
from wa_connector_cloud_api import errors as provider

import wa_connector
from wa_connector import errors
from wa_connector.model import address, capability, consent, decision, event, inbound, message, setting, standing
from wa_connector.model import routing as routing_model
from wa_connector.model.content import Button, Buttons, Image, Location, MediaRef, TemplateMessage, Text, Unsupported
from wa_connector.model.directory import ChannelSwitch, Organization, Seat, User
from wa_connector.model.opinion import Veto
from wa_connector.model.template import Template, TemplateCategory, TemplateStatus
from wa_connector.model.window import Window
from wa_connector.policy import action, rules
from wa_connector.policy import consent as consent_policy
from wa_connector.policy import membership as membership_policy
from wa_connector.policy import routing as routing_policy
from wa_connector.policy import status as status_policy
from wa_connector.policy.enablement import enablement
from wa_connector.ports import hooks

HERE: Final = Path(__file__).resolve().parent

MISSING: Final[list[str]] = []
"""What has neither a docstring nor a meaning here."""

# --- reading docstrings -----------------------------------------------------------------------------------------------


def docs_of(owner: type[Any]) -> Mapping[str, str]:
    """The strings that stand below the attributes of a class, by the attribute's name."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(owner)))
    (definition,) = tree.body
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for one, other in itertools.pairwise(definition.body):
        match one, other:
            case (
                (ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name))),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = prose(text)
            case _:
                pass
    return found


def prose(text: str) -> str:
    """A docstring as a line of Markdown."""
    return re.sub(r":\w+:`~?([^`]*)`", r"`\1`", " ".join(text.split())).replace("``", "`")


def sentence(value: object) -> str:
    """The first paragraph of a docstring."""
    return prose((inspect.getdoc(value) or "").partition("\n\n")[0])


def plain(value: Enum) -> str:
    """An enum's value as a word."""
    return str(value.value).replace("_", " ")


def _meaning(known: Mapping[Any, str], name: object) -> str:
    """The meaning that stands in a table of this file; what has none is told at the end."""
    if name not in known:
        MISSING.append(str(name))
    return known.get(name, "")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; a bar inside a cell would end it."""
    head = list(head)
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") or "–" for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(*words: str) -> str:
    """Words as code, with commas."""
    return ", ".join(f"`{word}`" for word in words)


# --- settings ---------------------------------------------------------------------------------------------------------

SETTINGS: Final = {
    "reactions_open_window": "Whether a customer's reaction to a message counts as a sign of life.",
    "unsupported_open_window": "Whether a message of a kind that the provider does not convey counts as one.",
    "window_rule": "Which messages open and extend the window: `customer_message`, the provider's own rule, or"
    " `any_message`, a message of either side.",
    "ask_again_after": "How long after an unanswered opt-in request the next one may be made.",
    "opt_in_template": "The name of the template that asks for consent. Its first two quick replies are taken for yes"
    " and no.",
    "opt_in_language": "The language in which it is sent, as the provider spells it.",
    "opt_in_purposes": "What the request asks for: `conversation`, `marketing`, or both. Its text has to say so.",
    "acceptance_text": "What a customer reads after agreeing.",
    "decline_text": "What a customer reads after declining.",
    "stop_text": "The one message that follows a STOP.",
    "help_text": "The answer to HELP.",
    "push_shows": "What a push notice may show, which passes through the makers of telephones: `nothing`, the `sender`,"
    " or the `text` too.",
    "ended_threads": "What a customer's message begins when no conversation with him is open, or when it quotes one that"
    " has ended: a `new` one, or one that goes on from it, `for_last_owner` or `unassigned`.",
    "unscreened": "What becomes of a message when a screener fails or does not answer in time: `hold_back` or"
    " `let_through`.",
    "signature": "What stands before a signed text; `{name}` is the user's name.",
    "revocation_scope": "What a STOP on one channel revokes: that `channel`, or `all`.",
    "unknown_outcome": "What becomes of a message whose outcome stayed unknown past the grace period: `park` it for a"
    " person, or `resend` it and risk that it arrives twice.",
}


def settings() -> str:
    """Every setting with its default."""
    known = docs_of(setting.Settings)
    rows = []
    for field in attrs.fields(setting.Settings):
        meaning = SETTINGS.get(field.name) or known.get(field.name) or _meaning(SETTINGS, field.name)
        rows.append([f"`{field.name}`", _kind(field.default), _default(field.default), meaning])
    return table(["name", "kind", "default", "meaning"], rows)


def _kind(default: object) -> str:
    match default:
        case bool():
            return "yes or no"
        case timedelta():
            return "span"
        case Enum():
            return "choice"
        case tuple():
            return "choices"
        case _:
            return "text"


def _default(default: object) -> str:
    match default:
        case bool():
            return "yes" if default else "no"
        case timedelta():
            return _span(default)
        case Enum():
            return f"`{default.value}`"
        case tuple():
            return code(*(str(each.value) for each in default))
        case _:
            return f"“{default}”" if " " in str(default) else f"`{default}`"


def _span(span: timedelta) -> str:
    for unit, name in ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "m")):
        if span and not span % unit and (name != "d" or span // unit > 1):
            return f"{span // unit} {name}"
    return f"{span.total_seconds():g} s"


# --- verdicts ---------------------------------------------------------------------------------------------------------

REMEDIES: Final = {
    "ask_for_consent": "Offer the opt-in request (`ask_consent`).",
    "choose_template": "Offer the template picker.",
    "hold": "Offer to send it when the customer writes again (`send(…, hold=True)`).",
    "wait": "Nothing can be done before the remedy's `at`; show the time.",
    "use_sms": "Offer another channel, if the contact screen lists one.",
    "add_contact": "Offer to put the person into the contacts.",
    "correct_content": "Let the user change the message; the parameters say what is wrong.",
    "ask_administrator": "Somebody has to change the organization's settings or the user's rights.",
    "retry": "The same call may succeed later.",
}
ELSEWHERE: Final = {
    "not_a_participant": "do anything in a conversation",
    "conversation_ended": "do anything in a conversation",
    "conversation_open": "restart a conversation",
    "owner_changed": "transfer a conversation, or leave it as its owner",
    "owner_needed": "leave, remove or change the role of an owner",
    "role_not_enough": "do anything in a conversation",
    "content_blocked": "send, or edit what is held",
    "cancelled": "send (a message in the outbox)",
    "expired": "send (a held message)",
    "not_a_supervisor": "change a setting",
    "user_disabled": "do anything",
    "channel_disabled": "do anything",
}
OTHER_REMEDIES: Final = {
    "not_a_supervisor": ("ask_administrator",),
    "content_blocked": ("correct_content", "wait"),
}
ACTIONS: Final[Mapping[type[Any], str]] = {
    action.Write: "write",
    action.UseTemplate: "use a template",
    action.AskConsent: "ask",
    action.AskAgain: "ask again",
    action.RecordConsent: "record",
    action.DeliverRequest: "deliver",
    action.Notify: "notify",
}


def reasons() -> str:
    """Every reason with its sentence, who may meet it, and the remedies that were seen with it."""
    seen = dict(_observed())
    rows = []
    for reason in decision.Reason:
        actions, remedies = seen.get(reason, ((), ()))
        where = ELSEWHERE.get(reason.value) or ", ".join(actions)
        helps = remedies or OTHER_REMEDIES.get(reason.value, ())
        rows.append([f"`{reason.value}`", decision.SENTENCES[reason], where, code(*helps) if helps else ""])
    return table(["reason", "in English", "refuses to", "remedies"], rows)


def remedies() -> str:
    """Every remedy."""
    rows = [[f"`{each.value}`", _meaning(REMEDIES, each.value)] for each in decision.RemedyKind]
    return table(["remedy", "what a screen does with it"], rows)


def rule_order() -> str:
    """Every action with its rules in their order."""
    rows = [
        [_meaning(ACTIONS, kind), ", ".join(f"`{name}`" for name in names)] for kind, (names, _) in rules.RULES.items()
    ]
    return table(["to", "these rules are asked, in this order"], rows)


def rule_meanings() -> str:
    """Every rule."""
    known = dict.fromkeys(rule for _, each in rules.RULES.values() for rule in each)
    return table(["rule", "what it holds to"], [[f"`{rule.__name__}`", sentence(rule)] for rule in known])


NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _observed() -> Iterator[tuple[decision.Reason, tuple[tuple[str, ...], tuple[str, ...]]]]:
    """Ask the rules everything: which actions met a reason, and which remedies came with it."""
    found: dict[decision.Reason, tuple[dict[str, None], dict[str, None]]] = {}
    for what, where in itertools.product(_actions(), _standings()):
        verdict = rules.decide(what, where, NOW)
        if not verdict.is_allowed:
            actions, helps = found.setdefault(verdict.reason, ({}, {}))
            actions[_meaning(ACTIONS, type(what))] = None
            helps.update(dict.fromkeys(remedy.kind.value for remedy in verdict.remedies))
    for reason, (actions, helps) in found.items():
        yield (
            reason,
            (
                tuple(name for name in ACTIONS.values() if name in actions),
                tuple(each.value for each in decision.RemedyKind if each.value in helps),
            ),
        )


def _standings() -> Iterator[standing.Standing]:
    channels = (_channel(asks=True, has_windows=True), _channel(asks=False, has_windows=False))
    on = decision.Decision(decision.Reason.ALLOWED)
    off = enablement((), None, "channel", "Channel")
    nobody = enablement(*_disabled_user())
    windows = (Window(), Window(customer_at=NOW), Window(customer_at=NOW - timedelta(days=2)))
    people = ((None, True), (True, True), (False, True), (False, False))
    asked = (None, NOW - timedelta(hours=1), NOW - timedelta(days=2))
    for channel, enabled, window, person, stage, at, gone, has_address in itertools.product(
        channels, (on, off, nobody), windows, people, consent.Stage, asked, (None, NOW), (True, False)
    ):
        is_contact, available = person
        yield standing.Standing(
            channel,
            enabled,
            consent=consent.ChannelConsent(stage, marketing=stage, asked_at=at, changed_at=NOW),
            window=window,
            unreachable_since_at=gone,
            is_contact=is_contact,
            contacts_available=available,
            has_address=has_address,
        )
    later = NOW + timedelta(hours=1)
    full = standing.TierUse(left=0, includes_customer=False, frees_at=later)
    troubles: tuple[dict[str, Any], ...] = (
        {"country": "US"},
        {"marketing_after_at": later},
        {"tier": full},
        {"vetoes": (Veto("rule", "sentence", later),)},
        {"settings": setting.Settings(staff_may_restore=True)},
    )
    for stage, changes in itertools.product(consent.Stage, troubles):
        agreed = consent.ChannelConsent(stage, marketing=stage, changed_at=NOW)
        usual = standing.Standing(channels[0], on, consent=agreed, is_contact=True)
        yield attrs.evolve(usual, **changes)
        yield attrs.evolve(usual, window=Window(customer_at=NOW), **changes)


def _disabled_user() -> tuple[tuple[Organization, ...], Seat, str, str]:
    level = Organization(wa_connector.OrganizationId("acme"), "Acme", {"channel": ChannelSwitch(enabled=True)})
    user = User(wa_connector.TenantId("acme"), wa_connector.UserId("ana"), "Ana", disabled=True)
    return (level,), Seat(user, (level,)), "channel", "Channel"


def _channel(*, asks: bool, has_windows: bool) -> capability.Capabilities:
    return capability.Capabilities(
        "channel",
        "Channel",
        asks_opt_in=asks,
        window=timedelta(hours=24) if has_windows else None,
        has_templates=has_windows,
        contents=frozenset({Text, Image, Buttons, Location, TemplateMessage}),
        max_text=10,
        max_caption=10,
        images=capability.MediaLimits(frozenset({"image/png"}), 10),
        max_buttons=1,
        max_button_title=10,
        max_buttons_body=10,
        no_marketing_to=frozenset({"US"}),
    )


def _actions() -> Iterator[action.Action]:
    contents = (
        Text("fine"),
        Text(" "),
        Text("far too long for this"),
        Text("\0"),
        Unsupported("sticker"),
        Image(MediaRef("image/gif", "0" * 64, 1)),
        Image(MediaRef("image/png", "0" * 64, 11)),
        Image(MediaRef("image/png")),
        Buttons("body", (Button("a", "A"), Button("b", "B"))),
        Location(91, 0),
    )
    yield action.Write()
    yield action.RecordConsent(NOW - timedelta(days=1), has_attachment=False)
    yield action.RecordConsent(NOW + timedelta(days=1), has_attachment=False)
    for content in contents:
        yield action.Write(content)
        yield action.Notify(message.NoticeKind.ACCEPTANCE, content)
    used = TemplateMessage("hello", "en", {"body.1": "you"})
    wrong = TemplateMessage("hello", "en", {"body.1": "\0"})
    approved = Template(
        wa_connector.AccountId("account"),
        "hello",
        "en",
        TemplateCategory.UTILITY,
        TemplateStatus.APPROVED,
        "Hello {{1}}",
    )
    for template in (
        None,
        approved,
        attrs.evolve(approved, status=TemplateStatus.PAUSED),
        attrs.evolve(approved, body="Hello"),
        attrs.evolve(approved, category=TemplateCategory.MARKETING),
    ):
        for kind in (action.UseTemplate, action.AskConsent, action.AskAgain, action.DeliverRequest):
            yield kind(used, template)
            yield kind(wrong, template)


# --- errors, events, capabilities, names ------------------------------------------------------------------------------


def error_tree() -> str:
    """The tree of errors, each with its first sentence."""
    return "```text\n" + "\n".join(_branches(errors.WaConnectorError, "", "")) + "\n```"


def _branches(root: type[Exception], lead: str, below: str) -> Iterator[str]:
    yield f"{lead}{root.__name__}"
    kinds = [kind for kind in root.__subclasses__() if kind.__module__ == errors.__name__]
    for index, kind in enumerate(kinds):
        is_last = index == len(kinds) - 1
        yield from _branches(kind, below + ("└── " if is_last else "├── "), below + ("    " if is_last else "│   "))


def error_table() -> str:
    """Every error."""
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
    ordered = sorted(kinds, key=lambda kind: inspect.getsourcelines(kind)[1])
    return table(["error", "raised when"], [[f"`{kind.__name__}`", sentence(kind)] for kind in ordered])


EVENTS: Final = {
    "ParticipantLeft": "A user takes part no longer, by his own choice.",
    "ParticipantRemoved": "Somebody takes part no longer, by another's choice.",
    "RoleChanged": "A member became an observer, or the other way round.",
    "ConversationOpened": "A thread began; `by` is the user who began it, or to whom a customer's first message went.",
    "MessageReceived": "A customer's message was stored.",
    "MessageStatusChanged": "A message of ours moved; see the table of statuses.",
    "ConsentChanged": "The stage of one purpose moved on one channel.",
    "MediaFetched": "The file of a customer's message is in the media store.",
}


def events() -> str:
    """Every happening with its attributes."""
    rows = []
    for kind in get_args(event.Happening):
        fields = code(*(field.name for field in attrs.fields(kind)))
        rows.append(
            [
                f"`{kind.__name__}`",
                EVENTS.get(kind.__name__) or sentence(kind) or _meaning(EVENTS, kind.__name__),
                fields,
            ]
        )
    return table(["event", "what happened", "it carries"], rows)


CAPABILITIES: Final = {
    "channel": "Its name, as accounts and settings call it.",
    "has_templates": "Whether the provider has approved templates.",
    "contents": "The kinds of content that it carries.",
    "max_text": "The longest text, in characters.",
    "max_caption": "The longest caption of a picture, in characters.",
    "images": "Which pictures it takes, and how large.",
    "videos": "Which films it takes, and how large.",
    "audios": "Which sound files it takes, and how large.",
    "documents": "Which documents it takes, and how large.",
    "stickers": "Which stickers it takes, and how large.",
    "menus": "The limits of lists to choose from; none: no limits are known.",
    "interactive": "The limits of all other messages that ask for a tap; none: no limits are known.",
    "max_buttons": "How many reply buttons a message may have.",
    "max_button_title": "The longest title of one, in characters.",
    "max_buttons_body": "The longest text above them, in characters.",
}
CHANNELS: Final = {"WhatsApp": "wa_connector_cloud_api.capabilities", "SMS": "wa_connector_sms.capabilities"}
"""Channels of this repository by what people call them, with the module that has their ``CAPABILITIES``."""


def capabilities() -> str:
    """What a channel declares, and what ours declare."""
    known = docs_of(capability.Capabilities)
    declared = [importlib.import_module(module).CAPABILITIES for module in CHANNELS.values()]
    rows = []
    for field in attrs.fields(capability.Capabilities):
        meaning = known.get(field.name) or _meaning(CAPABILITIES, field.name)
        rows.append([f"`{field.name}`", meaning, *(_capability(getattr(each, field.name)) for each in declared)])
    return table(["name", "meaning", *CHANNELS], rows)


def _capability(value: object) -> str:
    match value:
        case None:
            return "none"
        case timedelta():
            return _span(value) if value else "none"
        case bool():
            return "yes" if value else "no"
        case frozenset():
            return code(*sorted(getattr(each, "__name__", str(each)) for each in value)) if value else "none"
        case capability.MediaLimits(mime_types, max_bytes):
            return f"{code(*sorted(mime_types))}; {max_bytes:,} bytes"
        case capability.MenuLimits() | capability.InteractiveLimits():
            limits = ((field.name, getattr(value, field.name)) for field in attrs.fields(type(value)))
            return ", ".join(f"`{name}` {_capability(limit)}" for name, limit in limits)
        case (address.AddressKind(), *_):
            return code(*(kind.value for kind in value))
        case (low, high):
            return f"{_capability(low)} to {_capability(high)}"
        case str():
            return f"`{value}`" if value.islower() else value
        case datetime():
            return value.date().isoformat()
        case _:
            return f"{value:,}"


def public_names() -> str:
    """Every name of the package root, by its home."""
    homes: dict[str, list[str]] = {}
    for name in wa_connector.__all__:
        homes.setdefault(wa_connector._HOME_OF[name], []).append(name)  # noqa: SLF001 - what this table is about
    return table(["home", "names"], [[f"`{home}`", code(*names)] for home, names in sorted(homes.items())])


def api(*packages: str) -> str:
    """Directives for the public names whose homes are in these packages and have no page of their own."""
    lines = ["```{eval-rst}"]
    for name, home in sorted(wa_connector._HOME_OF.items(), key=lambda item: (item[1], item[0])):  # noqa: SLF001
        value = getattr(wa_connector, name)
        if home.split(".")[1] in packages and home not in ELSEWHERE_IN_API:
            kind = "class" if inspect.isclass(value) else "function" if inspect.isfunction(value) else "data"
            lines.append(f".. auto{kind}:: {home}.{name}")
    return "\n".join([*lines, "```"])


def api_modules() -> str:
    """Directives for the modules of the model that are homes of public names and have no page of their own."""
    homes = sorted({home for home in wa_connector._HOME_OF.values() if home.startswith("wa_connector.model.")})  # noqa: SLF001
    return "\n\n".join(
        f"### {home.rpartition('.')[2].capitalize()}\n\n```{{eval-rst}}\n.. automodule:: {home}\n```"
        for home in homes
        if home not in ELSEWHERE_IN_API
    )


ELSEWHERE_IN_API: Final = frozenset(
    {
        "wa_connector.model.ids",
        "wa_connector.model.event",
        "wa_connector.model.decision",
        "wa_connector.model.inbound",
        "wa_connector.model.outbound",
        "wa_connector.model.queue",
        "wa_connector.policy.screens",
        "wa_connector.decide.replay",
    }
)

# --- hooks ------------------------------------------------------------------------------------------------------------

HOOK_GROUPS: Final = {
    "storage": ("wa_storage", "wa_async_storage"),
    "directory": ("wa_directory", "wa_async_directory"),
    "contacts": ("wa_contacts", "wa_async_contacts"),
    "media": ("wa_media_store", "wa_async_media_store"),
    "channels": ("wa_channel", "wa_transport", "wa_async_transport"),
    "opinions": ("wa_veto", "wa_read_reply", "wa_screen", "wa_route", "wa_presence", "wa_sender_name", "wa_transcribe"),
    "observers": ("wa_events_committed", "wa_push", "wa_metric"),
    "commands": ("wa_commands",),
}


def all_hooks() -> list[str]:
    """The names of all specifications."""
    return [name for name in vars(hooks) if name.startswith("wa_")]


def hook_group(name: str) -> str:
    """Signature, kind and meaning of the hooks of one group; those that no group has are in "others"."""
    named = {each for group in HOOK_GROUPS.values() for each in group}
    wanted = HOOK_GROUPS.get(name) or tuple(each for each in all_hooks() if each not in named)
    return "\n\n".join(_hook(getattr(hooks, each)) for each in wanted if hasattr(hooks, each)) or "None."


def signature_of(hook: Callable[..., Any]) -> str:
    """``def name(…) -> …`` as it stands in the code, on one line."""
    definition = ast.parse(textwrap.dedent(inspect.getsource(hook))).body[0]
    assert isinstance(definition, ast.FunctionDef)
    returns = ast.unparse(definition.returns) if definition.returns else "None"
    return f"def {definition.name}({ast.unparse(definition.args)}) -> {returns}: ..."


def _hook(hook: Callable[..., Any]) -> str:
    kind, _, meaning = (inspect.getdoc(hook) or "").partition(":")
    is_first = getattr(hook, "wa_connector_spec")["firstresult"]  # noqa: B009 - pluggy's mark, in no type
    provided = "The first plugin that answers is taken." if is_first else "Every plugin is asked."
    asked = {"provide": provided, "observe": "Every plugin is told."}.get(kind, "Every plugin is asked.")
    heading = f"### `{hook.__name__}`\n\n```{{code-block}} python\n{signature_of(hook)}\n```\n\n"
    return heading + f"**{kind}.** {asked} {_capital(prose(meaning))}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- machines ---------------------------------------------------------------------------------------------------------

STAGES: Final = {
    "unknown": "Never asked, never answered.",
    "asked": "The opt-in request was committed, and no answer came yet.",
    "granted": "The customer agreed.",
    "declined": "The customer said no to the request.",
    "revoked": "The customer wrote STOP.",
}
SIGNALS: Final = {
    "yes": "The customer wrote a word for yes, alone.",
    "start": "The customer wrote START, or a word that means it.",
    "marketing_resumed": "The customer allowed marketing messages again, in the provider's own settings.",
    "marketing_stopped": "The customer stopped marketing messages there, or the provider said so in a refusal.",
    "no": "The customer wrote a word for no, alone.",
    "stop": "The customer wrote STOP, or a word that means it.",
}
STATUSES: Final = {
    "queued": "In its lane, to be sent when its turn comes.",
    "sent": "On its way to the customer's device.",
    "delivered": "On the customer's device.",
    "read": "Seen by the customer.",
    "played": "A voice message was listened to.",
    "cancelled": "Taken back before it was sent.",
    "expired": "Held for longer than `held_for`.",
}


def stages() -> str:
    """Every stage of consent."""
    return table(["stage", "meaning"], [[plain(each), _meaning(STAGES, each.value)] for each in consent.Stage])


def signals() -> str:
    """Every signal, in folding order."""
    known = docs_of(consent.Signal)
    rows = [[plain(each), known.get(each.name) or _meaning(SIGNALS, each.value)] for each in consent.Signal]
    return table(["signal", "what was seen"], rows)


def consent_moves(purpose: str) -> str:
    """Every move of one purpose."""
    machine = consent_policy.CONVERSATION if purpose == "conversation" else consent_policy.MARKETING
    return table(["from", "on", "to"], _moves(machine))


def statuses() -> str:
    """Every status of a message."""
    known = docs_of(message.MessageStatus)
    rows = [[plain(each), known.get(each.name) or _meaning(STATUSES, each.value)] for each in message.MessageStatus]
    return table(["status", "meaning"], rows)


def survivors() -> str:
    """What `make mutants` may change without a test that notices, and why."""
    listed = tomllib.loads((HERE.parent / "tests/survivors.toml").read_text(encoding="utf-8"))
    rows = [
        [code(module), *what.split(": ", 1), reason]
        for module, reasons in sorted(listed.items())
        for what, reason in reasons.items()
    ]
    return table(["module", "where", "change", "why"], [[module, code(a), code(b), c] for module, a, b, c in rows])


def status_moves() -> str:
    """Every move of a message; reports are told apart from our own steps by their class."""
    rows = []
    for state, moves in status_policy.TABLE.items():
        by_target: dict[str, list[str]] = {}
        for cause, target in moves.items():
            mark = f"reported {plain(cause)}" if isinstance(cause, inbound.Report) else plain(cause)
            by_target.setdefault(plain(target), []).append(mark)
        rows += [[plain(state), ", ".join(causes), target] for target, causes in by_target.items()]
        if not moves:
            rows.append([plain(state), "nothing", "–"])
    return table(["from", "on", "to"], rows)


MEMBERSHIP: Final = {
    "owner": "owner",
    "member": "member",
    "observer": "observer",
    "team": "in the owning team",
    "anybody": "anybody, while unassigned",
    "supervisor": "supervisor",
    "former": "was in it",
}
RIGHTS: Final = {
    "read": "read the timeline, as far as one's parts reach",
    "see": "see the customer, the evidence and what is held",
    "write": "write",
    "note": "note",
    "take": "take it",
    "add": "add somebody",
    "transfer": "transfer it",
    "remove": "remove somebody",
    "change_role": "change a role",
    "leave": "leave",
    "mute": "mute it",
    "end": "end it",
    "restart": "begin again, once it has ended",
    "rule_held": "cancel what others hold",
}


def membership() -> str:
    """Every right with the places that have it; what is left when a conversation has ended is marked."""
    rows = []
    for right in membership_policy.Right:
        cells = []
        for place in membership_policy.Place:
            states = [state for state, table in membership_policy.TABLE.items() if right in table[place]]
            cells.append("always" if len(states) > 1 else "yes" if states else "")
        rows.append([_meaning(RIGHTS, right.value), *cells])
    head = [_meaning(MEMBERSHIP, place.value) for place in membership_policy.Place]
    return table(["may", *head], rows) + "\n\n“Always” holds when it has ended, too."


def membership_moves() -> str:
    """What moves a user from place to place, every act tried on every place."""
    rows = [[arrow.source, ", ".join(arrow.labels), arrow.target] for arrow in pictures.membership_arrows()]
    return table(["from", "by", "to"], rows)


def routing() -> str:
    """The routing rules in their order."""
    rows = [[f"{place}", sentence(rule)] for place, rule in enumerate(routing_policy.RULES, start=1)]
    return table(["asked", "where the message goes"], rows)


def routed_by() -> str:
    """What a message's ``routed_by`` says."""
    known = docs_of(routing_model.RoutedBy)
    rows = [[f"`{each.value}`", known.get(each.name) or _meaning({}, each.name)] for each in routing_model.RoutedBy]
    return table(["routed by", "because"], rows)


def _moves(machine: Mapping[Any, Mapping[Any, Any]]) -> Iterator[list[str]]:
    for arrow in pictures.arrows_of(machine):
        yield [arrow.source, ", ".join(arrow.labels), arrow.target]


# --- the provider's errors --------------------------------------------------------------------------------------------


def provider_errors() -> str:
    """Every code of the provider's that the channel knows, with its class, its meaning and its remedy."""
    rows = [
        [f"{number}", row.care.name.lower(), row.meaning, provider.remedy(number)]
        for number, row in sorted(provider.CODES.items())
    ]
    return table(["code", "class", "meaning", "what to do"], rows)


def provider_classes() -> str:
    """The classes of codes."""
    known = docs_of(provider.Care)
    return table(["class", "what it says"], [[each.name.lower(), known[each.name]] for each in provider.Care])


# --- coverage ---------------------------------------------------------------------------------------------------------

SURFACE: Final = HERE.parent / "plugins/emulator/tests/surface.py"
COVERAGE: Final[Mapping[str, str]] = {
    "endpoints": "",
    "sent": "send: ",
    "received": "receive: ",
    "statuses": "status: ",
    "fields": "field: ",
}


def coverage(group: str) -> str:
    """Each kind of a group of the provider's surface, with the tests that hold to it; read and not run."""
    prefix, found = COVERAGE[group], dict(_claims())
    kinds = runpy.run_path(str(SURFACE))[group.upper()]
    return table(["kind", "tests"], [[f"`{kind}`", ", ".join(found.get(prefix + kind, ()))] for kind in kinds])


@cache
def _claims() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What the markers `covers` of all tests name, and the tests that bear them."""
    found: dict[str, dict[str, None]] = {}
    for path in sorted((*HERE.parent.glob("tests/**/test_*.py"), *HERE.parent.glob("plugins/*/tests/test_*.py"))):
        for kind, test in _claims_of(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(kind, {})[f"{path.stem}: `{test}`"] = None
    return tuple((kind, tuple(tests)) for kind, tests in found.items())


def _claims_of(module: ast.Module) -> Iterator[tuple[str, str]]:
    tables = {
        target.id: node.value
        for node in module.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    for test in (node for node in module.body if isinstance(node, ast.FunctionDef)):
        for decorator in test.decorator_list:
            named = [
                tables[each.id] for each in ast.walk(decorator) if isinstance(each, ast.Name) and each.id in tables
            ]
            for part in (decorator, *named):
                yield from _claims_in(part, test.name)


def _claims_in(part: ast.expr, test: str) -> Iterator[tuple[str, str]]:
    """The claims of a decorator, or of the table of cases that it names."""
    cases = [call for call in ast.walk(part) if _is_call(call, "pytest.param")]
    of_cases = set()
    for case in cases:
        for claim in (call for call in ast.walk(case) if _is_call(call, "covers", "pytest.mark.covers")):
            of_cases.add(claim)
            name = next((ast.literal_eval(word.value) for word in _keywords(case) if word.arg == "id"), "")
            yield from ((kind, f"{test}[{name}]") for kind in _arguments(claim))
    for claim in (call for call in ast.walk(part) if _is_call(call, "covers", "pytest.mark.covers")):
        if claim not in of_cases:
            yield from ((kind, test) for kind in _arguments(claim))


def _is_call(node: ast.AST, *names: str) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in names


def _keywords(node: ast.AST) -> list[ast.keyword]:
    return node.keywords if isinstance(node, ast.Call) else []


def _arguments(node: ast.AST) -> list[str]:
    return [str(ast.literal_eval(each)) for each in node.args] if isinstance(node, ast.Call) else []


# --- writing ----------------------------------------------------------------------------------------------------------

PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "settings": settings,
    "reasons": reasons,
    "remedies": remedies,
    "rule order": rule_order,
    "rules": rule_meanings,
    "error tree": error_tree,
    "errors": error_table,
    "events": events,
    "capabilities": capabilities,
    "public names": public_names,
    "api: results": lambda: api("decide", "shell", "policy", "evidence"),
    "api: model": api_modules,
    "stages": stages,
    "signals": signals,
    "consent to conversation": lambda: consent_moves("conversation"),
    "consent to marketing": lambda: consent_moves("marketing"),
    "statuses": statuses,
    "survivors": survivors,
    "membership": membership,
    "membership moves": membership_moves,
    "routing": routing,
    "routed by": routed_by,
    "status moves": status_moves,
    "provider errors": provider_errors,
    "provider classes": provider_classes,
    **{f"coverage: {name}": partial(coverage, name) for name in COVERAGE},
    **{f"hooks: {name}": partial(hook_group, name) for name in (*HOOK_GROUPS, "others")},
}
PICTURES: Final[Mapping[str, Callable[[], str]]] = {
    "explanation/consent-conversation.svg": lambda: pictures.consent("conversation"),
    "explanation/consent-marketing.svg": lambda: pictures.consent("marketing"),
    "explanation/message-status.svg": pictures.status,
    "explanation/shared-conversation.svg": pictures.membership,
}
_PART: Final = re.compile(
    r"(?<=<!-- generated: )(?P<name>[^\n]+?)(?= -->\n)(?P<open> -->\n).*?(?=^<!-- end -->$)", re.MULTILINE | re.DOTALL
)


def generated() -> Iterator[tuple[Path, str]]:
    """Every file that has a generated part, with what it should hold."""
    for page in sorted(HERE.rglob("*.md")):
        if "_build" in page.parts:
            continue
        text = page.read_text(encoding="utf-8")
        if "<!-- generated: " in text:
            yield page, _PART.sub(_filled, text)
    for name, draw in PICTURES.items():
        yield HERE / name, draw()


def _filled(match: re.Match[str]) -> str:
    made = PARTS[match["name"]]()
    return f"{match['name']}{match['open']}\n{made}\n\n" if made else f"{match['name']}{match['open']}\n"


def main() -> int:
    """Write what has changed, or with ``--check`` only name it."""
    changed = [
        (path, text) for path, text in generated() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in changed:
        sys.stdout.write(f"{path.relative_to(HERE.parent)}\n")
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
    for name in dict.fromkeys(MISSING):
        sys.stdout.write(f"{name} has no meaning: write a docstring below it, or a line into docs/generate.py\n")
    return 1 if MISSING or (changed and "--check" in sys.argv) else 0


if __name__ == "__main__":
    sys.exit(main())
