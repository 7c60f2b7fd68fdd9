"""What a host may rely on of a directory in a TOML file."""

import pickle
import re
import threading
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import attrs
import pluggy
import pytest
from wa_connector_directory import DirectoryPlugin, TomlDirectory
from wa_connector_directory.values import _reader, parse_span

from wa_connector.errors import ConfigError
from wa_connector.model.consent import Purpose
from wa_connector.model.directory import ChannelSwitch
from wa_connector.model.ids import AccountId, AppId, LineId, TenantId, UserId
from wa_connector.model.secret import Secret
from wa_connector.model.setting import Newcomers, RevocationScope, Settings, UnknownOutcome
from wa_connector.model.window import WindowRule
from wa_connector.ports import hooks
from wa_connector.ports.directory import Directory
from wa_connector.testing.directory import MemoryDirectory

README = Path(__file__).parents[1] / "README.md"
EXAMPLE = re.findall(r"```toml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[0]
ACME, GLOBEX = TenantId("acme"), TenantId("globex")


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TomlDirectory:
    for name in ("WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN", "WHATSAPP_TOKEN"):
        monkeypatch.setenv(name, f"sesame-{name}")
    (tmp_path / "old_app_secret").write_text("sesame-old\n")
    return written(tmp_path, EXAMPLE)


def written(folder: Path, text: str) -> TomlDirectory:
    path = folder / "directory.toml"
    path.write_text(text, encoding="utf-8")
    return TomlDirectory(path)


def mistakes(folder: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        written(folder, text).reload()
    return caught.value.mistakes


TWO_TENANTS = """
[[organizations]]
id = "acme"
[[organizations]]
id = "acme-north"
parent = "acme"
[[organizations]]
id = "acme-north-1"
parent = "acme-north"
[[organizations]]
id = "acme-south"
parent = "acme"
[[organizations]]
id = "globex"

[[users]]
id = "kim"
name = "Kim of Acme"
organization = "acme-north-1"
[[users]]
id = "kim"
name = "Kim of Globex"
organization = "globex"

[[apps]]
id = "shared"
tenant = "acme"
channel = "whatsapp"
endpoint = "/a"
secret = "s"
[[apps]]
id = "other"
tenant = "globex"
channel = "whatsapp"
endpoint = "/b"
secret = "s"

[[accounts]]
id = "wa"
tenant = "acme"
app = "shared"
provider_ref = "1"
[[accounts]]
id = "wa"
tenant = "globex"
app = "shared"
provider_ref = "2"
[[accounts]]
id = "wa2"
tenant = "globex"
app = "other"
provider_ref = "1"

[[lines]]
id = "root"
organization = "acme"
account = "wa"
address = "+4930100"
provider_ref = "100"
[[lines]]
id = "south"
organization = "acme-south"
account = "wa"
address = "+4930101"
provider_ref = "101"
[[lines]]
id = "north"
organization = "acme-north"
account = "wa"
address = "+4930102"
provider_ref = "102"
[[lines]]
id = "north-1b"
organization = "acme-north-1"
account = "wa"
address = "+4930104"
provider_ref = "104"
[[lines]]
id = "north-1a"
organization = "acme-north-1"
account = "wa"
address = "+4930103"
provider_ref = "103"
[[lines]]
id = "kims"
organization = "acme-north-1"
owner = "kim"
account = "wa"
address = "+4930105"
provider_ref = "105"
[[lines]]
id = "root"
organization = "globex"
account = "wa"
address = "+4930200"
provider_ref = "100"
[[lines]]
id = "second"
organization = "globex"
account = "wa2"
address = "+4930201"
provider_ref = "100"
"""


# ------------------------------------------------------------------------------------------ teams


def test_a_team_is_addressed_like_a_user(example: TomlDirectory) -> None:
    """And whoever is in it says so."""
    support = example.user(ACME, UserId("support"))
    assert support is not None
    assert (support.user.name, support.user.is_team, support.teams) == ("Support", True, frozenset())
    anna, boris = (example.user(ACME, UserId(name)) for name in ("anna", "boris"))
    assert anna is not None
    assert boris is not None
    assert (anna.teams, boris.teams) == (frozenset({"support"}), frozenset())


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('teams = ["suport"]', 'users[0].teams[0]: no team named "suport"; did you mean "support"?'),
        ('teams = ["b"]', 'users[0].teams[0]: no team named "b"; known: support'),
        ('teams = "support"', 'users[0].teams: needs a list as ["a", "b"], not a text'),
        ("teams = [1]", "users[0].teams[0]: needs a text in quotes, not a number"),
        ('teams = [""]', "users[0].teams[0]: is empty; write a value, or leave the key out where it may be missing"),
        ('supervises = true\n[[users]]\nid = "support"', "users[1].id: is the same as teams[0].id"),
    ],
)
def test_mistakes_about_teams(tmp_path: Path, text: str, mistake: str) -> None:
    """A team is named before users say that they are in it, and shares their space of ids."""
    teams = '[[organizations]]\nid = "a"\n[[teams]]\nid = "support"\n'
    with pytest.raises(ConfigError) as caught:
        written(tmp_path, f'{teams}[[users]]\nid = "u"\n{text}\n').user(TenantId("a"), UserId("u"))
    assert mistake in str(caught.value)


