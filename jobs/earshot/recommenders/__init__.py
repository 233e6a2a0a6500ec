"""Popularity, item-kNN, ALS and EASE; time splits; ranking metrics; who becomes champion."""
