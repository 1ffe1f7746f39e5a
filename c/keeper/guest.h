/* guest.h - The guest's process. */
#ifndef LB_KEEPER_GUEST_H
#define LB_KEEPER_GUEST_H

#include "keeper.h"

/* Forks it. Returns 0 or a negative error. */
int lb_guest_start(struct lb_keeper *keeper, int stream_fd, int link_fd);
/* Looks at the image's header without consuming it: program, and what a restart's command line
 * left out. Returns false if there is none (the restorer says why). */
bool lb_guest_peek(struct lb_keeper *keeper, int stream_fd);
/* keeper_fd is readable: hears what the guest says. */
void lb_guest_read(struct lb_keeper *keeper);
/* Closes our copy of the stream. */
void lb_stream_forget(struct lb_keeper *keeper);
/* guest_fd is readable: reaps it and decides what is to be told. */
void lb_guest_reap(struct lb_keeper *keeper);
void lb_guest_kill(const struct lb_keeper *keeper);
/* A signal came to a keeper in front: it is the guest's. fd: signalfd. */
void lb_guest_forward_signal(const struct lb_keeper *keeper, int fd);

#endif
