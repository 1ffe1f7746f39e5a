/* lb_ring.h - Memory that a guest and its keeper share.
 *
 * It holds what the guest has written and home has not executed yet (write-behind), and what it has read and home does
 * not know of yet (read-ahead).
 *
 * The guest makes it as a memfd when it is restored and sends it to its keeper with PARKED. `data` holds link
 * messages (lb_link.h: WRITE, ADVANCE, CLOSE, PLACE, SEEK) as they are sent; positions are bytes since the copy
 * began, and the byte at position p lies at p % LB_RING_SIZE. The guest alone appends, by one store to `head`: whatever
 * kills it, what lies before `head` is whole. After its death the keeper is in its place.
 *
 * Home keeps count of the bytes it has executed and tells them on every new link (SERVE): what lies between is
 * sent again, so each message is executed once whatever happens to links.
 */
#ifndef LB_RING_H
#define LB_RING_H

#include <stdint.h>

#include "lb_link.h"

#define LB_RING_MAGIC 0x31474e495242ULL
#define LB_RING_SIZE (4u << 20)
#define LB_RING_MESSAGE_MAX (256u << 10)                            /* data bytes of one WRITE or PLACE */
#define LB_RING_WRITE_OVERHEAD (sizeof(struct lb_link_header) + 16) /* header, offset and padding, at most */
#define LB_RING_KICK (64u << 10)           /* so many unsent bytes are worth waking the keeper at once */
#define LB_RING_DELAY_MS (LB_FLUSH_MS / 2) /* else it gathers for so long: the rest is for being scheduled */
#define LB_GRANTS_MAX 128u                 /* descriptors that are written behind at a time */
/* A write that does not go on where the one before it ended may need more blocks than its bytes say: one at each end,
 * and four of metadata, as each of them may split a leaf of the file's tree and the nodes above it, or need a
 * triply indirect block. So much is on its way for all of them at most, beside their bytes. */
#define LB_BLOCK_USUAL 4096u /* of larger ones each pwrite(2) counts, wherever it is: RESERVE_SIZE, c/shadow/grant.c */
#define LB_SCATTER_BLOCKS 6u
#define LB_SCATTER_MAX (4u << 20)
#define LB_AHEAD_SLOTS 8u
#define LB_AHEAD_SIZE (256u << 10)
#define LB_RING_PAGE 4096u

enum lb_ring_sender { LB_SENDER_NONE = 0, LB_SENDER_GUEST = 1, LB_SENDER_KEEPER = 2 };

/* What was read ahead from one descriptor. */
struct lb_ahead {
	int32_t fd;       /* -1: free */
	uint32_t at, end; /* of the slot's buffer: the next byte to be read, which lseek(2) moves as well; its end */
	uint32_t told;    /* by the backlog home's offset stands at this byte */
	uint32_t telling; /* at this one, if `head` is `telling_head` */
	uint32_t unused;
	uint64_t telling_head;
	uint64_t until; /* time stamp counter after which the bytes count as old */
};

struct lb_ring {
	uint64_t magic;
	uint64_t ticket;
	uint64_t copy;    /* as in HELLO */
	uint64_t head;    /* guest: bytes appended */
	uint64_t sent;    /* the sender's: bytes handed to the link */
	uint64_t applied; /* guest: bytes that home has said to have executed */
	uint32_t sender;  /* enum lb_ring_sender: who may write to the link; taken by compare-and-swap */
	uint32_t idle;    /* keeper: it sleeps; the guest that finds 1 makes it 0 and says WRITTEN */
	uint32_t kicked;  /* guest: WRITTEN was said for LB_RING_KICK bytes; keeper: cleared when it sends */
	uint32_t greeted; /* home serves the link: the guest makes it 1, the keeper that passes another one 0 */
	struct lb_link_actions actions;
	struct lb_ahead ahead[LB_AHEAD_SLOTS];
};
_Static_assert(sizeof(struct lb_ring) <= LB_RING_PAGE, "the head is one page");

/* The memfd: the head's page, `data`, then memory that only the guest uses. */
#define LB_RING_DATA_AT LB_RING_PAGE
#define LB_RING_AHEAD_AT (LB_RING_DATA_AT + LB_RING_SIZE)
#define LB_RING_FILES_AT (LB_RING_AHEAD_AT + LB_AHEAD_SLOTS * LB_AHEAD_SIZE)
#define LB_RING_FILES_SIZE (176u << 10)
#define LB_RING_FILE_SIZE (LB_RING_FILES_AT + LB_RING_FILES_SIZE)

#define LB_RING_LOAD(field) __atomic_load_n(&(field), __ATOMIC_ACQUIRE)
#define LB_RING_STORE(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELEASE)

static inline int lb_ring_take(struct lb_ring *ring, uint32_t who)
{
	uint32_t nobody = LB_SENDER_NONE;

	return __atomic_compare_exchange_n(&ring->sender, &nobody, who, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static inline void lb_ring_leave(struct lb_ring *ring)
{
	LB_RING_STORE(ring->sender, LB_SENDER_NONE);
}

#endif
