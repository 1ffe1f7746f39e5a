/* files_world.h - A home, and files with a twin of each.
 *
 * The link between guest and home, which brings the backlog home whenever it likes, is the test.
 */
#ifndef FILES_WORLD_H
#define FILES_WORLD_H

#include <stdint.h>

#define FILES 3
#define OPEN_MAX_ 8
#define SIZE_MAX_ 400100
#define PAGE 4096

struct open_file {
	int guest, twin, description, name;
};
extern struct open_file open_files[OPEN_MAX_];
extern int open_count;
extern int news[2];   /* a pipe */
extern uint8_t *edge; /* behind it there is no memory */
extern uint8_t data[SIZE_MAX_], seen[SIZE_MAX_], wanted[SIZE_MAX_];
extern uint64_t unit, scattered_most;
extern void (*when_answered)(void); /* once */

void world_prepare(void);
/* An empty folder of files, and the numbers that chance() gives. */
void begin_at(const char *place, uint64_t number);
void begin(uint64_t number);
void end(void);
const char *path_of(int name, int world);
uint64_t chance(uint64_t below);
int64_t twin_result(int64_t result);
/* Each file is what its twin is. */
void check_files(void);
void hear(void);
void find_unit(void);
/* Opens file 0 in both worlds, as descriptor 0 of the table. */
int open_one(int flags);
void fill(size_t size);

#endif
