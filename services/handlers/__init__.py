"""What each path of the contract does with the pool: the middle of a request, without any framework."""
