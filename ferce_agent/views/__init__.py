"""A report in other forms: text, brief, HTML page, table, EmotionML, and the picture with its faces marked."""
