"""Trainings: what is asked of a version that trains, and the version that comes out."""
