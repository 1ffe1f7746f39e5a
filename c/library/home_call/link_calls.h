/* link_calls.h - Calls of all threads over the one link.
 *
 * Each thread has at most one on its way; replies come in any order. Whoever reads the link hands replies on.
 */
#ifndef LB_LINK_CALLS_H
#define LB_LINK_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lb_link.h"

#include "process/process.h"

struct lb_reply_view {
	int64_t result;
	uint32_t flags;
	uint32_t out_size;
	const uint8_t *out; /* in the thread's areas: valid until its next call */
};
/* How a reply is waited for. */
struct lb_waiting {
	uint64_t wanted;                               /* signals that may cancel the call; 0: none */
	bool beside;                                   /* the guest lock is let go meanwhile */
	bool soon;                                     /* at once */
	int (*ready)(const void *body, uint32_t size); /* when home says READY before: struct lb_request */
};
/* Sends one CALL message, which lies in one piece; resends it after a reconnect. Waits for its REPLY. Returns whether a
 * CANCEL was sent. Does not fail: when this copy is dead it exits. */
bool lb_link_call(const struct lb_link_header *message, size_t size, const struct lb_waiting *how,
	struct lb_reply_view *view) LB_HIDDEN;
/* The thread has ended: what it had for waiting is given back. */
void lb_link_thread_ends(struct lb_thread *thread) LB_HIDDEN;

/* ---- for link.c */

/* The thread whose call of this number is on its way; NULL: nobody's. */
struct lb_thread *lb_link_who_waits(uint64_t seq) LB_HIDDEN;
/* Its reply, of so many bytes, lies in its areas. */
void lb_link_answered(struct lb_thread *thread, uint32_t size) LB_HIDDEN;
/* There is a new link: what was on its way is to be sent again. */
void lb_link_again(void) LB_HIDDEN;

/* ---- of link.c */

/* Receives one message. Returns its type, 0 when it has been handled, or a negative error: the link is of no use. */
int64_t lb_link_take_one(struct lb_link_header *header, void *body, size_t size) LB_HIDDEN;
int64_t lb_link_send_message(uint32_t type, uint64_t seq, const void *body, size_t size, bool first) LB_HIDDEN;
bool lb_link_has_input(void) LB_HIDDEN; /* read, and not handled yet */
bool lb_link_is_stopped(void) LB_HIDDEN;
void lb_link_reconnect_or_exit(void) LB_HIDDEN;

#endif
