"""Inputs that several nodes share, with what checks them."""
