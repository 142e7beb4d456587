"""Plain words for values and data that do not fit."""
