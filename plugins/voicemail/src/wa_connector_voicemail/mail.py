"""Voicemail that a telephone system sends by e-mail: the last resort, where neither its files nor its interface can be had.

Theory: a folder of a mailbox is a box; an unread mail is a new message. The one id that lasts is the mail's ``Message-ID``:
a UID changes with the folder, and the name of the attached file is the message's place in a box. What a mail says of the call
is little: the caller stands in headers of Asterisk's own, the duration nowhere. Where others write their mails as they like,
the caller is nobody.

Rules of this file: mails are looked at without marking them; only those that say to be voicemail, or that carry sound, are
taken for it. Every call has a connection of its own, which is gone at its end.

Source: Asterisk 22, app_voicemail, mail headers.
"""

import contextlib
import hashlib
import imaplib
import re
import ssl
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, BinaryIO, Final, cast, final

from attrs import field, frozen

from wa_connector.errors import ConfigError, Unavailable, UsageError
from wa_connector.model.secret import Secret
from wa_connector_voicemail.source import Done, Hints, Opened
from wa_connector_voicemail.spool import MAX_ID, Broken, Contents, Found, Info, MessageGone

if TYPE_CHECKING:
    from imap_tools import BaseMailBox, MailMessage

AT_ONCE: Final = 200
MAX_MAIL: Final = 64 * 1024 * 1024
_CALLER: Final = "x-asterisk-callerid"
_NAME: Final = "x-asterisk-calleridname"
_FOLDER: Final = re.compile(r"[^\x00-\x1f\x7f\"\\]{1,200}")


@frozen
class Mailbox:
    """An account on a mail server. With ``tls`` (a context; the system's own where none is given) the connection is
    encrypted from its beginning; ``is_plain`` is for a server on the same machine. ``seconds`` bounds one answer."""

    host: str
    user: str
    secret: Secret
    port: int = 993
    seconds: float = 20.0
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    is_plain: bool = False


@final
class MailSource:
    """Implements ``source.Source``. A box is the name of a folder, such as ``INBOX`` or ``Voicemail/1000``. Needs the extra
    ``mail`` (imap-tools)."""

    def __init__(self, account: str, mailbox: Mailbox, *, look_every: float = 30.0) -> None:
        self.account: Final = account
        self._mailbox: Final = mailbox
        self._look_every: Final = look_every

    def scan(self, box: str) -> Contents:
        """Every voicemail in a folder, by the headers alone."""
        messages: dict[str, Found] = {}
        broken: list[Broken] = []
        with self._opened(box, readonly=True) as mails:
            for mail in mails.fetch(headers_only=True, mark_seen=False, bulk=AT_ONCE):
                read = _read(mail)
                if isinstance(read, str):
                    broken.append(Broken("INBOX", mail.uid or "", read))
                elif read is not None:
                    folder = "Old" if "\\Seen" in mail.flags else "INBOX"
                    messages[read.id] = Found(folder, mail.uid or "", read)
        return Contents(messages, tuple(broken))

    def open(self, box: str, message: str, place: str = "") -> Opened:
        """The sound that is attached to a mail, the first of several."""
        with self._opened(box, readonly=True) as mails:
            for uid in self._uids(mails, message, place.rpartition("/")[2]):
                for mail in mails.fetch(f"UID {uid}", mark_seen=False, headers_only=True):
                    if mail.size > MAX_MAIL:
                        raise MessageGone(f"the mail has more than {MAX_MAIL} bytes")
                for mail in mails.fetch(f"UID {uid}", mark_seen=False):
                    sound = _sound_of(mail) if _id_of(mail) == message else None
                    if sound is not None:
                        return sound
        raise MessageGone("the folder has no such mail with a recording (any longer)")

    def mark_heard(self, box: str, message: str) -> Done:
        """Mark the mail as read."""
        with self._opened(box) as mails:
            uids = list(self._uids(mails, message))
            if uids:
                mails.flag(uids, "\\Seen", value=True)
        return Done.DONE if uids else Done.GONE

    def remove(self, box: str, message: str) -> Done:
        """Delete the mail."""
        with self._opened(box) as mails:
            uids = list(self._uids(mails, message))
            if uids:
                mails.delete(uids)
        return Done.DONE if uids else Done.GONE

    def hints(self, boxes: Iterable[str]) -> Hints:  # noqa: ARG002 - the port's signature
        """There is no sign: a mail server is asked again after a while."""
        return Every(self._look_every)

    @staticmethod
    def _uids(mails: "BaseMailBox", message: str, hinted: str = "") -> Iterator[str]:
        """Where the mail with this id is: where it was, and then wherever it is now."""
        if hinted.isascii() and hinted.isdigit():
            yield hinted
        found = (mail for mail in mails.fetch(headers_only=True, mark_seen=False, bulk=AT_ONCE))
        yield from [mail.uid for mail in found if mail.uid and _id_of(mail) == message]

    @contextlib.contextmanager
    def _opened(self, box: str, *, readonly: bool = False) -> "Iterator[BaseMailBox]":
        """A folder, open. Raises ``Unavailable``, and ``ConfigError`` for a login that is not taken."""
        import imap_tools

        if not _FOLDER.fullmatch(box):
            raise UsageError(f"{box!r} is no folder of a mailbox")
        account = self._mailbox
        try:
            if account.is_plain:
                mails: BaseMailBox = imap_tools.MailBoxUnencrypted(account.host, account.port, account.seconds)
            else:
                context = account.tls or ssl.create_default_context()
                mails = imap_tools.MailBox(account.host, account.port, account.seconds, ssl_context=context)
            with contextlib.ExitStack() as stack:
                stack.callback(_hang_up, mails)
                try:
                    mails.login(account.user, account.secret.reveal(), initial_folder=None)
                except imap_tools.MailboxLoginError:
                    problem = f"the mail server takes no login of {account.user!r}; correct user or secret"
                    raise ConfigError("mailbox", [problem]) from None
                mails.folder.set(box, readonly=readonly)
                yield mails
        except (OSError, imaplib.IMAP4.error, imap_tools.ImapToolsError) as error:
            # Not its text, which repeats what was asked.
            raise Unavailable(f"the mail server does not answer as it should ({type(error).__name__})") from None


