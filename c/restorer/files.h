/* files.h - Files of an image that memory is mapped from.
 *
 * The starter prepares them for the blob.
 */
#ifndef LB_RESTORER_FILES_H
#define LB_RESTORER_FILES_H

#include "lb_restorer.h"

/* Bytes of all segments that are mapped from files. */
uint64_t lb_files_bytes(const struct lb_image_header *header, const struct lb_image_segment *segments)
	__attribute__((visibility("hidden")));
/* At home: maps behind the hole what is still the file that it was. The stack is free, the hole's. */
void lb_files_map(struct lb_restorer_args *args, uint64_t stack_top) __attribute__((visibility("hidden")));
/* Away: makes what takes the place of each file. */
void lb_files_replace(struct lb_restorer_args *args) __attribute__((visibility("hidden")));

#endif
