"""Expressions, action units, appraisals: the words of a report."""
