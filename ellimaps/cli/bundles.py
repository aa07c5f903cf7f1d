"""Bundles of options, each for one parameter of a command; those of settings follow their declaration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any

import typer

from ellimaps.maps.settings import (
    DECLARED,
    Kind,
    Number,
    OneOf,
    Percentiles,
    Plane,
    Setting,
    Settings,
    Switch,
    Text,
    Texts,
    Whole,
    WholeOrAuto,
    Window,
)


@dataclass(frozen=True)
class Bundle:
    """Several options that stand for one parameter of a command.

    Attributes
    ----------
    options : sequence of Parameter
        What Typer sees in place of the parameter.
    value : callable
        ``value(context, given)`` returns the parameter's value; ``given`` has the options' values by name.
    """

    options: Sequence[Parameter]
    value: Callable[[typer.Context, dict[str, Any]], Any]


def takes(**bundles: Bundle) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that gives a command a bundle of options in place of each parameter named here.

    Typer takes a command's options from its signature; this writes one, so that commands need not repeat it.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        context = Parameter("context", Parameter.KEYWORD_ONLY, annotation=typer.Context)
        parameters = [context]
        for one in signature(command, eval_str=True).parameters.values():
            options = bundles[one.name].options if one.name in bundles else [one]
            parameters += [option.replace(kind=Parameter.KEYWORD_ONLY) for option in options]

        @wraps(command)
        def called(*, context: typer.Context, **values: Any) -> None:
            for name, bundle in bundles.items():
                given = {option.name: values.pop(option.name) for option in bundle.options}
                values[name] = bundle.value(context, given)
            command(**values)

        called.__signature__ = signature(command).replace(parameters=parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {one.name: one.annotation for one in parameters}
        return called

    return decorate


def optional_options(**annotations: Any) -> Bundle:
    """Return options that may all be left out; together they become a dict."""
    options = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in annotations.items()
    ]
    return Bundle(options, lambda _, given: given)


def setting_options(*names: str) -> Bundle:
    """Return options for settings of `Settings`; together they become a dict of those that are given."""
    return Bundle([_option(name, DECLARED[name]) for name in names], _given)


def _option(name: str, setting: Setting) -> Parameter:
    default = _SHOWN.get(type(setting.kind), getattr(Settings, name))
    typed = _TYPED[type(setting.kind)]
    # Bounds are not Typer's: a value beyond them is refused by the declaration's own sentence.
    option = typer.Option(setting.option, help=setting.help, metavar=setting.metavar)
    if default is None:
        typed = typed | None
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[typed, option])


def _given(context: typer.Context, values: dict[str, Any]) -> dict[str, Any]:
    def is_given(name: str) -> bool:
        source = context.get_parameter_source(name)
        return source is not None and source.name != "DEFAULT"

    return {name: parsed(name, value) for name, value in values.items() if is_given(name)}


def parsed(name: str, typed: Any) -> Any:
    """Return a setting's value from what its option was given.

    Raises
    ------
    BadParameter
        If it is not of the setting's type.
    SettingError
        If it is out of bounds.
    """
    setting = DECLARED[name]
    parse = _PARSED.get(type(setting.kind))
    try:
        value = parse(typed) if parse else typed
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=setting.option) from None
    if value is not None:
        setting.kind.check(name, value)
    return value


def channel_names(text: str | None) -> tuple[str, ...]:
    """Return the names in a list with commas."""
    return tuple(name.strip() for name in text.split(",")) if text else ()


def _plane(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() else text


def _whole_or_auto(text: str) -> int | None:
    if text == "auto":
        return None
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is neither a whole number nor auto.") from None


# What Typer makes of the text of an option, by the kind of setting ...
_TYPED: dict[type[Kind], Any] = {
    Text: str,
    Texts: str,
    Switch: bool,
    Plane: str,
    OneOf: str,
    Whole: int,
    WholeOrAuto: str,
    Number: float,
    Percentiles: tuple[float, float],
    Window: tuple[int, int, int, int],
}
# ... where that is not yet the setting's value, how to get there, and the default to show in its place.
_PARSED: dict[type[Kind], Callable[[str], Any]] = {
    Texts: channel_names,
    Plane: _plane,
    WholeOrAuto: _whole_or_auto,
}
_SHOWN: dict[type[Kind], str | None] = {Texts: None, WholeOrAuto: "auto"}
