/* lb_image.h - The image: a process's memory and identity as bytes.
 *
 * One stream, to a socket or a file.
 *
 * Layout: struct lb_image_header; `segments` times struct lb_image_segment; `files` times struct lb_image_file,
 * each followed by its name, `files_size` bytes in all; then runs: a struct lb_image_run followed by its bytes,
 * until a run of size 0. On a socket the link messages MAPPED, GO and
 * RUNNING follow (lb_link.h); in a file nothing follows.
 * Everything else that is saved (signal actions, timers, pending signals, limits, ...) lies in the
 * library's own memory, which is part of the image.
 */
#ifndef LB_IMAGE_H
#define LB_IMAGE_H

#include <stdint.h>

#include "lb_wire.h"

#define LB_IMAGE_MAGIC 0x31474d49424c0a1aULL /* bytes 1a 0a "LBIMG1" */
#define LB_IMAGE_VERSION 4u

/* Reserved in every copy of a process, for its shadow: at home that is there in its place (c/base/load.h). */
#define LB_RANGE_SIZE (16ULL << 20)

enum lb_segment_kind {
	LB_SEGMENT_ANONYMOUS = 0,
	LB_SEGMENT_STACK = 1, /* grows down */
	LB_SEGMENT_HEAP = 2,
	LB_SEGMENT_SHARED = 3, /* anonymous too, but children to come are to share it */
};

/* What VmFlags of /proc/self/smaps tell of a mapping (proc_pid_smaps(5); show_smap_vma_flags(), fs/proc/task_mmu.c,
 * Linux 6.18): X(name, its two letters, advice of madvise(2) that makes a mapping such; 0: another call does). */
#define LB_ATTRIBUTE_MAP(X) \
	X(DONTFORK, "dc", 10) \
	X(WIPEONFORK, "wf", 18) \
	X(DONTDUMP, "dd", 16) \
	X(SEQUENTIAL, "sr", 2) \
	X(RANDOM, "rr", 1) \
	X(HUGE, "hg", 14) \
	X(NO_HUGE, "nh", 15) \
	X(MERGEABLE, "mg", 12) \
	X(ACCOUNTED, "ac", 0) \
	X(NO_RESERVE, "nr", 0) \
	X(GROWS_DOWN, "gd", 0) \
	X(LOCKED, "lo", 0) \
	X(LOCKED_ON_FAULT, "lf", 0) \
	X(SEALED, "sl", 0) \
	X(HUGE_PAGES, "ht", 0) \
	X(SHADOW_STACK, "ss", 0)
enum lb_attribute_number {
#define LB_ATTRIBUTE_NUMBER(name, letters, advice) LB_ATTRIBUTE_NUMBER_##name,
	LB_ATTRIBUTE_MAP(LB_ATTRIBUTE_NUMBER)
};
#define LB_ATTRIBUTE(name) (1u << LB_ATTRIBUTE_NUMBER_##name)
/* Hints: a kernel may be built without them. */
#define LB_ATTRIBUTE_HINTS \
	(LB_ATTRIBUTE(SEQUENTIAL) | LB_ATTRIBUTE(RANDOM) | LB_ATTRIBUTE(HUGE) | LB_ATTRIBUTE(NO_HUGE) | \
		LB_ATTRIBUTE(MERGEABLE))
/* Memory that no image has. */
#define LB_ATTRIBUTE_REFUSED (LB_ATTRIBUTE(HUGE_PAGES) | LB_ATTRIBUTE(SHADOW_STACK))

struct lb_image_segment {
	uint64_t start;
	uint64_t end;
	uint32_t protection; /* PROT_* */
	uint32_t kind;       /* enum lb_segment_kind */
	uint32_t attributes; /* LB_ATTRIBUTE() of each that it has */
	uint32_t file;       /* mapped from this one, counted from 1, LB_SEGMENT_SHARED: MAP_SHARED; 0: of none */
	uint64_t offset;     /* in that file */
};

/* A file that memory is mapped from. Away from home a file without a name takes its place (c/library/image/mapped.c);
 * at home it is mapped again if it still has this name. */
struct lb_image_file {
	uint64_t device, inode; /* at home */
	uint64_t size;          /* of what can be read of it, in whole pages */
	uint32_t by_stat;       /* 1: `device` is of stat(2); 0: of /proc/PID/maps, major << 32 | minor */
	uint32_t name_size;     /* with its NUL, and up to 7 more: a multiple of 8 */
};
#define LB_IMAGE_FILES_SIZE_MAX (1u << 20)
#define LB_IMAGE_NAME_SIZE_MAX 4096u /* PATH_MAX */