def test_no_line_is_a_teams_own(tmp_path: Path) -> None:
    teams = '[[organizations]]\nid = "a"\n[[teams]]\nid = "support"\n'
    line = '[[lines]]\nid = "l"\nowner = "support"\naccount = "x"\naddress = "+49301"\nprovider_ref = "1"\n'
    with pytest.raises(ConfigError, match="owner: is a team"):
        written(tmp_path, teams + line).user(TenantId("a"), UserId("u"))


# ----------------------------------------------------------------------------------- the example


def test_the_example_of_the_readme_loads(example: TomlDirectory) -> None:
    anna = example.user(ACME, UserId("anna"))
    assert anna is not None
    assert [o.id for o in anna.organizations] == ["acme", "acme-berlin"]
    assert anna.organizations[0].channels == {
        "whatsapp": ChannelSwitch(True),
        "sms": ChannelSwitch(False, may_enable=True),
    }
    assert [s.line.id for s in example.lines(ACME, UserId("anna"))] == ["anna-sms", "berlin"]
    assert [o.id for o in example.lines(ACME, UserId("anna"))[0].organizations] == [
        "acme",
        "acme-berlin",
    ]
    berlin = example.lines(ACME, UserId("anna"))[1].line
    assert (berlin.region, berlin.extension_digits) == ("DE", (3,))
    sms = example.account(ACME, AccountId("acme-sms"))
    assert sms is not None
    assert (sms.channel, sms.portfolio, bool(sms.token)) == ("sms", "acme", False)
    assert sms.base_url == "https://sms.example.net/v1"


def test_settings_come_out_as_the_values_of_their_types(example: TomlDirectory) -> None:
    seat = example.user(ACME, UserId("anna"))
    assert seat is not None
    assert seat.organizations[0].settings == {
        "ask_again_after": timedelta(hours=24),
        "opt_in_template": "acme_opt_in",
        "opt_in_language": "en_US",
        "window_rule": WindowRule.CUSTOMER_MESSAGE,
    }
    assert seat.organizations[1].settings == {
        "opt_in_language": "de",
        "held_for": timedelta(hours=36),
        "opt_in_purposes": (Purpose.CONVERSATION, Purpose.MARKETING),
    }


def test_secrets_are_taken_from_where_the_file_says(example: TomlDirectory) -> None:
    app = example.app("/webhooks/whatsapp")
    assert app is not None
    assert [s.reveal() for s in app.secrets] == ["sesame-WHATSAPP_APP_SECRET", "sesame-old"]
    assert app.verify_token.reveal() == "sesame-WHATSAPP_VERIFY_TOKEN"
    assert "sesame" not in repr(app) + repr(example.account(ACME, AccountId("acme-whatsapp")))
    sms = example.app("/webhooks/sms")
    assert sms is not None
    assert not sms.verify_token


