image_id = "m-bp1shop20261102"
