"""Pictures made to fit the channel, before a message is screened and judged."""

from collections.abc import AsyncIterator
from typing import Final

from wa_connector.decide.ground import Ground
from wa_connector.model.capability import MediaLimits
from wa_connector.model.content import Content, MediaRef, pictures_of, with_pictures
from wa_connector.model.ids import TenantId
from wa_connector.model.opinion import Veto
from wa_connector.ports.media import AsyncMediaConverter, Converted, NotConverted
from wa_connector.shell.ports import Ports, log, where

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a picture that is still read: twice what the largest cameras of telephones make."""


async def converted(ports: Ports, ground: Ground, content: Content) -> tuple[Content, tuple[Veto, ...]]:
    """The content with its pictures as the channel takes them, and vetoes against those that cannot be made so.

    What there is no converter for, what is not in the media store and what is too large stays as it is: the rules judge
    it. Each new picture is stored beside the old one, which whoever put it there may send again, elsewhere.
    """
    converter, limits = ports.converter, ground.capabilities.images
    if converter is None or limits is None:
        return content, ()
    tenant, made = ground.setup.line.tenant, dict[str, MediaRef]()
    for picture in pictures_of(content):
        outcome = await _convert(ports, converter, tenant, picture, limits)
        if isinstance(outcome, NotConverted):
            return content, (Veto("media_converter", outcome.problem),)
        if outcome is not None:
            chunks = _once(outcome.content)
            made[picture.sha256] = await ports.media.put(tenant, chunks, outcome.mime_type, limits.max_bytes)
    return (with_pictures(content, made) if made else content), ()


async def _convert(
    ports: Ports, converter: AsyncMediaConverter, tenant: TenantId, picture: MediaRef, limits: MediaLimits
) -> Converted | NotConverted | None:
    content = await _bytes(ports, tenant, picture)
    if content is None:
        return None
    try:
        outcome = await converter.convert(content, picture.mime_type, limits)
        if isinstance(outcome, Converted) and len(outcome.content) > limits.max_bytes:
            raise ValueError("what was converted is larger than allowed")
    except Exception as error:  # noqa: BLE001 - a plugin of another author may raise anything
        plugin = type(converter).__qualname__
        log.error("the media converter %s failed with %s", plugin, where(error))
        ports.hooks.measure("hook_failures", 1, plugin=plugin, hook="wa_media_converter")
        return None
    return outcome


async def _bytes(ports: Ports, tenant: TenantId, picture: MediaRef) -> bytes | None:
    chunks = await ports.media.read(tenant, picture) if picture.size <= LARGEST else None
    if chunks is None:
        return None
    found = bytearray()
    async for chunk in chunks:
        found += chunk
        # A template names its pictures by their hash alone.
        if len(found) > LARGEST:
            return None
    return bytes(found)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
