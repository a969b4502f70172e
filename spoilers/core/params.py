"""Read params.yaml and check every setting."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from spoilers.core.errors import UserError

PATH = Path("params.yaml")

Share = Annotated[float, Field(gt=0, le=1)]
Probability = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
OptimizerName = Literal["sgd", "momentum", "rmsprop", "adam"]
CellName = Annotated[str, Field(pattern=r"^(sgd|momentum|rmsprop|adam)-\d+(\.\d+)?(e-\d+)?$")]


class Section(BaseModel):
    """A strict section: no unknown keys, no strings where numbers belong, no change after loading."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


Changed = TypeVar("Changed", bound=Section)


class MomentumSettings(Section):
    momentum: Probability


class RMSpropSettings(Section):
    alpha: Probability
    eps: Positive


class AdamSettings(Section):
    beta1: Probability
    beta2: Probability
    eps: Positive


class Momentum(Section):
    learning_rate: Positive
    settings: MomentumSettings


class RMSprop(Section):
    learning_rate: Positive
    settings: RMSpropSettings


class Adam(Section):
    learning_rate: Positive
    settings: AdamSettings


class Optimizers(Section):
    sgd: Momentum
    momentum: Momentum
    rmsprop: RMSprop
    adam: Adam


class Sample(Section):
    reviews: Annotated[int, Field(ge=50)]
    spoiler_share: Annotated[float, Field(gt=0, lt=1)]


class Download(Section):
    source: Annotated[str, Field(min_length=1)]
    sha256: Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$")] | None
    sample: Sample


class Clean(Section):
    fraction: Share
    banner: Literal["drop", "relabel", "keep"]
    mask_spoiler_word: bool
    max_rejected: Annotated[float, Field(ge=0, le=1)]
    max_line_bytes: Annotated[int, Field(ge=1000)]


class Tokenize(Section):
    lowercase: bool


class Fractions(Section):
    train: Share
    validation: Share
    test: Share

    @model_validator(mode="after")
    def sum_to_one(self) -> Self:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-9:
            raise PydanticCustomError(
                "fractions", "train, validation and test must sum to 1, not {total}", {"total": f"{total:g}"}
            )
        return self


class Vocabulary(Section):
    max_size: Annotated[int, Field(ge=10)]
    min_count: Count


class Split(Section):
    by: Literal["book", "user", "random", "time"]
    fractions: Fractions
    vocabulary: Vocabulary


class Model(Section):
    embedding_size: Count
    hidden_size: Count
    layers: Annotated[int, Field(ge=1, le=8)]
    bidirectional: bool
    embedding_dropout: Probability
    state_dropout: Probability
    word_dropout: Probability
    pooling: Literal["max", "last"]
    read_padding: bool
    vectors: str | None
    freeze_vectors: bool


class Train(Section):
    launcher: Annotated[str, Field(min_length=1)]
    seeds: Count
    epochs: Count
    patience: Count
    batch_size: Count
    max_tokens: Annotated[int, Field(ge=2)]
    clip_norm: Positive
    positive_weight: Positive
    sentence_weight: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    validations_per_epoch: Count
    precision: Literal["float32", "bfloat16"]
    rate_decay: Literal["none", "linear"]


class Machine(Section):
    """Settings that depend on the machine and do not affect results; no stage tracks them."""

    device: Literal["auto", "cpu", "cuda", "mps"]
    workers: Count
    checkpoint_seconds: Positive


class Baseline(Section):
    inverse_regularization: Annotated[list[Positive], Field(min_length=1)]
    min_count: Count
    max_features: Count


class Sweep(Section):
    cell: Literal["lstm", "gru"]
    cells: Annotated[list[CellName], Field(min_length=1)]
    shared_learning_rate: Positive
    seeds: Count
    epochs: Count
    reviews: Count
    max_tokens: Annotated[int, Field(ge=2)]
    batch_size: Count

    @property
    def grid(self) -> dict[str, dict[float, str]]:
        """Return each optimizer's learning rates in ascending order, with the cell's name as written."""
        grid: dict[str, dict[float, str]] = {}
        for cell in self.cells:
            optimizer, _, rate = cell.partition("-")
            grid.setdefault(optimizer, {})[float(rate)] = cell
        return {name: dict(sorted(rates.items())) for name, rates in grid.items()}

    @model_validator(mode="after")
    def consistent(self) -> Self:
        if sum(map(len, self.grid.values())) < len(self.cells):
            raise PydanticCustomError("repeated", "cells names one learning rate of an optimizer twice")
        for name, rates in self.grid.items():
            if 0.0 in rates:
                raise PydanticCustomError("rate", "cells names the learning rate 0", {})
            if self.shared_learning_rate not in rates:
                raise PydanticCustomError(
                    "shared",
                    "cells lacks {name}-{rate}: shared_learning_rate must be among each optimizer's rates",
                    {"name": name, "rate": f"{self.shared_learning_rate:g}"},
                )
        return self


