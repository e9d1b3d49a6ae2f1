"""A run as one page that works without a network: verdicts first, then each scenario with its evidence."""
