"""On what ground a fact may be known at all: what may never be, and what the law asks of whatever may."""

from __future__ import annotations

from features.documents import DocumentError, Mapping

FORBIDDEN = {
    r"face|facial|biometric": "faces and other biometrics (Personal Information Protection Law, art. 28)",
    r"conduct|civility|social_credit|wenming": "scores of conduct (State Council guidance 国办发〔2020〕49号)",
    r"religio": "religion (Personal Information Protection Law, art. 28)",
    r"ethnic|race\b|caste": "ethnicity (Constitution of the PRC, art. 4)",
    r"nationality": "nationality as a risk (Personal Information Protection Law, art. 24)",
}
"""By a pattern of ids: inputs that no benefit may ever use, and why."""
OWNER = "Somebody answers for each fact (Personal Information Protection Law, art. 9)"
LEGAL_BASIS = "Each fact is held on a ground in law (Personal Information Protection Law, art. 13 and 34)"


def require_ground(entry: Mapping, key: str, what: str, law: str) -> None:
    """Refuse a fact, or a register's facts, without owner or legal basis.

    Args:
        entry: as written.
        key: under which the ground is told.
        what: whose ground, for the message.
        law: what asks for it, with its article.

    Raises:
        DocumentError: it is not told; the article is named.
    """
    if key not in entry.entries:
        raise DocumentError(entry.place, f"{what} lacks `{key}`. {law}.", f"Add a line `{key}: …`.")
