/* A plugin for qemu-user that counts the guest's instructions between marks. A mark is the system call getppid, which
   nothing else in the guest makes. At the end it writes one line a mark, the count since the one before it, then one
   for what followed the last, and then "threads N".

   gcc -O2 -shared -fPIC -o count_instructions.so count_instructions.c
   qemu-aarch64 -plugin ./count_instructions.so,out=FILE python3 ...

   A block of instructions is counted as a whole when it is entered, and a system call ends a block: counts are exact
   while the guest has one thread. Debian 12 has QEMU 7.2, plugin API 1, and no package with its header: what is used
   of it is declared here (include/qemu/qemu-plugin.h). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GETPPID 173 /* on arm64: include/uapi/asm-generic/unistd.h */

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef void (*tb_callback)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*vcpu_callback)(qemu_plugin_id_t, unsigned);
typedef void (*exit_callback)(qemu_plugin_id_t, void *);
typedef void (*syscall_callback)(qemu_plugin_id_t, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                                 uint64_t, uint64_t, uint64_t);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, tb_callback);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, enum qemu_plugin_op, void *, uint64_t);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t, syscall_callback);
void qemu_plugin_register_vcpu_init_cb(qemu_plugin_id_t, vcpu_callback);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, exit_callback, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

static uint64_t executed, at_last_mark;
static unsigned threads;
static FILE *out;

static void count_block(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, &executed,
                                             qemu_plugin_tb_n_insns(block));
}

static void write_count(void) {
    fprintf(out, "%" PRIu64 "\n", executed - at_last_mark);
    at_last_mark = executed;
}

static void notice_mark(qemu_plugin_id_t id, unsigned vcpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3,
                        uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
    (void)id, (void)vcpu, (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    if (number == GETPPID) write_count();
}

static void notice_thread(qemu_plugin_id_t id, unsigned vcpu) {
    (void)id, (void)vcpu;
    threads++;
}

static void finish(qemu_plugin_id_t id, void *unused) {
    (void)id, (void)unused;
    write_count();
    fprintf(out, "threads %u\n", threads);
    fclose(out);
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                                                               char **argv) {
    (void)info;
    if (argc != 1 || strncmp(argv[0], "out=", 4) != 0 || !(out = fopen(argv[0] + 4, "w"))) {
        fprintf(stderr, "count_instructions: needs out=FILE, a file that can be written\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, count_block);
    qemu_plugin_register_vcpu_syscall_cb(id, notice_mark);
    qemu_plugin_register_vcpu_init_cb(id, notice_thread);
    qemu_plugin_register_atexit_cb(id, finish, NULL);
    return 0;
}
