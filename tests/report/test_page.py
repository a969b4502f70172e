"""Markdown becomes an HTML page that is safe, complete and linked."""

from spoilers.report.page.page import render_html


def test_html_in_the_text_is_harmless(tmp_path) -> None:
    page = render_html("# A\n\n<script>alert(1)</script> *b*\n\n| a |\n|---|\n| <b>c</b> |\n", tmp_path)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "<em>b</em>" in page
    assert "&lt;b&gt;c&lt;/b&gt;" in page


def test_contents(tmp_path) -> None:
    page = render_html("# A <b> & c\n\n## The *first*\n\ntext\n\n## Second & last\n", tmp_path)
    assert "<title>A &lt;b&gt; &amp; c</title>" in page
    assert '<li><a href="#the-first">The <em>first</em></a></li>' in page
    assert '<h2 id="second--last">Second &amp; last</h2>' in page


def test_pictures_are_in_the_page_but_for_wall_clock_times(tmp_path) -> None:
    (tmp_path / "a.svg").write_text("<svg/>")
    page = render_html("# A\n\n![first](a.svg) ![second](timings/b.svg)", tmp_path, ("timings/",))
    assert 'src="data:image/svg+xml;base64,PHN2Zy8+"' in page
    assert 'src="timings/b.svg"' in page


def test_pages_link_to_pages_and_to_headings(tmp_path) -> None:
    text = "# The gates: two\n\n[a](theory/gru.md#the-gates) [b](https://example.org/c.md) [d](e.md)\n"
    page = render_html(text, tmp_path)
    assert '<h1 id="the-gates-two">' in page
    assert "<title>The gates: two</title>" in page
    assert 'href="theory/gru.html#the-gates"' in page
    assert 'href="https://example.org/c.md"' in page
    assert 'href="e.html"' in page


def test_a_figure_has_its_caption(tmp_path) -> None:
    (tmp_path / "a.svg").write_text("<svg/>")
    page = render_html("# A\n\n![seen](a.svg)\n\n**Figure 2.** Dots & *lines*.\n\nText.\n", tmp_path)
    start, end = page.index("<figure><img"), page.index("</figure>")
    assert "<figcaption><strong>Figure 2.</strong> Dots &amp; <em>lines</em>.</figcaption>" in page[start:end]
    assert "Text." in page[end:]
