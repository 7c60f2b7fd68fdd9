"""Voicemail for wa_connector: what is left in the boxes of a telephone system, as entries of the timeline.

::

    asterisk = Asterisk("pbx", "/var/spool/asterisk/voicemail", Manager("wa_connector", secret))
    connector = Connector([..., VoicemailPlugin([asterisk])])
    VoicemailWatcher(connector, "/voicemail", asterisk, lines, memory="/var/lib/host/voicemail").run_until(stopping)
"""

from wa_connector_voicemail.ami import Manager
from wa_connector_voicemail.asterisk import Asterisk
from wa_connector_voicemail.changes import Changes, Watch
from wa_connector_voicemail.channel import CAPABILITIES, CHANNEL, VoicemailChannel
from wa_connector_voicemail.converting import Converter
from wa_connector_voicemail.plugin import VoicemailPlugin
from wa_connector_voicemail.source import Done, Hints, Opened, Source
from wa_connector_voicemail.spool import (
    FOLDERS,
    FORMATS,
    Broken,
    Contents,
    FolderBusy,
    Found,
    Info,
    Mailbox,
    MessageGone,
    read_info,
)
from wa_connector_voicemail.transport import VoicemailTransport
from wa_connector_voicemail.watching import Round, VoicemailWatcher

__all__ = [
    "CAPABILITIES",
    "CHANNEL",
    "FOLDERS",
    "FORMATS",
    "Asterisk",
    "Broken",
    "Changes",
    "Contents",
    "Converter",
    "Done",
    "FolderBusy",
    "Found",
    "Hints",
    "Info",
    "Mailbox",
    "Manager",
    "MessageGone",
    "Opened",
    "Round",
    "Source",
    "VoicemailChannel",
    "VoicemailPlugin",
    "VoicemailTransport",
    "VoicemailWatcher",
    "Watch",
    "read_info",
]
