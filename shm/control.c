/* SPDX-License-Identifier: Apache-2.0 */
#include "shm/control.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shm/pid.h"

static uint64_t round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

static void lay_out(const struct wax_control_plan *plan, struct wax_control_header *header)
{
	uint64_t workers = plan->worker_count;
	header->workers_offset = round_up(sizeof(*header), WAX_APART);
	header->steps_offset = header->workers_offset + workers * sizeof(struct wax_worker_record);
	header->edges_offset = round_up(header->steps_offset +
					workers * plan->step_count * sizeof(struct wax_step_counters),
			WAX_APART);
	header->bytes = round_up(header->edges_offset +
					workers * plan->edge_count * sizeof(struct wax_edge_counters),
			4096);
}

/* The directory of this user's runs, made if missing. Nobody else may write there. */
static int open_directory(char *path, size_t path_bytes)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	/* Batch systems pass the variable on to nodes where there is no such directory. */
	bool usable = base && base[0] == '/' && (access(base, X_OK) == 0 || errno != ENOENT);
	int length = usable
			? snprintf(path, path_bytes, "%s/wax", base)
			: snprintf(path, path_bytes, "/tmp/wax-%u", (unsigned)getuid());
	if (length < 0 || (size_t)length >= path_bytes)
		return -ENAMETOOLONG;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;

	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0 || status.st_uid != getuid() || (status.st_mode & 077) != 0) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

/* Remove the pages of launchers that are gone: their names end in pid and start. */
static void remove_stale(int directory)
{
	int copy = dup(directory);
	DIR *entries = copy < 0 ? NULL : fdopendir(copy);
	if (!entries) {
		if (copy >= 0)
			close(copy);
		return;
	}
	for (struct dirent *entry; (entry = readdir(entries));) {
		int pid;
		unsigned long long start;
		int end = 0;
		if (sscanf(entry->d_name, "run-%d-%llu%n", &pid, &start, &end) == 2 &&
				entry->d_name[end] == '\0' && wax_pid_start(pid) != start)
			unlinkat(directory, entry->d_name, 0);
	}
	closedir(entries);
}

/* A file for the page; -1 with path "" where there is no place for one. */
static int open_file(char *path, size_t path_bytes)
{
	char directory_path[256];
	path[0] = '\0';
	int directory = open_directory(directory_path, sizeof(directory_path));
	if (directory < 0)
		return -1;
	remove_stale(directory);

	snprintf(path, path_bytes, "%s/run-%d-%llu", directory_path, (int)getpid(),
			(unsigned long long)wax_pid_start(getpid()));
	unlink(path); /* an earlier run of this very process */
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		path[0] = '\0';
	close(directory);
	return fd;
}

static void fill_header(const struct wax_control_plan *plan, struct wax_control_header *header)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	lay_out(plan, header);
	header->version = WAX_CONTROL_VERSION;
	header->header_bytes = sizeof(*header);
	header->launcher_pid = (uint32_t)getpid();
	header->launcher_start = wax_pid_start(getpid());
	header->worker_count = plan->worker_count;
	header->step_count = plan->step_count;
	header->edge_count = plan->edge_count;
	header->started_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	snprintf(header->flow, sizeof(header->flow), "%s", plan->flow);
	wax_store_relaxed(&header->epoch, 1); /* before the fork */
	header->magic = WAX_CONTROL_MAGIC;
}

/* From a copy of the header that nobody else can write. */
static void use_header(struct wax_control *control, struct wax_control_header *mapped,
		const struct wax_control_header *copy)
{
	control->header = mapped;
	control->bytes = copy->bytes;
	control->workers_offset = copy->workers_offset;
	control->steps_offset = copy->steps_offset;
	control->edges_offset = copy->edges_offset;
	control->worker_count = copy->worker_count;
	control->step_count = copy->step_count;
	control->edge_count = copy->edge_count;
}

int wax_control_make(const struct wax_control_plan *plan, struct wax_control *control,
		struct wax_err *err)
{
	struct wax_control_header layout;
	lay_out(plan, &layout);
	*control = (struct wax_control){.maker = getpid()};

	int fd = open_file(control->path, sizeof(control->path));
	/* A full disk there must not stop a run: touching the pages would be SIGBUS. */
	if (fd >= 0 && posix_fallocate(fd, 0, (off_t)layout.bytes) != 0) {
		close(fd);
		unlink(control->path);
		control->path[0] = '\0';
		fd = -1;
	}
	if (fd < 0) {
		fd = memfd_create("wax-control", MFD_CLOEXEC);
		if (fd < 0 || ftruncate(fd, (off_t)layout.bytes) < 0) {
			int code = wax_err_set(err, -errno, "no memory for the control page: %m");
			if (fd >= 0)
				close(fd);
			return code;
		}
	}

	void *memory = mmap(NULL, layout.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int map_errno = errno;
	close(fd);
	if (memory == MAP_FAILED) {
		errno = map_errno;
		if (control->path[0])
			unlink(control->path);
		return wax_err_set(err, -map_errno, "map the control page: %m");
	}
	fill_header(plan, memory);
	use_header(control, memory, memory);
	for (uint32_t worker = 0; worker < plan->worker_count; worker++) {
		struct wax_worker_record *record = wax_control_worker(control, worker);
		wax_store_relaxed(&record->step_now, WAX_NO_STEP);
		record->fail_step = WAX_NO_STEP;
	}
	return 0;
}

void wax_control_free(struct wax_control *control)
{
	if (!control->header)
		return;
	munmap(control->header, control->bytes);
	if (control->maker == getpid() && control->path[0])
		unlink(control->path);
	*control = (struct wax_control){0};
}

/* What another process wrote is input. */
static int check_header(const struct wax_control_header *header, uint64_t bytes)
{
	if (header->magic != WAX_CONTROL_MAGIC || header->version != WAX_CONTROL_VERSION ||
			header->header_bytes != sizeof(*header) || header->bytes != bytes ||
			!memchr(header->flow, '\0', sizeof(header->flow)) ||
			header->worker_count == 0 || header->worker_count > WAX_WORKERS_MAX ||
			header->step_count > 65536 || header->edge_count > WAX_LANES_MAX)
		return -EBADMSG;

	struct wax_control_plan plan = {
			.worker_count = header->worker_count,
			.step_count = header->step_count,
			.edge_count = header->edge_count,
	};
	struct wax_control_header expected;
	lay_out(&plan, &expected);
	return expected.bytes == bytes && expected.workers_offset == header->workers_offset &&
					expected.steps_offset == header->steps_offset &&
					expected.edges_offset == header->edges_offset
			? 0
			: -EBADMSG;
}

int wax_control_attach(const char *path, struct wax_control *control, struct wax_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return wax_err_set(err, -errno, "open control page '%s': %m", path);
	struct stat status;
	void *memory = MAP_FAILED;
	if (fstat(fd, &status) == 0 && status.st_size >= (off_t)sizeof(struct wax_control_header))
		memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (memory == MAP_FAILED)
		return wax_err_set(err, -EBADMSG, "'%s' is no control page", path);
	struct wax_control_header copy; /* what was checked is what is used */
	memcpy(&copy, memory, sizeof(copy));
	if (check_header(&copy, (uint64_t)status.st_size) < 0) {
		munmap(memory, (size_t)status.st_size);
		return wax_err_set(err, -EBADMSG, "'%s' is no control page of this version", path);
	}
	*control = (struct wax_control){0};
	use_header(control, memory, &copy);
	snprintf(control->path, sizeof(control->path), "%s", path);
	return 0;
}
