"""Checks of JSON bodies against a description of their shape.

    CANCEL = Object(required={"reason": str}, optional={"amount": int})
    read(body, CANCEL)

A shape is str, int, bool or dict (any object), an Enum, a ListOf or an Object.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import shorten
from typing import Any

from .documents import Json
from .json_text import MAX_INTEGER

TYPE_NAMES: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    int: "an integer",
    bool: "true or false",
}
MAX_LISTED_VALUES = 200  # characters


@dataclass(frozen=True)
class Enum:
    """One of the values, which may be written with the prefix too."""

    values: tuple[str, ...]
    prefix: str = ""


@dataclass(frozen=True)
class ListOf:
    """A list whose elements have one shape. max_length: None for any."""

    element: "Shape"
    max_length: int | None = None


@dataclass(frozen=True)
class Object:
    """An object. Keys that are not described are passed through unread.

    exactly_one: one of these keys is required, and only one may be there.
    """

    required: Mapping[str, "Shape"] = field(default_factory=dict)
    exactly_one: Mapping[str, "Shape"] = field(default_factory=dict)
    optional: Mapping[str, "Shape"] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, "Shape"]:
        return {**self.required, **self.exactly_one, **self.optional}


Shape = type | Enum | ListOf | Object

# An address without a second line has an empty one.
MAY_BE_EMPTY = {"addressLine2"}


def fields(shape: Shape, names: str) -> dict[str, Shape]:
    """The same shape for each of the names, which are separated by spaces."""
    return dict.fromkeys(names.split(), shape)


def read(value: object, shape: Object) -> Json:
    """The object without its nulls, and with enums in their present spelling.

    ValueError names what is missing or has another type.
    """
    result: Json = _read(value, shape, "")
    return result


def _read(value: Any, shape: Shape, name: str) -> Any:
    expected = _type_of(shape)
    if type(value) is not expected:  # not isinstance: True is an int, too
        raise ValueError(f"{name or 'The request'} must be {TYPE_NAMES[expected]}.")
    return _read_parts(value, shape, name)


def _read_parts(value: Any, shape: Shape, name: str) -> Any:
    """value: of the type that the shape requires."""
    if isinstance(shape, Object):
        return _read_object(value, shape, name and f"{name}.")
    if isinstance(shape, ListOf):
        if shape.max_length is not None and len(value) > shape.max_length:
            raise ValueError(f"{name} must have at most {shape.max_length} elements.")
        return [_read(each, shape.element, f"{name}[{i}]") for i, each in enumerate(value)]
    if isinstance(shape, Enum):
        return _read_enum(value, shape, name)
    if shape is int and abs(value) > MAX_INTEGER:
        raise ValueError(f"{name} must not be larger than {MAX_INTEGER}.")
    return value


def _type_of(shape: Shape) -> type:
    if isinstance(shape, Object):
        return dict
    if isinstance(shape, ListOf):
        return list
    return str if isinstance(shape, Enum) else shape


def _read_enum(value: str, enum: Enum, name: str) -> str:
    if value not in enum.values:
        value = value.removeprefix(enum.prefix)
    if value not in enum.values:
        values = shorten(", ".join(enum.values), MAX_LISTED_VALUES, placeholder=" …")
        raise ValueError(f"{name} must be one of {values}.")
    return value


def _read_object(value: Json, shape: Object, place: str) -> Json:
    """place: the names before its keys' names in an error message, such as "customer."."""
    given = {name: each for name, each in value.items() if each is not None}
    for name, kind in shape.fields.items():
        is_empty = given.get(name) == "" and name not in MAY_BE_EMPTY
        if name in shape.required and (name not in given or is_empty):
            raise ValueError(f"{place}{name} is required.")
        if name in given:
            given[name] = _read(given[name], kind, place + name)
    if shape.exactly_one and len(given.keys() & shape.exactly_one.keys()) != 1:
        names = " or ".join(place + name for name in shape.exactly_one)
        raise ValueError(f"Either {names} is required.")
    return given
