/* ring.h - The guest's side of the ring, where writes wait to be sent.
 *
 * Without one (no memory for it) nothing is granted and every call goes home at once.
 */
#ifndef LB_RING_GUEST_H
#define LB_RING_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lb_ring.h"

#include "process/process.h"

/* In memory `data` is there twice in a row, so that no message is cut where the ring wraps. */
#define LB_RING_MEMORY_MIRROR_AT (LB_RING_DATA_AT + LB_RING_SIZE)
#define LB_RING_MEMORY_AHEAD_AT (LB_RING_MEMORY_MIRROR_AT + LB_RING_SIZE)
#define LB_RING_MEMORY_FILES_AT (LB_RING_MEMORY_AHEAD_AT + LB_AHEAD_SLOTS * LB_AHEAD_SIZE)
#define LB_RING_MEMORY_SIZE (LB_RING_MEMORY_FILES_AT + LB_RING_FILES_SIZE)

static inline struct lb_ring *lb_ring(void) /* NULL: there is none */
{
	return (struct lb_ring *)lb_self.ring_start;
}

/* What was read ahead, LB_AHEAD_SIZE bytes. */
static inline uint8_t *lb_ring_ahead(unsigned slot)
{
	return (uint8_t *)lb_self.ring_start + LB_RING_MEMORY_AHEAD_AT + (uint64_t)slot * LB_AHEAD_SIZE;
}

/* Memory for what is known of files: LB_RING_FILES_SIZE bytes, zero at first. */
static inline uint8_t *lb_ring_files(void)
{
	return (uint8_t *)lb_self.ring_start + LB_RING_MEMORY_FILES_AT;
}

/* In the restored process away, before PARKED. Returns the memfd for the keeper, or a negative error. */
int lb_ring_create(void) LB_HIDDEN;
/* Whether `size` bytes of data in one WRITE or several fit now. */
bool lb_ring_room(uint64_t size) LB_HIDDEN;
/* Appends WRITEs, or with an offset PLACEs, without telling anybody yet, from `*head` on. False: the program's memory
 * is not there. */
bool lb_ring_append_write(uint64_t *head, uint32_t fd, uint64_t from, uint64_t size, uint64_t offset) LB_HIDDEN;
/* Appends CLOSE or SEEK, and counts at once: where lb_ring_room(0). */
void lb_ring_close(uint32_t fd) LB_HIDDEN;
void lb_ring_seek(uint32_t fd, uint64_t offset) LB_HIDDEN;
/* Makes what was appended count, and sees to it that the keeper sends it. */
void lb_ring_publish(uint64_t head) LB_HIDDEN;
/* Home serves a link and has executed so much of the stream. False: it cannot have. */
bool lb_ring_go_on(uint64_t position) LB_HIDDEN;
/* What has been read ahead and used is home's to know: into the stream. */
void lb_ring_tell_read(void) LB_HIDDEN;

#endif
