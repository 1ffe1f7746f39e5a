/* link_send.h - What goes out on the link: the ring first, then messages. */
#ifndef LB_LINK_SEND_H
#define LB_LINK_SEND_H

#include <linux/poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "socket.h"
#include "process/process.h"

/* Polls; timeout_ms < 0: for ever. Signals are blocked: EINTR cannot be. */
int64_t lb_link_wait(struct pollfd *fds, size_t count, int64_t timeout_ms) LB_HIDDEN;
bool lb_link_would_block(int64_t result) LB_HIDDEN;
int64_t lb_link_send_all(const void *data, size_t size) LB_HIDDEN;
/* Who may write to the link: this process or its keeper (c/include/lb_ring.h). */
void lb_link_sender_take(void) LB_HIDDEN;
void lb_link_sender_leave(void) LB_HIDDEN;
/* As its sender: what the ring has. */
int64_t lb_link_send_ring(void) LB_HIDDEN;
/* Becomes the sender for one message, which goes behind what the ring has. */
int64_t lb_link_send_behind(const void *data, size_t size) LB_HIDDEN;

#endif
