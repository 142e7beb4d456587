"""`ferce chat`: the loop in a terminal, its chat models, replies and memory."""
