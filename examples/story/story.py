"""The story, in its one text: who does what, what the SDK rules, and what comes of it.

It is played over HTTP under either face of the SDK, by ``run.py`` for a reader and by the tests for both. A step reads
like a page of the product's manual; how it is done is in ``stage.py``.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

import httpx
from attrs import frozen

from examples.story.pictures import CHESSBOARD, SUNSET
from examples.story.stage import Setting, Stage, set_up, sha256_of
from examples.story.transcript import Scene, StoryFailed

ACCOUNT: Final = "/api/accounts/acme-whatsapp/templates"
ASK_CARLA: Final = "/api/contacts/carla/lines/reception/ask-consent"
REQUEST: Final = "Hello, this is Acme. May we write to you on WhatsApp?"
CONFIRMATION: Final = "Thank you. You can write to us here at any time. Reply STOP to end this."
RECORDING: Final = b"RIFF$\x00\x00\x00WAVEfmt " + bytes(28)
"""What she said, as a file of sound without any."""
FAREWELL: Final = "You will get no more messages from us here. Reply START to come back."


def templates_are_fetched(on: Stage) -> None:
    on.did("The operator", "fetches the account's approved templates from WhatsApp")
    diff = on.ana.post(f"{ACCOUNT}/sync")
    on.sees("two are new: offer_ready and opt_in", ["offer_ready/en_US", "opt_in/en_US"], diff["added"])
    on.did("The operator", "does so again")
    on.sees("and nothing has changed", {"added": [], "changed": [], "gone": []}, on.ana.post(f"{ACCOUNT}/sync"))


def strangers_are_not_written_to(on: Stage) -> None:
    on.did("Dora", "opens Carla's page; in her department WhatsApp is switched off")
    on.sees("no WhatsApp is offered to her at all", [], on.dora.actions("carla"))
    on.did("Ana", "opens the page of somebody who is not in the contacts")
    (entry,) = on.ana.actions("somebody")
    on.refused(entry["write"], "writing", "not_a_contact", "add_contact")
    on.did("Ana", "tries all the same")
    placed = on.ana.post("/api/contacts/somebody/lines/reception/start")
    on.refused(placed["decision"], "writing", "not_a_contact", "add_contact")
    on.sees("nothing has left for WhatsApp", 0, on.carla.sent_by_business())


def consent_is_asked_for(on: Stage) -> None:
    on.did("Ana", "opens the page of Carla, who is in the contacts and was never written to")
    (entry,) = on.ana.actions("carla")
    on.refused(entry["write"], "writing", "consent_not_asked", "ask_for_consent")
    on.allowed(entry["ask"], "asking for consent", billed=True)
    on.did("Ana", "confirms the prompt: Carla is asked")
    placed = on.ana.post(ASK_CARLA)
    on.allowed(placed["decision"], "asking for consent", billed=True)
    on.comes(f"Carla's phone shows “{REQUEST}”", [REQUEST], on.carla.texts)
    buttons = [choice["title"] for choice in on.carla.shown()[-1]["content"]["choices"]]
    on.sees("with two buttons: “Yes, please” and “No, thank you”", ["Yes, please", "No, thank you"], buttons)
    on.did("Ana", "asks once more, and tries to write before there is an answer")
    on.refused(on.ana.post(ASK_CARLA)["decision"], "asking again", "asked_recently", "wait")
    written = on.ana.send(on.ana.thread_with("carla"), {"text": "Hello?"})
    on.refused(written["decision"], "writing", "consent_awaited", "wait")


def the_customer_accepts(on: Stage) -> None:
    on.did("Carla", "taps “Yes, please”")
    on.carla.taps("Yes, please")
    on.comes(f"her phone shows “{CONFIRMATION}”", [REQUEST, CONFIRMATION], on.carla.texts)
    composer = on.ana.composer(on.ana.thread_with("carla"))
    on.allowed(composer["write"], "writing", billed=True)
    on.sees("the message field says until when it will be so", True, composer["closes_at"] is not None)


def they_write_to_each_other(on: Stage) -> None:
    thread = on.ana.thread_with("carla")
    on.did("Ana", "writes “Good morning! What can we do for you?”; her screen repeats the call after a time-out")
    hello = {"text": "Good morning! What can we do for you?"}
    first, again = (on.ana.send(thread, hello, command="ana-1") for _ in range(2))
    on.allowed(first["decision"], "writing", billed=True)
    on.sees("both calls are one message", first["message"], again["message"])
    on.comes("it is delivered", "delivered", lambda: on.ana.status(thread, first["message"]))
    on.sees("and shown once", 1, on.carla.texts().count(hello["text"]))
    on.did("Carla", "reads it, and answers “I need an offer for 20 desks”")
    on.carla.reads()
    on.comes("Ana's screen says that it was read", "read", lambda: on.ana.status(thread, first["message"]))
    on.carla.writes("I need an offer for 20 desks")
    on.comes("and shows the answer", "I need an offer for 20 desks", lambda: _last_text(on, thread))


def they_exchange_pictures(on: Stage) -> None:
    thread = on.ana.thread_with("carla")
    on.did("Ana", f"picks a picture (PNG, {len(SUNSET)} bytes) and sends it")
    media = on.ana.upload(SUNSET, "image/png")
    placed = on.ana.send(thread, {"image": media, "caption": "Like this one?"})
    on.allowed(placed["decision"], "sending a picture", billed=True)
    on.comes("it is delivered", "delivered", lambda: on.ana.status(thread, placed["message"]))
    shown = on.carla.shown()[-1]["content"]
    on.sees("Carla's phone shows the very same bytes", sha256_of(SUNSET), shown["sha256"])
    on.did("Carla", f"sends a picture of her own (JPEG, {len(CHESSBOARD)} bytes)")
    on.carla.sends_picture(CHESSBOARD, "image/jpeg", "More like this")
    on.comes("it is fetched into the host's store", sha256_of(CHESSBOARD), lambda: _last_picture(on, thread))
    downloaded = on.ana.download(thread, sha256_of(CHESSBOARD))
    on.sees("Ana's screen loads the very same bytes", sha256_of(CHESSBOARD), sha256_of(downloaded))


def a_day_passes(on: Stage) -> None:
    thread = on.ana.thread_with("carla")
    on.did("Everybody", "goes about other business for 25 hours")
    on.passes(timedelta(hours=25))
    composer = on.ana.composer(thread)
    on.refused(composer["write"], "writing", "window_closed", "choose_template", "hold", "use_sms")
    on.allowed(composer["template"], "a template", billed=True)


def what_cannot_leave_is_held(on: Stage) -> None:
    thread = on.ana.thread_with("carla")
    sent = on.carla.sent_by_business()
    on.did("Ana", "writes “Here is your offer.” all the same")
    placed = on.ana.send(thread, {"text": "Here is your offer."})
    on.refused(placed["decision"], "writing", "window_closed", "choose_template", "hold", "use_sms")
    on.did("Ana", "takes the remedy “hold”, for this message and one more")
    for text in ("Here is your offer.", "It is valid for two weeks."):
        placed = on.ana.send(thread, {"text": text, "hold": True})
        on.sees(f"“{text}” waits", "held", placed["status"])
    on.sees("the message field counts them", 2, on.ana.composer(thread)["held"])
    on.stays("and nothing has left", sent, on.carla.sent_by_business)


def a_template_knocks(on: Stage) -> None:
    thread = on.ana.thread_with("carla")
    on.did("Ana", "opens the template tool, picks “offer_ready” and fills it in")
    known = {each["name"]: each for each in on.ana.get(ACCOUNT)}
    on.sees("it asks for two values", ["body.1", "body.2"], known["offer_ready"]["parameters"])
    template = {
        "name": "offer_ready",
        "language": "en_US",
        "parameters": {"body.1": "Carla", "body.2": "20 desks"},
    }
    text = "Hello Carla, your offer of 20 desks is ready. Answer here if we may send it to you."
    preview = on.ana.post(f"{ACCOUNT}/preview", template)
    on.sees(f"the message field shows “{text}”", text, preview["text"])
    placed = on.ana.send(thread, {"template": template})
    on.allowed(placed["decision"], "a template", billed=True)
    on.comes("it is delivered", "delivered", lambda: on.ana.status(thread, placed["message"]))
    on.sees("and reads on Carla's phone as in the preview", text, on.carla.texts()[-1])
    on.sees("the window is still closed, and what was held still waits", 2, on.ana.composer(thread)["held"])


def the_held_messages_leave(on: Stage) -> None:
    thread = on.ana.thread_with("carla")
    before = len(on.carla.texts())
    on.did("Carla", "answers “Yes, go ahead”")
    on.carla.writes("Yes, go ahead")
    on.comes(
        "what was held leaves by itself, in order: first the offer, then how long it is valid",
        ["Here is your offer.", "It is valid for two weeks."],
        lambda: on.carla.texts()[before:],
    )
    composer = on.ana.composer(thread)
    on.allowed(composer["write"], "writing", billed=True)
    on.sees("nothing waits any more", 0, composer["held"])


def a_colleague_is_added(on: Stage) -> None:
    thread = on.ana.thread_with("carla")
    on.did("Ben", "tries to look into Ana's conversation with Carla")
    on.screens(thread, ana="allowed", ben="not_a_participant")
    on.did("Ana", "adds Ben, and leaves a note that Carla will never see: “Carla likes oak.”")
    shown = len(on.carla.texts())
    on.ana.acts(thread, "add", {"whom": "ben"})
    on.ana.acts(thread, "note", {"text": "Carla likes oak."})
    on.screens(thread, ana="allowed", ben="allowed")
    on.sees("Ben reads the note, and all that was written before", on.ana.reads(thread), on.ben.reads(thread))
    on.did("Ben", "writes “Ben here, I do the desks.”")
    on.ben.send(thread, {"text": "Ben here, I do the desks."})
    on.comes(
        "it is all that Carla's phone shows of this", ["Ben here, I do the desks."], lambda: on.carla.texts()[shown:]
    )


def the_customer_is_transferred(on: Stage) -> None:
    thread = on.ana.thread_with("carla")
    transfer = {"to": "ben", "from": "ana", "note": "20 desks, two weeks. Yours now.", "stay": True}
    on.did("Ana", "transfers Carla to Ben with a note, “20 desks, two weeks. Yours now.”, and stays for a while")
    placed = on.ana.acts(thread, "transfer", transfer)
    on.allowed(placed["decision"], "transferring")
    on.sees("Ben reads the note", transfer["note"], on.ben.reads(thread)[-1])
    on.did("Ana", "presses the button once more, on a screen that has not noticed")
    on.refused(on.ana.acts(thread, "transfer", transfer)["decision"], "transferring", "owner_changed")
    on.screens(thread, ana="allowed", ben="allowed")


def the_first_user_leaves(on: Stage) -> None:
    thread = on.ana.thread_with("carla")
    on.did("Ana", "leaves the conversation")
    on.ana.acts(thread, "leave")
    on.screens(thread, ana="not_a_participant", ben="allowed")
    seen = on.ana.reads(thread)
    for name in ("ana", "ben"):
        getattr(on, name).hears()  # what they were told until now
    on.did("Carla", "writes “Black ones, please, on my card 4111 1111 1111 1111”")
    on.carla.writes("Black ones, please, on my card 4111 1111 1111 1111")
    on.comes(
        "Ben reads “Black ones, please, on my card [card]”: card numbers are not for this host's screens",
        "Black ones, please, on my card [card]",
        lambda: on.ben.reads(thread)[-1],
    )
    on.sees("Ben's telephone says that Carla has written", ["message from Carla"], on.ben.hears())
    on.sees("and Ana's says nothing", [], on.ana.hears())
    on.sees("Ana sees what she saw, and nothing of what came after", seen, on.ana.reads(thread))


def it_is_ended_and_restarted(on: Stage) -> None:
    thread = on.ben.thread_with("carla")
    on.did("Ben", "ends the conversation")
    on.ben.acts(thread, "end")
    on.screens(thread, ana="not_a_participant", ben="conversation_ended")
    on.refused(on.ben.send(thread, {"text": "One more thing"})["decision"], "writing", "conversation_ended")
    on.did("Ben", "restarts it")
    placed = on.ben.acts(thread, "restart")
    on.allowed(placed["decision"], "restarting", billed=True)
    fresh = on.ben.thread_with("carla")
    on.sees("it is a new conversation", True, fresh != thread)
    conversation = on.ben.get(f"{fresh}/timeline")["conversation"]
    on.sees("that points back at the old one", thread.rpartition("/")[2], conversation["restarted_from"])
    on.screens(fresh, ana="not_a_participant", ben="allowed")
    on.did("Ben", "writes “Black it is.”")
    on.ben.send(fresh, {"text": "Black it is."})
    on.comes("Carla's phone shows it where all the rest is", "Black it is.", lambda: on.carla.texts()[-1])


def the_customer_stops_it(on: Stage) -> None:
    thread = on.ben.thread_with("carla")
    sent = on.carla.sent_by_business()
    on.did("Carla", "writes “STOP”")
    on.carla.writes("STOP")
    on.comes(f"her phone shows “{FAREWELL}”", FAREWELL, lambda: on.carla.texts()[-1])
    composer = on.ben.composer(thread)
    on.refused(composer["write"], "writing", "consent_revoked")
    on.refused(composer["template"], "a template", "consent_revoked")
    on.refused(composer["ask"], "asking for consent", "consent_revoked")
    on.did("Ben", "tries every way: a text, a text to be held, a template, the question")
    template = {"name": "offer_ready", "language": "en_US", "parameters": {"body.1": "Carla", "body.2": "chairs"}}
    for what, body in (
        ("a text", {"text": "But why?"}),
        ("a text to be held", {"text": "But why?", "hold": True}),
        ("a template", {"template": template}),
    ):
        on.refused(on.ben.send(thread, body)["decision"], what, "consent_revoked")
    on.refused(on.ben.post(ASK_CARLA)["decision"], "the question", "consent_revoked")
    on.did("Ben", "ends the conversation, and tries whether a new beginning helps")
    on.ben.acts(thread, "end")
    on.refused(on.ben.acts(thread, "restart")["decision"], "restarting", "consent_revoked")
    on.stays("WhatsApp has been handed the confirmation and nothing else", sent + 1, on.carla.sent_by_business)


def all_of_it_is_stored(on: Stage) -> None:
    on.did("Ben", "reads both conversations from the beginning")
    log = on.ben.get("/api/events")["events"]
    (restarted,) = (each for each in log if each["type"] == "ConversationRestarted")
    threads = (restarted["restarted_from"], restarted["conversation"])
    before, after = (on.ben.messages(f"/api/conversations/{thread}") for thread in threads)
    written = [each["author"]["kind"] for each in (*before, *after) if each["status"] != "noted"]
    counts = [written.count(kind) for kind in ("user", "system", "customer")]
    on.sees("seven messages of theirs, three of the system's, six of Carla's", [7, 3, 6], counts)
    acts = [each["content"].get("deed", "note") for each in (*before, *after) if each["status"] == "noted"]
    on.sees(
        "and who did what: added, a note, transferred, left, ended; restarted, ended",
        ["added", "note", "transferred", "left", "ended", "restarted", "ended"],
        acts,
    )
    on.sees("every picture and word of it came over webhooks that could be read", [], on.ben.get("/api/quarantine"))
    on.shows([*before, *after])


def the_customer_calls(on: Stage) -> None:
    on.did("Carla", "lets her number be seen, writes “I will call you.”, calls, and talks to the answerphone")
    on.carla.shows_number()
    on.carla.writes("I will call you.")
    on.passes(timedelta(minutes=1))
    on.answerphone.records(RECORDING, "6505551234", on.now())
    on.comes(
        "Ben finds it among what nobody has taken yet",
        ["box"],
        lambda: [name for name in _waiting(on) if name == "box"],
    )
    box = f"/api/conversations/{_waiting(on)['box']}"
    on.comes("with its recording", sha256_of(RECORDING), lambda: _recording(on, box))


def she_is_answered_by_sms(on: Stage) -> None:
    box = f"/api/conversations/{_waiting(on)['box']}"
    on.did("Ben", "looks how she can be answered: she wrote STOP on WhatsApp, and nowhere else")
    ways = {each["channel"]: each for each in on.ben.get(f"{box}/answers")}
    on.refused(ways["whatsapp"]["template"], "a template", "consent_revoked")
    on.allowed(ways["sms"]["write"], "an SMS")
    placed = on.ben.post(f"{box}/answers/texts")
    thread = f"/api/conversations/{placed['conversation']}"
    on.did("Ben", "writes “We got your call.” by SMS")
    on.ben.send(thread, {"text": "We got your call."})
    on.comes("Carla's phone shows it among its text messages", ["We got your call."], lambda: on.gateway.texts)
    on.did("Carla", "answers “Thank you!” by SMS")
    on.passes(timedelta(minutes=1))
    on.gateway.tell(on.host_url, "Thank you!", on.now())
    on.sees("Ben reads it", ["We got your call.", "Thank you!"], on.ben.reads(thread))


def it_is_one_timeline(on: Stage) -> None:
    on.did("Ben", "opens all that was ever said with Carla, on whichever channel")
    thread = next(each["id"] for each in on.ben.get("/api/conversations") if each["line"] == "texts")
    page = on.ben.get(f"/api/conversations/{thread}/customer-timeline")
    said = page["messages"][::-1]
    lines = [page["conversations"][each["conversation"]]["line"] for each in said]
    on.sees(
        "WhatsApp, the voicemail and the text messages stand in one timeline, in their order",
        ["reception", "box", "texts"],
        list(dict.fromkeys(lines)),
    )
    on.shows(said[-4:])


def _waiting(on: Stage) -> dict[str, str]:
    """The conversations that nobody has taken, by their line."""
    return {each["line"]: each["id"] for each in on.ben.get("/api/conversations?unassigned")}


def _recording(on: Stage, thread: str) -> str:
    media = on.ben.messages(thread)[-1]["content"]["media"]
    return str(media["sha256"]) if media["is_stored"] else ""


def _last_text(on: Stage, thread: str) -> str:
    return str(on.ana.messages(thread)[-1]["content"]["text"])


def _last_picture(on: Stage, thread: str) -> str:
    content = on.ana.messages(thread)[-1]["content"]
    is_here = content["kind"] == "image" and content["media"]["is_stored"]
    return str(content["media"]["sha256"]) if is_here else ""


@frozen
class Step:
    title: str
    play: Callable[[Stage], None]


STORY: Final = (
    Step("The templates are fetched", templates_are_fetched),
    Step("A stranger is not written to", strangers_are_not_written_to),
    Step("First contact begins with a question", consent_is_asked_for),
    Step("The customer accepts", the_customer_accepts),
    Step("They write to each other", they_write_to_each_other),
    Step("They exchange pictures", they_exchange_pictures),
    Step("A day passes, and the window closes", a_day_passes),
    Step("What cannot leave now is held", what_cannot_leave_is_held),
    Step("A template knocks at the door", a_template_knocks),
    Step("The customer answers, and the held messages leave", the_held_messages_leave),
    Step("A colleague is added", a_colleague_is_added),
    Step("The customer is transferred, with a note", the_customer_is_transferred),
    Step("The first user leaves", the_first_user_leaves),
    Step("The conversation is ended, and restarted", it_is_ended_and_restarted),
    Step("STOP means stop", the_customer_stops_it),
    Step("All of it is stored", all_of_it_is_stored),
    Step("The customer calls, and leaves a voicemail", the_customer_calls),
    Step("She is answered by SMS", she_is_answered_by_sms),
    Step("It is one customer, and one timeline", it_is_one_timeline),
)


def perform(setting: Setting) -> Iterator[Scene]:
    """Play the story; each step is given as soon as it is over.

    Raises ``StoryFailed`` at the first thing that goes otherwise, a server that does not answer included.
    """
    with set_up(setting) as stage:
        for number, step in enumerate(STORY, 1):
            stage.step = f"step {number} ({step.title})"
            try:
                step.play(stage)
            except httpx.HTTPError as error:
                raise StoryFailed(stage.step, "the servers answer", "an answer", str(error).splitlines()[0]) from error
            yield Scene(number, step.title, stage.take_lines())
