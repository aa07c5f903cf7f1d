"""Screening plates: fields become profiles, and profiles say which compounds change cells."""
