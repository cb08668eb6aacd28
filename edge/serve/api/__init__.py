"""The routes, a file for each subject; routes.py has the table, which the OpenAPI document is made from."""
