"""Make up the results of a run, in the shape of data/results, to render the pages from."""

from copy import deepcopy

from spoilers.core import params
from spoilers.report.names import LAYERS, NAMES

SEEDS = (13, 14, 15)
PRECISIONS = {
    "lstm": 0.61, "gru": 0.63, "tfidf": 0.58, "tfidf_sentences": 0.6, "length": 0.28, "majority": 0.25
}  # fmt: skip
OPTIMIZERS = {"sgd": 0.4, "momentum": 0.42, "rmsprop": 0.5, "adam": 0.52}
RATES = {"sgd": 1.0, "momentum": 0.1, "rmsprop": 0.003, "adam": 0.01}


def scores(name: str, precision: float) -> dict:
    return {
        "average_precision": precision, "low": precision - 0.05, "high": precision + 0.06,
        "sd_over_seeds": 0.012 if name in ("lstm", "gru") else 0.0,
        "roc_auc": 0.801, "roc_auc_low": 0.77, "roc_auc_high": 0.83,
        "accuracy": 0.74, "precision": 0.52, "recall": 0.63, "f1": 0.57, "f1_low": 0.5, "f1_high": 0.62,
        "brier": 0.151, "log_loss": 0.47, "calibration_error": 0.03, "calibration_error_before": 0.09,
        "threshold": 0.31, "false_alarms": 97, "missed": 68,
    }  # fmt: skip


def pair(first: str, second: str, shown: int = 0) -> dict:
    value = round(PRECISIONS[first] - PRECISIONS[second], 4)
    side = 0.5 * abs(value) if shown else abs(value) + 0.043
    found = {"first": first, "second": second, "average_precision": value}
    return {**found, "low": value - side, "high": value + side, "confidence": 0.99, "shown": shown,
            "detectable": 0.047}  # fmt: skip


def training(seed: int, precision: float) -> dict:
    return {"seed": seed, "average_precision": precision, "roc_auc": 0.8, "f1": 0.55, "temperature": 1.37,
            "calibration_error": 0.03, "calibration_error_before": 0.09}  # fmt: skip


def comparison() -> dict:
    others = ("tfidf", "tfidf_sentences", "length", "majority")
    pairs = [pair("lstm", "gru")]
    pairs += [pair(network, other, int(other[0] in "lm")) for network in ("lstm", "gru") for other in others]
    sentence = {"pooled_auc": 0.87, "reviews": 204, "mean_auc_per_review": 0.78}
    sentence |= {"precision": 0.4, "recall": 0.5, "f1": 0.44}
    size = {"cell_parameters": 66560, "embedding_parameters": 387264, "parameters": 454082, "bytes": 1817512}
    size |= {"hidden_size": 64, "best_epoch": 4.0, "epochs": 6.0}
    smaller = {"cell_parameters": 49920, "parameters": 437442, "bytes": 1750952, "best_epoch": 3.0}
    return {
        "test": {"reviews": 973, "spoilers": 246, "books": 17, "books_with_spoilers": 17, "users": 166},
        "networks": ["lstm", "gru"],
        "models": {name: scores(name, precision) for name, precision in PRECISIONS.items()},
        "trainings": {
            name: [training(seed, PRECISIONS[name] + i / 50 - 0.02) for i, seed in enumerate(SEEDS)]
            for name in ("lstm", "gru")
        },
        "pairs": [*pairs, pair("tfidf", "length", 1), pair("tfidf", "majority", 1)],
        "sentences": {"lstm": sentence, "gru": sentence, "tfidf_sentences": sentence},
        "cost": {"lstm": size, "gru": size | smaller, "tfidf": {"parameters": 34955, "bytes": 839280}},
        "calibration": {},
    }


