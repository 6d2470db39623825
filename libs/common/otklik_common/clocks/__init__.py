"""Business time and the clocks that run by it: pure, the same in every service."""
