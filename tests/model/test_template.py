"""Templates: which parameters they need, and how they read once these are given."""

import re

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.model.content import TemplateMessage
from wa_connector.model.ids import AccountId
from wa_connector.model.template import (
    Template,
    TemplateButton,
    TemplateCard,
    TemplateCategory,
    TemplateStatus,
    placeholders,
)
from wa_connector.testing.strategies import template_messages, templates, texts

quick = settings(max_examples=40, deadline=None)
PLAIN = Template(
    AccountId("account-1"), "welcome", "en", TemplateCategory.UTILITY, TemplateStatus.APPROVED, body="Hello {{1}}"
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("no parameters, { and } and {1}", ()),
        ("{{1}}", ("1",)),
        ("{{2}} before {{1}}", ("2", "1")),
        ("{{1}} twice {{1}}", ("1",)),
        ("{{ name }} and {{order_id}}", ("name", "order_id")),
        ("{{Name}} {{1a}} {{first-name}} {{}}", ()),
        ("{{{1}}}", ("1",)),
    ],
)
def test_placeholders_are_named_once_in_the_order_of_the_text(text: str, names: tuple[str, ...]) -> None:
    assert names == placeholders(text)


def test_parameters_are_asked_for_in_the_order_in_which_a_customer_meets_them() -> None:
    template = evolve(PLAIN, header_kind="TEXT", header_text="Order {{order}}", body="{{2}}, {{name}} {{1}} {{2}}")
    assert template.parameter_keys() == ("header.order", "body.2", "body.name", "body.1")


@pytest.mark.parametrize("kind", ["IMAGE", "VIDEO", "DOCUMENT", "LOCATION"])
def test_a_header_that_is_no_text_is_one_parameter(kind: str) -> None:
    assert (f"header.{kind.lower()}", "body.1") == evolve(PLAIN, header_kind=kind).parameter_keys()


@quick
@given(templates())
def test_a_template_of_which_nothing_is_given_reads_as_it_was_written(template: Template) -> None:
    parts = (template.header_text, template.body, template.footer)
    assert "\n\n".join(part for part in parts if part) == template.render({})


@quick
@given(st.data(), templates())
def test_every_parameter_of_the_body_is_read_and_no_other(data: st.DataObject, template: Template) -> None:
    in_body = [key for key in template.parameter_keys() if key.startswith("body.")]
    marks = {key: f"<{place}>" for place, key in enumerate(in_body)}
    given = data.draw(st.sets(st.sampled_from(in_body))) if in_body else set[str]()
    rendered = template.render({key: marks[key] for key in given} | {"body.unknown": "<unknown>"})
    assert "<unknown>" not in rendered
    assert given == {key for key in in_body if marks[key] in rendered}


@quick
@given(templates())
def test_each_parameter_is_asked_for_once(template: Template) -> None:
    keys = template.parameter_keys()
    assert len(set(keys)) == len(keys)


TRACK = TemplateButton("URL", "Track", "https://example.com/{{1}}")
SHOP = TemplateButton("URL", "Shop", "https://example.com/")


@pytest.mark.parametrize(
    ("button", "takes_one"),
    [
        (TemplateButton("QUICK_REPLY", "Yes"), False),
        (TemplateButton("PHONE_NUMBER", "Call"), False),
        (SHOP, False),
        (TRACK, True),
        (TemplateButton("COPY_CODE", "Copy"), True),
    ],
)
def test_a_button_takes_a_parameter_if_its_address_ends_in_one_or_it_copies_a_code(
    button: TemplateButton, takes_one: bool
) -> None:
    assert takes_one is button.takes_parameter


def test_buttons_and_cards_are_asked_for_by_their_place() -> None:
    cards = (TemplateCard("IMAGE", "{{1}}", (SHOP, TRACK)), TemplateCard("VIDEO", "", (TRACK,)))
    template = evolve(PLAIN, buttons=(SHOP, TRACK), cards=cards)
    expected = (
        "body.1",
        "button.1",
        "card.0.header.image",
        "card.0.body.1",
        "card.0.button.1",
        "card.1.header.video",
        "card.1.button.0",
    )
    assert expected == template.parameter_keys()


def test_the_kind_of_a_button_is_found_by_its_place() -> None:
    copy = TemplateButton("COPY_CODE", "Copy")
    template = evolve(PLAIN, buttons=(SHOP,), cards=(TemplateCard("IMAGE"), TemplateCard("IMAGE", "", (SHOP, copy))))
    assert (template.button((), 0), template.button(("card", "1"), 1)) == ("URL", "COPY_CODE")


@quick
@given(texts(20))
def test_what_a_user_fills_in_is_never_read_as_a_placeholder_itself(value: str) -> None:
    template = evolve(PLAIN, body="{{1}} and {{2}}")
    assert "{{2}}{{1}} and " + value == template.render({"body.1": "{{2}}{{1}}", "body.2": value})
    assert template.render({"body.1": "\\1 \\g<0>"}) == "\\1 \\g<0> and {{2}}"


def test_a_parameter_of_the_header_is_not_one_of_the_body() -> None:
    template = evolve(PLAIN, header_kind="TEXT", header_text="{{1}}", body="{{1}}")
    assert template.render({"header.1": "header", "body.1": "body"}) == "header\n\nbody"


def test_header_body_and_footer_stand_apart() -> None:
    template = evolve(PLAIN, header_kind="TEXT", header_text="Your order", footer="Reply STOP to end this")
    assert template.render({"body.1": "Ann"}) == "Your order\n\nHello Ann\n\nReply STOP to end this"


@quick
@given(template_messages())
def test_a_message_with_all_its_parameters_has_no_placeholder_left(message: TemplateMessage) -> None:
    given = "".join(message.parameters.values())
    if not re.search(r"[{}]", given):
        assert placeholders(message.rendered) == ()


def test_where_the_provider_keeps_a_template_does_not_make_it_another() -> None:
    assert evolve(PLAIN, provider_ref="1234") == PLAIN