def optimizer(name: str) -> dict:
    precision = OPTIMIZERS[name]
    steps = {f"effective_step_{layer}": 1.0 for layer in LAYERS}
    if name in ("rmsprop", "adam"):
        steps |= {"effective_step_embedding": 35.0, "effective_step_output": 0.2}
    return {
        "optimizer": name, "learning_rate": RATES[name], "rates": 5, "at_edge_of_grid": 0,
        "rates_that_work": int(10 * precision) - 2, "rates_diverged": 1, "range_over_rates": 0.13,
        "diverged": 0,
        "validation_average_precision": precision, "validation_average_precision_sd": 0.011,
        "test_average_precision": precision - 0.01, "test_average_precision_sd": 0.014, "test_roc_auc": 0.7,
        "train_loss": 0.51, "validation_loss": 0.62, "accuracy": 0.76, "f1": 0.41,
        "validation_loss_rose": 0.4,
        "accuracy_is_majority": 0, "loss_is_base_rate": 0, "seeds_ended_early": 0, "seeds_converged": 3,
        "epochs_to": {"50": 4.0, "80": 6.5, "95": 9.5 if name == "adam" else None},
        "state_bytes_per_parameter": 4.0, "gradient_norm": 0.2, "gradient_norm_sd": 0.1, "clipped": 0.04,
        **steps, **{f"update_ratio_{layer}": 0.002 for layer in LAYERS},
    }  # fmt: skip


def study() -> dict:
    rows = [optimizer(name) for name in OPTIMIZERS]
    difference = {"low": 0.05, "high": 0.2, "average_precision": 0.12, "confidence": 0.99, "shown": 1}
    return {
        "study": {"prevalence": 0.242, "goals": {"50": 0.38, "80": 0.46, "95": 0.5}, "cells": 20,
                  "diverged_cells": 4, "test_books": 17},
        "shared": deepcopy(rows),
        "best": rows,
        "differences": [{"first": "adam", "second": "sgd", **difference},
                        {"first": "adam", "second": "rmsprop", **difference, "low": -0.02, "shown": 0}],
    }  # fmt: skip


def sentences(*probabilities: float) -> list[dict]:
    return [
        {"flagged": int(i == 1), "tokens": 9, "unknown": 2, "text": f"<unknown> [dies] number {i} , alas .",
         "probability": p, "probabilities": {"lstm": p, "gru": p}}
        for i, p in enumerate(probabilities)
    ]  # fmt: skip


def mistake(model: str, kind: str, review: str) -> dict:
    found = sentences(0.2, 0.11, 0.3)
    if kind == "false alarm":
        found = [sentence | {"flagged": 0} for sentence in found]
    return {"model": model, "kind": kind, "review_id": review, "book_id": "b", "probability": 0.12,
            "threshold": 0.31, "sentences": found}  # fmt: skip


def gates() -> dict:
    keeping = {"median_half_life": 1.6, "longest_half_life": 3.7, "half_life_at_start": 2.2}
    row = {"model": "lstm", "gate": "forget", "mean": 0.66, "shut": 0.01, "open": 0.02}
    return {
        "review": {"row": 3, "tokens": 39, "called_right": 1, "other_sentences_too": 1,
                   "probabilities": {"lstm": 0.83, "gru": 0.81}},
        "tokens": [{"token": 1, "flagged": 0, "word": "a"}],
        "sentences": sentences(0.02, 0.91, 0.03),
        "gates": [row | keeping, row | {"gate": "input"}],
    }  # fmt: skip


def leakage() -> dict:
    split = {"average_precision": 0.58, "low": 0.53, "high": 0.64, "length_only": 0.28, "of_known_books": 0.0}
    lost = {"reviews_with": 0.08, "spoilers_with": 0.17, "average_precision_without": 0.56}
    lost |= {"lost": 0.02, "lost_low": 0.004, "lost_high": 0.033}
    auc = {"roc_auc": 0.81, "average_precision": 0.57}
    known = {"average_precision": 0.8, "low": 0.75, "high": 0.84, "of_known_books": 1.0}
    return {
        "splits": {"book": split, "random": split | known},
        "word": lost,
        "warnings": lost,
        "copies": {
            "sentences": {kind: {"number": 900, "copied": 0.031} for kind in ("all", "flagged", "others")},
            "novelty_auc": 0.52,
            **{f"{name}_{of}": auc for name in ("all", "new") for of in ("sentences", "reviews")},
        },
    }


