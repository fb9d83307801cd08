"""What is shown of tokens: the strongest links of one, and names without what all begin with."""
