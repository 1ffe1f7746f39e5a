/* own_path.h - Paths below /proc that name this process. */
#ifndef LB_OWN_PATH_H
#define LB_OWN_PATH_H

#include "process/process.h"

/* The name below /proc/self, /proc/PID, /proc/thread-self or their task/TID; NULL: another path. `thread`: whose it is,
 * NULL: the process's. `path` is in a buffer of PATH_MAX, so comparing a few bytes past its end stays inside. */
const char *lb_own_path(const char *path, struct lb_thread **thread) LB_HIDDEN;
/* Is it the program's file, and does home not hold it? Then what was known of it has to do. */
bool lb_proc_is_exe(const char *path) LB_HIDDEN;

#endif