def test_the_snippet_of_the_readme(example: TomlDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (snippet,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(snippet, names)
    assert names["plugin"].directory.app("/webhooks/sms") == example.app("/webhooks/sms")


# ------------------------------------------------------------------------------------- look-ups


def test_own_lines_come_first_then_shared_ones_of_the_closest_organization(tmp_path: Path) -> None:
    directory = written(tmp_path, TWO_TENANTS)
    assert [s.line.id for s in directory.lines(ACME, UserId("kim"))] == [
        "kims",
        "north-1b",
        "north-1a",
        "north",
        "root",
    ]
    assert [s.line.id for s in directory.lines(GLOBEX, UserId("kim"))] == ["root", "second"]
    assert directory.lines(ACME, UserId("nobody")) == ()


def test_tenants_are_apart_even_where_ids_are_the_same(tmp_path: Path) -> None:
    directory = written(tmp_path, TWO_TENANTS)
    names = [seat.user.name for t in (ACME, GLOBEX) if (seat := directory.user(t, UserId("kim")))]
    assert names == ["Kim of Acme", "Kim of Globex"]
    assert directory.line(GLOBEX, LineId("south")) is None
    assert directory.account(ACME, AccountId("wa2")) is None
    assert directory.user(TenantId("acme-north"), UserId("kim")) is None


def test_a_webhook_finds_only_lines_of_accounts_that_its_app_serves(tmp_path: Path) -> None:
    directory = written(tmp_path, TWO_TENANTS)

    def found(app: str, account: str, line: str) -> tuple[str, str] | None:
        setup = directory.inbound_line(AppId(app), account, line)
        return (setup.line.tenant, setup.line.id) if setup else None

    assert found("shared", "1", "100") == ("acme", "root")
    assert found("shared", "2", "100") == ("globex", "root")
    assert found("other", "1", "100") == ("globex", "second")
    assert found("other", "2", "100") is None
    assert found("other", "1", "101") is None
    assert found("unknown", "1", "100") is None


def test_the_memory_directory_for_tests_answers_the_same(tmp_path: Path) -> None:
    directory = written(tmp_path, TWO_TENANTS)
    now = directory._now()
    memory = MemoryDirectory(
        apps=now.apps.values(),
        accounts=now.accounts.values(),
        lines=[(setup.line, setup.organizations) for setup in now.lines.values()],
        seats=now.seats.values(),
    )
    for tenant, user in (*now.seats, (ACME, UserId("nobody")), (TenantId("x"), UserId("kim"))):
        assert memory.lines(tenant, user) == directory.lines(tenant, user)
        assert memory.user(tenant, user) == directory.user(tenant, user)
    for tenant, line in (*now.lines, (GLOBEX, LineId("south"))):
        assert memory.line(tenant, line) == directory.line(tenant, line)
    for names in (*now.inbound, (AppId("other"), "2", "100")):
        assert memory.inbound_line(*names) == directory.inbound_line(*names)
    for tenant, account in (*now.accounts, (ACME, AccountId("wa2"))):
        assert memory.account(tenant, account) == directory.account(tenant, account)
    assert [memory.app(each) for each in ("/a", "/b", "/c")] == [directory.app(each) for each in ("/a", "/b", "/c")]


def test_unknown_names_are_answered_with_nothing(example: TomlDirectory) -> None:
    assert example.app("/nowhere") is None
    assert example.line(ACME, LineId("x")) is None
    assert example.user(GLOBEX, UserId("anna")) is None
    assert example.account(ACME, AccountId("x")) is None


# ------------------------------------------------------------------------------------- mistakes

BROKEN = """
organisations = []
[[organizations]]
id = "acme"
nmae = "Acme"
channels = { watsapp = false, sms = { enabled = 1, may = true }, fax = "on" }
[organizations.settings]
window_rool = "any_message"
window_margin = "five minutes"
clock_skew = 300
answer_inbound = "yes"
opt_in_template = "Opt In"
opt_in_language = "en-US"
opt_in_purposes = ["conversation", "advertising"]
stop_text = " "
revocation_scope = "chanel"

[[organizations]]
id = "a"
parent = "b"
[[organizations]]
id = "b"
parent = "a"
[[organizations]]
id = "leads-into-it"
parent = "b"
[[organizations]]
id = "acme"
[[organizations]]
id = "lost"
parent = "nowhere"

[[users]]
id = "anna"
organization = "acme"
[[users]]
id = "anna"
organization = "acme"
[[users]]
id = "carl"
organization = "acmee"
[[users]]
name = 5

[[apps]]
id = "meta"
tenant = "leads"
channel = "whatsapp"
endpoint = "/w"
secret = { env = "WA_TEST_IS_NOT_SET" }
[[apps]]
id = "sms"
tenant = "acme"
channel = "sms"
endpoint = "/w"
secret = { file = "no/such/file", env = "PATH" }
verify_token = 12345678
old_secret = { value = "hunter2" }

[[accounts]]
id = "wa"
app = "meta"
tenant = "acme"
channel = "sms"
provider_ref = "1"
base_url = "graph.example.com"
[[accounts]]
id = "wa3"
app = "meta"
tenant = "acme"
provider_ref = "1"

[[lines]]
id = "l"
organization = "acme"
account = "x"
address = "+49 30 1"
provider_ref = "1"
[[lines]]
id = "m"
organization = "acme"
account = "wa3"
owner = "carl"
channel = "sms"
address = "+49301"
provider_ref = "2"
[[lines]]
id = "m"
organization = "acme"
account = "wa3"
owner = "ann"
address = "+49302"
provider_ref = "2"
"""


MISTAKES = r"""
organisations: is not known here; did you mean "organizations"?
organizations[0].nmae: is not known here; did you mean "name"?
organizations[0].channels.watsapp: no app serves this channel; did you mean "whatsapp"?
organizations[0].channels.sms.enabled: needs true or false (without quotes), not a number
organizations[0].channels.sms.may: is not known here; known: enabled, may_enable
organizations[0].channels.fax: needs true, false or a table with `enabled`, not a text
organizations[0].settings.window_rool: is not known here; did you mean "window_rule"?
organizations[0].settings.window_margin: write a span of time as "24h", "15m", "7d", "1h30m" or in ISO 8601 ("PT24H"), at most ten years
organizations[0].settings.clock_skew: write a span of time as "24h", "15m", "7d", "1h30m" or in ISO 8601 ("PT24H"), not a number
organizations[0].settings.answer_inbound: needs true or false (without quotes), not a text
organizations[0].settings.opt_in_template: needs a template's name: lower case letters, digits and underscores
organizations[0].settings.opt_in_language: needs a language code as "en" or "en_US" (with an underscore)
organizations[0].settings.opt_in_purposes: has no such value; did you mean "marketing"?
organizations[0].settings.stop_text: needs a text, not an empty one
organizations[0].settings.revocation_scope: has no such value; did you mean "channel"?
organizations[1].parent: the parents go in a circle: a → b → a
organizations[4].id: is the same as organizations[0].id; each may be there once
organizations[5].parent: no organization named "nowhere"; known: acme, a, b, leads-into-it, lost
users[1].id: is the same as users[0].id; each may be there once
users[2].organization: no organization named "acmee"; did you mean "acme"?
users[3].id: is missing
users[3].name: needs a text in quotes, not a number
apps[0].tenant: no organization named "leads"; known: acme, a, b, leads-into-it, lost
apps[0].secret.env: the environment has no variable WA_TEST_IS_NOT_SET; set it, then start again
apps[1].endpoint: is the same as apps[0].endpoint; each may be there once
apps[1].secret: needs either `env` or `file`
apps[1].verify_token: needs a text, { env = "NAME" } or { file = "path" }, not a number
apps[1].old_secret.value: is not known here; known: env, file
apps[1].old_secret: needs either `env` or `file`
accounts[0].channel: is not its app's, which is "whatsapp"; leave it out
accounts[0].base_url: needs an address as "https://host/path"
accounts[1].provider_ref: is the same as accounts[0].provider_ref; each may be there once
lines[0].account: no account named "x"; known: wa, wa3
lines[0].address: has spaces in it; write a number as +4930123456
lines[1].channel: is not its account's, which is "whatsapp"; leave it out
lines[2].id: is the same as lines[1].id; each may be there once
lines[2].provider_ref: is the same as lines[1].provider_ref; each may be there once
lines[2].owner: no user named "ann"; did you mean "anna"?
"""


def test_every_mistake_is_told_at_once_each_with_its_path(tmp_path: Path) -> None:
    assert sorted(mistakes(tmp_path, BROKEN)) == sorted(MISTAKES.strip().splitlines())


def test_no_value_that_may_be_a_secret_is_repeated(tmp_path: Path) -> None:
    said = "\n".join(mistakes(tmp_path, BROKEN))
    assert "hunter2" not in said
    assert "12345678" not in said


def test_with_several_tenants_the_file_has_to_say_whose_a_thing_is(tmp_path: Path) -> None:
    text = '[[organizations]]\nid = "a"\n[[organizations]]\nid = "b"\n[[users]]\nid = "u"\n'
    assert mistakes(tmp_path, text) == (
        "users[0].organization: is missing; the file has several tenants, so say whose this is",
    )


def test_a_tenant_is_a_root(tmp_path: Path) -> None:
    text = """
    organizations = [{ id = "a" }, { id = "b", parent = "a" }]
    apps = [{ id = "x", tenant = "b", channel = "sms", endpoint = "/", secret = "s" }]
    """
    assert mistakes(tmp_path, text) == ('apps[0].tenant: is below "a"; write the root\'s id',)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "organizations: is missing; write at least one, the tenant"),
        (b"a = ", "file: is not TOML: Invalid value (at end of document)"),
        (b"\xff\xfe", "file: is not a text in UTF-8; save it in that encoding"),
        (b"a = " + b"[" * 20_000, "file: is nested too deeply"),
        (b"a = " + b"9" * 5_000, "file: is not TOML: Exceeds the limit"),
        (b"organizations = 5", "organizations: needs to be written [[organizations]], once"),
        (b"organizations = [5]", "organizations[0]: needs a table, not a number"),
        (b'organizations = [{ id = "a", settings = [] }]', "organizations[0].settings: needs a tab"),
    ],
)
def test_a_file_that_is_no_directory_is_a_config_error(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "directory.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        TomlDirectory(path).reload()
    assert caught.value.mistakes[0].startswith(said)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_missing_file_is_a_config_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml cannot be used") as caught:
        TomlDirectory(tmp_path / "nowhere.toml").app("/")
    assert caught.value.mistakes == (
        "file: cannot be read: No such file or directory; check the path and its permissions",
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('{ env = "WA_TEST_EMPTY" }', "apps[0].secret.env: the secret is empty"),
        ('{ env = "WA_TEST_SPACED" }', "apps[0].secret.env: the secret has spaces around it"),
        ('{ file = "absent" }', "apps[0].secret.file: absent cannot be read: No such file"),
        ('{ file = "binary" }', "apps[0].secret.file: binary is not a text in UTF-8"),
        ('"se\\u0000cret"', "apps[0].secret: the secret has spaces around it, or characters"),
        ("[]", "apps[0].secret: needs a text, { env"),
        ("{}", "apps[0].secret: needs either `env` or `file`"),
    ],
)
def test_a_secret_that_cannot_be_used_is_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, said: str
) -> None:
    monkeypatch.setenv("WA_TEST_EMPTY", "")
    monkeypatch.setenv("WA_TEST_SPACED", " hunter2")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    text = f"""
    organizations = [{{ id = "a" }}]
    apps = [{{ id = "x", channel = "sms", endpoint = "/", secret = {source} }}]
    """
    (found,) = mistakes(tmp_path, text)
    assert found.startswith(said)
    assert "hunter2" not in found


