/* held.h - Signals that wait at home for a signalfd(2). */
#ifndef LB_HELD_H
#define LB_HELD_H

#include "lb_link.h"

#include "process/process.h"

/* Before the program makes a call at home under this mask, or lets signals through: what it blocks and a signalfd tells
 * of waits at home, all else comes here. */
void lb_held_update(uint64_t mask) LB_HIDDEN;
void lb_held_release(uint64_t set) LB_HIDDEN; /* these come here, until the next lb_held_update() */
/* After each call: has the process got a signalfd by it? */
void lb_held_after(uint64_t mask) LB_HIDDEN;
void lb_held_hear(const struct lb_link_serve *serve) LB_HIDDEN; /* home has said how things are */

#endif
