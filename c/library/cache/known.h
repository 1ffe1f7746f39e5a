/* known.h - What is known of the program's descriptors away from home. */
#ifndef LB_KNOWN_H
#define LB_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "lb_ring.h"

#include "home_call/ring.h"

/* So long what home has told of a file is answered here. Of the time stamp counter: 50 to 300 ms at 6 to 1 GHz. */
#define LB_KNOWN_TICKS 300000000ULL

/* What is known of a descriptor; zero: nothing. Forgotten whenever the number may stand for another file. */
struct lb_file {
	uint64_t device, inode;
	uint64_t offset;       /* if `offset_known` is struct lb_known's `moves` + 1, and nothing is read ahead at it */
	uint64_t offset_known; /* 0: it is not */
	uint64_t offset_max;   /* struct lb_home_file */
	uint64_t placed_end;   /* where the last pwrite(2) behind ended */
	uint32_t unit;         /* struct lb_home_file */
	uint32_t ahead_size;   /* bytes to read ahead next time */
	uint8_t grants;        /* LB_GRANT_*, as home gave them */
	uint8_t transfers;     /* reads and writes that went home; the second one asks for grants */
	uint8_t ahead_slot;    /* index into ring->ahead + 1; 0: nothing is read ahead */
	bool unshared;         /* opened after the last fork: its offset is this process's alone */
	bool only_read;        /* opened by this process for reading alone: closing it cannot fail */
	bool duplicated;       /* another number has the same offset */
	bool appends;          /* O_APPEND */
	bool is_regular;
	bool scattered; /* lseek(2) behind: the next write does not go on where the one before it ended */
	uint8_t unused[7];
};
#define LB_FILES 2048u

/* Beside a struct lb_ahead. */
struct lb_slot {
	uint64_t offset; /* in the file, of the slot's first byte */
	uint32_t used;   /* bytes of it that were read */
	bool placed;     /* for pread(2): home's offset is somewhere else */
	bool is_end;     /* the file ends at its end */
};

/* What fstat(2) and its like have told: it holds until something happens (stat.c). */
#define LB_STATUSES 8u
struct lb_status {
	uint32_t fd;                  /* + 1; 0: none */
	uint32_t number, flags, mask; /* the call's; LB_STATUS_FSTAT: a struct stat, however it was asked for */
	uint64_t news, until;
	uint8_t bytes[256]; /* struct stat or struct statx */
};
#define LB_STATUS_FSTAT UINT32_MAX

/* What this copy knows, beside its files. */
struct lb_known {
	uint64_t news;       /* counts whatever may have told the program of a change to a file, and its own changes */
	uint64_t moves;      /* counts calls that may have moved offsets in ways that nobody follows here */
	uint64_t scatter_at; /* position in the stream of the last write that `scattered` does not count */
	uint64_t scattered;  /* bytes that writes here and there behind that one may need beside their own */
	uint32_t write_grants;
	uint32_t unused;
	struct lb_slot slots[LB_AHEAD_SLOTS];
	struct lb_status statuses[LB_STATUSES];
};
#define LB_FILES_AT (LB_RING_FILES_SIZE - LB_FILES * sizeof(struct lb_file))
_Static_assert(sizeof(struct lb_known) + LB_FILES * sizeof(struct lb_file) <= LB_RING_FILES_SIZE, "both fit");

static inline struct lb_known *lb_known(void) /* only where there is a ring */
{
	return (struct lb_known *)lb_ring_files();
}

static inline struct lb_file *lb_known_file(uint64_t fd) /* NULL: not a number that is kept track of */
{
	if (lb_ring() == NULL || (uint32_t)fd >= LB_FILES)
		return NULL;
	return (struct lb_file *)(lb_ring_files() + LB_FILES_AT) + (uint32_t)fd;
}

#endif
