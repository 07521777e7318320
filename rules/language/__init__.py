"""The rule language: from text to a typed tree in which every node knows its place."""
