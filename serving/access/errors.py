"""What can go wrong when somebody asks to be let in."""

from __future__ import annotations

from serving.errors import ServingError


class AccessError(ServingError):
    """Somebody was not let in; the message never says anything about the object that they asked for."""


class RolesClashError(AccessError):
    """An account would hold roles that no one person may hold together."""

    def __init__(self, roles: tuple[str, ...]) -> None:
        self.roles = roles
        super().__init__(
            f"No one may hold these roles together: {', '.join(roles)}. The three administrators (三员), the auditor "
            "and the operator each stand alone: give the other roles to another account of another person."
        )


class NobodyToTellError(AccessError):
    """Breaking the glass needs a supervisor who hears of it, and there is none."""

    def __init__(self) -> None:
        super().__init__(
            "The glass was not broken: no supervisor in service is posted over this officer's district, so nobody "
            "would be told. Post a supervisor there, or ask a colleague of the case's district."
        )


class ReasonTooShortError(AccessError):
    """A reason that says nothing."""

    def __init__(self, shortest: int) -> None:
        self.shortest = shortest
        super().__init__(f"The reason is too short: write at least {shortest} characters about why it cannot wait.")


class LoginRefusedError(AccessError):
    """The identity provider's answer does not prove who is there.

    Attributes:
        why: a constant word for counting and for tests; never a value of the answer.
    """

    def __init__(self, why: str, advice: str = "Begin the login again from the start page.") -> None:
        self.why = why
        super().__init__(f"The login was refused ({why}). {advice}")


class ProviderError(AccessError):
    """The identity provider cannot be reached, or describes itself wrongly."""

    def __init__(self, what: str, advice: str) -> None:
        self.what = what
        super().__init__(f"The identity provider {what}. {advice}")
