"""The ledger as it is read: its search (words), what a page asks for (wanted), its pages (rows), its sums (numbers)."""
