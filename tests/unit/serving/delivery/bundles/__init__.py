"""Mirrors of `serving.delivery.bundles`."""
