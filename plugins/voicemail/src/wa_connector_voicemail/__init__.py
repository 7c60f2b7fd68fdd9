"""Voicemail for wa_connector: reading the spool of an Asterisk that goes on writing it."""

from wa_connector_voicemail.changes import Changes, Watch
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

__all__ = [
    "FOLDERS",
    "FORMATS",
    "Broken",
    "Changes",
    "Contents",
    "FolderBusy",
    "Found",
    "Info",
    "Mailbox",
    "MessageGone",
    "Watch",
    "read_info",
]
