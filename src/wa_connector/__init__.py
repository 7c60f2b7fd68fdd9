"""wa_connector: WhatsApp beside SMS and voicemail in one inbox, lawfully and provably.

A framework-free SDK that a telephony platform embeds. The host brings its users, contacts, database and screens through
plugins; the SDK brings the rules, the conversation model and the channels.

Importing this package does nothing: no thread, socket, loop, file, environment read or logging set-up. Each public name
is loaded from its one home when it is first used (PEP 562).
"""

# What type checkers take for true. The one of `typing` would cost the whole of `typing`: twenty times all else here.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from wa_connector.aio.connector import AsyncConnector as AsyncConnector
    from wa_connector.aio.dispatcher import AsyncDispatcher as AsyncDispatcher
    from wa_connector.decide.explaining import Explanation as Explanation
    from wa_connector.decide.forgetting import Requested as Requested
    from wa_connector.decide.membership import EndIt as EndIt
    from wa_connector.decide.membership import HandOver as HandOver
    from wa_connector.decide.membership import Leaving as Leaving
    from wa_connector.decide.membership import LetGo as LetGo
    from wa_connector.decide.recording import Recorded as Recorded
    from wa_connector.decide.replay import Chronicle as Chronicle
    from wa_connector.decide.replay import replay as replay
    from wa_connector.decide.sending import Placement as Placement
    from wa_connector.decide.templates import TemplateDiff as TemplateDiff
    from wa_connector.direct.connector import Connector as Connector
    from wa_connector.direct.dispatcher import Dispatcher as Dispatcher
    from wa_connector.errors import BodyMalformed as BodyMalformed
    from wa_connector.errors import ConfigError as ConfigError
    from wa_connector.errors import Contended as Contended
    from wa_connector.errors import InboundRejected as InboundRejected
    from wa_connector.errors import InternalError as InternalError
    from wa_connector.errors import ProviderError as ProviderError
    from wa_connector.errors import RefusedError as RefusedError
    from wa_connector.errors import RowCorrupt as RowCorrupt
    from wa_connector.errors import SignatureInvalid as SignatureInvalid
    from wa_connector.errors import StorageUnavailable as StorageUnavailable
    from wa_connector.errors import Unavailable as Unavailable
    from wa_connector.errors import UnknownProviderError as UnknownProviderError
    from wa_connector.errors import UsageError as UsageError
    from wa_connector.errors import WaConnectorError as WaConnectorError
    from wa_connector.evidence.ledger import Flaw as Flaw
    from wa_connector.model.address import Address as Address
    from wa_connector.model.address import AddressKind as AddressKind
    from wa_connector.model.address import number as number
    from wa_connector.model.capability import Capabilities as Capabilities
    from wa_connector.model.capability import InteractiveLimits as InteractiveLimits
    from wa_connector.model.capability import MediaLimits as MediaLimits
    from wa_connector.model.capability import MenuLimits as MenuLimits
    from wa_connector.model.consent import Anchor as Anchor
    from wa_connector.model.consent import ChannelConsent as ChannelConsent
    from wa_connector.model.consent import Evidence as Evidence
    from wa_connector.model.consent import Purpose as Purpose
    from wa_connector.model.consent import Signal as Signal
    from wa_connector.model.consent import Stage as Stage
    from wa_connector.model.contact import Contact as Contact
    from wa_connector.model.content import Act as Act
    from wa_connector.model.content import AddressRequest as AddressRequest
    from wa_connector.model.content import Audio as Audio
    from wa_connector.model.content import Button as Button
    from wa_connector.model.content import ButtonReply as ButtonReply
    from wa_connector.model.content import Buttons as Buttons
    from wa_connector.model.content import Call as Call
    from wa_connector.model.content import CallAnswer as CallAnswer
    from wa_connector.model.content import CallButton as CallButton
    from wa_connector.model.content import CallDirection as CallDirection
    from wa_connector.model.content import CallRequest as CallRequest
    from wa_connector.model.content import Card as Card
    from wa_connector.model.content import Carousel as Carousel
    from wa_connector.model.content import Catalog as Catalog
    from wa_connector.model.content import Circumstances as Circumstances
    from wa_connector.model.content import ContactCard as ContactCard
    from wa_connector.model.content import ContactRequest as ContactRequest
    from wa_connector.model.content import Contacts as Contacts
    from wa_connector.model.content import Content as Content
    from wa_connector.model.content import Deed as Deed
    from wa_connector.model.content import Deleted as Deleted
    from wa_connector.model.content import Document as Document
    from wa_connector.model.content import Edited as Edited
    from wa_connector.model.content import Erased as Erased
    from wa_connector.model.content import Form as Form
    from wa_connector.model.content import FormReply as FormReply
    from wa_connector.model.content import Forwarding as Forwarding
    from wa_connector.model.content import Header as Header
    from wa_connector.model.content import IdentityChange as IdentityChange
    from wa_connector.model.content import IdentityChanged as IdentityChanged
    from wa_connector.model.content import Image as Image
    from wa_connector.model.content import Labelled as Labelled
    from wa_connector.model.content import LinkButton as LinkButton
    from wa_connector.model.content import Location as Location
    from wa_connector.model.content import LocationRequest as LocationRequest
    from wa_connector.model.content import MediaRef as MediaRef
    from wa_connector.model.content import Menu as Menu
    from wa_connector.model.content import MenuRow as MenuRow
    from wa_connector.model.content import MenuSection as MenuSection
    from wa_connector.model.content import Note as Note
    from wa_connector.model.content import Order as Order
    from wa_connector.model.content import OrderItem as OrderItem
    from wa_connector.model.content import PostalAddress as PostalAddress
    from wa_connector.model.content import Product as Product
    from wa_connector.model.content import Products as Products
    from wa_connector.model.content import ProductSection as ProductSection
    from wa_connector.model.content import Reaction as Reaction
    from wa_connector.model.content import Referral as Referral
    from wa_connector.model.content import Sticker as Sticker
    from wa_connector.model.content import TemplateMessage as TemplateMessage
    from wa_connector.model.content import Text as Text
    from wa_connector.model.content import Unsupported as Unsupported
    from wa_connector.model.content import Utility as Utility
    from wa_connector.model.content import Video as Video
    from wa_connector.model.content import Voicemail as Voicemail
    from wa_connector.model.content import Withheld as Withheld
    from wa_connector.model.content import media_of as media_of
    from wa_connector.model.content import text_of as text_of
    from wa_connector.model.conversation import Conversation as Conversation
    from wa_connector.model.conversation import ConversationState as ConversationState
    from wa_connector.model.conversation import Participant as Participant
    from wa_connector.model.conversation import Role as Role
    from wa_connector.model.customer import Customer as Customer
    from wa_connector.model.decision import Decision as Decision
    from wa_connector.model.decision import Reason as Reason
    from wa_connector.model.decision import Remedy as Remedy
    from wa_connector.model.decision import RemedyKind as RemedyKind
    from wa_connector.model.directory import Account as Account
    from wa_connector.model.directory import App as App
    from wa_connector.model.directory import ChannelSwitch as ChannelSwitch
    from wa_connector.model.directory import Line as Line
    from wa_connector.model.directory import LineSetup as LineSetup
    from wa_connector.model.directory import Organization as Organization
    from wa_connector.model.directory import Seat as Seat
    from wa_connector.model.directory import User as User
    from wa_connector.model.event import AccountAlerted as AccountAlerted
    from wa_connector.model.event import AddressChanged as AddressChanged
    from wa_connector.model.event import AddressMoved as AddressMoved
    from wa_connector.model.event import BackupRestored as BackupRestored
    from wa_connector.model.event import ConsentChanged as ConsentChanged
    from wa_connector.model.event import ConversationEnded as ConversationEnded
    from wa_connector.model.event import ConversationLetGo as ConversationLetGo
    from wa_connector.model.event import ConversationMuted as ConversationMuted
    from wa_connector.model.event import ConversationOpened as ConversationOpened
    from wa_connector.model.event import ConversationRestarted as ConversationRestarted
    from wa_connector.model.event import ConversationTaken as ConversationTaken
    from wa_connector.model.event import ConversationTransferred as ConversationTransferred
    from wa_connector.model.event import CustomerForgotten as CustomerForgotten
    from wa_connector.model.event import CustomerSeen as CustomerSeen
    from wa_connector.model.event import CustomersMerged as CustomersMerged
    from wa_connector.model.event import ErasureRequested as ErasureRequested
    from wa_connector.model.event import Event as Event
    from wa_connector.model.event import Happening as Happening
    from wa_connector.model.event import HeldEdited as HeldEdited
    from wa_connector.model.event import HeldHandedOver as HeldHandedOver
    from wa_connector.model.event import HoldLifted as HoldLifted
    from wa_connector.model.event import HoldPlaced as HoldPlaced
    from wa_connector.model.event import JobFinished as JobFinished
    from wa_connector.model.event import JobHeld as JobHeld
    from wa_connector.model.event import LineResumed as LineResumed
    from wa_connector.model.event import LineStopped as LineStopped
    from wa_connector.model.event import MediaFetched as MediaFetched
    from wa_connector.model.event import MessageEchoed as MessageEchoed
    from wa_connector.model.event import MessageFellBack as MessageFellBack
    from wa_connector.model.event import MessageGone as MessageGone
    from wa_connector.model.event import MessageHeard as MessageHeard
    from wa_connector.model.event import MessageImported as MessageImported
    from wa_connector.model.event import MessageQueued as MessageQueued
    from wa_connector.model.event import MessageReceived as MessageReceived
    from wa_connector.model.event import MessageReleased as MessageReleased
    from wa_connector.model.event import MessageStatusChanged as MessageStatusChanged
    from wa_connector.model.event import MessageTranscribed as MessageTranscribed
    from wa_connector.model.event import NoteAdded as NoteAdded
    from wa_connector.model.event import ParticipantAdded as ParticipantAdded
    from wa_connector.model.event import ParticipantLeft as ParticipantLeft
    from wa_connector.model.event import ParticipantRemoved as ParticipantRemoved
    from wa_connector.model.event import Quarantined as Quarantined
    from wa_connector.model.event import ReplyUnclear as ReplyUnclear
    from wa_connector.model.event import RoleChanged as RoleChanged
    from wa_connector.model.event import SettingChanged as SettingChanged
    from wa_connector.model.event import TemplateChanged as TemplateChanged
    from wa_connector.model.ids import AccountId as AccountId
    from wa_connector.model.ids import AppId as AppId
    from wa_connector.model.ids import CommandId as CommandId
    from wa_connector.model.ids import ContactId as ContactId
    from wa_connector.model.ids import ConversationId as ConversationId
    from wa_connector.model.ids import CustomerId as CustomerId
    from wa_connector.model.ids import HoldId as HoldId
    from wa_connector.model.ids import JobId as JobId
    from wa_connector.model.ids import LineId as LineId
    from wa_connector.model.ids import MessageId as MessageId
    from wa_connector.model.ids import OrganizationId as OrganizationId
    from wa_connector.model.ids import ProviderId as ProviderId
    from wa_connector.model.ids import TenantId as TenantId
    from wa_connector.model.ids import UserId as UserId
    from wa_connector.model.job import Hold as Hold
    from wa_connector.model.job import Job as Job
    from wa_connector.model.job import JobKind as JobKind
    from wa_connector.model.job import JobStage as JobStage
    from wa_connector.model.job import JobState as JobState
    from wa_connector.model.message import Author as Author
    from wa_connector.model.message import ByApp as ByApp
    from wa_connector.model.message import ByCustomer as ByCustomer
    from wa_connector.model.message import BySystem as BySystem
    from wa_connector.model.message import ByUser as ByUser
    from wa_connector.model.message import Failure as Failure
    from wa_connector.model.message import FellBack as FellBack
    from wa_connector.model.message import Message as Message
    from wa_connector.model.message import MessageStatus as MessageStatus
    from wa_connector.model.message import NoticeKind as NoticeKind
    from wa_connector.model.opinion import Intent as Intent
    from wa_connector.model.opinion import Question as Question
    from wa_connector.model.opinion import Veto as Veto
    from wa_connector.model.push import PushKind as PushKind
    from wa_connector.model.push import PushNotice as PushNotice
    from wa_connector.model.routing import RoutedBy as RoutedBy
    from wa_connector.model.routing import RoutingQuestion as RoutingQuestion
    from wa_connector.model.screening import Direction as Direction
    from wa_connector.model.screening import Redact as Redact
    from wa_connector.model.screening import Screening as Screening
    from wa_connector.model.secret import Secret as Secret
    from wa_connector.model.setting import FOREVER as FOREVER
    from wa_connector.model.setting import EndedThreads as EndedThreads
    from wa_connector.model.setting import FallBack as FallBack
    from wa_connector.model.setting import Newcomers as Newcomers
    from wa_connector.model.setting import PushShows as PushShows
    from wa_connector.model.setting import ReadReceipts as ReadReceipts
    from wa_connector.model.setting import RevocationScope as RevocationScope
    from wa_connector.model.setting import Settings as Settings
    from wa_connector.model.setting import UnknownOutcome as UnknownOutcome
    from wa_connector.model.setting import Unscreened as Unscreened
    from wa_connector.model.template import Template as Template
    from wa_connector.model.template import TemplateCategory as TemplateCategory
    from wa_connector.model.template import TemplateStatus as TemplateStatus
    from wa_connector.model.transcribing import Recording as Recording
    from wa_connector.model.window import WindowRule as WindowRule
    from wa_connector.policy.screens import AnswerAction as AnswerAction
    from wa_connector.policy.screens import Composer as Composer
    from wa_connector.policy.screens import ContactAction as ContactAction
    from wa_connector.policy.screens import FallBackOffer as FallBackOffer
    from wa_connector.ports.channel import WebhookReply as WebhookReply
    from wa_connector.ports.channel import WebhookRequest as WebhookRequest
    from wa_connector.ports.hooks import hookimpl as hookimpl
    from wa_connector.shell.auditing import Verification as Verification
    from wa_connector.shell.engine import Kept as Kept
    from wa_connector.shell.exporting import Exported as Exported
    from wa_connector.shell.exporting import verify_export as verify_export
    from wa_connector.shell.inbound import Received as Received
    from wa_connector.shell.inbound import WebhookResult as WebhookResult
    from wa_connector.shell.keeping import HeldSubject as HeldSubject
    from wa_connector.shell.marks import FileMark as FileMark
    from wa_connector.shell.memos import Memo as Memo
    from wa_connector.shell.pushing import Pushed as Pushed
    from wa_connector.shell.reading import CustomerTimeline as CustomerTimeline
    from wa_connector.shell.reading import InboxEntry as InboxEntry
    from wa_connector.shell.reading import InboxPage as InboxPage
    from wa_connector.shell.reading import SearchPage as SearchPage
    from wa_connector.shell.reading import Timeline as Timeline

