"""From measurements to statements: expression, evidence, relationships, causes, guidance."""
