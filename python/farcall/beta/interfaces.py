"""Imported by code generated before 2017, which uses nothing of it."""
