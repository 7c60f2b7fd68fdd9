"""A host with voicemail boxes, all in memory but the recordings' source."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from wa_connector_voicemail import CHANNEL, Round, Source, VoicemailPlugin, VoicemailWatcher

from wa_connector import Connector, Message, hookimpl
from wa_connector.model.content import Voicemail
from wa_connector.model.customer import Customer
from wa_connector.model.directory import Account, App, ChannelSwitch, Line, LineSetup, Organization, Seat, User
from wa_connector.model.ids import AccountId, AppId, ConversationId, LineId, OrganizationId, TenantId, UserId
from wa_connector.model.secret import Secret
from wa_connector.testing.directory import MemoryDirectory
from wa_connector.testing.media import MemoryMediaStore
from wa_connector.testing.memory import MemoryStorage

ACME: Final = TenantId("acme")
ENDPOINT: Final = "/voicemail"
ANA: Final = UserId("ana")


class Office:
    """``boxes`` are the lines' ``provider_ref``; each is Ana's own. ``storage`` is a plugin for one that outlives this."""

    def __init__(
        self,
        source: Source,
        boxes: Iterable[str],
        memory: str | Path,
        *,
        storage: object = None,
        plugins: Iterable[object] = (),
    ) -> None:
        path = (Organization(OrganizationId(ACME), "Acme", {CHANNEL: ChannelSwitch(True)}),)
        app = App(AppId("pbx"), ACME, CHANNEL, ENDPOINT, (), Secret(""))
        account = Account(ACME, AccountId("pbx"), app.id, CHANNEL, source.account, source.account, Secret(""))
        self.lines = {
            box: Line(ACME, LineId(box), account.id, CHANNEL, box, box, ANA, region="GB", extension_digits=(4,))
            for box in boxes
        }
        self.storage, self.media = MemoryStorage(), MemoryMediaStore()
        self.directory = MemoryDirectory(
            apps=[app],
            accounts=[account],
            lines=[(line, path) for line in self.lines.values()],
            seats=[Seat(User(ACME, ANA, "Ana"), path)],
        )
        self.plugin = VoicemailPlugin([source])
        # Whoever is registered last is asked first.
        others = [*plugins, *([storage] if storage else [])]
        self.connector = Connector([self, self.plugin, *others], discover=False)
        self.watcher = self.another_watcher(source, memory)

    def another_watcher(self, source: Source, memory: str | Path) -> VoicemailWatcher:
        """As after a start of the host."""
        return VoicemailWatcher(self.connector, ENDPOINT, source, self.lines.values(), memory)

    def setup(self, box: str) -> LineSetup:
        """A box as the directory has it."""
        found = self.directory.line(ACME, self.lines[box].id)
        assert found is not None
        return found

    @hookimpl
    def wa_storage(self) -> MemoryStorage:
        return self.storage

    @hookimpl
    def wa_directory(self) -> MemoryDirectory:
        return self.directory

    @hookimpl
    def wa_media_store(self) -> MemoryMediaStore:
        return self.media

    # --- what Ana sees ------------------------------------------------------------------------------------------------

    def look(self) -> Round:
        return self.watcher.run_once()

    def work(self) -> None:
        """The dispatcher, until there is nothing to do."""
        while self.connector.dispatcher.run_once():
            pass

    def entries(self, box: str) -> dict[str, Message]:
        """The entries of all threads on a box, by the id of the message there, the oldest first."""
        return {str(message.provider_id): message for message in self._messages(box)}

    def count(self, box: str) -> int:
        """How many entries there are."""
        return len(self._messages(box))

    def _messages(self, box: str) -> list[Message]:
        threads = (thread for thread in self.connector.conversations(ACME, ANA, limit=200) if thread.line == box)
        found = [
            message
            for thread in threads
            for message in self.connector.timeline(ACME, ANA, thread.id, limit=200).messages
        ]
        return sorted(found, key=lambda each: (each.at, str(each.provider_id)))

    def customer(self, thread: ConversationId) -> Customer:
        return self.connector.customer(ACME, ANA, thread)

    def recording(self, message: Message) -> bytes:
        assert isinstance(message.content, Voicemail)
        chunks = self.media.read(ACME, message.content.media)
        return b"" if chunks is None else b"".join(chunks)

    def unread(self, box: str) -> int:
        inbox = self.connector.inbox(ACME, ANA, limit=200)
        return sum(entry.unread for entry in inbox.entries if entry.conversation.line == box)
