"""Reports: a notebook executed by papermill over studies, its HTML, and whether those studies are complete.

    NOTEBOOK ──parameters──▶ execution ──▶ endings (is every study complete?) ──▶ cells ──▶ HTML, notebook, PDF

`writing.write_report` makes one report, `rows.read_rows` the parameters of many. Nothing here simulates or waits: the
notebook does.
"""
