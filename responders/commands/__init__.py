"""Commands of responders: parse, one service call, render."""
