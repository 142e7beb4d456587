"""Engines that look at faces: the specialist and vision-language models."""
