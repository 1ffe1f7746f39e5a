/* paths.h - This process's own files of /proc. */
#ifndef LB_SHADOW_PATHS_H
#define LB_SHADOW_PATHS_H

#include "state.h"

/* Does it exist for the program? */
bool lb_path_exists(const char *path);
/* What getdents(2) gave of the descriptor, without ours if that is a list of descriptors. Returns its size. */
int64_t lb_fds_hide(uint32_t number, int fd, uint8_t *entries, int64_t size);

#endif
