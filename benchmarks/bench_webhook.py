"""A webhook in a warm process: bytes, signature, typed values; against the peer, and against what no Python beats."""

import hashlib
import hmac
import statistics
from pathlib import Path

import orjson
from bodies import BATCH, SECRET, SINGLES, bodies
from measuring import PEER, Worker, each_us, in_turn, median, ratio, report
from wa_connector_cloud_api.channel import CloudApiChannel

from wa_connector import App, AppId, Secret, TenantId, WebhookRequest

ROUNDS = 11
CHANNEL = CloudApiChannel()
APP = App(AppId("app"), TenantId("acme"), "whatsapp", "/hook", (Secret(SECRET),), Secret("verify"))

_KEY = SECRET.encode().ljust(64, b"\0")
_INNER = hashlib.sha256(bytes(byte ^ 0x36 for byte in _KEY))
_OUTER = hashlib.sha256(bytes(byte ^ 0x5C for byte in _KEY))


def ours(signed: tuple[bytes, str]) -> object:
    """As a host does it: a request made of what its server has, and everything in it, typed."""
    body, signature = signed
    headers = {"content-type": "application/json", "x-hub-signature-256": signature}
    return CHANNEL.read(APP, WebhookRequest("/hook", "POST", "https://host.example/hook", headers, body))


def floor(signed: tuple[bytes, str]) -> object:
    """The cheapest check there is, with the key hashed beforehand, and the fastest decoder: no values at all."""
    body, signature = signed
    inner, outer = _INNER.copy(), _OUTER.copy()
    inner.update(body)
    outer.update(inner.digest())
    assert hmac.compare_digest("sha256=" + outer.hexdigest(), signature)
    return orjson.loads(body)


def main() -> None:
    peer = Worker(PEER, Path(__file__).with_name("peer_pywa.py"))
    reached: dict[str, float] = {}

    def theirs(kind: str, count: int, series: int) -> float:
        took, reached[kind] = peer.ask(kind, count, series)
        return float(took)

    cases = {}
    for kind in (*SINGLES, "batch"):
        count = 100 if kind == "batch" else 400
        cases[f"ours {kind}"] = lambda n, k=kind, c=count: each_us(ours, bodies(k, c, n))
        cases[f"pywa {kind}"] = lambda n, k=kind, c=count: theirs(k, c, n)
        cases[f"floor {kind}"] = lambda n, k=kind, c=count: each_us(floor, bodies(k, c, n))
    rounds = in_turn(ROUNDS, cases)
    peer.close()

    mean = {
        whose: [
            statistics.geometric_mean(values) for values in zip(*(rounds[f"{whose} {k}"] for k in SINGLES), strict=True)
        ]
        for whose in ("ours", "pywa", "floor")
    }
    for kind in SINGLES:
        us, pywa = rounds[f"ours {kind}"], rounds[f"pywa {kind}"]
        assert reached[kind] == 1
        report(f"webhook, {kind}: times pywa", median(us), "us", baseline=median(pywa), ratio=ratio(pywa, us))
    us, pywa, low = mean["ours"], mean["pywa"], mean["floor"]
    name = "webhook, geometric mean of five kinds"
    report(f"{name}: times pywa", median(us), "us", baseline=median(pywa), ratio=ratio(pywa, us), at_least=7)
    report(f"{name}: part of the floor", median(us), "us", baseline=median(low), ratio=ratio(low, us), at_least=0.5)

    us = [took / BATCH for took in rounds["ours batch"]]
    # The peer reads the first update of a body and drops the rest; what counts is what reached somebody.
    pywa = [took / reached["batch"] for took in rounds["pywa batch"]]
    low = [took / BATCH for took in rounds["floor batch"]]
    name = f"webhook, {BATCH} updates in one, per update that arrives"
    report(f"{name}: times pywa", median(us), "us", baseline=median(pywa), ratio=ratio(pywa, us), at_least=7)
    report(f"{name}: part of the floor", median(us), "us", baseline=median(low), ratio=ratio(low, us))


main()
