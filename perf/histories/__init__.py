"""Histories of a pool under a model: whatever its users do, nothing is lost, doubled, forgotten or carried over."""
