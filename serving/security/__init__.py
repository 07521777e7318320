"""Walls: encrypted fields, keys from files, safe calls outwards, harmless exports and texts, headers, CSRF."""
