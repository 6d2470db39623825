"""The pages, with one company behind them for all their tests."""
