"""What is told and what is going on: statements, causes, conflicts, relationships, distress, guidance."""
