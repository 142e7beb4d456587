"""One face, from measurements to statements: expression, movements, evidence, and a second opinion fused in.

What is going on around the faces (causes, relationships, guidance) is in `ferce_agent.context`.
"""
