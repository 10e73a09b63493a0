"""Reading bands of scenes, block by block."""
