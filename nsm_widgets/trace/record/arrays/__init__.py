"""From iterations that were recorded to arrays: one gatherer, for traces in memory and for stores."""
