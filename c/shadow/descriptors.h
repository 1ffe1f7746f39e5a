/* descriptors.h - The shadow's own descriptors, which the program does not see. */
#ifndef LB_SHADOW_DESCRIPTORS_H
#define LB_SHADOW_DESCRIPTORS_H

#include "state.h"

#define LB_OWN_FDS 32
void lb_own_fd(int *fd); /* registers a variable that holds one */
bool lb_is_own_fd(int64_t fd);
/* Makes room at a number that the program wants for itself. Returns false if there is none elsewhere. */
bool lb_own_fd_yield(int fd);
/* In a child: its parent's. */
void lb_own_fds_close(const int *except);
/* Between these two a descriptor can be made although the program has all that it may have. Calls may be nested. */
void lb_own_fds_begin(void);
void lb_own_fds_end(void);
/* The limit stays raised on the way home, where descriptors are needed: whoever is home puts it back. */
void lb_own_fds_keep(void);
void lb_own_fds_put_back(void);
/* Behind the program's limit, after it may have changed. */
void lb_own_fds_place(void);
int lb_fd_move_up(int fd); /* to a high number, close-on-exec; closes the old one; negative on error */
int64_t lb_close_range(uint64_t first, uint64_t last, uint64_t flags);
bool lb_make_pair(int ends[2]); /* two connected sockets out of the program's way */

#endif
