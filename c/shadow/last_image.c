/* last_image.c - Keeps the last image of a fork in a file.
 *
 * The next image tells only of what has changed since (birth.c).
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "descriptors.h"
#include "last_image.h"

#define SLACK 4096u

struct lb_last_image lb_last_image = { .fd = -1 };

void lb_last_image_init(void)
{
	lb_own_fd(&lb_last_image.fd);
}

static bool make_room(void)
{
	struct rlimit limit, none;
	bool made;

	getrlimit(RLIMIT_FSIZE, &limit);
	if (limit.rlim_max < LB_LAST_IMAGE_SIZE_MAX) /* SIGXFSZ would be the program's */
		return false;
	lb_own_fds_begin();
	lb_last_image.fd = memfd_create("lb-image", MFD_CLOEXEC);
	lb_last_image.fd = lb_last_image.fd < 0 ? lb_last_image.fd : lb_fd_move_up(lb_last_image.fd);
	lb_own_fds_end();
	if (lb_last_image.fd < 0)
		return false;
	none = (struct rlimit){ limit.rlim_max, limit.rlim_max };
	setrlimit(RLIMIT_FSIZE, &none);
	made = ftruncate(lb_last_image.fd, LB_LAST_IMAGE_SIZE_MAX) == 0;
	setrlimit(RLIMIT_FSIZE, &limit);
	lb_last_image.memory = !made ? MAP_FAILED
				     : mmap(NULL, LB_LAST_IMAGE_SIZE_MAX, PROT_READ | PROT_WRITE,
					       MAP_SHARED | MAP_NORESERVE, lb_last_image.fd, 0);
	lb_last_image.pages = calloc(LB_LAST_IMAGE_PAGES_MAX, sizeof *lb_last_image.pages);
	lb_last_image.next = calloc(LB_LAST_IMAGE_PAGES_MAX, sizeof *lb_last_image.next);
	return lb_last_image.memory != MAP_FAILED && lb_last_image.pages != NULL && lb_last_image.next != NULL;
}

/* Without room nothing is lb_last_image, and each image is a whole one. */
void lb_last_image_forget(void)
{
	if (lb_last_image.fd >= 0)
		close(lb_last_image.fd);
	if (lb_last_image.memory != NULL && lb_last_image.memory != MAP_FAILED)
		munmap(lb_last_image.memory, LB_LAST_IMAGE_SIZE_MAX);
	free(lb_last_image.pages);
	free(lb_last_image.next);
	memset(&lb_last_image, 0, sizeof lb_last_image);
	lb_last_image.fd = -1;
}

void lb_last_image_begin(void)
{
	lb_last_image.at = 0;
	lb_last_image.next_count = 0;
	if (lb_last_image.id != 0)
		return;
	lb_last_image_forget();
	if (!make_room() ||
		getrandom(&lb_last_image.id, sizeof lb_last_image.id, GRND_NONBLOCK) != sizeof lb_last_image.id ||
		lb_last_image.id == 0)
		lb_last_image_forget();
}

void lb_last_image_end(void)
{
	struct lb_kept_page *pages = lb_last_image.pages;

	lb_last_image.pages = lb_last_image.next;
	lb_last_image.next = pages;
	lb_last_image.count = lb_last_image.next_count;
	/* Slots of pages that have changed or are gone are not used again: now and then it begins anew. */
	if (lb_last_image.slots_used > 2 * lb_last_image.count + SLACK)
		lb_last_image.id = 0;
}

int64_t lb_last_image_slot(uint64_t at)
{
	while (lb_last_image.at < lb_last_image.count && lb_last_image.pages[lb_last_image.at].at < at)
		lb_last_image.at++;
	return lb_last_image.at < lb_last_image.count && lb_last_image.pages[lb_last_image.at].at == at
		? (int64_t)lb_last_image.pages[lb_last_image.at].slot
		: -1;
}

bool lb_last_image_note(uint64_t at, uint32_t slot)
{
	if (lb_last_image.next_count == LB_LAST_IMAGE_PAGES_MAX)
		return false;
	lb_last_image.next[lb_last_image.next_count++] = (struct lb_kept_page){ at, slot };
	return true;
}
