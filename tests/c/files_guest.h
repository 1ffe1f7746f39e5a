/* files_guest.h - A guest's half of calls on files.
 *
 * files_world.c is its home.
 */
#ifndef FILES_GUEST_H
#define FILES_GUEST_H

#include <stddef.h>
#include <stdint.h>

#include "lb_ring.h"

/* ---- files_guest.c */
/* A new copy: nothing is known, nothing is on its way. */
void guest_begin(void);
void guest_end(void);
/* A call of the program, away: as c/library/intercept/dispatch.c makes it. Returns its result. */
int64_t guest_call5(uint32_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);
#define guest_call(number, a, b, c, d) guest_call5(number, a, b, c, d, 0)
extern unsigned guest_trips; /* calls that went home, for the program or for the library */
extern uint64_t guest_edge;  /* here memory ends, or another begins that is not there */
void guest_fork(void);       /* a child at home has all its offsets */
void guest_signal(void);     /* one comes, behind the next reply's making and before the reply */
struct lb_ring *guest_ring(void);
void guest_dies(void); /* files_keeper.c: by SIGKILL, and its keeper takes its place */

/* ---- files_world.c: home */
/* Executes what the backlog has up to here, or (-1) all of it. */
void home_deliver(uint64_t up_to);
int64_t home_call(uint32_t number, const uint64_t args[6]);
int64_t home_file(uint64_t fd, struct lb_home_file *answer);
void home_opened(uint64_t fd, struct lb_home_file *answer);
int64_t home_ahead(uint64_t fd, void *to, size_t size, uint64_t offset);
int home_is_regular(uint64_t fd);
void home_answered(void); /* a reply is made, and not on its way yet */

#endif