def _hang_up(mails: "BaseMailBox") -> None:
    """Log out, or else just let go: a server that has gone is asked nothing more."""
    with contextlib.suppress(Exception):
        mails.logout()
    with contextlib.suppress(Exception):
        mails.client.shutdown()


@final
class Every:
    """Waits, and is told nothing."""

    def __init__(self, seconds: float) -> None:
        self._seconds: Final = seconds

    def wait(self, seconds: float, is_stopping: Callable[[], bool]) -> None:
        """Let the time pass."""
        until = time.monotonic() + min(seconds, self._seconds)
        while not is_stopping() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.5))

    def close(self) -> None:
        """Nothing is open."""


# --- one mail ---------------------------------------------------------------------------------------------------------


def _read(mail: "MailMessage") -> Info | str | None:
    """What a mail's headers say of a voicemail, or what is wrong with it; None of one that is something else."""
    if not _is_voicemail(mail):
        return None
    name = _id_of(mail)
    if not name:
        return "it has no Message-ID"
    at = mail.date if mail.date.tzinfo else mail.date.replace(tzinfo=UTC)
    if at.year < 1971:
        return "it has no date"
    caller = _header(mail, _CALLER)
    shown = _header(mail, _NAME)
    is_urgent = _header(mail, "x-priority")[:1] == "1" or _header(mail, "importance").lower() == "high"
    return Info(name, at.astimezone(UTC), None, caller, shown, is_urgent)


def _is_voicemail(mail: "MailMessage") -> bool:
    if _CALLER in mail.headers:
        return True
    kind = _header(mail, "content-type").partition(";")[0].strip().lower()
    return kind.startswith("audio/")


def _id_of(mail: "MailMessage") -> str:
    """The mail's id; of one that is longer than ids are, a digest."""
    name = _header(mail, "message-id").strip("<> \t")
    plain = "".join(each for each in name if each.isprintable() and not each.isspace())
    return plain if len(plain) <= MAX_ID else hashlib.sha256(plain.encode()).hexdigest()


def _header(mail: "MailMessage", name: str) -> str:
    headers: Mapping[str, Sequence[str]] = mail.headers
    found = headers.get(name, ())
    return found[0].strip() if found else ""


_TYPES: Final = {"audio/x-wav": "audio/wav", "audio/wave": "audio/wav", "audio/mp3": "audio/mpeg"}


def _sound_of(mail: "MailMessage") -> Opened | None:
    for part in mail.attachments:
        kind = part.content_type.lower()
        if kind.startswith("audio/") and part.payload:
            file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - handed to the caller
            file.write(part.payload)
            file.seek(0)
            return Opened(_kind_of(part.payload, kind), file)
    return None


def _kind_of(octets: bytes, declared: str) -> str:
    """The type of a recording. Mails call every WAV file by one name, and many hold GSM, which no browser plays."""
    if octets[:4] == b"RIFF" and octets[8:12] == b"WAVE":
        is_gsm = octets[12:16] == b"fmt " and octets[20:22] == b"1\0"
        return "audio/vnd.wave; codec=31" if is_gsm else "audio/wav"
    return _TYPES.get(declared, declared)


__all__ = ["Every", "MailSource", "Mailbox"]
