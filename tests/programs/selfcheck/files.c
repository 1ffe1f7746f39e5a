/* files.c - descriptors of files: offsets, sharing, flags, locks, directories, errors. */
#include "selfcheck.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define RECORD 64
#define RECORDS_MAX 20000

static int fd = -1, duplicate, gone, close_on_exec, append, reader;
static char name[64], directory[64], start_directory[4096];
static long records;
static off_t offset; /* where the offset of fd must be */
static FILE *stream;

static void die(const char *what)
{
	fprintf(stderr, "selfcheck: cannot set up files: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void remove_files(void)
{
	char path[128];

	unlink(name);
	snprintf(path, sizeof path, "%s/b", directory);
	unlink(path);
	snprintf(path, sizeof path, "%s/link", directory);
	unlink(path);
	rmdir(directory);
}

static void make_record(long number, char *record)
{
	memset(record, '.', RECORD);
	snprintf(record, RECORD, "record %ld %llx", number, (unsigned long long)pattern_of((uint64_t)number));
	record[RECORD - 1] = '\n';
}

static void setup(void)
{
	char other[80];

	snprintf(name, sizeof name, "selfcheck.%d.data", (int)getpid());
	snprintf(directory, sizeof directory, "selfcheck.%d.dir", (int)getpid());
	snprintf(other, sizeof other, "selfcheck.%d.gone", (int)getpid());
	if (!getcwd(start_directory, sizeof start_directory))
		die("getcwd");
	fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0640);
	duplicate = dup(fd);
	gone = open(other, O_RDWR | O_CREAT | O_TRUNC, 0600);
	append = open(name, O_WRONLY | O_APPEND);
	reader = open(name, O_RDONLY);
	close_on_exec = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || duplicate < 0 || gone < 0 || append < 0 || reader < 0 || close_on_exec < 0)
		die(name);
	if (unlink(other) < 0 || write(gone, "still here", 10) != 10)
		die(other);
	if (mkdir(directory, 0755) < 0)
		die(directory);
	stream = tmpfile();
	if (!stream)
		die("tmpfile");
	if (flock(fd, LOCK_EX) < 0)
		die("flock");
	umask(0062);
	atexit(remove_files);
}

static void check_records(long round)
{
	char record[RECORD], found[RECORD];
	long which;

	if (records == RECORDS_MAX) {
		CHECK(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0, "cannot begin again");
		records = 0;
		offset = 0;
	}
	CHECK(lseek(fd, 0, SEEK_CUR) == offset, "the offset changed by itself");
	for (int i = 0; i < 16; i++) {
		make_record(records++, record);
		CHECK(write(i % 2 ? fd : duplicate, record, RECORD) == RECORD, "write: errno %d", errno);
		offset += RECORD;
	}
	CHECK(lseek(duplicate, 0, SEEK_CUR) == offset, "the duplicate's offset is not the original's");
	which = (long)(pattern_of((uint64_t)round) % (uint64_t)records);
	make_record(which, record);
	CHECK(pread(reader, found, RECORD, which * RECORD) == RECORD && memcmp(record, found, RECORD) == 0,
		"record %ld read by pread is wrong", which);
	CHECK(lseek(fd, which * RECORD, SEEK_SET) == which * RECORD, "lseek: errno %d", errno);
	CHECK(read(duplicate, found, RECORD) == RECORD && memcmp(record, found, RECORD) == 0,
		"record %ld read through the duplicate is wrong", which);
	CHECK(lseek(fd, 0, SEEK_CUR) == (which + 1) * RECORD, "a read did not move the offset");
	offset = lseek(fd, 0, SEEK_END);
	CHECK(offset == records * RECORD, "the file has %ld bytes, not %ld", (long)offset, records * RECORD);
}

static void check_vectors(void)
{
	char first[10], second[20], record[RECORD], found[RECORD] = { 0 };
	struct iovec out[3], in[2];

	make_record(records++, record);
	out[0] = (struct iovec){ record, 10 };
	out[1] = (struct iovec){ record + 10, 0 };
	out[2] = (struct iovec){ record + 10, RECORD - 10 };
	CHECK(writev(append, out, 3) == RECORD, "writev: errno %d", errno);
	offset = lseek(fd, 0, SEEK_END);
	CHECK(pread(fd, found, RECORD, offset - RECORD) == RECORD && memcmp(found, record, RECORD) == 0,
		"what was appended by writev is not at the end");
	in[0] = (struct iovec){ first, sizeof first };
	in[1] = (struct iovec){ second, sizeof second };
	lseek(reader, offset - RECORD, SEEK_SET);
	CHECK(readv(reader, in, 2) == 30 && memcmp(first, record, 10) == 0 && memcmp(second, record + 10, 20) == 0,
		"readv is wrong");
	CHECK(pwrite(fd, record, RECORD, offset - RECORD) == RECORD && lseek(fd, 0, SEEK_CUR) == offset,
		"pwrite moved the offset");
}

