/* proc_files.h - Files of /proc/self whose content is made here. */
#ifndef LB_PROC_FILES_H
#define LB_PROC_FILES_H

#include "process/process.h"

bool lb_proc_is_local(const char *path, uint64_t flags) LB_HIDDEN; /* its content is made here */
int64_t lb_proc_open(const char *path, uint64_t flags) LB_HIDDEN;  /* one of those; path is in a buffer of PATH_MAX */
bool lb_proc_is_foreign(const char *path) LB_HIDDEN;               /* /proc/self/mem and such: only right at home */
/* PROCMAP_QUERY of /proc/self/maps that was opened away. */
bool lb_proc_asks_maps(uint64_t fd, uint64_t request) LB_HIDDEN;
int64_t lb_proc_ask_maps(uint64_t request, uint64_t query) LB_HIDDEN;

#endif