class Ablation(Section):
    optimizer: OptimizerName
    seeds: Count
    epochs: Count
    reviews: Count
    changes: dict[Annotated[str, Field(pattern="^[a-z0-9_]+$")], dict[str, Any]]

    @model_validator(mode="after")
    def consistent(self) -> Self:
        if self.changes.get("default") != {}:
            raise PydanticCustomError("default", "changes needs `default: {}`, to compare the others with")
        for name, changes in self.changes.items():
            if not changes.keys() <= {"cell", "model", "train", "optimizers"}:
                raise PydanticCustomError(
                    "changes",
                    "changes.{name} may change `cell` and settings of `model`, `train` and `optimizers`",
                    {"name": name},
                )
            if changes.get("cell", "lstm") not in ("lstm", "gru", "gru_of_equal_size"):
                raise PydanticCustomError(
                    "changes",
                    "changes.{name}.cell may be 'lstm', 'gru' or 'gru_of_equal_size'",
                    {"name": name},
                )
        return self


class Evaluate(Section):
    bootstrap: Annotated[int, Field(ge=20)]
    confidence: Annotated[float, Field(gt=0.5, lt=1)]


class Params(Section):
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    optimizer: OptimizerName
    optimizers: Optimizers
    download: Download
    clean: Clean
    tokenize: Tokenize
    split: Split
    model: Model
    train: Train
    baseline: Baseline
    sweep: Sweep
    ablation: Ablation
    evaluate: Evaluate
    machine: Machine


class Loader(yaml.SafeLoader):
    """A YAML loader that reads `1e-05`, DVC's form of 0.00001, as a number, as YAML 1.2 does.

    It refuses more than `ALIASES` aliases: a few lines of them can expand to more than fits in memory.
    """

    aliases = 0

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node:
        """Compose the next node, as PyYAML does, and count it if it is an alias."""
        if self.check_event(yaml.AliasEvent):
            self.aliases += 1
            if self.aliases > ALIASES:
                mark = self.peek_event().start_mark
                raise yaml.composer.ComposerError(None, None, f"more than {ALIASES} aliases (*name)", mark)
        return super().compose_node(parent, index)


ALIASES = 10
FLOAT = re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$")
Loader.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+0123456789"))


def load(path: Path | str = PATH) -> Params:
    """Read params.yaml and check every setting.

    Raises:
        UserError: the message names each wrong key, its value and the allowed values.
    """
    try:
        with open(path, encoding="utf-8") as file:
            values = yaml.load(file, Loader)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; run from the project's root folder") from error
    except RecursionError as error:
        raise UserError(f"{path}: is nested too deeply") from error
    except (
        yaml.YAMLError,
        ValueError,
        OverflowError,
    ) as error:  # a date such as 2020-99-99, another encoding
        raise UserError(f"{path}: is not valid YAML: {error}") from error
    try:
        params = Params.model_validate(values)
    except ValidationError as error:
        raise UserError(f"{path}: " + "; ".join(map(describe, error.errors()))) from error
    for name, changes in params.ablation.changes.items():
        try:
            change(params, {key: value for key, value in changes.items() if key != "cell"})
        except ValidationError as error:
            where = f"{path}: ablation.changes.{name}."
            raise UserError(where + "; ".join(map(describe, error.errors()))) from error
    return params


def change(section: Changed, changes: dict) -> Changed:
    """Return a section with some settings changed; `changes` is nested like params.yaml.

    Raises:
        ValidationError: a setting is unknown, or its new value is not allowed.
    """
    values = {name: vars(section)[name] for name in type(section).model_fields}
    for name, new in changes.items():
        old = values.get(name)
        values[name] = change(old, new) if isinstance(old, Section) and isinstance(new, dict) else new
    return type(section).model_validate(values)


def replace(section: Changed, **values: object) -> Changed:
    """Return a section with some settings replaced; only the others are read from the old one."""
    return type(section).model_validate(section.model_dump(exclude=set(values)) | values)


def describe(error: dict) -> str:
    """Return one validation error as `key: was A, may be B`."""
    key = ".".join(map(str, error["loc"])) or "the file"
    value = repr(error["input"])
    value = value if len(value) <= 60 else value[:57] + "..."
    match error["type"]:
        case "literal_error":
            return f"{key}: was {value}, may be {error['ctx']['expected']}"
        case "extra_forbidden":
            return f"{key}: is not a setting of this pipeline; remove it or correct its name"
        case "missing":
            return f"{key}: is missing"
        case "fractions" | "repeated" | "shared" | "rate" | "default" | "changes":
            return f"{key}: {error['msg']}"
        case _:
            return f"{key}: was {value}, {error['msg'].lower().replace('input should', 'should')}"
