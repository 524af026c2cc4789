"""Getting archives and weights: one downloader, what is known of each file, disk space.

Used by the scripts of `fetch_archive`, `fetch_checkpoint` and `fetch_task`; the libraries know
nothing of networks.
"""
