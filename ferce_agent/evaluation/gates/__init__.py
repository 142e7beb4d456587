"""`ferce bench gates`: what the product claims about faces that are turned, covered, or no faces at all."""
