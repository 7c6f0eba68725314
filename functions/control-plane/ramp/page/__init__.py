"""The ramp page: what people see of a ramp, and where they say what happens next.

Read in this order: `routes` (what is asked for), `records` (gather), `view` with `track`, `charts`, `check_rows` and
`story` (records in, what is shown out: pure), `markup` (shown values into HTML), `deciding` (a person's word, after the
evidence was judged anew), `forms` (who may post).
"""
