"""Customers, purchases, points, tiers and consents."""
