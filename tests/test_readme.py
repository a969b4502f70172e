"""The README's table of results matches the committed metrics."""

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
    for name, *values in rows:
        scores = json.loads((ROOT / f"reports/metrics/{NAMES[name]}.json").read_text())
        keys = ("average_precision", "sd_over_seeds", "roc_auc", "accuracy", "precision", "recall", "f1")
        assert values == [f"{scores[key]:.3f}" for key in keys]
