"""Hubs that share one database: who lives, what each has, and what they tell each other."""
