"""Modules of a former API that code generated before 2017 imports, though it seldom uses them."""
