"""Which topics there are, how much they hold, and who reads them."""
