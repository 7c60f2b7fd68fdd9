"""What a host hears: hooks, measurements and logs. A host's own mistakes stop nobody; nobody's text is in a log."""

import json
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., str]

HEARING = """
    import json, logging, sys
    from datetime import timedelta
    from pathlib import Path
    import a_host

    folder = sys.argv[1]
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.DEBUG)

    class Observer:
        def __init__(self):
            self.happenings, self.measures = [], []

        @a_host.wa.hookimpl
        def wa_events_committed(self, happenings):
            self.happenings += [type(happening).__name__ for happening in happenings]

        @a_host.wa.hookimpl
        def wa_metric(self, name, value, labels):
            self.measures.append((name, value, dict(labels)))

    class Broken:
        @a_host.wa.hookimpl
        def wa_events_committed(self, happenings):
            raise ValueError("about +16505550001, who wrote hello")

        @a_host.wa.hookimpl
        def wa_metric(self, name):
            raise ValueError("about +16505550001, who wrote hello")
"""


def test_a_failing_hook_is_contained_and_reported(run: Run, tmp_path: Path) -> None:
    """The command succeeds, those asked before and after hear everything, and the report quotes nothing."""
    output = run(
        f"""{HEARING}
    first, last = Observer(), Observer()
    connector = a_host.connector(folder, first, Broken(), last)
    a_host.converse(connector, 1, ["hello"], "x")
    a_host.drain(connector)
    print(a_host.tally(connector, folder))
    print("MessageReceived" in first.happenings, first.happenings == last.happenings)
    print(first.measures == last.measures)
    failures = [labels for name, value, labels in first.measures if name == "hook_failures"]
    print({{labels["hook"] for labels in failures}}, {{"Broken" in labels["plugin"] for labels in failures}})
    reports = [record for record in records if record.levelno >= logging.ERROR]
    print({{record.name.split(".")[0] for record in reports}}, all("ValueError" in r.getMessage() for r in reports))
    print([r for r in records if "1650" in logging.Formatter().format(r) or "hello" in logging.Formatter().format(r)])
        """,
        tmp_path,
    )
    assert output.splitlines() == [
        "(1, 1, 1, 0)",
        "True True",
        "True",
        "{'wa_events_committed'} {True}",
        "{'wa_connector'} True",
        "[]",
    ]


def test_an_asynchronous_observer_that_fails_is_contained_too(run: Run, tmp_path: Path) -> None:
    output = run(
        f"""{HEARING}
    import asyncio

    class Late:
        @a_host.wa.hookimpl
        async def wa_events_committed(self, happenings):
            await asyncio.sleep(0)
            raise ValueError("about +16505550001, who wrote hello")

    async def main():
        observer = Observer()
        connector = a_host.wa.AsyncConnector(**a_host.parts(folder, observer, Late()))
        result = await connector.handle_webhook(a_host.said(1, "hello", "wamid.1"))
        await connector.aclose()
        print(result.taken, "MessageReceived" in observer.happenings)
        print([labels["hook"] for name, _, labels in observer.measures if name == "hook_failures"])

    asyncio.run(main())
    print([r for r in records if "1650" in logging.Formatter().format(r) or "hello" in logging.Formatter().format(r)])
        """,
        tmp_path,
    )
    assert output.splitlines() == ["1 True", "['wa_events_committed']", "[]"]


def test_an_asynchronous_observer_under_the_synchronous_face_is_reported(run: Run, tmp_path: Path) -> None:
    """With the way out, and without a coroutine that nobody awaited (which would be a warning on stderr)."""
    output = run(
        f"""{HEARING}
    class Late:
        @a_host.wa.hookimpl
        async def wa_events_committed(self, happenings):
            raise AssertionError("never run")

    observer = Observer()
    connector = a_host.connector(folder, observer, Late())
    print(connector.handle_webhook(a_host.said(1, "hello", "wamid.1")).taken)
    print("UsageError" in records[-1].getMessage(), len(observer.happenings) > 0)
        """,
        tmp_path,
    )
    assert output == "1\nTrue True\n"


