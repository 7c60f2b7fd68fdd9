"""The command ``wa-connector doctor``: asks, prints, and ends with 1 when something is broken.

Rules of this file: the command line's; what is asked and what an answer means is in ``doctor``.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from attrs import evolve

from wa_connector.errors import ConfigError
from wa_connector.model.directory import Account, App, Line, LineSetup
from wa_connector.model.ids import AccountId, AppId, LineId, TenantId
from wa_connector.model.secret import Secret
from wa_connector.policy.enablement import enablement
from wa_connector.policy.settings import settings_of
from wa_connector_cloud_api.capabilities import CHANNEL
from wa_connector_cloud_api.doctor import Finding, State, Subject, Visit, examine
from wa_connector_cloud_api.options import Options

_MARKS: Final = {
    State.GOOD: "[green]good[/]",
    State.DOUBTFUL: "[yellow]doubtful[/]",
    State.BROKEN: "[red]broken[/]",
    State.SKIPPED: "[dim]skipped[/]",
}


def doctor(
    account: Annotated[str, typer.Option(envvar="WA_ACCOUNT", help="The provider's id of the WhatsApp account.")] = "",
    number: Annotated[str, typer.Option(envvar="WA_NUMBER", help="The provider's id of the business number.")] = "",
    token: Annotated[str, typer.Option(envvar="WA_TOKEN", help="What authorises sends. Prefer the variable.")] = "",
    app: Annotated[str, typer.Option(envvar="WA_APP", help="The id of the app, to ask for its fields.")] = "",
    app_secret: Annotated[str, typer.Option(envvar="WA_APP_SECRET", help="Its secret. Prefer the variable.")] = "",
    webhook: Annotated[str, typer.Option(envvar="WA_WEBHOOK", help="The host's webhook address, to call it.")] = "",
    verify_token: Annotated[str, typer.Option(envvar="WA_VERIFY_TOKEN", help="Its verify token.")] = "",
    base_url: Annotated[str, typer.Option(help="Another address than the provider's, such as an emulator's.")] = "",
    directory: Annotated[
        str, typer.Option(help="A host's directory.toml: every WhatsApp line in it is checked, with its app's secrets.")
    ] = "",
    line: Annotated[str, typer.Option(help="Only this line of the directory.")] = "",
    public_url: Annotated[
        str, typer.Option(help="Where the host is reached from outside; the endpoints of the directory stand below it.")
    ] = "",
) -> None:
    """Check a configuration of WhatsApp step by step, and say what to do about each step that fails.

    Either a host's whole directory (--directory), or one number (--account, --number, --token). Nothing is changed and nothing
    is sent to customers. Ends with 1 when something is broken.
    """
    from rich.console import Console

    if directory:
        subjects = _of_directory(directory, line, app, public_url, base_url)
    elif account and number and token:
        subjects = [("", _of_options(account, number, token, app, app_secret, webhook, verify_token, base_url))]
    else:
        raise typer.BadParameter("give --directory, or --account, --number and --token")
    is_broken = _print(_examined(subjects), Console())
    raise typer.Exit(1 if is_broken else 0)


def _of_options(
    account: str, number: str, token: str, app: str, app_secret: str, webhook: str, verify_token: str, base_url: str
) -> Subject:
    tenant, name = TenantId("doctor"), AccountId("doctor")
    return Subject(
        Account(tenant, name, AppId("doctor"), CHANNEL, account, account, Secret(token), base_url),
        Line(tenant, LineId("doctor"), name, CHANNEL, "", number),
        app,
        Secret(app_secret) if app_secret else None,
        webhook,
        Secret(verify_token) if verify_token else None,
    )


def _of_directory(
    path: str, line: str, app_ref: str, public_url: str, base_url: str
) -> "Sequence[tuple[str, Subject | Finding]]":
    """What is to be examined, line by line; what is wrong with the file itself, instead of it."""
    try:
        from wa_connector_directory import TomlDirectory
    except ImportError:
        remedy = "pip install wa-connector-directory"
        return [("", Finding("directory", State.BROKEN, "a directory cannot be read without its plugin", remedy))]
    try:
        found = TomlDirectory(path).everything(CHANNEL)
    except ConfigError as error:
        wrong = [Finding("directory", State.BROKEN, mistake, "Correct the file.") for mistake in error.mistakes]
        return [("", each) for each in wrong]
    chosen = [(app, setup) for app, setup in found if line in ("", setup.line.id)]
    if not chosen:
        remedy = 'Add a line whose account is of an app with channel = "whatsapp"' + (
            ", or name another." if line else "."
        )
        return [("", Finding("directory", State.BROKEN, "the file has no such WhatsApp line", remedy))]
    good = Finding("directory", State.GOOD, f"the file is right; it has {len(found)} WhatsApp lines")
    return [
        ("", good),
        *((setup.line.id, _of_line(app, setup, app_ref, public_url, base_url)) for app, setup in chosen),
    ]


def _of_line(app: App, setup: LineSetup, app_ref: str, public_url: str, base_url: str) -> Subject:
    settings = settings_of(setup.organizations)
    return Subject(
        evolve(setup.account, base_url=base_url) if base_url else setup.account,
        setup.line,
        app_ref,
        app.secrets[0] if app.secrets else None,
        public_url.rstrip("/") + app.endpoint if public_url else "",
        app.verify_token,
        (settings.opt_in_template, settings.opt_in_language),
        enablement(setup.organizations, None, CHANNEL, "WhatsApp").is_allowed,
    )


def _examined(subjects: "Sequence[tuple[str, Subject | Finding]]") -> "Iterator[Finding]":
    from wa_connector_cloud_api.transport import CloudApiTransport

    transport = CloudApiTransport(Options())
    try:
        for name, subject in subjects:
            if isinstance(subject, Finding):
                yield subject
                continue
            for finding in examine(subject, transport.ask, _go, datetime.now(UTC)):
                yield evolve(finding, step=f"{name}: {finding.step}") if name else finding
    finally:
        transport.close()


def _print(findings: "Iterable[Finding]", console: "object") -> bool:
    from rich.console import Console
    from rich.markup import escape

    assert isinstance(console, Console)
    seen = []
    for finding in findings:
        seen.append(finding.state)
        console.print(
            f"{_MARKS[finding.state]:>8}  [bold]{escape(finding.step)}[/]: {escape(finding.what)}", soft_wrap=True
        )
        if finding.remedy:
            console.print(f"          → {escape(finding.remedy)}", soft_wrap=True)
    broken = seen.count(State.BROKEN)
    console.print(f"{broken} of {len(seen)} steps are broken" if broken else "Nothing is broken.")
    return broken > 0


def _go(visit: Visit) -> tuple[int, bytes]:
    import httpx

    try:
        answer = httpx.request(
            visit.method,
            visit.url,
            headers=dict(visit.headers),
            content=visit.body or None,
            timeout=15,
            trust_env=False,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ConnectionError(type(error).__name__) from error
    return answer.status_code, answer.content
