"""A migration after the product's own that rebuilds the tables of the books: what the triggers must survive."""
