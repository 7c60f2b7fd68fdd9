"""The option ``transliterate``: curly quotes, dashes and the like leave as they are typed.

One such character makes a whole message UCS-2, and twice as dear. It changes what the customer reads, so an account asks for
it; what users see in the timeline stays what was written.
"""

from attrs import evolve

from wa_connector.model.content import Text
from wa_connector.model.directory import Account, LineSetup
from wa_connector.model.outbound import Envelope
from wa_connector_sms.alphabet import transliterated

OPTION = "transliterate"


def is_transliterated(account: Account) -> bool:
    """Whether the account asks for it."""
    return account.options.get(OPTION) is True


def plainly(line: LineSetup, envelope: Envelope) -> tuple[LineSetup, Envelope]:
    """The message as it leaves, and the line without the option, which is none of the gateway's."""
    if OPTION not in line.account.options:
        return line, envelope
    rest = {name: value for name, value in line.account.options.items() if name != OPTION}
    if is_transliterated(line.account) and isinstance(envelope.content, Text):
        envelope = evolve(envelope, content=evolve(envelope.content, body=transliterated(envelope.content.body)))
    return evolve(line, account=evolve(line.account, options=rest)), envelope
