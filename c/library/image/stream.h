/* stream.h - whole messages over a socket, for the commit. */
#ifndef LB_STREAM_H
#define LB_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "process/process.h"

int lb_stream_send(int fd, uint32_t type, const void *body, uint32_t size) LB_HIDDEN;
/* Receives one message of exactly this type; FAILED gives its error. */
int lb_stream_expect(int fd, uint32_t type, void *body, uint32_t size) LB_HIDDEN;
int lb_stream_read(int fd, void *buffer, size_t size) LB_HIDDEN;
void lb_stream_timeout(int fd, uint32_t timeout_ms) LB_HIDDEN;

#endif
