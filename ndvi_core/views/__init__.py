"""What is made of the products of cells when somebody looks at them: their pixels, two days, zones of a field."""
