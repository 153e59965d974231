"""What can go wrong, each as a sentence for the person who can put it right."""


class CellSegError(Exception):
    """A problem told in three parts: what was found, what was expected, what to do.

    Parameters
    ----------
    found : str
        What the program met, with the name of the file or layer. A sentence, without its full stop.
    expected : str
        What it needed instead. A sentence, without its full stop; may be empty.
    to_do : str
        The next step for the person. A sentence, without its full stop; may be empty.
    """

    exit_code = 1

    def __init__(self, found: str, expected: str = "", to_do: str = "") -> None:
        super().__init__(found, expected, to_do)  # all three, so that it survives pickling between processes

    def __str__(self) -> str:
        return " ".join(f"{part.rstrip('.')}." for part in self.args if part)


class SettingsError(CellSegError):
    """A setting or a command-line argument that cannot be used."""

    exit_code = 2


class InputError(CellSegError):
    """An image, a stack or a label file that cannot be used."""

    exit_code = 3


class ModelError(CellSegError):
    """A model that is missing, damaged, altered or made for something else."""

    exit_code = 4


class TrainingError(CellSegError):
    """Training that could not start or led to a model that must not be used."""

    exit_code = 5


class StorageError(CellSegError):
    """A folder that cannot be written, or a disk that is full."""

    exit_code = 6
