"""The daily run: what a sweep found is turned into tiers, bundles, entitlements, cases and samples."""
