/* grant.h - What may be done with a file without home. */
#ifndef LB_SHADOW_GRANT_H
#define LB_SHADOW_GRANT_H

#include "state.h"

void lb_reserve_init(void);
bool lb_reserve_use(void);       /* gives up the reserve: the disk is full. False: there was none */
void lb_reserve_drop(void);      /* this shadow ends: the descriptors are not to outlive it */
uint32_t lb_reserve_spent(void); /* 1: it was given up, and nothing is granted any more */
int64_t lb_grant(int fd, struct lb_home_file *answer);
/* The same of what has just been opened, as far as nothing has to be made for it. */
void lb_grant_opened(int fd, struct lb_home_file *answer);
/* LB_HOME_AHEAD: `size` bytes at `to` for the offset and what lies there. Returns bytes, or -errno. */
int64_t lb_read_ahead(int fd, void *to, size_t size, uint64_t offset);

#endif
