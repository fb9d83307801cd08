"""Traces made of arrays, of attentions and of xarray's datasets."""
