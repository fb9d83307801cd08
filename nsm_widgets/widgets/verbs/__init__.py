"""What is done with views and data in one word: show, link, compose, compare."""
