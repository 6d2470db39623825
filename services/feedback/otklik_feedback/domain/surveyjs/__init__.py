"""Surveys written for SurveyJS: a stated part of them, turned into our questions."""
