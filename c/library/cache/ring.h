/* ring.h - The guest's side of the ring, and what it caches.
 *
 * c/include/lb_ring.h, and what is known of the program's descriptors.
 */
#ifndef LB_RING_GUEST_H
#define LB_RING_GUEST_H

#include "lb_ring.h"

#include "forward.h"

/* So long what home has told of a file is answered here. Of the time stamp counter: 50 to 300 ms at 6 to 1 GHz. */
#define LB_KNOWN_TICKS 300000000ULL

/* What is known of a descriptor; zero: nothing. Forgotten whenever the number may stand for another file. */
struct lb_file {
	uint64_t device, inode;
	uint64_t offset; /* if `offset_known` is struct lb_known's `moves`, and nothing is read ahead at it */
	uint64_t offset_known;
	uint64_t offset_max; /* struct lb_home_file */
	uint64_t placed_end; /* where the last pwrite(2) behind ended */
	uint32_t unit;       /* struct lb_home_file */
	uint32_t ahead_size; /* bytes to read ahead next time */
	uint8_t grants;      /* LB_GRANT_*, as home gave them */
	uint8_t transfers;   /* reads and writes that went home; the second one asks for grants */
	uint8_t ahead_slot;  /* index into ring->ahead + 1; 0: nothing is read ahead */
	bool unshared;       /* opened after the last fork: its offset is this process's alone */
	bool only_read;      /* opened by this process for reading alone: closing it cannot fail */
	bool duplicated;     /* another number has the same offset */
	bool appends;        /* O_APPEND */
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

/* What fstat(2) and its like have told: it holds until something happens (status.c). */
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
	uint64_t moves;      /* from 1; counts calls that may have moved offsets in ways that nobody follows here */
	uint64_t scatter_at; /* position in the backlog of the last write that `scattered` does not count */
	uint64_t scattered;  /* bytes that writes here and there behind that one may need beside their own */
	uint32_t write_grants;
	uint32_t unused;
	struct lb_slot slots[LB_AHEAD_SLOTS];
	struct lb_status statuses[LB_STATUSES];
};
#define LB_FILES_AT (LB_RING_FILES_SIZE - LB_FILES * sizeof(struct lb_file))
_Static_assert(sizeof(struct lb_known) + LB_FILES * sizeof(struct lb_file) <= LB_RING_FILES_SIZE, "both fit");

/* ---- ring.c. Without a ring (no memory for it) nothing is granted and every call goes home at once. */
/* In the restored process away, before PARKED. Returns the memfd for the keeper, or a negative error. */
int lb_ring_create(void) LB_HIDDEN;
struct lb_ring *lb_ring(void) LB_HIDDEN;             /* NULL: none */
uint8_t *lb_ring_ahead(unsigned slot) LB_HIDDEN;     /* LB_AHEAD_SIZE bytes */
struct lb_known *lb_known(void) LB_HIDDEN;           /* only where there is a ring */
struct lb_file *lb_ring_file(uint64_t fd) LB_HIDDEN; /* NULL: not a number that is kept track of */
/* Whether `size` bytes of data in one WRITE or several fit now. */
bool lb_ring_room(uint64_t size) LB_HIDDEN;
/* Whether the reserve has room for a write that does not go on where the last one ended; then it counts. */
bool lb_ring_scatter(uint32_t unit) LB_HIDDEN;
/* Appends WRITEs, or with an offset PLACEs, without telling anybody yet, from `*head` on. False: the program's memory
 * is not there. */
#define LB_NO_OFFSET UINT64_MAX
bool lb_ring_append_write(uint64_t *head, uint32_t fd, uint64_t from, uint64_t size, uint64_t offset) LB_HIDDEN;
/* Appends CLOSE or SEEK, and counts at once: where lb_ring_room(0). */
void lb_ring_close(uint32_t fd) LB_HIDDEN;
void lb_ring_seek(uint32_t fd, uint64_t offset) LB_HIDDEN;
/* Makes what was appended count, and sees to it that the keeper sends it. */
void lb_ring_publish(uint64_t head) LB_HIDDEN;
/* Home serves a link and has executed so much of the backlog. False: it cannot have. */
bool lb_ring_go_on(uint64_t position) LB_HIDDEN;
/* What has been read ahead and used is home's to know: into the backlog. */
void lb_ring_tell_read(void) LB_HIDDEN;