# --------------------------------------------------------------------------------------- reading


def test_nothing_is_read_before_the_first_question(tmp_path: Path) -> None:
    plugin = DirectoryPlugin(tmp_path / "later.toml")
    (tmp_path / "later.toml").write_text('[[organizations]]\nid = "a"\n')
    assert plugin.directory.app("/") is None


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    directory = written(tmp_path, '\ufeff[[organizations]]\nid = "a"\n')
    assert directory.app("/") is None


def test_reload_takes_the_new_file_and_a_broken_one_leaves_the_old_in_force(tmp_path: Path) -> None:
    directory = written(tmp_path, TWO_TENANTS)
    assert directory.app("/a") is not None
    written(tmp_path, TWO_TENANTS.replace('"/a"', '"/c"'))
    assert directory.app("/a") is not None
    directory.reload()
    assert (directory.app("/a"), directory.app("/c") is not None) == (None, True)
    written(tmp_path, "broken")
    with pytest.raises(ConfigError):
        directory.reload()
    assert directory.app("/c") is not None


def test_threads_that_ask_during_reloads_see_whole_files(tmp_path: Path) -> None:
    directory = written(tmp_path, TWO_TENANTS)
    done = threading.Event()
    seen: list[int] = []

    def ask() -> None:
        while not done.is_set():
            seen.append(len(directory.lines(ACME, UserId("kim"))))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        directory.reload()
    done.set()
    for thread in threads:
        thread.join()
    assert set(seen) == {5}


