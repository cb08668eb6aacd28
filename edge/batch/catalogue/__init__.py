"""What SOURCE is, and the pictures in it, one after the other: nothing is ever listed as a whole.

Read source first: it tells the kinds apart. folders walks folders and buckets, lists reads addresses out of text and
CSV, parquet_files out of Parquet, or finds the row groups in which the bytes lie. reference is what they give.
"""