def test_the_measurements(run: Run, tmp_path: Path) -> None:
    """Webhook lag, age in the queue, refusals by their reason. Labels name no person, number or text."""
    output = run(
        f"""{HEARING}
    now = [a_host.NOW + timedelta(seconds=7)]
    observer = Observer()
    parts = a_host.parts(folder, observer)
    parts["clock"] = lambda: now[0]
    connector = a_host.wa.Connector(**parts)
    connector.handle_webhook(a_host.said(1, "hello", "wamid.x", at=a_host.NOW))
    connector.send(a_host.TENANT, a_host.ANA, a_host.thread_with(connector, 1), a_host.wa.Text("hello")).or_raise()
    now[0] += timedelta(seconds=5)
    a_host.drain(connector)
    now[0] += timedelta(hours=25)  # what may be answered inside the window may not be written outside of it
    refused = connector.send(a_host.TENANT, a_host.ANA, a_host.thread_with(connector, 1), a_host.wa.Text("too late"))
    assert refused.decision.reason.value == "consent_not_asked", refused.decision
    print(json.dumps([m for m in observer.measures if m[0] != "conflicts"]))
        """,
        tmp_path,
    )
    assert json.loads(output) == [
        ["webhook_lag_seconds", 7.0, {"channel": "whatsapp"}],
        ["queue_age_seconds", 5.0, {"channel": "whatsapp"}],
        ["refusals", 1, {"reason": "consent_not_asked"}],
    ]


def test_a_whole_story_logs_nobody(run: Run, tmp_path: Path) -> None:
    """At DEBUG, with everything going wrong that can: no number, provider's id, name, text, token or secret."""
    output = run(
        f"""{HEARING}
    from wa_connector.errors import Unavailable

    class Raising(a_host.Wire):
        def send(self, line, envelope, media):
            raise RuntimeError(f"{{envelope}} with {{line.account.credentials!r}} to +16505550001: ANSWER")

    def story():
        # What is right, what is signed wrongly, what is no JSON, what is no webhook, what names another line.
        a_host.converse(connector, 1, ["MYWORDS", "STOP"][:1], "story")
        right = a_host.said(2, "MYWORDS", "wamid.SECOND")
        wrong = a_host.wa.WebhookRequest("/hook", "POST", "https://h/", {{"X-Hub-Signature-256": "sha256=0"}}, right.body)
        print(connector.handle_webhook(wrong).reply.status)
        print(connector.handle_webhook(a_host.request(b"MYWORDS +16505550001 wamid.X")).kept)
        print(connector.handle_webhook(a_host.request(right.body.replace(b"PHONE1", b"PHONE9"))).kept)
        print(connector.handle_webhook(a_host.request(right.body.replace(b'"text": {{', b'"text": 5, "x": {{'))).kept)
        a_host.drain(connector)
        a_host.deliver(connector, a_host.said(1, "STOP", "wamid.STOPPED"))
        a_host.drain(connector)

    connector = a_host.connector(folder, Broken(), wire=Raising(Path(folder, "sent")))
    story()
    # A storage that goes away in the middle.
    broken = a_host.parts(folder)
    def away(*_):
        raise Unavailable("no route to +16505550001")
    broken["plugins"][1].storage.load = away
    class Away:
        @a_host.wa.hookimpl
        def wa_storage(self):
            class Storage:
                load = commit = scan = events_after = claim = staticmethod(away)
                close = staticmethod(lambda: None)
            return Storage()
    broken["plugins"][1] = Away()
    connector = a_host.wa.Connector(**broken)
    print(connector.handle_webhook(a_host.said(3, "MYWORDS", "wamid.THIRD")).reply.status)

    formatter = logging.Formatter("%(name)s %(message)s %(exc_text)s")
    lines = [formatter.format(record) + repr(record.args) + repr(record.exc_info) for record in records]
    private = ["1650555", "wamid", "MYWORDS", "ANSWER", "answer", "Customer 1", "Carl", "EAAtoken", "app-secret", "STOP"]
    print(len(lines) > 3, [(word, line) for line in lines for word in private if word in line])
    print({{record.name.split(".")[0] for record in records}})
        """,
        tmp_path,
    )
    assert output.splitlines() == ["401", "1", "1", "1", "503", "True []", "{'wa_connector'}"]