def test_hook_wa_directory(tmp_path: Path) -> None:
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    plugin = DirectoryPlugin(tmp_path / "x.toml")
    manager.register(plugin)
    found: Directory = manager.hook.wa_directory()
    assert found is plugin.directory


# --------------------------------------------------------------------------------------- settings


def test_every_setting_of_the_core_can_be_written(tmp_path: Path) -> None:
    spelled: dict[object, str] = {
        bool: "false",
        timedelta: '"90m"',
        WindowRule: '"any_message"',
        RevocationScope: '"all"',
        UnknownOutcome: '"resend"',
        Newcomers: '"from_joining"',
        tuple[Purpose, ...]: '["marketing"]',
    }
    lines = [f"{f.name} = {spelled.get(f.type) or _word(f.type)}" for f in attrs.fields(Settings)]
    text = '[[organizations]]\nid = "a"\n[organizations.settings]\n' + "\n".join(lines)
    text += '\n[[users]]\nid = "u"\n'
    seat = written(tmp_path, text).user(TenantId("a"), UserId("u"))
    assert seat is not None
    found = seat.organizations[0].settings
    assert list(found) == [f.name for f in attrs.fields(Settings)]
    assert found == attrs.asdict(Settings(**found), recurse=False)  # type: ignore[arg-type]
    assert {f.name: type(found[f.name]) for f in attrs.fields(Settings)} == {
        name: type(value) for name, value in attrs.asdict(Settings(), recurse=False).items()
    }