static void check_flags(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10 };
	struct flock own = lock;
	char text[16] = { 0 };

	CHECK(fcntl(close_on_exec, F_GETFD) == FD_CLOEXEC, "close-on-exec was lost");
	CHECK(fcntl(fd, F_GETFD) == 0, "close-on-exec appeared");
	CHECK((fcntl(append, F_GETFL) & (O_APPEND | O_ACCMODE)) == (O_APPEND | O_WRONLY), "file status flags changed");
	CHECK(pread(gone, text, 15, 0) == 10 && strcmp(text, "still here") == 0, "a file without a name is lost");
	CHECK(flock(reader, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK, "flock was lost");
	own.l_pid = 0;
	CHECK(fcntl(fd, F_SETLK, &own) == 0, "cannot take a record lock: errno %d", errno);
	/* A lock by open file description is in the way of the process's own record lock. */
	CHECK(fcntl(duplicate, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_WRLCK && lock.l_pid == getpid(),
		"the record lock is not seen: type %d, PID %d", lock.l_type, (int)lock.l_pid);
}

static void check_numbers(void)
{
	int low = dup(fd), next = dup(fd), again;

	CHECK(low >= 0 && next > low, "dup gave %d and %d", low, next);
	close(low);
	again = dup(fd);
	CHECK(again == low, "the lowest free descriptor is %d, dup gave %d", low, again);
	CHECK(dup2(again, next) == next && lseek(next, 0, SEEK_CUR) == offset, "dup2 is wrong");
	close(again);
	close(next);
	errno = 0;
	CHECK(write(next, "x", 1) == -1 && errno == EBADF, "a closed descriptor gave errno %d", errno);
	errno = 0;
	CHECK(write(reader, "x", 1) == -1 && errno == EBADF, "a write to a reader gave errno %d", errno);
	errno = 0;
	CHECK(read(append, &low, 1) == -1 && errno == EBADF, "a read of a writer gave errno %d", errno);
	errno = 0;
	CHECK(open("selfcheck.missing/none", O_RDONLY) == -1 && errno == ENOENT, "open gave errno %d", errno);
	errno = 0;
	CHECK(lseek(fd, -5, SEEK_SET) == -1 && errno == EINVAL, "lseek gave errno %d", errno);
}

static void check_directory(long round)
{
	char from[128], to[128], link_path[128], text[128] = { 0 }, cwd[4096];
	struct dirent *entry;
	struct stat status;
	int seen = 0, made;
	DIR *open_directory;

	snprintf(from, sizeof from, "%s/a", directory);
	snprintf(to, sizeof to, "%s/b", directory);
	snprintf(link_path, sizeof link_path, "%s/link", directory);
	made = open(from, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	CHECK(made >= 0 && write(made, "abc", 3) == 3 && close(made) == 0, "cannot make a file");
	CHECK(rename(from, to) == 0 && access(from, F_OK) == -1, "rename is wrong");
	CHECK(stat(to, &status) == 0 && status.st_size == 3 && (status.st_mode & 0777) == 0604,
		"stat is wrong: mode %o", status.st_mode & 0777);
	unlink(link_path);
	CHECK(symlink("b", link_path) == 0 && readlink(link_path, text, sizeof text) == 1 && text[0] == 'b',
		"a symbolic link is wrong");
	open_directory = opendir(directory);
	CHECK(open_directory != NULL, "opendir: errno %d", errno);
	while (open_directory && (entry = readdir(open_directory)))
		seen += entry->d_name[0] != '.';
	if (open_directory)
		closedir(open_directory);
	CHECK(seen == 2, "the directory shows %d files, not 2", seen);
	if (round % 8 == 0)
		CHECK(chdir(directory) == 0 && access("b", R_OK) == 0 && chdir("..") == 0, "chdir is wrong");
	CHECK(getcwd(cwd, sizeof cwd) && strcmp(cwd, start_directory) == 0, "the working directory changed");
}

static void check_stream(long round)
{
	char line[64], wanted[64];

	CHECK(fseek(stream, 0, SEEK_END) == 0 && fprintf(stream, "line %6ld\n", round) == 12,
		"cannot write to a stream");
	CHECK(fseek(stream, (round - 1) / 2 * 12, SEEK_SET) == 0 && fgets(line, sizeof line, stream),
		"cannot read from a stream");
	snprintf(wanted, sizeof wanted, "line %6ld\n", (round - 1) / 2 + 1);
	CHECK(strcmp(line, wanted) == 0, "the stream has another line");
}

static void check_umask(void)
{
	mode_t mask = umask(0062);

	CHECK(mask == 0062, "the umask is %o, not 62", mask);
}

static void check_round(long round)
{
	check_umask();
	check_records(round);
	check_vectors();
	check_flags();
	check_numbers();
	check_directory(round);
	check_stream(round);
}

const struct group group_files = { "files", setup, check_round };
