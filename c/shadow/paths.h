/* paths.h - This process's own files of /proc. */
#ifndef LB_SHADOW_PATHS_H
#define LB_SHADOW_PATHS_H

#include "state.h"

/* The path of a call, in its argument *path. Returns false when it does not exist for the program. */
bool lb_path_make(const struct lb_link_call *call, const int64_t *arguments, int64_t *path);
bool lb_path_is_program(const char *path); /* /proc/self/exe and the like, where its file is held */
const char *lb_path_program(void);         /* it, whatever has become of its name */
const char *lb_path_program_named(void);   /* it, by its name while that still leads there: for comm of an exec */
/* What getdents(2) gave of the descriptor, without ours if that is a list of descriptors. Returns its size. */
int64_t lb_fds_hide(uint32_t number, int fd, uint8_t *entries, int64_t size);

#endif
