"""What is seen of the machine while it trains."""
