/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recovery directory in which bits were turned, files cut, changed or lost: the run that goes on from
 * it refuses it with a sentence, or ends with the lines that it would have had. Never with others, and
 * never in a crash:
 *
 *     sim_damage [--seed FIRST] [--rounds N | --seconds N] [--items N]
 *
 * What is damaged is a copy of one of a few directories: of a chain of runs that were killed, of one
 * with several segments, of one that was stopped.
 *
 * What a sink has made visible that commits is left out. Nothing but the logs says which epoch was
 * committed last, so damage of its last frame in all of them looks like a crash before that.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/recovery/harness.h"

enum { STATES = 3 };

static struct {
	uint64_t refused, right;
} happened;

/* Options of waxrun, then what has to become of it. In the foreground timeout(1) waits for what it kills. */
static void run_until(struct harness *harness, const char *options, const char *how)
{
	int status = harness_try(harness,
			"timeout --foreground %s '%s/waxrun' -q --bind none --recovery state "
			"--restart never %s "
			"'%s/tests/flows/crash.so' -- --items %" PRIu64 " --rate %" PRIu64
			" --in lines --out out 2>>err",
			how, harness->build, options, harness->build, harness->items,
			harness->items * 2);

	/* Stopped: 124 is what timeout(1) says. Killed: 137. */
	if (status != 124 && status != 137)
		harness_fail(harness, "exit status %d while it was prepared with %s", status,
				options);
}

/* state-0 ... with out-0 ... */
static void make_states(struct harness *harness)
{
	static const char *const lives[STATES][4] = {
			{"-n 2 -s 20ms", "-n 3 -s 400ms", "-n 1 -s 30ms"},
			{"-n 2 -s 3ms --keep 4"},
			{"-n 4 -s 30ms --keep 3", "-n 2 -s 10ms"},
	};
	static const char *const hows[STATES] = {"-s KILL 0.15", "-s TERM 0.3", "-s TERM 0.12"};

	for (uint32_t i = 0; i < STATES; i++) {
		harness_do(harness, "rm -rf state out && mkdir -p out/txn");
		for (uint32_t j = 0; lives[i][j]; j++)
			run_until(harness, lives[i][j], hows[i]);
		harness_do(harness, "mv state state-%u && mv out out-%u", i, i);
	}
}

/* ---- Damage */

struct victim {
	char path[2 * HARNESS_PATH_BYTES];
	uint64_t bytes;
};

static struct victim pick_file(struct harness *harness)
{
	struct victim victim = {.path = ""};
	char command[4 * HARNESS_PATH_BYTES];
	uint64_t count = harness_count(harness, "find state -type f ! -name lock | wc -l");

	if (count == 0)
		return victim;
	snprintf(command, sizeof(command),
			"cd '%s' && find state -type f ! -name lock | sort | sed -n %" PRIu64 "p",
			harness->work, 1 + below(harness, count));

	FILE *from = popen(command, "r");
	char line[HARNESS_PATH_BYTES] = "";
	struct stat status = {0};

	if (from && fgets(line, sizeof(line), from))
		line[strcspn(line, "\n")] = '\0';
	if (from)
		pclose(from);
	snprintf(victim.path, sizeof(victim.path), "%s/%s", harness->work, line);
	if (stat(victim.path, &status) == 0)
		victim.bytes = (uint64_t)status.st_size;
	return victim;
}

static void write_at(const struct victim *victim, uint64_t at, const void *bytes, size_t count)
{
	int fd = open(victim->path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, bytes, count, (off_t)at) != (ssize_t)count)
		stress_fail("damage '%s': %m", victim->path);
	close(fd);
}

/* Heads of frames are at multiples of 64: there is more to see. */
static uint64_t pick_offset(struct harness *harness, uint64_t bytes)
{
	uint64_t at = below(harness, bytes);

	return below(harness, 2) ? at : at / 64 * 64 + (at % 64 < bytes % 64 ? at % 8 : 0);
}

