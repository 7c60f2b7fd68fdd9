"""pywa 4.5.0 in its own interpreter: signature checked, parsed, given to a handler, with its default settings."""

from bodies import PHONE, SECRET, bodies
from measuring import each_us, serve
from pywa import WhatsApp

client = WhatsApp(phone_id=PHONE, app_secret=SECRET)
delivered: list[object] = []


@client.on_message  # type: ignore[untyped-decorator]  # the peer counts as untyped
@client.on_message_status  # type: ignore[untyped-decorator]  # the peer counts as untyped
@client.on_callback_button  # type: ignore[untyped-decorator]  # the peer counts as untyped
def handle(_: object, update: object) -> None:
    delivered.append(update)


def take(signed: tuple[bytes, str]) -> None:
    body, signature = signed
    refusal = client.webhook_update_validator(body, signature) or client.webhook_update_handler(body)
    assert refusal == ("ok", 200), refusal


def answer(kind: str, count: int, series: int) -> tuple[float, float]:
    """Microseconds a body, and how many updates of each reached the handler."""
    delivered.clear()
    took = each_us(take, bodies(kind, count, series))
    return took, len(delivered) / count


serve(answer)
