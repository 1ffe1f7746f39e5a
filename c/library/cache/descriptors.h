/* descriptors.h - What may be done with a descriptor without asking home. */
#ifndef LB_DESCRIPTORS_H
#define LB_DESCRIPTORS_H

#include "cache/known.h"

struct lb_home_file;

/* What home has told of it. */
void lb_files_learn(struct lb_file *file, const struct lb_home_file *answer) LB_HIDDEN;
/* A transfer went home: the second one asks it, as many files see only one. */
void lb_files_count_transfer(uint64_t fd) LB_HIDDEN;
/* The number may stand for another file from now on. */
void lb_files_forget(uint64_t fd) LB_HIDDEN;
/* F_SETFL changes what may be done with this descriptor, and with all that were made of the same one. */
void lb_files_forget_flags(uint64_t fd) LB_HIDDEN;
/* From now on others may move its offset. */
void lb_files_shared(uint64_t fd) LB_HIDDEN;
/* Memory is mapped from this file by now: what is written to it is not to be written behind. */
void lb_files_mapped(uint64_t device, uint64_t inode) LB_HIDDEN;
/* Nothing is to be written behind any more. */
void lb_files_revoke(void) LB_HIDDEN;
/* A write to this descriptor has failed at home, or may: each further one is to be told at once. */
void lb_files_failed(int32_t fd) LB_HIDDEN;
/* The process is about to have a child at home that shares all offsets. */
void lb_files_fork(void) LB_HIDDEN;
/* Where the descriptor's offset is, if that is known. */
bool lb_files_offset(const struct lb_file *file, uint64_t *offset) LB_HIDDEN;
/* Nobody else can move it. */
bool lb_files_is_exclusive(const struct lb_file *file) LB_HIDDEN;
/* It is there now, as nobody else can move it. */
void lb_files_moved(struct lb_file *file, uint64_t offset) LB_HIDDEN;
/* Whether the reserve has room for a write that does not go on where the last one ended; then it counts. */
bool lb_files_scatter(uint32_t unit) LB_HIDDEN;

#endif
