"""What every bqplot figure here is made of; the one folder that charts and logged curves share."""
