"""The README's table of results is that of the committed metrics."""

import json
import re

from tests import ROOT

NAMES = {
    "LSTM": "lstm",
    "GRU": "gru",
    "TF-IDF + logistic regression": "tfidf",
    "length only": "length",
    "majority class": "majority",
}


def test_the_table_of_results_is_current() -> None:
    text = (ROOT / "README.md").read_text()
    table = re.search(r"<!-- result: begin -->\n(.*?)<!-- result: end -->", text, re.DOTALL)[1]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    assert [row[0] for row in rows] == list(NAMES)
    for name, precision, between, *others in rows:
        scores = json.loads((ROOT / f"metrics/{NAMES[name]}.json").read_text())
        assert precision == f"{scores['average_precision']:.3f}"
        assert between == f"{scores['low']:.3f} \N{EN DASH} {scores['high']:.3f}"
        keys = ("roc_auc", "accuracy", "precision", "recall", "f1")
        assert others == [f"{scores[key]:.3f}" for key in keys]
