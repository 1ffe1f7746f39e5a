/* mapped.h - files that memory is mapped from. */
#ifndef LB_MAPPED_H
#define LB_MAPPED_H

#include <stdbool.h>
#include <stdint.h>

#include "image/maps.h"
#include "process/own_memory.h"

/* Away. NULL: it is not known, or cannot be. device: major << 32 | minor */
struct lb_mapped_file *lb_mapped_find(uint64_t device, uint64_t inode) LB_HIDDEN;
struct lb_mapped_file *lb_mapped_add(uint64_t device, uint64_t inode, const char *name) LB_HIDDEN;
/* Added to the inode of a file that has lost its name: home's next file may get the same number. */
#define LB_INODE_GONE (1ULL << 63)
void lb_mapped_lost_name(const char *path) LB_HIDDEN; /* nothing has this name any more, or another file */
bool lb_mapped_has_name(const struct lb_mapped_file *file, const char *name) LB_HIDDEN;
void lb_mapped_sweep(void) LB_HIDDEN; /* gives up what nothing is mapped from any more */
#define LB_DEVICE(n) ((((n) >> 8 & 0xfff) << 32) | ((n) & 0xff) | ((n) >> 12 & 0xfff00)) /* of struct stat */

void lb_mapped_begin(void) LB_HIDDEN;
/* In the order of addresses. Returns the number of its file in the image, from 1; 0: it is of none. */
uint32_t lb_mapped_note(const struct lb_mapping *mapping) LB_HIDDEN;
/* How many there are, and how many bytes they and their names take. */
uint32_t lb_mapped_count(uint64_t *size) LB_HIDDEN;
/* Of a mapping that has one; name: of LB_IMAGE_NAME_SIZE_MAX bytes. All but its size. */
void lb_mapped_tell(const struct lb_mapping *mapping, struct lb_image_file *file, char *name) LB_HIDDEN;
/* In a process that begins to be a guest: what the image has told. */
void lb_mapped_take(const struct lb_resume_args *args) LB_HIDDEN;
/* Away: the descriptor of what takes a file's place; -1: it is none of those. */
int lb_mapped_fd(const struct lb_mapping *mapping) LB_HIDDEN;
/* Pages that were written to here and are as they were: they are the file's again, and not the program's own. */
void lb_mapped_settle(const uint64_t *pages, uint32_t count) LB_HIDDEN;

#endif
