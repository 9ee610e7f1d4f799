"""What browsers are served: pages that work without scripts, and forms that come back to them."""
