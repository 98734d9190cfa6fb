"""Administration: one module per noun, each with a list and an edit view; forms in forms/."""
