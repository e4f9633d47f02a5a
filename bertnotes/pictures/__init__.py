"""Pictures, charts and views of attention."""
