"""The command ``wa-connector doctor``: asks, prints, and ends with 1 when something is broken.

Rules of this file: the command line's; what is asked and what an answer means is in ``doctor``.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from wa_connector.model.directory import Account, Line
from wa_connector.model.ids import AccountId, AppId, LineId, TenantId
from wa_connector.model.secret import Secret
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
    account: Annotated[str, typer.Option(envvar="WA_ACCOUNT", help="The provider's id of the WhatsApp account.")],
    number: Annotated[str, typer.Option(envvar="WA_NUMBER", help="The provider's id of the business number.")],
    token: Annotated[str, typer.Option(envvar="WA_TOKEN", help="What authorises sends. Prefer the variable.")],
    app: Annotated[str, typer.Option(envvar="WA_APP", help="The id of the app, to ask for its fields.")] = "",
    app_secret: Annotated[str, typer.Option(envvar="WA_APP_SECRET", help="Its secret. Prefer the variable.")] = "",
    webhook: Annotated[str, typer.Option(envvar="WA_WEBHOOK", help="The host's webhook address, to call it.")] = "",
    verify_token: Annotated[str, typer.Option(envvar="WA_VERIFY_TOKEN", help="Its verify token.")] = "",
    base_url: Annotated[str, typer.Option(help="Another address than the provider's, such as an emulator's.")] = "",
) -> None:
    """Check a configuration of WhatsApp step by step, and say what to do about each step that fails.

    Nothing is changed and nothing is sent to customers. Ends with 1 when something is broken.
    """
    from rich.console import Console

    from wa_connector_cloud_api.transport import CloudApiTransport

    options = Options()
    tenant, name = TenantId("doctor"), AccountId("doctor")
    subject = Subject(
        Account(tenant, name, AppId("doctor"), CHANNEL, account, account, Secret(token), base_url),
        Line(tenant, LineId("doctor"), name, CHANNEL, "", number),
        app,
        Secret(app_secret) if app_secret else None,
        webhook,
        Secret(verify_token) if verify_token else None,
        options,
    )
    transport = CloudApiTransport(options)
    try:
        findings = examine(subject, transport.ask, _go, datetime.now(UTC))
        is_broken = _print(findings, Console())
    finally:
        transport.close()
    raise typer.Exit(1 if is_broken else 0)


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
