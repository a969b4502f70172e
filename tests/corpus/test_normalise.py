"""Test what normalising removes, and what it keeps."""

import html

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spoilers.corpus import normalise as module
from spoilers.corpus.normalise import mask_spoiler_word, normalise


def one(text: str) -> str:
    return normalise(pa.array([text]))[0].as_py()


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Plain text, it's 5 < 6 & so on.", "Plain text, it's 5 < 6 & so on."),
        ("Tom &amp; Jerry &#39;n&#x27; co &quot;x&quot;", "Tom & Jerry 'n' co \"x\""),
        ("&nosuchentity; &amp", "&nosuchentity; &amp"),
        ("&#" + "9" * 5000 + ";", "&#" + "9" * 5000 + ";"),
        ("a <b>bold</b> <br/>word<i", "a bold word<i"),
        ("&lt;i&gt;x&lt;/i&gt;", "x"),
        ("love <3 it", "love <3 it"),
        ("see http://a.b/c?d=e#f. Then www.x.org, ok", "see <url>. Then <url>, ok"),
        ("(HTTPS://X.Y/z)", "(<url>)"),
        ("(view spoiler)[He dies (hide spoiler)] so", "He dies so"),
        ("[b:The Title|12|The Title (Series, #1)|A. Author] and [b]bold[/b]", "The Title and bold"),
        ("[sic] stays", "[sic] stays"),
        ("  a \t\r\n b\x00c\x85d\u00a0e\u2028f\u3000", "a b c d e f"),
        ("so\u00adft ze\u200bro \ufeffbom", "soft zero bom"),
        ("a  b   c", "a b c"),
        ("\u200b \n", ""),
        ("", ""),
    ],
)
def test_cases(text, clean):
    assert one(text) == clean


MARKUP = st.sampled_from(
    [
        "<b>",
        "</",
        ">",
        "[b]",
        "[b:x|1]",
        "&amp;",
        "&#38;",
        "http://a",
        "www.a",
        "WWW.",
        "(view spoiler)[",
        "  ",
        "\n",
    ]
)
texts = st.lists(st.text() | MARKUP | st.text("spoiler (hide)])")).map("".join)


@given(st.lists(texts, max_size=4))
@example(["a (Hide Spoiler) b", "a WwW.x", "a http://b", "a  b", " a", "a ", "a&amp;b", "a<b>", "[b]", "a]"])
def test_nothing_escapes_the_quick_look(batch):
    """Skip only those texts that the replacements would leave unchanged."""
    quick = normalise(pa.array(batch, pa.string()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SUSPECT", "")
        assert normalise(pa.array(batch, pa.string())) == quick


@given(texts)
def test_space_is_single(text):
    words = one(text)
    assert words == " ".join(words.split())
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in words)


@given(st.text("abc .,'&<>;#\u00e9\u4e2d"))
def test_escaping_is_undone(text):
    assert one(html.escape(text)) == one(text.replace("&", "&amp;"))


def test_mask():
    masked = mask_spoiler_word(pa.array(["A Spoiler! spoils, unspoilt SPOILED"]))
    assert masked.to_pylist() == ["A <spoil>! <spoil>, unspoilt <spoil>"]
