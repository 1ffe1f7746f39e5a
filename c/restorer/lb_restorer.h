/* lb_restorer.h - The contract between the restorer blob and its starter.
 *
 * The starter is the keeper, or the library at home.
 *
 * The starter reads the image header and the segment table, finds a hole in the address space that is free
 * both now and in the image, lays out struct lb_restorer_args and the table there, copies the blob in, and
 * jumps to its first byte on the hole's stack (enter.c does all of this). The hole:
 *
 *   start  blob text (R-X) | struct lb_restorer_args, tables | stack | node's [vvar] and [vdso]  end
 *
 * At home mappings of files are made behind its end, from where the blob moves them to their places.
 */
#ifndef LB_RESTORER_H
#define LB_RESTORER_H

#include <linux/mman.h>
#include <stdint.h>

#include "fault.h"
#include "load.h"
#include "lb_image.h"

#define LB_VDSO_PARTS 4 /* [vvar] [vvar_vclock] [vdso], Linux 6.13; one spare */

struct lb_vdso_part {
	uint64_t start, size;
	uint64_t target; /* in the hole */
};

/* What a segment of a file is mapped from. */
struct lb_source {
	uint64_t made; /* at home: where the mapping is; 0: the file is not there */
	int32_t fd;    /* away: what takes the file's place, for MAP_SHARED open for reading only; -1: nothing, it
	                * becomes anonymous memory */
	int32_t unused;
};

/* What the restorer leaves as it is: the shadow that comes home has lent its process. */
struct lb_stays {
	uint64_t start, end;
	uint64_t writable; /* 1: what the image has of it is put there */
};
#define LB_STAYS_MAX 64
struct lb_stay {
	struct lb_stays ranges[LB_STAYS_MAX]; /* the first is the shadow's: struct lb_image_header, range_start */
	uint32_t count;
	struct lb_mm_map map; /* of the shadow: to be set again when there is a way back */
	char comm[16];
};

struct lb_restorer_args {
	struct lb_resume_args resume; /* handed on to the library; the starter fills it in */
	struct lb_image_header header;
	struct lb_image_segment *segments;
	struct lb_source *sources; /* of each segment */
	uint64_t made_end;         /* of what lies behind the hole */
	uint64_t vdso_parts;
	struct lb_vdso_part vdso[LB_VDSO_PARTS];
	int32_t image_fd;           /* socket or file with the runs */
	int32_t handshake;          /* 1: MAPPED, GO on image_fd; 0: image_fd is a file, closed after reading */
	int32_t kept_fd;            /* for runs of LB_IMAGE_RUN_KEPT, closed after reading; 0: there are none */
	struct lb_fault_plan fault; /* tests only */
	struct lb_stay stay;        /* at home */
	uint64_t back_sp;           /* at home: of lb_enter() */
	uint64_t locked_max[2];     /* RLIMIT_MEMLOCK as it was; 0: as it is */
};

/* What is neither accounted nor a reservation never could be written to: the kernel accounts for what is writable once
 * (mprotect_fixup(), mm/mprotect.c, Linux 6.18). */
static inline uint32_t lb_first_protection(const struct lb_image_segment *segment)
{
	uint32_t paid = LB_ATTRIBUTE(ACCOUNTED) | LB_ATTRIBUTE(NO_RESERVE);
	int is_own = segment->kind == LB_SEGMENT_SHARED && segment->file == 0;
	return (segment->attributes & paid) != 0 || is_own ? PROT_READ | PROT_WRITE : segment->protection;
}

/* Where the starter stands. */
struct lb_enter_request {
	int32_t image_fd;
	int32_t handshake;
	int32_t link_fd, keeper_fd;
	const struct lb_stay *stay; /* at home; else NULL */
	const void *state;          /* at home: struct lb_state */
	int32_t kept_fd;            /* 0: none */
	struct lb_fault_plan fault; /* tests only */
	const char *node;           /* this node's name */
	const char *control_path;   /* this node's control socket */
};

/* Reads the header and the table from request->image_fd, checks them, prepares the hole and enters the blob.
 * Does not return when it worked. Else returns a negative error; nothing but the descriptors' positions has
 * changed, at home nothing but memory that does not stay, and `*header` (may be all zero) tells how far it got. */
int lb_enter(const struct lb_enter_request *request, struct lb_image_header *header)
	__attribute__((visibility("hidden")));

#endif
