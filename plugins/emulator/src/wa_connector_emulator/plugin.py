"""The command `emulator`, for the host's command line.

Rules of this file: it is the only one that knows the host, and it knows no more of it than a hook
name. What the command needs is imported when it runs, since the host loads every plugin to print
its help.
"""

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import typer

    from .emulator import Emulator

hookimpl = pluggy.HookimplMarker("wa_connector")

APP_SECRET_VARIABLE = "WA_EMULATOR_APP_SECRET"  # noqa: S105 - the name of a variable
TOKEN_VARIABLE = "WA_EMULATOR_TOKEN"  # noqa: S105 - the name of a variable

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@hookimpl
def wa_commands(app: "typer.Typer") -> None:
    """Add the command `emulator` to the host's command line."""
    import typer

    @app.command("emulator")
    def emulator(
        host: str = typer.Option("127.0.0.1", help="Address to listen on."),
        port: int = typer.Option(8460, help="Port to listen on; 0 takes a free one."),
        app_secret: str = typer.Option("", envvar=APP_SECRET_VARIABLE, help="Signs webhooks. Prefer the variable."),
        token: str = typer.Option("", envvar=TOKEN_VARIABLE, help="Bearer token of Graph calls. Prefer the variable."),
        webhook: str = typer.Option("", help="Callback address to subscribe."),
        verify_token: str = typer.Option("", help="Verify token of the callback address."),
    ) -> None:
        """Run an emulator of the WhatsApp Cloud API on this machine."""
        _run(host, port, app_secret, token, webhook, verify_token)


def _run(host: str, port: int, app_secret: str, token: str, webhook: str, verify_token: str) -> None:
    from .emulator import Emulator
    from .server import listen, run

    with (
        Emulator(app_secret=app_secret or None, token=token or None) as emulator,
        listen(emulator, host, port) as (base_url, listener),
    ):
        _greet(emulator, base_url, is_local=host in _LOOPBACK)
        _tell_secrets(emulator, app_secret, token)
        if webhook:
            _subscribe(emulator, webhook, verify_token)
        _say("Ready. Ctrl-C ends it.")
        run(emulator, listener)


def _say(text: str) -> None:
    from rich.console import Console

    # Unwrapped, so that addresses and tokens can be copied, and soon seen by a waiting program.
    Console(soft_wrap=True).print(text, highlight=False)


def _greet(emulator: "Emulator", base_url: str, *, is_local: bool) -> None:
    number, account = emulator.numbers()[0], emulator.accounts()[0]
    _say(f"[bold green]WhatsApp emulator[/] listening on [bold]{base_url}[/]")
    _say(f"  Graph base      {base_url}/v26.0")
    _say(f"  WABA            {account.id}")
    _say(f"  phone number    {number.id}  (+{number.display_number})")
    _say("Next, create a customer and let it write:")
    _say(f'  curl {base_url}/_emulator/customers -d \'{{"phone": "+16505551234"}}\'')
    _say(f'  curl {base_url}/_emulator/customers/16505551234/text -d \'{{"text": "Hello"}}\'')
    if not is_local:
        _say("[yellow]The control API has no password: whoever reaches this address has it.[/]")


def _tell_secrets(emulator: "Emulator", app_secret: str, token: str) -> None:
    """Print a secret only when it was made up just now: else its owner knows it."""
    for given, made, variable in (
        (app_secret, emulator.app_secret, APP_SECRET_VARIABLE),
        (token, emulator.token, TOKEN_VARIABLE),
    ):
        if not given:
            _say(f"  {variable}={made}")


def _subscribe(emulator: "Emulator", webhook: str, verify_token: str) -> None:
    """A receiver that is not up yet is no reason not to start: it can be subscribed later."""
    from .errors import ControlError

    try:
        emulator.subscribe_webhook(webhook, verify_token)
    except ControlError as refusal:
        _say(f"[yellow]{refusal}[/]")
        _say("  Start the receiver, then POST to /_emulator/webhooks/subscribe:")
        _say('  {"url": "...", "verify_token": "..."}')
    else:
        _say(f"  webhooks go to  {webhook}")
