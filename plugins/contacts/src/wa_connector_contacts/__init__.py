"""Contact stores: vCard and CSV files, CardDAV, LDAP, and a view of a database.

Each is a store of one tenant; ``ContactsPlugin`` hands one or several to a connector, and ``Patient`` keeps a store that is
slow or dead from keeping anybody waiting. What a store needs from outside (httpx, ldap3) is imported when it is first asked.
"""

from wa_connector_contacts.carddav import CardDavContacts
from wa_connector_contacts.csvfile import Columns, CsvContacts
from wa_connector_contacts.directory import ACTIVE_DIRECTORY, Attributes, LdapContacts
from wa_connector_contacts.matching import Match
from wa_connector_contacts.patient import Patient
from wa_connector_contacts.plugin import ContactsPlugin, Together
from wa_connector_contacts.shelf import Problem
from wa_connector_contacts.sql import SqlContacts
from wa_connector_contacts.vcf import VcardContacts

__all__ = [
    "ACTIVE_DIRECTORY",
    "Attributes",
    "CardDavContacts",
    "Columns",
    "ContactsPlugin",
    "CsvContacts",
    "LdapContacts",
    "Match",
    "Patient",
    "Problem",
    "SqlContacts",
    "Together",
    "VcardContacts",
]
