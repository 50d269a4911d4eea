"""Prints the lines of an SSE stream as requests hands them out. Usage: read_one.py URL

iter_lines keeps its defaults: with chunk_size=1 it would hide that an event comes one write late.
"""

import sys

import requests

with requests.get(sys.argv[1], stream=True) as response:
    response.raise_for_status()
    for line in response.iter_lines():
        print(line.decode(), flush=True)
