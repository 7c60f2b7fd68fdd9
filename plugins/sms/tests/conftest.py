"""A short message service centre for the session, started at first use; each test finds it as it was in the beginning."""

from collections.abc import Iterator

import pytest
from wa_connector_sms.testing import Missing, Smsc


@pytest.fixture(scope="session")
def one_smsc() -> Iterator[Smsc]:
    try:
        smsc = Smsc()
    except Missing as missing:
        pytest.skip(f"NOT RUN: text messages over a real SMPP connection, for want of node and npm ({missing})")
    with smsc:
        yield smsc


@pytest.fixture
def smsc(one_smsc: Smsc) -> Smsc:
    one_smsc.reset()
    return one_smsc