def data() -> dict:
    length = {"what": "tokens in a review", "mean": 180.1, "p5": 24, "p95": 563, "longest": 1113}
    share = {"reviews": 201, "share": 0.24, "low": 0.19, "high": 0.31, "shown": 0}
    group = {"groups": 98, "mean": 59.3, "median": 56.0, "most": 110, "share_of_busiest_tenth": 0.15}
    return {
        "classes": {"no spoiler": {"reviews": 4364}, "spoiler": {"reviews": 1451}},
        "lengths": [
            length | {"class": "no spoiler", "median": 121}, length | {"class": "spoiler", "median": 144}
        ],
        "place": {"reviews": 597, "mean": 0.6461, "error": 0.0069},
        "ratings": [share | {"rating": rating} for rating in (0, 1)],
        "years": [share | {"year": year} for year in (2012, 2013)],
        "groups": {"book": group, "user": None},
        "words": [{"class": "spoiler", "word": "dies", "z": 6.9}],
        "words_tested": {"fewest": 20, "tested": 2910, "bound": 4.3, "beyond": 13},
    }  # fmt: skip


def ablation(settings: params.Params) -> dict:
    row = {"average_precision": 0.6, "lowest": 0.59, "highest": 0.61, "validation_loss": 0.7, "seeds": 2,
           "difference": -0.02, "difference_lowest": -0.03, "difference_highest": -0.01,
           "parameters": 66560}  # fmt: skip
    mean = {"average_precision": 0.66, "alone": 0.63, "difference": 0.03, "seeds": 3}
    same = {"difference": 0.0, "difference_lowest": 0.0, "difference_highest": 0.0}
    changes = [
        row | {"change": name} | (same if name == "default" else {}) for name in settings.ablation.changes
    ]
    return {"changes": changes, "mean_of_seeds": {"lstm": mean, "gru": mean}}


def results() -> dict:
    """Return all results that the report and its appendix need."""
    settings = params.load()
    part = {"reviews": 973, "prevalence": 0.2528, "tokens": 182508, "unknown_tokens": 0.0685, "books": 17,
            "books_seen_in_training": 0}  # fmt: skip
    history = {"epochs": 6.0, "best_epoch": 4.0, "train_loss": 0.26, "validation_loss": 0.56,
               "validation_average_precision": 0.607}  # fmt: skip
    kinds = [(model, kind) for model in ("lstm", "gru") for kind in ("false alarm", "missed spoiler")]
    return {
        "params": settings,
        "rate": 0.003,
        "source": {"source": "sample"},
        "clean": {"read": 6000, "kept": 5815, "dropped": 185, "rejected": 0, "kept_sentences": 60439},
        "split": {"vocabulary": 6051, "train": part | {"unknown_tokens": 0.0005, "reviews": 3793},
                  "validation": part, "test": part},
        "data": data(),
        "comparison": comparison(),
        "trained": {"lstm": history, "gru": history},
        "errors": [mistake(model, kind, model + kind) for model, kind in kinds],
        "slices": [{"by": "length", "slice": "1 to 64 tokens", "model": "lstm", "reviews": 219,
                    "spoilers": 37, "roc_auc": 0.88, "low": 0.8, "high": 0.93}],
        "gates": gates(),
        "leakage": leakage(),
        "study": study(),
        "ablation": ablation(settings),
        "versions": ["Python 3.11", "torch 2"],
    }  # fmt: skip


def times() -> dict:
    """Return the results that the timings page needs."""
    row = {"optimizer": "adam", "milliseconds_per_step": 9.7, "seconds": 15.5,
           "seconds_to": {"50": 3.1, "80": 7.4, "95": None}}  # fmt: skip
    network = {
        "training_seconds": {"13": 51.2, "14": 56.4},
        "seconds_per_epoch": 9.1,
        "tokens_per_second": 67096,
    }
    return {
        "trainings": {"lstm": network, "gru": network, "tfidf": {"training_seconds": 2.5}},
        "inference": {"tokens_per_second": {"lstm": 271946, "gru": 196226, "tfidf": 3423943}},
        "sweep": {"shared": [], "best": [row]},
        "ablation": {"no_dropout": 12.3},
    }


assert set(PRECISIONS) < set(NAMES)
