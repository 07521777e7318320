"""What can go wrong in this package: every error that `serving.delivery.bundles` raises on purpose."""

from __future__ import annotations

from serving.errors import ServingError


class BundleError(ServingError):
    """A household cannot be settled as it was put."""


class ReceiptFileError(BundleError):
    """`receipts.yaml` says something that cannot be put into effect."""
