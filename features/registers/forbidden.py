"""Inputs that no benefit may depend on, by the words in which departments call them.

The fact dictionary refuses them by id; here the headers of deliveries are refused, so that they are not even collected.
"""

from __future__ import annotations

import re

from features.facts.grounds import FORBIDDEN

_HEADERS = {
    "人脸|面部|面容|指纹|虹膜|声纹|生物识别|生物特征": FORBIDDEN[r"face|facial|biometric"],
    "文明码|文明分|信用分|诚信分|道德分|品行|社会信用评": FORBIDDEN[r"conduct|civility|social_credit|wenming"],
    "宗教|信仰": FORBIDDEN[r"religio"],
    "民族|族别|种族": FORBIDDEN[r"ethnic|race\b|caste"],
    "国籍": FORBIDDEN[r"nationality"],
}


def why_forbidden(word: str) -> str | None:
    """The reason, with its article, why a fact or header of this name may not be taken in; None where it may."""
    folded = word.casefold()
    for pattern, reason in {**FORBIDDEN, **_HEADERS}.items():
        if re.search(pattern, folded):
            return reason
    return None
