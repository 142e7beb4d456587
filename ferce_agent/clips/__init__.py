"""Faces over time: following them from frame to frame, and what a clip's report is made of."""
