"""From a vision-language model's words to checked structure."""