struct lb_image_run {
	uint64_t start; /* page-aligned address, inside one segment */
	uint64_t size;  /* bytes that follow; 0: no more runs */
};
/* Added to a size: no bytes follow. From a guest that forks: they are those of the last image. From its shadow to the
 * child: a uint64_t follows, where they lie in the file that both have; the child copies them. */
#define LB_IMAGE_RUN_KEPT (1ULL << 63)
/* Added to a size: no bytes follow, as nobody may touch these pages: MADV_GUARD_INSTALL of madvise(2). */
#define LB_IMAGE_RUN_GUARD (1ULL << 62)

/* Added to a size: the bytes are those of the segment's file, to which the process has not written here. */
#define LB_IMAGE_RUN_FILE (1ULL << 61)
#define LB_IMAGE_RUN_FLAGS (LB_IMAGE_RUN_KEPT | LB_IMAGE_RUN_GUARD | LB_IMAGE_RUN_FILE)

struct lb_image_mm { /* prctl(PR_SET_MM_MAP): the fields of struct prctl_mm_map but auxv and exe_fd */
	uint64_t start_code, end_code, start_data, end_data, start_brk, brk, start_stack;
	uint64_t arg_start, arg_end, env_start, env_end;
};

#define LB_AUXV_WORDS 64 /* AT_VECTOR_SIZE is 2 * (20 + 3 + 1) on x86-64, Linux 6.12 */

struct lb_image_header {
	uint64_t magic;
	uint32_t version;
	uint32_t abi_version;
	/* who */
	uint64_t ticket;
	uint64_t start_ticks; /* of the home process: /proc/PID/stat field 22 */
	uint32_t home_pid;
	uint32_t segments;
	char home_node[LB_NODE_NAME_SIZE];
	char program[LB_PROGRAM_NAME_SIZE];
	/* what the new node must offer */
	uint64_t xcr0;
	uint64_t memory_bytes;
	uint64_t range_start; /* of LB_RANGE_SIZE bytes, at home the shadow's; a segment of its own */
	/* where to go on: lb_resume_entry(args) of the library, on this stack */
	uint64_t resume_ip;
	uint64_t resume_sp;
	uint64_t fs_base;
	uint64_t gs_base;
	struct lb_image_mm mm;
	uint64_t auxv_words;
	uint64_t auxv[LB_AUXV_WORDS];
	char comm[16];
	uint64_t clear_child_tid;
	uint32_t of_new_memory; /* LB_ATTRIBUTE() of what the program maps next: mlockall(2) */
	uint32_t files;
	uint64_t files_size; /* bytes */
};

/* What the restorer hands to the library at resume_ip, in rdi; it lies in the hole, readable until the
 * library releases the hole. The hole holds the restorer, its stack, this struct, and the node's own
 * [vvar] and [vdso] mappings; it is never part of an image. */
struct lb_resume_args {
	uint64_t hole_start;
	uint64_t hole_end;
	uint64_t vdso;                /* address of this node's vdso, 0 if none */
	int32_t stream_fd;            /* carried the image; -1: it was a file */
	int32_t link_fd;              /* connection to the shadow; == stream_fd on a first move; -1: at home */
	int32_t keeper_fd;            /* unix socket to the keeper; -1: at home */
	int32_t at_home;              /* 1: the process is back in its shadow */
	const void *state;            /* at home: struct lb_state, in the shadow's memory */
	uint64_t ticket;              /* the ticket this copy runs under */
	uint64_t go_monotonic_ns;     /* body of GO; 0 without a handshake */
	uint64_t here_monotonic_ns;   /* this node's CLOCK_MONOTONIC when GO came */
	char node[LB_NODE_NAME_SIZE]; /* this node's name */
	char control_path[LB_CONTROL_PATH_SIZE_MAX]; /* this node's control socket */
	uint32_t home_pid; /* of the header: another one than in memory after `lb shadow IMAGE` */
	uint32_t files_count;
	const struct lb_image_file *files; /* of the image, one behind the other */
	const int32_t *file_fds;           /* what takes the place of each; -1: nothing */
};

#endif
