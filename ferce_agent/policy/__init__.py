"""Policy by use: what a stated use allows, as readable rules, and what that means for a report. No legal advice."""
