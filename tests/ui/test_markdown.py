"""Names of the data on pages whose labels are Markdown."""

from __future__ import annotations

import pytest
from conftest import EXAMPLE, ROOT
from streamlit.testing.v1 import AppTest
from support.hostile_names import NAME
from support.maps_page import fine, state, view

from ellimaps.ui.shared import markdown
from ellimaps.ui.shared.charts import _without_pictures
from ellimaps.ui.shared.markdown import escaped, harmless


def plain(text: str) -> str:
    """What is read where nothing is markup: no backslash before a sign, no joiner."""
    return text.replace("\u2060", "").replace("\\", "")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("fov_00.png", "fov_00.png"),
        ("12:30:15, -0.5 (a)", "12:30:15, -0.5 (a)"),
        ("__init__", r"\_\_init\_\_"),
        ("![p](http://x/y)", "\\!\\[p\\](http:\u2060//x/y)"),
        ("<img src=x>", r"\<img src=x\>"),
        (":material/home: :red[a] :smile: :+1: :100:", None),
        ("- a", r"\- a"),
        ("1. a", r"1\. a"),
        ("a\n\n# b", r"a  \# b"),
        ("a -> b -- c", "a -\u2060\\> b -\u2060- c"),
        ("a@b.c www.b.c", "a@\u2060b.c www\u2060.b.c"),
        ("R&amp;D", r"R\&amp;D"),
        ("\\*", r"\\\*"),
        (-0.5, "-0.5"),
    ],
)
def test_what_means_something_in_markdown_is_escaped_and_nothing_else(name, written):
    assert written is None or escaped(name) == written
    if "\\" not in str(name):
        assert plain(escaped(name)) == str(name).replace("\n", " ")


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("**Examples** of `ellimaps app`, :material/info: *Run*", None),
        (":green[:material/check_circle:] **ok**", None),
        ("![p](http://x/y)", "!\\[p](http:\u2060//x/y)"),
        (":red[![p](y)](z)", r":red[!\[p](y)](z)"),
        ("<img src=x> $x$", r"\<img src=x> \$x\$"),
        ("www.x.y a@b.c", "www\u2060.x.y a@\u2060b.c"),
        (escaped(NAME), None),
        ("", None),
    ],
)
def test_what_no_page_escaped_fetches_nothing(text, sent):
    assert harmless(text) == (text if sent is None else sent)
    assert harmless(harmless(text)) == harmless(text)


@pytest.fixture
def sent(monkeypatch):
    """Texts that browsers were sent as Markdown, by the kind of their element."""
    texts = []

    def send(context, message, send=markdown._send):
        if message.WhichOneof("type") == "delta":
            texts.extend(markdown_of(message.delta))
        send(context, message)

    monkeypatch.setattr(markdown, "_send", send)
    return texts


def markdown_of(message):
    kind = message.DESCRIPTOR.name
    for field, value in message.ListFields():
        for one in value if field.is_repeated else [value]:
            if hasattr(one, "DESCRIPTOR"):
                yield from markdown_of(one)
            elif isinstance(one, str) and field.name in markdown._FIELDS and kind not in markdown._PLAIN:
                yield f"{kind}.{field.name}", one


def test_a_name_that_a_page_forgets_to_escape_is_harmless_all_the_same(sent):
    def script(name):
        import streamlit as st

        from ellimaps.ui.shared.markdown import guard_messages

        guard_messages()
        st.caption(name)
        st.button(name, help=name)
        st.tabs([name])
        st.expander(name)
        st.metric(name, name, name)
        st.pills(name, [name])
        st.radio(name, [name], captions=[name])
        st.toast(name)
        st.selectbox("plain", [name])
        st.text_input("plain", name)
        st.code(name)

    page = AppTest.from_function(script, args=(NAME,)).run()
    assert not page.exception
    assert len(sent) > 12
    for kind, text in sent:
        assert harmless(text) == text, kind
    assert page.selectbox[0].options == [NAME]
    assert page.text_input[0].value == page.code[0].value == NAME


def test_names_that_users_give_are_shown_as_they_are(sent, monkeypatch):
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(ROOT / "data_example"))
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    page.query_params["folder"] = EXAMPLE.name
    fine(page.run())
    view(page, "Explore")
    page.number_input(key="k").set_value(3).run()
    fine(page.button(key="segment").click().run())
    for number in range(3):
        state(page).rename(number, f"{number} {NAME}"[:40])
    for name in ("Explore", "Fit", "Export", "Compare", "How many?"):
        view(page, name)
        if name == "Fit":
            fine(page.button(key="fit").click().run())
    named = [(kind, text) for kind, text in sent if "leak" in text]
    assert {kind.split(".")[0] for kind, _ in named} >= {"Slider", "Markdown"}
    assert [one for one in named if NAME[:25] not in plain(one[1]) or "![" in one[1]] == []


def test_no_tooltip_of_a_chart_fetches_a_picture():
    """Vega takes what is called image for the address of one, and what is called title for a heading."""
    layer = {"encoding": {"tooltip": [{"field": "image"}, {"field": "a", "title": "title"}, {"field": "b"}]}}
    chart = {"data": {"values": [{"tooltip": [{"field": "image"}]}]}, "layer": [layer]}
    shown = _without_pictures(chart)
    tips = shown["layer"][0]["encoding"]["tooltip"]
    assert tips == [{"field": "image", "title": "image "}, {"field": "a", "title": "title "}, {"field": "b"}]
    assert shown["data"] == chart["data"]
