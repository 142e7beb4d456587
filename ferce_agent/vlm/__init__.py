"""Vision-language models: what they are asked, how, and what is made of their answers."""
