/* last_image.h - What is kept of the last image that was forked. */
#ifndef LB_SHADOW_LAST_IMAGE_H
#define LB_SHADOW_LAST_IMAGE_H

#include "state.h"

/* Four times as much as an image has that is forked (c/library/calls/fork_home.c); what is not used costs nothing. */
#define LB_LAST_IMAGE_SIZE_MAX (1ull << 30)
#define LB_LAST_IMAGE_PAGES_MAX ((uint32_t)(LB_LAST_IMAGE_SIZE_MAX / LB_PAGE))

/* The last image: its pages by address, and where in the file each lies. */
struct lb_kept_page {
	uint64_t at;
	uint32_t slot;
};
struct lb_last_image {
	uint64_t id; /* 0: there is none */
	int fd;
	uint8_t *memory; /* the file, mapped: a write(2) obeys the program's RLIMIT_FSIZE */
	uint32_t slots_used;
	struct lb_kept_page *pages, *next; /* LB_LAST_IMAGE_PAGES_MAX each */
	uint32_t count, next_count, at;
};
extern struct lb_last_image lb_last_image;

void lb_last_image_init(void);
/* Before an image, and after the whole of it. */
void lb_last_image_begin(void);
void lb_last_image_end(void);
void lb_last_image_forget(void);
/* The slot of the page at this address in the last image; they come in order. -1: it had none. */
int64_t lb_last_image_slot(uint64_t at);
/* This page of the image on its way lies there. Returns false when there is no room. */
bool lb_last_image_note(uint64_t at, uint32_t slot);

#endif
