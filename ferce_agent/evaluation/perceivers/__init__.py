"""What can be benchmarked: our own engines, any vision-language model, and peers."""
