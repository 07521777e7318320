"""The day's work, wired together: a sweep, its tiers and bundles, entitlements and cases, samples."""
