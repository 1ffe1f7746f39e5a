/* control.h - the node's control socket. */
#ifndef LB_CONTROL_H
#define LB_CONTROL_H

#include <stddef.h>

#include "process/process.h"

/* Connects to lb_self.control_path. Returns a descriptor or a negative error. */
int lb_control_connect(void) LB_HIDDEN;
/* Sends one message and, if `answer`, receives one of `answer_size` bytes and up to `fds_max` descriptors (-1
 * where there is none). Returns the number of descriptors or a negative error. */
int lb_control_ask(
	int fd, const void *message, size_t size, void *answer, size_t answer_size, int *fds, int fds_max) LB_HIDDEN;

#endif
