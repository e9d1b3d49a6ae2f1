"""Requests that no honest client sends, and clients that leave: what the servers of the stacks make of them."""
