/* own_memory.h - memory of the library's own, and the program's limits on memory.
 *
 * Some of it only a guest needs. The limits count only what is the program's.
 */
#ifndef LB_OWN_MEMORY_H
#define LB_OWN_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/uio.h>

#include "lb_image.h"
#include "process/process.h"

struct lb_trap;

#define LB_PAGES(size) (((uint64_t)(size) + 4095) & ~4095ULL)
#define LB_CALL_DATA_SIZE (LB_LINK_DATA_SIZE_MAX + 2 * 4096 /* PATH_MAX */)
#define LB_TEXT_SIZE (LB_LINK_DATA_SIZE_MAX / 2)
#define LB_PLACE_SIZE 20480u

/* A file of home's, and the one without a name that takes its place here. */
struct lb_mapped_file {
	uint64_t device, inode; /* as struct lb_image_file has them */
	uint64_t local_inode;
	int32_t fd; /* open for reading and writing */
	uint32_t by_stat;
	uint32_t name; /* in `names` */
	uint32_t name_size;
};
struct lb_mapped {
	uint32_t count;
	uint32_t names_size;
	uint32_t swept; /* as many there were when those that are in no use were given up */
	struct lb_mapped_file files[LB_SEGMENTS_MAX];
	char names[LB_IMAGE_FILES_SIZE_MAX];
};

/* Areas of a thread's call that is on its way home: one at a time. */
struct lb_call_areas {
	uint8_t reply[LB_LINK_SIZE_MAX] __attribute__((aligned(64))); /* home_call/link.c */
	struct {
		struct lb_link_header header;
		struct lb_link_call call;
		uint8_t data[LB_CALL_DATA_SIZE];
	} message;                                  /* request.c: a CALL as it is sent, and kept for sending again */
	struct iovec iovecs[LB_PIECES_MAX];         /* request.c */
	struct lb_link_piece pieces[LB_PIECES_MAX]; /* request.c */
	char strings[LB_TEXT_SIZE];    /* vfork_child.c: paths, arguments and environment of an execve(2) */
	uint8_t content[LB_TEXT_SIZE]; /* proc_files.c: maps of LB_SEGMENTS_MAX lines need 400 KB */
	uint8_t signals[LB_PENDING_SIGNALS_MAX * 128]; /* held.c: of siginfo_t */
	uint8_t place[LB_PLACE_SIZE]
		__attribute__((aligned(64))); /* vfork_child.c: whose place a child has, and its own */
};

/* The calling thread's, away from home. */
static inline struct lb_call_areas *lb_areas(void)
{
	return lb_thread()->areas;
}

extern struct lb_mapped *lb_mapped LB_HIDDEN; /* NULL at home */

/* Mapped when a process begins to be a guest, part of its image when it moves on, unmapped at home: before a move
 * nobody pays for them. Return false where there is no memory. */
bool lb_areas_make(void) LB_HIDDEN;
bool lb_thread_make_areas(struct lb_thread *thread) LB_HIDDEN;
/* A stack of the thread's own; at home as well, before it stops there. It stays, as a thread that has come home is on
 * it still. */
bool lb_thread_make_stack(struct lb_thread *thread) LB_HIDDEN;
#define LB_STACK_SIZE 65536u /* of which what is untouched costs nothing */
static inline uint64_t lb_stack_begin(const struct lb_thread *thread)
{
	return thread->stack_top - LB_STACK_SIZE;
}
/* At home. */
void lb_areas_drop(void) LB_HIDDEN;
/* Whether the page is of such an area: a child needs none. */
bool lb_areas_have(uint64_t page) LB_HIDDEN;

/* What other rooms have mapped: tables of kept.c, pages that sites.c jumps by. */
enum lb_own { LB_OWN_KEPT, LB_OWN_LANDINGS, LB_OWN_KINDS };
void lb_own_note(enum lb_own kind, uint64_t bytes) LB_HIDDEN; /* all that there are of it now */
/* Bytes of mappings that are not the program's and were not there before it moved; `data`: only those that
 * RLIMIT_DATA counts, private and writable (data_vm, mm/mmap.c, Linux 6.12). */
uint64_t lb_own_bytes(bool data) LB_HIDDEN;

#endif
