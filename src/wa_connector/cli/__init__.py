"""The command line: ``wa-connector``. Each plugin adds its own commands through the hook ``wa_commands``.

It needs the extra ``cli`` (typer and rich); the SDK itself does not.
"""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer


def main() -> None:
    """Run the command line, and say what is missing where it cannot."""
    try:
        import typer  # noqa: F401 - only asked whether it is there
    except ModuleNotFoundError:
        sys.exit("The command line needs typer and rich. Install them with: pip install 'wa-connector[cli]'")
    application()()


def application() -> "typer.Typer":
    """The command line with the commands of every installed plugin."""
    import typer

    from wa_connector.cli.database import db
    from wa_connector.cli.dispatch import dispatch
    from wa_connector.cli.exporting import export, verify
    from wa_connector.cli.keeping import forget, jobs, retain
    from wa_connector.shell.assembly import plugin_manager

    app = typer.Typer(
        name="wa-connector",
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,  # A local variable may hold a token.
    )
    app.callback()(_nothing)  # With it, one command alone stays a subcommand.
    app.command()(plugins)
    app.command()(dispatch)
    app.command()(forget)
    app.command()(retain)
    app.command()(jobs)
    app.command()(export)
    app.command("verify-export")(verify)
    app.add_typer(db)
    plugin_manager((), discover=True).hook.wa_commands(app=app)
    return app


def _nothing() -> None:
    """WhatsApp beside SMS and voicemail in one inbox. Commands come from the installed plugins."""


def plugins() -> None:
    """List the installed plugins and what each provides."""
    from rich.console import Console
    from rich.table import Table

    from wa_connector.shell.assembly import plugin_manager

    manager = plugin_manager((), discover=True)
    table = Table("plugin", "provides", title="Installed plugins")
    for plugin, distribution in manager.list_plugin_distinfo():
        callers = manager.get_hookcallers(plugin) or []
        table.add_row(f"{distribution.project_name} {distribution.version}", ", ".join(hook.name for hook in callers))
    Console().print(table)
    if not manager.list_plugin_distinfo():
        Console().print("None. Install one, e.g. wa-connector-emulator, and look again.")