/* ---- file_calls.c: what calls mean for what is known of files. In the SIGSYS handler only. */
/* Makes room, or reads ahead. True: the call may now be answered by lb_fast_call(). */
bool lb_files_prepare(const struct lb_trap *trap) LB_HIDDEN;
/* Before a call goes its ordinary way, and after it. */
void lb_files_before(const struct lb_trap *trap) LB_HIDDEN;
void lb_files_after(const struct lb_trap *trap, int64_t result) LB_HIDDEN;
/* If it is open(2) or its like: home is to say what was opened. */
void lb_files_want_opened(struct lb_request *request) LB_HIDDEN;

/* ---- files.c: what is known. */
/* What home has told of it. */
void lb_files_learn(struct lb_file *file, const struct lb_home_file *answer) LB_HIDDEN;
/* A transfer went home: the second one asks it, as many files see only one. */
void lb_files_count_transfer(uint64_t fd) LB_HIDDEN;
/* The number may stand for another file from now on. */
void lb_files_forget(uint64_t fd) LB_HIDDEN;
/* F_SETFL changes what may be done with this descriptor, and with all that were made of the same one. */
void lb_files_forget_flags(uint64_t fd) LB_HIDDEN;
/* From now on others may move its offset. */
void lb_files_shared(uint64_t fd) LB_HIDDEN;
/* Nothing is to be written behind any more. */
/* Memory is mapped from this file by now: what is written to it is not to be written behind. */
void lb_files_mapped(uint64_t device, uint64_t inode) LB_HIDDEN;
void lb_files_revoke(void) LB_HIDDEN;
/* A write to this descriptor has failed at home, or may: each further one is to be told at once. */
void lb_files_failed(int32_t fd) LB_HIDDEN;
/* The process is about to have a child at home that shares all offsets. */
void lb_files_fork(void) LB_HIDDEN;
/* Where the descriptor's offset is, if that is known. */
bool lb_files_offset(const struct lb_file *file, uint64_t *offset) LB_HIDDEN;
/* Nobody else can move it. */
bool lb_files_is_exclusive(const struct lb_file *file) LB_HIDDEN;
/* It is there now, as nobody else can move it. */
void lb_files_moved(struct lb_file *file, uint64_t offset) LB_HIDDEN;

/* ---- ahead.c: what was read ahead. */
/* Where that of this descriptor is; NULL: nothing is. */
struct lb_ahead *lb_ahead_of(const struct lb_file *file) LB_HIDDEN;
struct lb_slot *lb_ahead_slot(const struct lb_file *file) LB_HIDDEN; /* where something is */
bool lb_ahead_is_old(const struct lb_file *file) LB_HIDDEN;
/* Something of that file was, through whatever descriptor. */
bool lb_ahead_has(const struct lb_file *file) LB_HIDDEN;
void lb_ahead_drop_file(const struct lb_file *file) LB_HIDDEN;
/* It is void; home knows what of it was used. */
void lb_ahead_release(struct lb_file *file) LB_HIDDEN;
/* All is void, and so is what is known of files otherwise: there may be news. */
void lb_ahead_drop_all(void) LB_HIDDEN;
/* Reads ahead for read(2) or, with an offset, pread(2). Returns whether that can be answered now. */
bool lb_ahead_read(uint32_t fd, uint64_t size, uint64_t offset) LB_HIDDEN;

/* ---- status.c: what fstat(2) and its like have told. */
/* A call is about to go home that may tell. */
void lb_status_ask(void) LB_HIDDEN;
/* It has told. */
void lb_status_told(const struct lb_trap *trap) LB_HIDDEN;
void lb_status_keep(uint64_t fd, const void *bytes) LB_HIDDEN; /* struct stat of a regular file */
/* What still holds of it; NULL: nothing. */
const uint8_t *lb_status_find(uint64_t fd, uint32_t number, uint32_t flags, uint32_t mask) LB_HIDDEN;
bool lb_status_size(uint64_t fd, uint64_t *size) LB_HIDDEN;
void lb_status_forget(uint64_t fd) LB_HIDDEN;

/* ---- link.c */
/* Waits until home has executed the backlog up to `position`. */
void lb_link_wait_applied(uint64_t position) LB_HIDDEN;

#endif
