"""What everything passes along: geometry, extent, fields, scenes, work orders, observations. Frozen, without I/O."""
