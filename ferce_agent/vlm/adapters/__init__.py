"""One file for each way of running a vision-language model."""