static void turn_bit(struct harness *harness, const struct victim *victim)
{
	uint64_t at = pick_offset(harness, victim->bytes);
	int fd = open(victim->path, O_RDONLY | O_CLOEXEC);
	uint8_t byte = 0;

	if (fd < 0 || pread(fd, &byte, 1, (off_t)at) != 1)
		stress_fail("read '%s': %m", victim->path);
	close(fd);
	byte ^= (uint8_t)(1u << below(harness, 8));
	write_at(victim, at, &byte, 1);
}

static void fill(struct harness *harness, const struct victim *victim, bool zero)
{
	char bytes[512];
	uint64_t at = pick_offset(harness, victim->bytes), left = victim->bytes - at;
	size_t count = 1 + below(harness, sizeof(bytes));

	memset(bytes, 0, sizeof(bytes));
	for (size_t i = 0; !zero && i < sizeof(bytes); i++)
		bytes[i] = (char)below(harness, 256);
	write_at(victim, at, bytes, count < left ? count : left);
}

static void damage(struct harness *harness)
{
	struct victim victim = pick_file(harness), other = pick_file(harness);

	if (victim.bytes == 0)
		return;
	switch (below(harness, 8)) {
	case 0:
		if (truncate(victim.path, (off_t)pick_offset(harness, victim.bytes)) < 0)
			stress_fail("cut '%s': %m", victim.path);
		break;
	case 1:
		fill(harness, &victim, true);
		break;
	case 2:
		fill(harness, &victim, false);
		break;
	case 3:
		if (below(harness, 4) == 0)
			unlink(victim.path);
		else
			turn_bit(harness, &victim);
		break;
	case 4:
		/* What was written for another worker, or earlier. */
		harness_do(harness, "cp '%s' '%s.new' && mv '%s.new' '%s'", other.path, victim.path,
				victim.path, victim.path);
		break;
	case 5:
		harness_do(harness, "head -c %" PRIu64 " '%s' >>'%s'", below(harness, 5000),
				other.path, victim.path);
		break;
	default:
		turn_bit(harness, &victim);
	}
}

/* ---- Rounds */

static void check_end(struct harness *harness, int status)
{
	if (status == 4) {
		if (harness_count(harness, "grep -c '^waxrun: error: ' last") == 0)
			harness_fail(harness, "refused without a sentence");
		happened.refused++;
		return;
	}
	if (status != 0)
		harness_fail(harness, "exit status %d", status);
	harness_gather(harness, "out", "sorted");
	if (harness_try(harness, "grep -v ^txn sorted | cmp -s wanted") != 0)
		harness_fail(harness, "other lines came than without damage: wanted, sorted");
	happened.right++;
}

static void run_round(struct harness *harness)
{
	uint64_t state = below(harness, STATES);

	harness_do(harness,
			"rm -rf state out && cp -r state-%" PRIu64 " state && cp -r out-%" PRIu64
			" out",
			state, state);
	for (uint64_t damages = below(harness, 4) == 0 ? 3 : 1; damages > 0; damages--)
		damage(harness);

	int status = harness_try(harness,
			"timeout 60 '%s/waxrun' -q -n %" PRIu64
			" --bind none --recovery state --restart never '%s/tests/flows/crash.so' "
			"-- "
			"--items %" PRIu64 " --in lines --out out 2>last",
			harness->build, 1 + below(harness, 3), harness->build, harness->items);

	check_end(harness, status);
}

int main(int argc, char **argv)
{
	struct harness harness;

	harness_init(&harness, (struct harness){.first_seed = 1, .rounds_max = 40, .items = 20000},
			argc, argv);
	harness_make_reference(&harness);
	harness_do(&harness, "grep -v ^txn expected >wanted");
	make_states(&harness);
	harness_run(&harness, run_round);
	printf("%" PRIu64 " rounds: %" PRIu64 " refused, %" PRIu64 " right\n", harness.rounds,
			happened.refused, happened.right);
	if (harness.rounds >= 20 && (happened.refused == 0 || happened.right == 0))
		harness_fail(&harness, "the damage is always the same");
	harness_fini(&harness);
	return 0;
}
