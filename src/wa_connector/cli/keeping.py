"""``wa-connector forget``, ``retain`` and ``jobs``: what is kept, and for how long.

Theory: a command makes a job and runs the tenant's jobs, with a bar for each. A signal ends it between two steps; what is
left goes on with the next ``wa-connector jobs``, of whatever process.
"""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wa_connector.cli.dispatch import Stop, connector_at, listening
from wa_connector.errors import RefusedError, UsageError, WaConnectorError
from wa_connector.model.address import Address, AddressKind, number
from wa_connector.model.ids import CustomerId, TenantId, UserId

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from wa_connector.decide.forgetting import Requested
    from wa_connector.model.job import Job

Ask = Callable[..., Any]
"""Calls a verb of either face by its name, and waits for it."""

Target = Annotated[
    str,
    typer.Argument(metavar="MODULE:ATTRIBUTE", help="Where the connector is, as for `dispatch`."),
]
Tenant = Annotated[str, typer.Argument(help="The tenant's id.")]
By = Annotated[str, typer.Option("--by", help="The user who asks for it; one who supervises.")]
AppDir = Annotated[str, typer.Option(help="The folder that MODULE is looked for in, before all others.")]


def forget(
    target: Target,
    tenant: Tenant,
    whom: Annotated[str, typer.Argument(help="His number (+1650…), `bsuid:PORTFOLIO:ID`, or `customer:ID`.")],
    by: By,
    why: Annotated[str, typer.Option(help="The reason, for the record.")],
    app_dir: AppDir = ".",
) -> None:
    """Forget a person: remove what names him, keep what he refused. A legal hold delays it."""

    def request(call: Ask) -> "Requested":
        customer = customer_of(call, TenantId(tenant), UserId(by), whom)
        requested: Requested = call("forget_customer", TenantId(tenant), UserId(by), customer, why=why)
        return requested

    _request_and_run(target, app_dir, tenant, request)


def retain(
    target: Target,
    tenant: Tenant,
    by: By,
    why: Annotated[str, typer.Option(help="A note, for the record.")] = "",
    app_dir: AppDir = ".",
) -> None:
    """Drop what is older than the organization's settings say (`keep_messages` and so on); for a scheduler."""

    def request(call: Ask) -> "Requested":
        requested: Requested = call("retain", TenantId(tenant), UserId(by), why=why)
        return requested

    _request_and_run(target, app_dir, tenant, request)


def jobs(target: Target, tenant: Tenant, app_dir: AppDir = ".") -> None:
    """Go on with the jobs that were interrupted, and with those whose legal hold has ended."""
    _request_and_run(target, app_dir, tenant, None)


def _request_and_run(target: str, app_dir: str, tenant: str, request: "Callable[[Ask], Requested] | None") -> None:
    from rich.console import Console

    console, stop = Console(), Stop()
    try:
        with ExitStack() as stack:
            stack.enter_context(listening(stop))
            call = calling(connector_at(target, app_dir), stack)
            if request is not None:
                requested = request(call)
                if not requested.decision.is_allowed:
                    raise RefusedError(requested.decision)
            ended = _run(console, call, TenantId(tenant), stop)
    except WaConnectorError as error:
        Console(stderr=True).print(f"[red]{type(error).__name__}[/red]: ", error, sep="")
        raise typer.Exit(1) from None
    _show(console, ended)


def calling(connector: Any, stack: ExitStack) -> Ask:
    """A way to call a connector of either face, closed with ``stack``."""
    from wa_connector.direct.connector import Connector

    if isinstance(connector, Connector):
        stack.enter_context(connector)
        return lambda name, *arguments, **named: getattr(connector, name)(*arguments, **named)
    import asyncio

    runner = stack.enter_context(asyncio.Runner())
    stack.callback(lambda: runner.run(connector.aclose()))

    def call(name: str, *arguments: Any, **named: Any) -> Any:
        awaitable: Awaitable[Any] = getattr(connector, name)(*arguments, **named)

        async def wait() -> Any:
            return await awaitable

        return runner.run(wait())

    return call


def customer_of(call: Ask, tenant: TenantId, by: UserId, whom: str) -> CustomerId:
    """Whom a person at a terminal means: a number, a BSUID, or our own id."""
    kind, _, value = whom.partition(":")
    if kind == "customer":
        return CustomerId(value)
    if kind == "bsuid":
        portfolio, _, own = value.partition(":")
        address = Address(AddressKind.BSUID, own, portfolio)
    else:
        address = number(whom)
    found = call("find_customer", tenant, by, address)
    if found is None:
        raise UsageError("nobody here has this address")
    customer: CustomerId = found.id
    return customer


# --- what a person sees -----------------------------------------------------------------------------------------------


def _run(console: "Console", call: Ask, tenant: TenantId, stop: Stop) -> "tuple[Job, ...]":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rows]}"))
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal) as progress:
        bars: dict[str, TaskID] = {}
        ended: tuple[Job, ...] = call(
            "run_jobs", tenant, told=lambda job: _advance(progress, bars, job), is_stopping=stop.is_set
        )
    return ended


def _advance(progress: "Progress", bars: "dict[str, TaskID]", job: "Job") -> None:
    from wa_connector.decide import forgetting, retaining
    from wa_connector.model.job import JobKind

    stages = forgetting.STAGES if job.kind is JobKind.FORGET else retaining.STAGES
    if job.id not in bars:
        bars[job.id] = progress.add_task(job.kind.value, total=len(stages), rows="")
    done = len(stages) if job.is_done else stages.index(job.stage)
    progress.update(
        bars[job.id],
        completed=done,
        description=f"{job.kind.value}: {job.state.value if job.is_done else job.stage.value}",
        rows=f"{job.looked_at} rows seen, {job.changed} changed",
    )


def _show(console: "Console", ended: "tuple[Job, ...]") -> None:
    from rich.table import Table

    table = Table("job", "kind", "state", "rows seen", "rows changed", title="Jobs")
    for job in ended:
        state = "held by a legal hold" if job.state.value == "held" else job.state.value
        table.add_row(job.id, job.kind.value, state, str(job.looked_at), str(job.changed))
    console.print(table if ended else "There is nothing to do.")
