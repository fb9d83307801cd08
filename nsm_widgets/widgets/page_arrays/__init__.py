"""Arrays on the page's side: sent once, served in parts on demand, kept in a saved notebook within bounds."""
