"""``wa-connector db``: the tables of a host's storage, from release to release."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wa_connector.cli.dispatch import connector_at
from wa_connector.errors import WaConnectorError
from wa_connector.model.ids import TenantId

if TYPE_CHECKING:
    # Loaded when a command runs: this module is imported for every help page.
    from wa_connector.ports.storage import SchemaState

db = typer.Typer(name="db", no_args_is_help=True, help="The tables of a host's storage, from release to release.")

Target = Annotated[
    str,
    typer.Argument(
        metavar="MODULE:ATTRIBUTE",
        help="Where the connector is: a Connector or AsyncConnector, or a function without arguments that builds one.",
    ),
]
AppDir = Annotated[str, typer.Option(help="The folder that MODULE is looked for in, before all others.")]


@db.command()
def status(target: Target, app_dir: AppDir = ".") -> None:
    """Say which version the tables have, and what an upgrade would do. Ends with 1 when one is due."""
    found: SchemaState = _asked(target, app_dir, "schema")
    _show(found)
    if not found.is_current:
        raise typer.Exit(1)


@db.command()
def upgrade(target: Target, app_dir: AppDir = ".") -> None:
    """Bring the tables to this release's version. Stop what uses them, and take a backup, before.

    Each step is done whole or not at all, and none twice: run it again if it was interrupted.
    """
    before = _asked(target, app_dir, "schema")
    _show(_asked(target, app_dir, "upgrade"), before)


@db.command()
def accept(
    target: Target,
    tenant: Annotated[str, typer.Argument(help="Whose messages.")],
    resend: Annotated[bool, typer.Option("--resend/--cancel", help="Send what is in doubt, or cancel it.")],
    app_dir: AppDir = ".",
) -> None:
    """After a backup was restored: decide on the messages that it brought back, which may have been sent before."""
    from rich.console import Console

    count = _asked(target, app_dir, "accept_restore", TenantId(tenant), resend=resend)
    Console().print(f"{count} messages are {'sent again' if resend else 'cancelled'}. Nothing is in doubt any longer.")


def _asked(target: str, app_dir: str, question: str, *arguments: Any, **named: Any) -> Any:
    from rich.console import Console

    from wa_connector.direct.connector import Connector

    try:
        connector = connector_at(target, app_dir)
        if isinstance(connector, Connector):
            with connector:
                return getattr(connector, question)(*arguments, **named)

        async def ask() -> Any:
            async with connector:
                return await getattr(connector, question)(*arguments, **named)

        return asyncio.run(ask())
    except WaConnectorError as error:
        Console(stderr=True).print(f"[red]{type(error).__name__}[/red]: ", error, sep="")
        raise typer.Exit(2) from None


def _show(state: "SchemaState", before: "SchemaState | None" = None) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, title="Tables")
    table.add_row("where", state.place)
    if before is not None and before.found != state.found:
        table.add_row("before", f"version {before.found}")
    table.add_row("now", f"version {state.found} of {state.known}")
    for step in state.pending:
        table.add_row("to do", step)
    if before is not None:
        for step in before.pending:
            table.add_row("done", step)
    Console().print(table)
    if state.pending:
        Console().print("Stop what uses them, take a backup, and run: wa-connector db upgrade MODULE:ATTRIBUTE")
