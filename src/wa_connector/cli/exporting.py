"""``wa-connector export`` and ``wa-connector verify-export``: what was said, as files that somebody else can check."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wa_connector.cli.dispatch import connector_at
from wa_connector.cli.keeping import AppDir, By, Target, Tenant, calling, customer_of
from wa_connector.errors import WaConnectorError
from wa_connector.model.ids import TenantId, UserId

if TYPE_CHECKING:
    from wa_connector.shell.exporting import Exported

Folder = Annotated[Path, typer.Argument(help="Where to write; the same folder again goes on with it.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="In UTC.")]


def export(
    target: Target,
    tenant: Tenant,
    folder: Folder,
    by: By,
    customer: Annotated[str, typer.Option(help="Only this one: his number, or as for `forget`.")] = "",
    of_user: Annotated[str, typer.Option("--user", help="Only what this user took part in.")] = "",
    since: Day = None,
    until: Day = None,
    app_dir: AppDir = ".",
) -> None:
    """Export a customer, a user or a period: JSON Lines, transcripts with pictures, and a manifest of hashes."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console()
    columns = (SpinnerColumn(), TextColumn("{task.completed} customers"), TimeElapsedColumn())
    try:
        with ExitStack() as stack:
            call = calling(connector_at(target, app_dir), stack)
            whom = customer_of(call, TenantId(tenant), UserId(by), customer) if customer else None
            progress = stack.enter_context(Progress(*columns, console=console, disable=not console.is_terminal))
            bar = progress.add_task("export", total=None)
            done: Exported = call(
                "export",
                TenantId(tenant),
                UserId(by),
                folder,
                customer=whom,
                of_user=UserId(of_user) if of_user else None,
                since_at=since and since.replace(tzinfo=UTC),
                until_at=until and until.replace(tzinfo=UTC),
                told=lambda count: progress.update(bar, completed=count),
            )
    except WaConnectorError as error:
        Console(stderr=True).print(f"[red]{type(error).__name__}[/red]: ", error, sep="")
        raise typer.Exit(1) from None
    console.print(f"{done.customers} customers, {done.messages} messages. SHA-256 of the manifest: {done.manifest}")


def verify(folder: Folder) -> None:
    """Check an export against its manifest. Ends with 1 when a file is missing, was changed or was added."""
    from rich.console import Console

    from wa_connector.shell.exporting import verify_export

    try:
        problems = verify_export(folder)
    except WaConnectorError as error:
        problems = (str(error),)
    for problem in problems:
        Console(stderr=True).print(problem, markup=False)
    if problems:
        raise typer.Exit(1)
    Console().print("Nothing is missing, changed or added.")
