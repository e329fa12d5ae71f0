"""The words everybody shares: names, ids, actors, errors, events, limits. No I/O."""
