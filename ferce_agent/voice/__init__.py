"""Voice: what is measured in the sound of speech."""
