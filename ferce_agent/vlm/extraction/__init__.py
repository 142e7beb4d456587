"""From the words of a vision-language model to checked data of the ontology."""
