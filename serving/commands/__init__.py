"""The commands of `applyfree`, one module each; `serving.cli` puts them together."""
