"""What a recorder knows of the models of Hugging Face's transformers."""
