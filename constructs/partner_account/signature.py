"""Shows a construct's props to `help()` and editors, from which jsii's metaclass hides them as `(*args, **kwargs)`."""

from inspect import Signature, signature
from typing import Any, ClassVar


class ShownSignature:
    """A class whose signature is that of its `__init__`, as Python itself has it; that of a user's subclass, too."""

    __signature__: ClassVar[Signature]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Read it once."""
        super().__init_subclass__(**kwargs)
        own = signature(cls.__init__)
        _, *parameters = own.parameters.values()
        cls.__signature__ = own.replace(parameters=parameters, return_annotation=Signature.empty)
