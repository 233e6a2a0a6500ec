"""Pseudonyms, encryption, vault, audit chain and erasure."""
