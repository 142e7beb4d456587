"""The local page: its server, its live readings over a WebSocket, its chat, and the files that a browser loads."""
