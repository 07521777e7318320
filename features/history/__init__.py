"""What registers told us and when: the bitemporal store that every read of facts comes from."""
