"""Surveys, answers, reviews, claims and cases."""
