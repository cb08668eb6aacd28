"""What a conversion found, for people and programs: tables, JSON, an HTML page, figures.

In: an Outcome. Out: text and bytes. Read outcome first, then html and figures.
"""
