/* map_lines.h - Lines of /proc/self/maps. */
#ifndef LB_MAP_LINES_H
#define LB_MAP_LINES_H

/* Calls `each` for every line. Returns 0 or a negative error. */
int lb_each_map_line(void (*each)(const char *line, void *context), void *context)
	__attribute__((visibility("hidden")));

#endif
