"""Tables of experiments: plain SQL in, frozen values out. One writer, short transactions."""
