/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/bell.h"
#include "shm/segment.h"

static struct wax_segment make_or_fail(uint32_t worker_count)
{
	struct wax_segment_plan plan = {worker_count, 1, 512, 2, 4};
	struct wax_segment segment;
	cr_assert_eq(wax_segment_make(&plan, &segment, NULL), 0);
	return segment;
}

Test(bell, awake_peer_is_not_rung)
{
	struct wax_segment segment = make_or_fail(2);
	struct wax_bell *bell = wax_segment_bell(&segment, 1);

	wax_bell_barrier(bell);
	cr_assert_not(wax_bell_wanted(bell, WAX_BELL_ALL));
	wax_bell_doze(bell, WAX_BELL_ALL);
	wax_bell_rise(bell);
	wax_bell_barrier(bell);
	cr_assert_not(wax_bell_wanted(bell, WAX_BELL_ALL));
}

Test(bell, sleeping_peer_is_rung_by_one_sender_only)
{
	struct wax_segment segment = make_or_fail(2);
	struct wax_bell *bell = wax_segment_bell(&segment, 1);

	for (int sleep = 0; sleep < 3; sleep++) {
		wax_bell_doze(bell, WAX_BELL_ALL);
		wax_bell_barrier(bell);
		cr_assert(wax_bell_wanted(bell, WAX_BELL_ALL));
		cr_assert_not(wax_bell_wanted(bell, WAX_BELL_ALL));
	}
}

Test(bell, sleeping_peer_is_rung_for_what_it_wants_only)
{
	struct wax_segment segment = make_or_fail(2);
	struct wax_bell *bell = wax_segment_bell(&segment, 1);

	for (uint32_t wants = WAX_BELL_NOW; wants <= WAX_BELL_ALL; wants += 2) {
		for (uint32_t has = 1; has <= WAX_BELL_ALL; has++) {
			wax_bell_doze(bell, wants);
			wax_bell_barrier(bell);
			cr_assert_eq(wax_bell_wanted(bell, has), (wants & has) != 0);
			/* Whoever came in vain has taken nothing away. */
			cr_assert_eq(wax_bell_wanted(bell, WAX_BELL_NOW), (wants & has) == 0);
		}
	}
}

Test(bell, one_of_many_processes_is_told_to_ring)
{
	enum { SENDERS = 4, ROUNDS = 200 };
	struct wax_segment segment = make_or_fail(SENDERS + 1);
	struct wax_bell *bell = wax_segment_bell(&segment, 0);

	for (int round = 0; round < ROUNDS / SENDERS; round++) {
		int wanted = 0;
		pid_t children[SENDERS];

		wax_bell_doze(bell, WAX_BELL_ALL);
		for (int i = 0; i < SENDERS; i++) {
			children[i] = fork();
			if (children[i] == 0)
				_exit(wax_bell_wanted(bell, WAX_BELL_ALL));
		}
		for (int i = 0; i < SENDERS; i++) {
			int status;
			cr_assert_eq(waitpid(children[i], &status, 0), children[i]);
			wanted += WEXITSTATUS(status);
		}
		cr_assert_eq(wanted, 1);
	}
}

Test(bell, rings_before_the_wait_are_not_lost_and_become_one)
{
	struct wax_segment segment = make_or_fail(1);
	struct wax_bell *bell = wax_segment_bell(&segment, 0);
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	uint64_t count = 0;

	wax_bell_ring(bell, fd);
	wax_bell_ring(bell, fd);
	cr_assert_eq(poll(&poll_fd, 1, 0), 1);
	cr_assert_eq(read(fd, &count, sizeof(count)), (ssize_t)sizeof(count));
	cr_assert_eq(count, 2);
	cr_assert_eq(poll(&poll_fd, 1, 0), 0);
	close(fd);
}

Test(bell, ring_of_a_full_counter_does_not_wait)
{
	struct wax_segment segment = make_or_fail(1);
	struct wax_bell *bell = wax_segment_bell(&segment, 0);
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint64_t most = UINT64_MAX - 1;

	cr_assert_eq(write(fd, &most, sizeof(most)), (ssize_t)sizeof(most));
	wax_bell_ring(bell, fd);
	close(fd);
}

Test(bell, child_wakes_its_parent)
{
	struct wax_segment segment = make_or_fail(2);
	struct wax_bell *bell = wax_segment_bell(&segment, 0);
	int fd = eventfd(0, EFD_CLOEXEC);
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	pid_t child = fork();

	if (child == 0) {
		for (int tries = 0; tries < 10000; tries++) {
			wax_bell_barrier(bell);
			if (wax_bell_wanted(bell, WAX_BELL_ALL)) {
				wax_bell_ring(bell, fd);
				_exit(0);
			}
			usleep(1000);
		}
		_exit(1);
	}
	wax_bell_doze(bell, WAX_BELL_ALL);
	cr_assert_eq(poll(&poll_fd, 1, 10000), 1);
	int status;
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	close(fd);
}

Test(bell, senders_are_seen_and_nobody_else)
{
	static const uint32_t senders[] = {0, 1, 63, 64, 65, 511, 1023};
	struct wax_segment segment = make_or_fail(WAX_WORKERS_MAX);
	struct wax_bell *bell = wax_segment_bell(&segment, 7);
	uint32_t found = 0;

	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		wax_bell_announce(bell, senders[i]);
		wax_bell_announce(bell, senders[i]);
	}
	for (uint32_t word = 0; word < WAX_WORKERS_MAX / 64; word++) {
		for (uint64_t bits = wax_bell_senders(bell, word); bits; bits &= bits - 1) {
			uint32_t sender = word * 64 + (uint32_t)__builtin_ctzll(bits);
			cr_assert_eq(sender, senders[found]);
			found++;
		}
	}
	cr_assert_eq(found, sizeof(senders) / sizeof(senders[0]));

	/* The neighbours' are untouched. */
	cr_assert_eq(wax_bell_senders(wax_segment_bell(&segment, 6), 15), 0);
	cr_assert_eq(wax_bell_senders(wax_segment_bell(&segment, 8), 0), 0);
}
