"""A report as text, HTML and EmotionML."""
