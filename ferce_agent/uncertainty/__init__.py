"""Calibration, prediction sets, abstention."""
