"""Pictures, where a gateway has them: what an account can carry, and where a provider fetches them.

Rules of this file: pure. A provider that takes no upload fetches a picture by its address, so the host has to serve it: the
option ``media_url`` says where, with ``{sha256}`` and ``{extension}`` in it. Whoever knows the digest knows the picture, so
it may serve as the secret of the address; a host that wants more signs or ages its addresses, and writes ``media_url`` so.
"""

import mimetypes
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from attrs import evolve

from wa_connector.model.capability import Capabilities, MediaLimits
from wa_connector.model.content import Audio, Content, Document, Image, MediaRef, Text, Video
from wa_connector.model.outbound import FetchFailed
from wa_connector_sms.calls import Call
from wa_connector_sms.carrying import Download

_EXTENSIONS: Final = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif"}


def with_pictures(capabilities: Capabilities, limits: MediaLimits) -> Capabilities:
    """The same, and pictures of these types and sizes, with a caption as long as a text."""
    contents = capabilities.contents | {Image}
    return evolve(capabilities, contents=contents, images=limits, max_caption=capabilities.max_text)


def file_address(template: str, media: MediaRef) -> str:
    """Where the provider fetches a picture."""
    return template.replace("{sha256}", media.sha256).replace("{extension}", extension_of(media.mime_type))


def extension_of(mime_type: str) -> str:
    return _EXTENSIONS.get(mime_type, "bin")


def download_of(
    media: MediaRef, headers: Mapping[str, str], hosts: tuple[str, ...], base_url: str
) -> Download | FetchFailed:
    """How to fetch an inbound picture that lies at the provider's address, or at one of ``hosts`` (the ends of their names).
    The credentials in ``headers`` go to the first place alone."""
    parts, base = urlsplit(media.provider_ref), urlsplit(base_url)
    is_base = (parts.scheme, parts.netloc) == (base.scheme, base.netloc)
    host = (parts.hostname or "").lower()
    is_theirs = parts.scheme == "https" and any(host == each or host.endswith(f".{each}") for each in hosts)
    if not (is_base or is_theirs) or "@" in parts.netloc:
        return FetchFailed("the file lies on a host that is not the provider's", is_final=True)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    call = Call("GET", f"{parts.scheme}://{parts.netloc}", path, headers if is_base else {})
    return Download(call, media.mime_type, hosts)


File: TypeAlias = Image | Video | Audio | Document


def files_of(told: Iterable[tuple[str, str]]) -> list[File]:
    """The files of an inbound message, each an address and a type; where no type is told, the address says it."""
    return [_file(url, mime_type) for url, mime_type in told if url]


def _file(url: str, told: str) -> File:
    mime_type = (told or mimetypes.guess_type(url.partition("?")[0])[0] or "").partition(";")[0].strip().lower()
    media = MediaRef(mime_type or "application/octet-stream", provider_ref=url)
    kinds: Mapping[str, type[Image | Video | Audio]] = {"image": Image, "video": Video, "audio": Audio}
    kind = kinds.get(mime_type.partition("/")[0])
    return Document(media) if kind is None else kind(media)


def contents_of(body: str, files: Sequence[File]) -> Sequence[Content]:
    """The messages of one that came with words and files: the words stand under the first picture."""
    if not files:
        return [Text(body)]
    if body and isinstance(files[0], Image):
        return [evolve(files[0], caption=body), *files[1:]]
    return [Text(body), *files] if body else files
