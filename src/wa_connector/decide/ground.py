"""The ground a verb stands on: line, user and settings, and the standing of a customer seen from there."""

from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen

from wa_connector.decide.draft import Draft
from wa_connector.decide.settings import values_at
from wa_connector.model.address import Address
from wa_connector.model.capability import Capabilities
from wa_connector.model.consent import NO_EVIDENCE, ConsentRecord
from wa_connector.model.content import TemplateMessage
from wa_connector.model.conversation import Pair
from wa_connector.model.customer import Customer
from wa_connector.model.decision import Decision
from wa_connector.model.directory import LineSetup, Seat
from wa_connector.model.ids import CustomerId
from wa_connector.model.instants import from_microseconds
from wa_connector.model.opinion import Veto
from wa_connector.model.queue import LaneKey, Work
from wa_connector.model.setting import Settings
from wa_connector.model.standing import Standing, TierUse
from wa_connector.model.template import Template
from wa_connector.policy.country import country_of
from wa_connector.policy.enablement import enablement
from wa_connector.policy.limits import hours_that_count, tier_use_by_hour
from wa_connector.policy.lookalikes import address_among
from wa_connector.policy.settings import scopes_of, settings_of
from wa_connector.ports.rows import CONSENT, CUSTOMER, PAIR, REACH, SETTING, TEMPLATE, Key, window_of
from wa_connector.ports.storage import Row


@frozen
class Ground:
    """What the directory and the channel say; ``seat`` is None for what nobody in particular does."""

    setup: LineSetup
    capabilities: Capabilities
    settings: Settings
    enablement: Decision
    seat: Seat | None = None
    vetoes: tuple[Veto, ...] = ()
    """What the host's own rules have against the command."""
    screening: tuple[Veto, ...] = ()
    """What its screeners have against the content."""
    signature: str = ""
    """What the customer reads before a text of this user's."""
    seen: Mapping[Key, int] = field(factory=dict)
    """The versions of the stored settings that count here: a change to one of them conflicts with what was decided."""

    @classmethod
    def of(
        cls,
        setup: LineSetup,
        capabilities: Capabilities,
        seat: Seat | None,
        stored: Mapping[Key, Row] = {},
        at: datetime | None = None,
        vetoes: tuple[Veto, ...] = (),
    ) -> "Ground":
        """The user's own path decides over settings where there is a user, else the line's.

        ``stored`` are the rows under ``setting_keys``, read as of ``at`` (None: what is in force now).
        """
        path = setup.organizations if seat is None else seat.organizations
        changed = {str(key.parts[1]): values_at(row.value, at) for key, row in stored.items() if row.value is not None}
        return cls(
            setup,
            capabilities,
            settings_of(path, seat, changed),
            enablement(setup.organizations, seat, capabilities.channel, capabilities.label),
            seat,
            vetoes,
            seen={key: row.version for key, row in stored.items()},
        )

    def credible(self, at: datetime, now: datetime) -> datetime:
        """A provider's instant as far as it can be believed: one from a clock that runs ahead must neither hold a window
        open nor outlast what the customer says afterwards."""
        return min(at, now + self.settings.clock_skew)

    def pair(self, customer: CustomerId) -> Key:
        return PAIR.of(self.setup.line.tenant, customer, self.setup.line.id)

    def reach(self, hour: int) -> Key:
        return REACH.of(self.setup.line.tenant, self.setup.account.portfolio, hour)

    def lane(self, customer: CustomerId, work: Work) -> LaneKey:
        return LaneKey(self.setup.line.tenant, self.setup.line.id, customer, work)

    def template(self, content: TemplateMessage) -> Key:
        return TEMPLATE.of(self.setup.line.tenant, self.setup.account.id, content.name, content.language)


def setting_keys(setup: LineSetup, seat: Seat | None) -> tuple[Key, ...]:
    """Where the settings stand that count for this line or user."""
    path = setup.organizations if seat is None else seat.organizations
    return tuple(SETTING.of(setup.line.tenant, scope) for scope in scopes_of(path, seat))


def standing_of(
    draft: Draft,
    ground: Ground,
    customer: CustomerId | None,
    *,
    is_contact: bool | None = None,
    contacts_available: bool = True,
) -> Standing:
    """The standing of a customer on this line; of nobody yet known when ``customer`` is None."""
    draft.saw(ground.seen)
    if customer is None:
        return Standing(
            ground.capabilities,
            ground.enablement,
            ground.settings,
            is_contact=is_contact,
            contacts_available=contacts_available,
            tier=tier_of(draft, ground, None),
            vetoes=ground.vetoes,
        )
    pair_key = ground.pair(customer)
    pair = pair_of(draft, ground, customer)
    return Standing(
        ground.capabilities,
        ground.enablement,
        ground.settings,
        consent=consent_of(draft, customer).on(ground.capabilities.channel),
        window=window_of(draft.merged(pair_key)),
        unreachable_since_at=pair.unreachable_since_at,
        is_contact=is_contact,
        contacts_available=contacts_available,
        has_address=address_for(draft, ground, customer) is not None,
        country=country_of(addresses_of(draft, customer)),
        marketing_after_at=pair.marketing_after_at,
        free_until_at=pair.free_until_at,
        tier=tier_of(draft, ground, customer),
        vetoes=ground.vetoes,
    )


def tier_of(draft: Draft, ground: Ground, customer: CustomerId | None) -> TierUse | None:
    """What is left of the portfolio's day; None where the account names no tier."""
    tier = ground.setup.account.daily_tier
    if tier is None:
        return None
    keys = {hour: ground.reach(hour) for hour in hours_that_count(draft.now)}
    counts = {hour: draft.merged(key).get("customers", 0) for hour, key in keys.items()}
    reached = draft.merged(ground.pair(customer)).get("reached_at", 0) if customer else 0
    return tier_use_by_hour(counts, from_microseconds(reached) if reached else None, tier, draft.now)


def consent_of(draft: Draft, customer: CustomerId) -> ConsentRecord:
    record: ConsentRecord | None = draft.get(CONSENT.of(draft.tenant, customer))
    return record or NO_EVIDENCE


def pair_of(draft: Draft, ground: Ground, customer: CustomerId) -> Pair:
    pair: Pair | None = draft.get(ground.pair(customer))
    return pair or Pair()


def address_for(draft: Draft, ground: Ground, customer: CustomerId) -> Address | None:
    """Where to send to by this line's channel: the surest current address."""
    return address_among(addresses_of(draft, customer), ground.capabilities.sends_to)


def addresses_of(draft: Draft, customer: CustomerId) -> tuple[Address, ...]:
    record: Customer | None = draft.get(CUSTOMER.of(draft.tenant, customer))
    return record.addresses if record else ()


def template_for(draft: Draft, ground: Ground, content: TemplateMessage) -> Template | None:
    template: Template | None = draft.get(ground.template(content))
    return template
