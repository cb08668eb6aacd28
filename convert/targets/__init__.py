"""What each target runtime takes: by tables, and by running the model in it.

In: a .tflite. Out: a Check, operation by operation, and a TargetRun for each runtime. Read operators (the tables),
check, runtimes (running it), target_check (all of it for one conversion), edgetpu (Coral's compiler). A new target
runtime goes here.
"""
