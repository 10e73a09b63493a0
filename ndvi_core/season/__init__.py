"""Numbers of a field's season and the events in it: pure functions of arrays, a row a season, a column a day.

Column d is day d since planting (day 0 is the plant date), and an array has as many columns as its longest season;
a season's days after its end or after the last recorded day are days without an observation. All arithmetic is element
by element or runs from day to day, never across seasons, so that a season has the same bits whatever other seasons
are computed with it and however many columns there are.
"""