def _word(kind: object) -> str:
    """The last word of a choice; of a text, any."""
    value = list(kind)[-1].value if isinstance(kind, type) and issubclass(kind, Enum) else "xy"
    return f'"{value}"'


def test_every_type_of_a_setting_has_a_reader() -> None:
    assert all(callable(_reader(f.name, f.type)) for f in attrs.fields(Settings))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("24h", timedelta(hours=24)),
        ("15m", timedelta(minutes=15)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
        ("1h30m", timedelta(minutes=90)),
        ("0s", timedelta(0)),
        ("PT24H", timedelta(hours=24)),
        ("P1DT12H", timedelta(hours=36)),
        ("P1W", timedelta(weeks=1)),
        ("3650d", timedelta(days=3650)),
        ("3651d", None),
        ("9" * 5_000 + "d", None),
        ("", None),
        ("P", None),
        ("PT", None),
        ("P1M", None),
        ("30m1h", None),
        ("-1h", None),
        ("24", None),
        ("٣h", None),
    ],
)
def test_spans_of_time(text: str, span: timedelta | None) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize(
    ("written_", "said"),
    [
        ("opt_in_purposes = []", "opt_in_purposes: needs a list of texts; known: conversation, marketing"),
        ('opt_in_purposes = "marketing"', "opt_in_purposes: needs a list of texts"),
        ('opt_in_purposes = ["marketing", "marketing"]', "opt_in_purposes: names one of them twice"),
        ('opt_in_template = "a\\tb"', "opt_in_template: has characters that cannot be printed"),
        ('opt_in_language = " en"', "opt_in_language: has spaces before or after it"),
        ('revocation_scope = ""', "revocation_scope: is empty; write a value"),
    ],
)
def test_settings_that_cannot_be_used_are_mistakes(tmp_path: Path, written_: str, said: str) -> None:
    text = f'[[organizations]]\nid = "a"\n[organizations.settings]\n{written_}\n'
    (found,) = mistakes(tmp_path, text)
    assert found.startswith(f"organizations[0].settings.{said}")


