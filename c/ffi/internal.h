/* internal.h - what the files of lb-ffi.so share and do not export. */
#ifndef LB_FFI_INTERNAL_H
#define LB_FFI_INTERNAL_H

#include <stdint.h>

#include "lb_ffi.h"

/* Opens a pidfd of `pid` if it is alive (or a zombie, when asked for) and started at start_ticks
 * (0: any). Returns a close-on-exec descriptor, or a negative error. */
int32_t lb_pidfd_open_checked(uint32_t pid, uint64_t start_ticks, int zombie_too);

/* Clears O_NONBLOCK. Returns 0 or a negative error. */
int32_t lb_fd_make_blocking(int32_t fd);

/* A listening socket at `path`, mode 0600. Returns it or a negative error. */
int32_t lb_control_listen_at(const char *path);

#endif
