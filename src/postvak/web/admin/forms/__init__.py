"""Forms of the administration: what may be saved, and the sentence beside the field when it may not."""
