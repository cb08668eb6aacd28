"""Answers whole catalogues: more pictures than one would name on a command line, and longer than a machine stays up.

In: a folder, a bucket, a list of addresses or a Parquet file. Out: a folder of tables with an answer for each picture,
and the failures in tables of their own; a second run goes on where the first one was stopped.

Read run first: it is the whole flow. catalogue/ finds the pictures. plan writes them down, in parts, so that the source
is read once. batch_folder is the folder of the results and remembers which parts are done. part_answers answers one
part: pictures reads it, tables writes it. engines/ let many processes do so, on this machine or on a Ray cluster.
storage reads files, addresses and buckets; settings is what all processes have to know.
"""
