"""Specifications of the rule language: tables that every evaluator must fulfil."""
