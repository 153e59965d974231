"""What the settings of all steps have in common."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_cellseg.errors import SettingsError

Device = Literal["auto", "cuda", "mps", "cpu"]
Precision = Literal["auto", "float32", "bfloat16"]
Engine = Literal["auto", "openvino", "torch"]
GreysOf = Literal["frame", "movie"]


class Config(BaseModel):
    """What the settings of all steps have in common: they are validated at once, and never change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def checked(cls, **values: Any) -> Any:
        """Make the settings, or say in a sentence what is wrong with them.

        Parameters
        ----------
        **values : object
            Settings by name; the others keep their defaults.

        Returns
        -------
        Config
            The settings, of the class that was asked.

        Raises
        ------
        SettingsError
            A value is of the wrong kind or out of range, or there is no such setting.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or cls.__name__
            raise SettingsError(
                f"The setting {name} is {first.get('input')!r}", first["msg"], "Change it and try again"
            ) from error


def option(
    default: Any,
    label: str,
    tooltip: str,
    *,
    unit: str = "",
    advanced: bool = False,
    **limits: Any,
) -> Any:
    """Declare one setting.

    Parameters
    ----------
    default : object
        The value that works for most.
    label : str
        Its name in the form.
    tooltip : str
        One or two sentences for a biologist; also the help of the command line.
    unit : str
        Unit of the value, shown behind it.
    advanced : bool
        True folds it away under "Options".
    **limits : object
        Limits as pydantic knows them: ``ge``, ``le``, ``gt``, ``lt``, ``multiple_of``.

    Returns
    -------
    object
        A pydantic field.
    """
    return Field(
        default,
        title=label,
        description=tooltip,
        json_schema_extra={"unit": unit, "advanced": advanced},
        **limits,
    )
