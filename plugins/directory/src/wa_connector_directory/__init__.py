"""A directory in one TOML file: organizations, users, apps, accounts and lines.

``TomlDirectory(path)`` is the directory; ``DirectoryPlugin(path)`` hands it to a connector.
"""

from wa_connector_directory.directory import TomlDirectory
from wa_connector_directory.plugin import DirectoryPlugin

__all__ = ["DirectoryPlugin", "TomlDirectory"]
