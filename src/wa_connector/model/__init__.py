"""The nouns: frozen values in the field's words.

Rules of this package: no I/O, no clock, nothing imported from a layer above. A value holds no client, logger or
callback, so that every one of them can be compared, pickled and written into a test by hand. Instants are aware UTC
datetimes whose names end in ``_at``; spans are ``timedelta``; intervals are half-open, ``[since, until)``.

Import the names from their modules (``wa_connector.model.content``) or from the package root, which loads them when
they are first used: defining some sixty classes costs more than importing attrs, and a daemon pays only for what it
touches.
"""
