"""What the product carries when there is much of it: companies, processes, partitions, facts."""
