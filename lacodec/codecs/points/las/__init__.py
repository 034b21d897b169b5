"""Records of las files, by pulses: returns, times, then coordinates told by both. Quick: efforts 1 to 3."""
