"""responders: from a feed entry to a released, signed-off response, and on to its experiment."""
