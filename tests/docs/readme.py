"""What the README's example is put to: a provider, a customer who writes, and a user who answers.

Run in the example's own namespace, which has ``on_webhook``, ``on_message_list``, ``on_contact_screen``, ``on_send`` and
``every_second``.
"""

from typing import Any

from wa_connector_emulator import Emulator, HttpCall, HttpReply, serve

CARL = "+16505551234"
UNASKED = "This customer has not been asked for consent yet."
host: dict[str, Any] = globals()


def deliver(call: HttpCall) -> HttpReply:
    status, _, body = host["on_webhook"](call.method, call.url, call.headers, call.body)
    return HttpReply(status, body)


emulator = Emulator(app_secret="app-secret", token="token", sender=deliver)
emulator.create_customer(CARL, "Carl")
with serve(emulator, port=8460):
    emulator.subscribe_webhook("https://acme.example/webhooks/whatsapp", "verify-token")

    assert host["on_contact_screen"]("ana", "carl") == [("WhatsApp", UNASKED)]
    assert host["on_send"]("ana", "main", "carl", "Hello?") == UNASKED
    host["every_second"]()
    assert emulator.received(CARL) == ()

    emulator.type_text(CARL, "Hello, are you open today?")
    emulator.deliver_due()
    assert host["on_contact_screen"]("ana", "carl") == [("WhatsApp", "This is allowed.")]
    assert host["on_send"]("ana", "main", "carl", "Until eight.") == "This is allowed."
    assert emulator.received(CARL) == ()
    host["every_second"]()
    assert [message.content.text for message in emulator.received(CARL)] == ["Until eight."]
    (listed,) = host["on_message_list"]("ana")
    assert listed.last.content.body == "Until eight."
    host["connector"].close()
