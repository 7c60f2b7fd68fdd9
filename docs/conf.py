"""Sphinx builds the documentation: MyST Markdown in, Furo's pages out, and every warning an error."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORE = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "wa_connector"
author = copyright = "the wa_connector developers"  # noqa: A001 -- Sphinx names it so
version = release = CORE["version"]
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]

# Headings are link targets, so that a page can point into another one; `:::` for notes keeps the
# source readable in any Markdown viewer.
myst_heading_anchors = 3
myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist", "substitution"]
myst_substitutions = {"version": CORE["version"]}

autodoc_default_options = {"members": True, "undoc-members": True}
autodoc_member_order = "bysource"  # a module is written to be read from top to bottom
autodoc_typehints = "signature"
toc_object_entries_show_parents = "hide"
python_use_unqualified_type_names = True
maximum_signature_line_length = 88

# A reference to a name of ours that does not resolve is an error. Names of the standard library and
# of other packages would need their inventories from the network, and are not looked at.
nitpicky = True
# What a signature names and no page explains: type variables, and what a connector hands its dispatcher.
nitpick_ignore = [
    ("py:class", "wa_connector.direct.dispatcher.R"),
    ("py:class", "wa_connector.direct.dispatcher.T"),
    ("py:class", "wa_connector.shell.ports.Ports"),
]
nitpick_ignore_regex = [("py:.*", r"(?!wa_connector).*")]

html_theme = "furo"
html_title = "wa_connector"
html_static_path = ["_static"]
html_css_files = ["wa_connector.css"]
html_theme_options = {"navigation_with_keys": True}
html_show_sourcelink = False
html_copy_source = False
# Both reach 7:1 of contrast for every token, where the usual styles stay under 4.5:1 for some.
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"


def setup(app):
    """Have signatures say what a reader can use."""
    app.connect("autodoc-process-signature", _signature)


def _signature(_app, what, name, value, _options, signature, returns):
    # Nobody calls the constructor of a protocol, or of what a connector makes itself.
    if what == "class" and (name.endswith("Dispatcher") or getattr(value, "_is_protocol", False)):
        return "", None
    # What attrs shows for a default that is made anew each time.
    return signature and signature.replace("= NOTHING", "= …"), returns
