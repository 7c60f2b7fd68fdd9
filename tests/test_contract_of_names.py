"""The whole public contract of the package, in one place."""

import ast
import inspect
import pkgutil
from importlib import import_module
from types import ModuleType

import pytest

import wa_connector
from wa_connector import errors

TREE = ast.parse(inspect.getsource(wa_connector))


def imports_for_type_checkers() -> list[tuple[str, str]]:
    """(home, name) of each import under ``if TYPE_CHECKING``, each of them ``from home import name as name``."""
    (block,) = (
        node
        for node in TREE.body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    )
    found = []
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        assert node.module is not None
        for alias in node.names:
            assert alias.name == alias.asname, "only `import X as X` re-exports under mypy --strict"
            found.append((node.module, alias.name))
    return found


def test_the_public_names_are_these_each_from_its_one_home() -> None:
    table = [(home, name) for name, home in wa_connector._HOME_OF.items()]
    assert sorted(imports_for_type_checkers()) == sorted(table)
    assert sum(map(len, wa_connector._HOMES.values())) == len(wa_connector._HOME_OF), "a name has two homes"

    names = [name for _, name in table]
    assert sorted(names) == list(wa_connector.__all__)
    assert set(names) <= set(dir(wa_connector))
    assert {"__version__"} <= set(dir(wa_connector))
    for home, name in table:
        value = getattr(wa_connector, name)
        assert value is getattr(import_module(home), name)
        assert value is getattr(wa_connector, name), "loaded once, it stays the same object"
        if inspect.isclass(value) or inspect.isfunction(value):
            assert home == value.__module__, f"{name} is at home elsewhere"


def test_a_star_import_brings_all_of_them() -> None:
    brought: dict[str, object] = {}
    exec("from wa_connector import *", brought)
    assert set(wa_connector.__all__) <= set(brought)


def test_any_other_name_is_missing_as_from_any_module() -> None:
    with pytest.raises(AttributeError, match="module 'wa_connector' has no attribute 'no_such_name'"):
        wa_connector.no_such_name  # type: ignore[attr-defined]  # noqa: B018
    assert not hasattr(wa_connector, "import_modul")


def test_every_error_is_public() -> None:
    """Whoever embeds the SDK must be able to catch it."""
    tree = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, Exception)}
    assert tree <= set(wa_connector.__all__)


def modules() -> list[ModuleType]:
    return [import_module(f"wa_connector.{info.name}") for info in pkgutil.iter_modules(wa_connector.__path__)]


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__)
def test_every_package_says_what_belongs_in_it(module: ModuleType) -> None:
    assert inspect.getdoc(module)
