"""A stand-in for libedgetpu, compiled by the tests: it takes over `edgetpu-custom-op`, and fails or hangs on command.

It has libedgetpu's plug-in interface. Every picture is a Dress to it, whatever the model; no real model says that of
all ten samples, so each answer shows who gave it.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

from edge.inference.model_file import Model

SOURCE = r"""
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* What every TFLite runtime agrees on of its C interface (tensorflow/lite/core/c/common.h), as far as it is used. */
typedef struct { int size; int data[]; } Ints;
typedef struct { int type; char *data; Ints *dims; float scale; int zero_point; int kind; size_t bytes; char rest[64]; }
    Tensor;
typedef struct { Ints *inputs, *outputs; } Node;
typedef struct {
  void *(*init)(void *, const char *, size_t);
  void (*free)(void *, void *);
  int (*prepare)(void *, Node *);
  int (*invoke)(void *, Node *);
  const char *(*profile)(void *, Node *);
  int32_t builtin_code;
  const char *custom_name;
  int version;
  void *newer[8];
} Registration;
typedef struct Context {
  size_t tensors_size;
  int (*get_execution_plan)(struct Context *, Ints **);
  Tensor *tensors;
  void *impl, *resize_tensor;
  void (*report_error)(struct Context *, const char *, ...);
  void *add_tensors;
  int (*get_node)(struct Context *, int, Node **, Registration **);
  int (*replace)(struct Context *, Registration, const Ints *, void *);
} Context;
typedef struct {
  void *data;
  int (*prepare)(Context *, void *);
  void *copy_from, *copy_to, *free_handle;
  long flags[8];
} Delegate;

static void note(const char *line) {
  if (!getenv("DELEGATE_LOG")) return;
  FILE *log = fopen(getenv("DELEGATE_LOG"), "a");
  fprintf(log, "%s\n", line);
  fclose(log);
}

/* EDGETPU_FAULT is "WHAT PLACE": fail, hang, abort or slow; at load, prepare, release or the invocation of a number. */
static int strikes(const char *here) {
  char what[16], place[16];
  if (!getenv("EDGETPU_FAULT") || sscanf(getenv("EDGETPU_FAULT"), "%15s %15s", what, place) != 2) return 0;
  if (strcmp(place, here)) return 0;
  if (!strcmp(what, "hang")) for (;;) pause();
  if (!strcmp(what, "slow")) { usleep(700 * 1000); return 0; }
  if (!strcmp(what, "abort")) {
    fprintf(stderr, "F driver/usb/usb_driver.cc:1148] HandleQueuedBulkIn transfer in failed. Not found\n");
    abort();
  }
  return 1;
}

static int invoke(void *context, Node *node) {
  static int calls;
  char number[16];
  snprintf(number, sizeof number, "%d", ++calls);
  note(number);
  if (getenv("EDGETPU_CHATTER")) { fprintf(stderr, "%.1024d\n", 0); printf("chatter\n"); fflush(stdout); }
  if (strikes(number)) {
    ((Context *)context)->report_error(context, "USB transfer error 5");
    return 1;
  }
  Tensor *answer = &((Context *)context)->tensors[node->outputs->data[0]];
  memset(answer->data, -128, answer->bytes);
  answer->data[3] = 127;
  return 0;
}
static int ready(void *context, Node *node) { (void)context; (void)node; return 0; }

static int prepare(Context *context, void *delegate) {
  if (strikes("prepare")) {
    context->report_error(context, "compiled for a newer Edge TPU runtime");
    return 1;
  }
  Ints *plan;
  context->get_execution_plan(context, &plan);
  Ints *mine = calloc(1, sizeof(int) * (plan->size + 1));
  for (int number = 0; number < plan->size; number++) {
    Node *node;
    Registration *registration;
    context->get_node(context, plan->data[number], &node, &registration);
    if (registration->custom_name && !strcmp(registration->custom_name, "edgetpu-custom-op"))
      mine->data[mine->size++] = plan->data[number];
  }
  Registration kernel = {.prepare = ready, .invoke = invoke, .custom_name = "stand-in", .version = 1};
  return mine->size ? context->replace(context, kernel, mine, delegate) : 0;
}

__attribute__((visibility("default"))) void *tflite_plugin_create_delegate(
    char **keys, char **values, size_t count, void (*report)(const char *)) {
  (void)keys; (void)values; (void)count;
  if (strikes("load")) {
    report("no Edge TPU on this bus");
    return NULL;
  }
  if (getenv("EDGETPU_DEVICE")) { /* only one process can have it */
    int device = open(getenv("EDGETPU_DEVICE"), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (flock(device, LOCK_EX | LOCK_NB)) {
      report("another process uses the Edge TPU");
      return NULL;
    }
  }
  Delegate *made = calloc(1, sizeof *made);
  made->prepare = prepare;
  made->flags[0] = 1; /* dynamic tensors: else operations are prepared before the delegate takes them over */
  return made;
}
__attribute__((visibility("default"))) void tflite_plugin_destroy_delegate(void *made) {
  strikes("release");
  note("released");
  free(made);
}
"""


def build_library(folder: Path) -> Path:
    """Compile the library; its path."""
    source, library = folder / "edgetpu.c", folder / "libedgetpu-stand-in.so"
    source.write_text(SOURCE)
    compiler = shutil.which("cc")
    assert compiler, "a C compiler is needed: apt-get install gcc libc6-dev"
    subprocess.run([compiler, "-shared", "-fPIC", "-Wall", "-Werror", "-o", library, source], check=True)
    return library


def write_compiled(path: Path, parent: Model | None, scale: float = 1.0, outputs: int = 1) -> Path:
    """A file as `convert edgetpu` writes it of a bundled model (of no known one if None); its path.

    Its flatbuffer has the shape of what Coral's compiler writes: one custom operation that takes all.
    """
    from tests.convert.drawn_models import Drawing

    drawing = Drawing()
    given = drawing.tensor(1, 28, 28, scale=scale, zero_point=-128)
    results = [drawing.tensor(1, 10, scale=1 / 256, zero_point=-128) for _ in range(outputs)]
    for result in results:
        drawing.operation("CUSTOM", [given], result, custom="edgetpu-custom-op")
    drawing.graph.inputs, drawing.graph.outputs = [given], results
    flatbuffer = drawing.flatbuffer()
    if parent is None:
        path.write_bytes(flatbuffer)
        return path
    assert parent.manifest is not None
    return write_model(path, flatbuffer, parent, edgetpu={"compiled_from_sha256": parent.manifest["sha256"]})


def write_model(path: Path, flatbuffer: bytes, parent: Model, **changed: Any) -> Path:
    """A model file with a manifest like another's; its path."""
    manifest = {**(parent.manifest or {}), "sha256": hashlib.sha256(flatbuffer).hexdigest(), **changed}
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
    path.write_bytes(flatbuffer + zipped.getvalue())
    return path
