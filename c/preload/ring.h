/* ring.h - the guest's side of the ring (c/include/lb_ring.h), and what it knows of the program's descriptors. */
#ifndef LB_RING_GUEST_H
#define LB_RING_GUEST_H

#include "lb_ring.h"

#include "forward.h"

/* What is known of a descriptor; zero: nothing. Forgotten whenever the number may stand for another file. */
struct lb_file {
	uint64_t device, inode;
	uint8_t grants;     /* LB_GRANT_*, as home gave them */
	uint8_t transfers;  /* reads and writes that went home; the second one asks for grants */
	uint8_t ahead_slot; /* index into ring->ahead + 1; 0: nothing is read ahead */
	bool unshared;      /* opened after the last fork: its offset is this process's alone */
	bool only_read;     /* opened by this process for reading alone: closing it cannot fail */
	bool duplicated;    /* another number has the same offset: never read ahead */
	uint8_t unused[2];
	uint32_t ahead_size; /* bytes to read ahead next time */
	uint32_t unused2;
};
#define LB_FILES (LB_RING_FILES_SIZE / sizeof(struct lb_file))

/* ---- ring.c. Without a ring (no memory for it) nothing is granted and every call goes home at once. */
/* In the restored process away, before PARKED. Returns the memfd for the keeper, or a negative error. */
int lb_ring_create(void) LB_HIDDEN;
struct lb_ring *lb_ring(void) LB_HIDDEN; /* NULL: none */
uint8_t *lb_ring_ahead(unsigned slot) LB_HIDDEN; /* LB_AHEAD_SIZE bytes */
struct lb_file *lb_ring_file(uint64_t fd) LB_HIDDEN; /* NULL: not a number that is kept track of */
/* Whether `size` bytes of data in one WRITE or several fit now. */
bool lb_ring_room(uint64_t size) LB_HIDDEN;
/* Appends WRITEs without telling anybody yet, from `*head` on. False: the program's memory is not there. */
bool lb_ring_append_write(uint64_t *head, uint32_t fd, uint64_t from, uint64_t size) LB_HIDDEN;
/* Appends CLOSE, and counts at once. */
void lb_ring_close(uint32_t fd) LB_HIDDEN;
/* Makes what was appended count, and sees to it that the keeper sends it. */
void lb_ring_publish(uint64_t head) LB_HIDDEN;
/* Home serves a link and has executed so much of the stream. False: it cannot have. */
bool lb_ring_go_on(uint64_t position) LB_HIDDEN;
/* What has been read ahead and used is home's to know: into the stream. */
void lb_ring_tell_read(void) LB_HIDDEN;

/* ---- files.c: who may do what without home. In the SIGSYS handler only. */
/* Before a call goes its ordinary way. True: it may now be answered by lb_fast_call(). */
bool lb_files_before(const struct lb_trap *trap) LB_HIDDEN;
void lb_files_after(const struct lb_trap *trap, int64_t result) LB_HIDDEN;
/* The number may stand for another file from now on. */
void lb_files_forget(uint64_t fd) LB_HIDDEN;
/* From now on others may move its offset. */
void lb_files_shared(uint64_t fd) LB_HIDDEN;
/* What was read ahead is void; home knows what of it was used. */
void lb_files_drop_ahead(void) LB_HIDDEN;
/* Nothing is granted any more. */
void lb_files_revoke(void) LB_HIDDEN;
/* A write to this descriptor has failed at home: each further one is to be told at once. */
void lb_files_failed(int32_t fd) LB_HIDDEN;
/* The process is about to have a child at home that shares all offsets. */
void lb_files_fork(void) LB_HIDDEN;

/* ---- link.c */
/* Waits until home has executed the stream up to `position`. */
void lb_link_wait_applied(uint64_t position) LB_HIDDEN;

#endif
