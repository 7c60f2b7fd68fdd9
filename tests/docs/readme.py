"""What the README's example is put to: a provider, a customer who writes, and a user who answers.

Run in the example's own namespace, in which ``on_webhook``, ``on_contact_screen``, ``on_send`` and ``every_second`` are.
"""

from typing import TYPE_CHECKING, Any

from wa_connector_emulator import Emulator, HttpCall, HttpReply, serve

if TYPE_CHECKING:
    every_second: Any
    on_contact_screen: Any
    on_send: Any
    on_webhook: Any

CARL = "+16505551234"


def deliver(call: HttpCall) -> HttpReply:
    status, _, body = on_webhook(call.method, call.url, call.headers, call.body)
    return HttpReply(status, body)


emulator = Emulator(app_secret="app-secret", token="token", sender=deliver)
emulator.create_customer(CARL, "Carl")
with serve(emulator, port=8460):
    emulator.subscribe_webhook("https://acme.example/webhooks/whatsapp", "verify-token")

    unasked = "This customer has not been asked for consent yet."
    assert [("WhatsApp", unasked)] == on_contact_screen("ana", "carl")
    assert unasked == on_send("ana", "main", "carl", "Hello?")
    every_second()
    assert emulator.received(CARL) == ()

    emulator.type_text(CARL, "Hello, are you open today?")
    emulator.deliver_due()
    assert on_contact_screen("ana", "carl") == [("WhatsApp", "This may be sent.")]
    assert on_send("ana", "main", "carl", "Until eight.") == "This may be sent."
    assert emulator.received(CARL) == ()
    every_second()
    assert [message.content.text for message in emulator.received(CARL)] == ["Until eight."]
