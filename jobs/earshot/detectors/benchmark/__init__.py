"""Detectors of single series measured on public corpora: NAB's scoring, VUS, published rivals, tables."""
