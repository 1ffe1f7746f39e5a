/* socket_waits.h - Time limits that a socket has. */
#ifndef LB_SOCKET_WAITS_H
#define LB_SOCKET_WAITS_H

#include "trap/trap.h"

short lb_socket_events(uint32_t number) LB_HIDDEN;  /* what such a call waits for, as poll(2) has it; 0: another call */
int64_t lb_socket_error(uint32_t number) LB_HIDDEN; /* what it says when its time is over */
int64_t lb_socket_limit_ns(uint32_t number, uint64_t fd) LB_HIDDEN; /* negative: there is none */
/* Away, in place of `call`: with what is left of its time, if it is made again. */
int64_t lb_socket_call(struct lb_trap *trap, int64_t (*call)(struct lb_trap *trap)) LB_HIDDEN;

#endif
