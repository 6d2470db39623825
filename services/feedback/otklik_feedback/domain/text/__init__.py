"""Words of customers: their language, feeling and topics. The same text is always read the same."""
