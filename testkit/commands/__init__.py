"""Commands of testkit: parse, one service call, render."""
