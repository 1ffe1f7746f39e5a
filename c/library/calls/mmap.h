/* mmap.h - Mappings of files that are at home. */
#ifndef LB_MMAP_H
#define LB_MMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

/* Of a descriptor at home, as /proc/self/fd there tells it; a buffer of PATH_MAX. False: not known. */
bool lb_home_name(uint64_t fd, char name[4096]) LB_HIDDEN;

#endif
