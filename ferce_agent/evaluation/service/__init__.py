"""The server under load, measured from outside by locust."""
