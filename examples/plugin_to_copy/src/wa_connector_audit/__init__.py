"""An audit file and a contact book for wa_connector."""

from wa_connector_audit.audit import AuditFile
from wa_connector_audit.contacts import ContactBook
from wa_connector_audit.plugin import AuditPlugin

__all__ = ["AuditFile", "AuditPlugin", "ContactBook"]
