"""A contact store read from vCard and CSV files.

``VcardContacts`` and ``CsvContacts`` are stores of one tenant; ``ContactsPlugin`` hands one or several to a connector.
"""

from wa_connector_contacts.csvfile import Columns, CsvContacts
from wa_connector_contacts.plugin import ContactsPlugin, Together
from wa_connector_contacts.shelf import Problem
from wa_connector_contacts.vcf import VcardContacts

__all__ = ["Columns", "ContactsPlugin", "CsvContacts", "Problem", "Together", "VcardContacts"]