__version__ = "0.1.0"

_HOMES = {
    "shell.keeping": ("HeldSubject",),
    "model.job": (
        "Hold",
        "Job",
        "JobKind",
        "JobStage",
        "JobState",
    ),
    "decide.forgetting": ("Requested",),
    "decide.membership": ("EndIt", "HandOver", "Leaving", "LetGo"),
    "decide.explaining": ("Explanation",),
    "decide.recording": ("Recorded",),
    "decide.replay": ("Chronicle", "replay"),
    "evidence.ledger": ("Flaw",),
    "shell.auditing": ("Verification",),
    "shell.marks": ("FileMark",),
    "shell.memos": ("Memo",),
    "shell.pushing": ("Pushed",),
    "model.opinion": ("Intent", "Question", "Veto"),
    "model.push": ("PushKind", "PushNotice"),
    "model.routing": ("RoutedBy", "RoutingQuestion"),
    "model.screening": ("Direction", "Redact", "Screening"),
    "aio.connector": ("AsyncConnector",),
    "aio.dispatcher": ("AsyncDispatcher",),
    "decide.sending": ("Placement",),
    "decide.templates": ("TemplateDiff",),
    "direct.connector": ("Connector",),
    "direct.dispatcher": ("Dispatcher",),
    "errors": (
        "BodyMalformed",
        "ConfigError",
        "Contended",
        "InboundRejected",
        "InternalError",
        "ProviderError",
        "RefusedError",
        "RowCorrupt",
        "SignatureInvalid",
        "StorageUnavailable",
        "Unavailable",
        "UnknownProviderError",
        "UsageError",
        "WaConnectorError",
    ),
    "model.address": ("Address", "AddressKind", "number"),
    "model.capability": ("Capabilities", "InteractiveLimits", "MediaLimits", "MenuLimits"),
    "model.consent": ("Anchor", "ChannelConsent", "Evidence", "Purpose", "Signal", "Stage"),
    "model.contact": ("Contact",),
    "model.content": (
        "Text",
        "Image",
        "Video",
        "Audio",
        "Voicemail",
        "Document",
        "Sticker",
        "Location",
        "Labelled",
        "PostalAddress",
        "ContactCard",
        "Contacts",
        "Reaction",
        "Button",
        "Buttons",
        "MenuRow",
        "MenuSection",
        "Menu",
        "LinkButton",
        "LocationRequest",
        "ContactRequest",
        "AddressRequest",
        "CallRequest",
        "CallButton",
        "Form",
        "Catalog",
        "Product",
        "ProductSection",
        "Products",
        "Card",
        "Carousel",
        "TemplateMessage",
        "Utility",
        "ButtonReply",
        "FormReply",
        "Circumstances",
        "Forwarding",
        "Referral",
        "CallAnswer",
        "OrderItem",
        "Order",
        "Edited",
        "Deleted",
        "Call",
        "CallDirection",
        "IdentityChange",
        "IdentityChanged",
        "Unsupported",
        "Act",
        "Deed",
        "Note",
        "Content",
        "MediaRef",
        "Withheld",
        "Header",
        "media_of",
        "text_of",
        "Erased",
    ),
    "model.conversation": ("Conversation", "ConversationState", "Participant", "Role"),
    "model.customer": ("Customer",),
    "model.decision": ("Decision", "Reason", "Remedy", "RemedyKind"),
    "model.directory": ("Account", "App", "ChannelSwitch", "Line", "LineSetup", "Organization", "Seat", "User"),
    "model.event": (
        "ParticipantAdded",
        "ConversationTransferred",
        "ConversationTaken",
        "ConversationLetGo",
        "ParticipantLeft",
        "ParticipantRemoved",
        "RoleChanged",
        "ConversationMuted",
        "ConversationEnded",
        "ConversationRestarted",
        "NoteAdded",
        "HeldEdited",
        "HeldHandedOver",
        "AddressChanged",
        "AccountAlerted",
        "MessageEchoed",
        "MessageGone",
        "MessageHeard",
        "MessageImported",
        "TemplateChanged",
        "AddressMoved",
        "BackupRestored",
        "ConsentChanged",
        "ConversationOpened",
        "CustomerSeen",
        "CustomersMerged",
        "Event",
        "Happening",
        "LineResumed",
        "LineStopped",
        "MediaFetched",
        "MessageQueued",
        "MessageReceived",
        "MessageFellBack",
        "MessageReleased",
        "MessageStatusChanged",
        "MessageTranscribed",
        "Quarantined",
        "ReplyUnclear",
        "SettingChanged",
        "ErasureRequested",
        "JobHeld",
        "CustomerForgotten",
        "JobFinished",
        "HoldPlaced",
        "HoldLifted",
    ),
    "model.ids": (
        "AccountId",
        "AppId",
        "CommandId",
        "ContactId",
        "ConversationId",
        "CustomerId",
        "LineId",
        "MessageId",
        "OrganizationId",
        "ProviderId",
        "TenantId",
        "UserId",
        "JobId",
        "HoldId",
    ),
    "model.message": (
        "Author",
        "ByApp",
        "ByCustomer",
        "BySystem",
        "ByUser",
        "Failure",
        "FellBack",
        "Message",
        "MessageStatus",
        "NoticeKind",
    ),
    "model.secret": ("Secret",),
    "model.setting": (
        "FOREVER",
        "EndedThreads",
        "FallBack",
        "Newcomers",
        "PushShows",
        "ReadReceipts",
        "RevocationScope",
        "Settings",
        "UnknownOutcome",
        "Unscreened",
    ),
    "model.template": ("Template", "TemplateCategory", "TemplateStatus"),
    "model.transcribing": ("Recording",),
    "model.window": ("WindowRule",),
    "policy.screens": ("AnswerAction", "Composer", "ContactAction", "FallBackOffer"),
    "ports.channel": ("WebhookReply", "WebhookRequest"),
    "ports.hooks": ("hookimpl",),
    "shell.engine": ("Kept",),
    "shell.exporting": ("Exported", "verify_export"),
    "shell.reading": ("CustomerTimeline", "InboxEntry", "InboxPage", "SearchPage", "Timeline"),
    "shell.inbound": ("Received", "WebhookResult"),
}
_HOME_OF = {name: f"{__name__}.{module}" for module, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME_OF)  # noqa: PLE0605 - a list, made of the table above; a test compares both with the imports


if not TYPE_CHECKING:  # a type checker shall miss the names that are not there

    def __getattr__(name: str) -> object:
        from importlib import import_module

        home = _HOME_OF.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(home), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
