"""The reader of webhooks under atheris: no exception but the documented ones, however long one looks for another.

``SOAK_SECONDS`` is for how long (an hour by default). Every input is given up after ten seconds: time that grows with the
square of the length ends the run as well.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
HI = {"from": "16505551234", "from_user_id": "US.1", "id": "wamid.1", "timestamp": "1795000000", "type": "text"}
STATUS = {"id": "wamid.2", "status": "sent", "timestamp": "1795000000", "recipient_id": "16505551234"}


def seeds() -> list[dict[str, object]]:
    """One of each shape; the fuzzer makes the rest."""
    lists: list[tuple[str, dict[str, object]]] = [
        ("messages", {"messages": [HI | {"text": {"body": "hi"}}], "contacts": [{"user_id": "US.1"}]}),
        ("messages", {"messages": [HI | {"type": "video", "video": {"id": "1", "sha256": "00"}}]}),
        ("messages", {"messages": [HI | {"type": "location", "location": {"latitude": 1.5, "longitude": "2"}}]}),
        ("messages", {"messages": [HI | {"type": "contacts", "contacts": [{"name": {"first_name": "A"}}]}]}),
        ("messages", {"messages": [HI | {"type": "system", "system": {"type": "user_changed_user_id"}}]}),
        ("messages", {"statuses": [STATUS, STATUS | {"status": "failed", "errors": [{"code": 131047}]}]}),
        ("history", {"history": [{"threads": [{"id": "16505551234", "messages": [HI]}]}]}),
        ("smb_message_echoes", {"message_echoes": [HI | {"to": "16505551234"}]}),
        ("account_update", {"event": "ACCOUNT_RESTRICTION"}),
        (
            "messages",
            {"errors": [{"code": 130429}], "user_actions": [{"action_type": "marketing_messages_link_click"}]},
        ),
        ("smb_app_state_sync", {"state_sync": [{"action": "add", "metadata": {"timestamp": "1795000000"}}]}),
        ("group_lifecycle_update", {"groups": [{"type": "group_create", "timestamp": "1795000000"}]}),
        ("standby", {"contacts": [{"user_id": "US.1"}], "message_echoes": [HI | {"message": {"type": "text"}}]}),
        ("calls", {"calls": [{"id": "wacid.1", "event": "connect", "direction": "USER_INITIATED"} | HI]}),
        ("user_preferences", {"user_preferences": [{"category": "marketing_messages", "value": "signup"}]}),
    ]
    return [
        {
            "object": "whatsapp_business_account",
            "entry": [
                {"id": "W", "changes": [{"field": field, "value": {"metadata": {"phone_number_id": "P"}} | value}]}
            ],
        }
        for field, value in lists
    ]


@pytest.mark.soak
def test_nothing_but_what_is_documented_is_raised(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="made for other Pythons only; `make soak` installs it where it exists")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(seeds()):
        (corpus / f"{number}.json").write_text(json.dumps(seed))
    seconds = os.environ.get("SOAK_SECONDS", "3600")
    limits = (f"-max_total_time={seconds}", "-timeout=10", "-max_len=20000", f"-artifact_prefix={tmp_path}/")
    command = [sys.executable, str(HERE / "fuzz_webhook.py"), str(corpus), *limits]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert run.returncode == 0, run.stderr[-4000:]
