"""Federated learning: clients fit the specialist's head on faces of their own, which stay with them.

A Flower app (`task`, `client_app`, `server_app`). What is trained becomes an adapter file of the product.
"""
