/* link.h - The guest's end of the link. */
#ifndef LB_LINK_GUEST_H
#define LB_LINK_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lb_link.h"

#include "process/process.h"

/* Reads whatever asynchronous messages lie in the link (SIGNAL is re-queued to this process, STOP blocks here
 * until CONTINUE, COME_HOME sets lb_come_home). Called from the trigger's handler; all signals blocked. */
void lb_link_poll(void) LB_HIDDEN;
/* Sends one message; reconnects (through the keeper) when the link is lost. Returns 0, or a negative error
 * when this copy is dead. */
int lb_link_send(uint32_t type, uint64_t seq, const void *body, size_t size) LB_HIDDEN;
/* Waits for the next message that is not asynchronous; body into `body` (at most `size`). Returns its type
 * or a negative error. */
int64_t lb_link_receive(struct lb_link_header *header, void *body, size_t size) LB_HIDDEN;
/* The link is broken, or was never there: gets a new one from the keeper, says HELLO, waits for SERVE. Returns
 * 0; or -LB_E_DEAD: the caller must exit. Blocks up to the reconnect limit. */
int lb_link_reconnect(void) LB_HIDDEN;
/* As lb_link_reconnect, but first tries the link that came with the process (`lb restart`, a later move). */
int lb_link_begin(void) LB_HIDDEN;
/* Waits until home has executed the backlog up to `position`. */
void lb_link_wait_applied(uint64_t position) LB_HIDDEN;
/* Handles asynchronous messages that came along with a reply: their doorbell may be lost. */
void lb_link_take_rest(void) LB_HIDDEN;
/* Keepalive, timeouts and the doorbell of lb_self.link_fd. */
void lb_link_prepare_socket(void) LB_HIDDEN;
__attribute__((noreturn)) void lb_link_exit_dead(void) LB_HIDDEN;

/* What is done about messages that nobody has asked for: of what is above, all that is known here. */
struct lb_link_listeners {
	void (*news)(void);                                     /* a signal: something has happened outside */
	void (*applied)(const struct lb_link_applied *applied); /* of what was written behind */
	void (*served)(const struct lb_link_serve *serve);      /* home serves a new link: how things are */
	bool (*stop)(void); /* nothing of the program is to run: false where that cannot be had */
	void (*go)(void);
};
extern const struct lb_link_listeners lb_link_listeners LB_HIDDEN;

#endif
