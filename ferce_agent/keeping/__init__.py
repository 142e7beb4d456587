"""What is kept of a person where that was asked for: where it lies, sealed with which key, and how it is deleted."""
