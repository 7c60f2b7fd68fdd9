"""Identifiers, a distinct type a kind, so that a type checker refuses a customer where a conversation belongs."""

from typing import NewType

TenantId = NewType("TenantId", str)
"""The root organization: the first part of every stored key."""
AppId = NewType("AppId", str)
AccountId = NewType("AccountId", str)
OrganizationId = NewType("OrganizationId", str)
UserId = NewType("UserId", str)
LineId = NewType("LineId", str)
ContactId = NewType("ContactId", str)
CustomerId = NewType("CustomerId", str)
ConversationId = NewType("ConversationId", str)
MessageId = NewType("MessageId", str)
"""Ours, made when a message is first stored; travels to the provider as the opaque callback datum."""
ProviderId = NewType("ProviderId", str)
"""The provider's id of a message (a wamid). It may encode the recipient: personal data, never logged.
Source: WhatsApp Cloud API, messages reference, read 2026-11."""
CommandId = NewType("CommandId", str)
"""The caller's own id of a command; the same one twice has one effect."""
JobId = NewType("JobId", str)
HoldId = NewType("HoldId", str)