def test_an_id_has_a_length_that_storages_can_index(tmp_path: Path) -> None:
    text = f'[[organizations]]\nid = "{"a" * 257}"\n'
    assert mistakes(tmp_path, text) == ("organizations[0].id: is longer than 256 characters",)


def test_a_switch_without_its_state_is_a_mistake(tmp_path: Path) -> None:
    text = '[[organizations]]\nid = "a"\nchannels = { sms = { may_enable = true } }\n'
    assert mistakes(tmp_path, text) == ("organizations[0].channels.sms.enabled: is missing",)


def test_what_refers_to_something_broken_is_silent(tmp_path: Path) -> None:
    text = """
    organizations = [{ id = "a" }]
    users = [{ id = "u", organization = "x" }]
    apps = [{ id = "p", channel = "sms", endpoint = "/", secret = "s" }]
    accounts = [{ id = "c", app = "p", tenant = "x", provider_ref = "1" }]
    lines = [{ id = "l", account = "c", owner = "u", address = "+4930100", provider_ref = "1" }]
    """
    assert mistakes(tmp_path, text) == (
        'users[0].organization: no organization named "x"; known: a',
        'accounts[0].tenant: no organization named "x"; known: a',
    )


@pytest.mark.parametrize("tier", ["0", "-1", "true", '"many"', "1.5"])
def test_a_tier_is_a_whole_number_from_one_on(tmp_path: Path, tier: str) -> None:
    file = tmp_path / "directory.toml"
    file.write_text(f'[[organizations]]\nid = "acme"\n[[accounts]]\nid = "a"\ndaily_tier = {tier}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"accounts\[0\]\.daily_tier"):
        TomlDirectory(file).reload()


GATEWAY = """
[[organizations]]
id = "acme"
[[apps]]
id = "texts"
channel = "sms"
gateway = "kannel"
endpoint = "/sms"
secret = "s"
[[accounts]]
id = "sms"
app = "texts"
provider_ref = "1"
[accounts.options]
"""


def test_an_account_is_of_its_apps_gateway_and_has_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLBACK", "sesame")
    options = 'username = "acme"\nwindow = 10\ntls = true\ncallback_url = { env = "CALLBACK" }'
    directory = written(tmp_path, GATEWAY + options)
    app, account = directory.app("/sms"), directory.account(ACME, AccountId("sms"))
    assert app is not None
    assert account is not None
    assert (app.gateway, account.gateway) == ("kannel", "kannel")
    assert account.options == {"username": "acme", "window": 10, "tls": True, "callback_url": Secret("sesame")}
    assert "sesame" not in repr(account)


def test_mistakes_in_options(tmp_path: Path) -> None:
    assert mistakes(tmp_path, GATEWAY + 'a = 1.5\nb = [1]\nc = ""\nd = { env = "NOT_THERE" }') == (
        'accounts[0].options.a: needs a text, { env = "NAME" } or { file = "path" }, not a number',
        'accounts[0].options.b: needs a text, { env = "NAME" } or { file = "path" }, not a list',
        "accounts[0].options.c: is empty; write a value, or leave the key out where it may be missing",
        "accounts[0].options.d.env: the environment has no variable NOT_THERE; set it, then start again",
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [("region", '"de"'), ("region", '"DEU"'), ("extension_digits", "3"), ("extension_digits", "[0]")],
)
def test_how_a_line_reads_numbers_is_checked(tmp_path: Path, key: str, value: str) -> None:
    text = TWO_TENANTS.replace('id = "south"\n', f'id = "south"\n{key} = {value}\n')
    (found,) = mistakes(tmp_path, text)
    assert found.startswith(f"lines[1].{key}: needs ")
