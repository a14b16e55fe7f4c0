/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/hash.h"
#include "runtime/manifest.h"
#include "tests/support/log_maker.h"

/*
 * A recovery directory after a script on standard input: make_recovery DIR. Keys go to the worker
 * that owns them. A line each, in the order of the log:
 *
 *     generation 2 3 1 7       the second, of 3 workers, from epoch 7 of the first
 *     step 4 count_final text shop.count         index, kind, type of the key, id
 *     source 0 file_lines shop.lines             index, kind, id; and sink
 *     epoch 8
 *     gone 4 apple             a step and a key: text, u64:7 or hex:00ff
 *     clear 4                  in the logs of all workers
 *     state 4 pear u64:3       and its state
 *     position 0 1 in.csv 100  of a step; the instance is the worker that saves it
 *     base 1 8                 of the ENDs of a worker from now on
 *     end                      of the epoch; or "end 1", in the log of that worker alone
 *     segment                  a new one for each worker
 */

enum { WORKERS_MAX = 8, STEPS_MAX = 16, POSITIONS_MAX = 16, WORD_BYTES = 64 };

static struct {
	const char *dir;
	char path[512]; /* of the generation */
	struct wax_manifest manifest;
	struct wax_manifest_step steps[STEPS_MAX];
	bool begun; /* its manifest is written */
	uint64_t segment;
	struct worker {
		struct log_maker maker;
		uint64_t base;
		struct log_maker_position positions[POSITIONS_MAX];
		uint32_t position_count;
	} workers[WORKERS_MAX];
} made;

static void check(int holds, const char *line)
{
	if (holds)
		return;
	fprintf(stderr, "make_recovery: cannot do: %s\n", line);
	exit(1);
}

/* Copies stay until the end. */
static struct copied {
	struct copied *next;
	char text[WORD_BYTES];
} * copies;

static char *copy(const char *text)
{
	struct copied *copied = calloc(1, sizeof(*copied));

	check(copied != NULL, "copy");
	snprintf(copied->text, sizeof(copied->text), "%s", text);
	copied->next = copies;
	copies = copied;
	return copied->text;
}

static void free_copies(void)
{
	while (copies) {
		struct copied *next = copies->next;

		free(copies);
		copies = next;
	}
}

/* ---- Files */

static void write_manifest(void)
{
	char path[600], *text;
	int bytes = wax_manifest_print(&made.manifest, &text, NULL);

	snprintf(path, sizeof(path), "%s/manifest", made.path);
	FILE *file = fopen(path, "we");
	check(file && fwrite(text, 1, (size_t)bytes, file) == (size_t)bytes, path);
	check(fclose(file) == 0, path);
	free(text);
}

static void open_segments(void)
{
	made.segment++;
	for (uint32_t i = 0; i < made.manifest.worker_count; i++) {
		struct log_maker *maker = &made.workers[i].maker;
		struct wax_log_open open = {.generation = made.manifest.generation,
				.segment = made.segment,
				.worker = i,
				.worker_count = made.manifest.worker_count,
				.run = made.manifest.run};
		uint64_t epoch = maker->epoch;

		maker->epoch = 0;
		log_maker_open(maker, &open);
		maker->epoch = epoch;
	}
}

static void write_segments(void)
{
	for (uint32_t i = 0; made.begun && i < made.manifest.worker_count; i++) {
		const struct log_maker *maker = &made.workers[i].maker;
		log_maker_write(made.path, i, made.segment, maker->bytes, maker->used);
	}
}

/* Steps are known when the first epoch begins. */
static void begin(void)
{
	if (made.begun)
		return;
	made.begun = true;
	snprintf(made.path, sizeof(made.path), "%s/gen-%08llu", made.dir,
			(unsigned long long)made.manifest.generation);
	check(mkdir(made.path, 0777) == 0, made.path);
	write_manifest();
	open_segments();
}

/* ---- Words */

struct word {
	char bytes[WORD_BYTES];
	size_t count;
};

static struct word read_word(const char *text)
{
	struct word word = {.count = strlen(text)};
	unsigned byte;

	if (strncmp(text, "u64:", 4) == 0) {
		unsigned long long number = strtoull(text + 4, NULL, 10);
		word.count = sizeof(number);
		memcpy(word.bytes, &number, sizeof(number));
	} else if (strncmp(text, "hex:", 4) == 0) {
		word.count = (word.count - 4) / 2;
		for (size_t i = 0; i < word.count; i++) {
			check(sscanf(text + 4 + 2 * i, "%2x", &byte) == 1, text);
			word.bytes[i] = (char)byte;
		}
	} else {
		memcpy(word.bytes, text, word.count);
	}
	return word;
}

static struct log_maker *owner_of(const struct word *key)
{
	uint64_t hash = wax_hash(key->bytes, key->count);
	return &made.workers[((hash >> 52) * made.manifest.worker_count) >> 12].maker;
}

static void put_record(bool gone, uint32_t step, const char *key_text, const char *value_text)
{
	struct word key = read_word(key_text), value = read_word(value_text);
	struct log_maker_record record = {key.bytes, key.count, value.bytes, value.count};

	if (gone)
		log_maker_gone(owner_of(&key), step, 0, &record, 1);
	else
		log_maker_state(owner_of(&key), step, 0, WAX_LOG_ANY_BYTES, &record, 1);
}

/* ---- Lines */

static void end_generation(void)
{
	write_segments();
	for (uint32_t i = 0; i < WORKERS_MAX; i++)
		log_maker_fini(&made.workers[i].maker);
	memset(made.workers, 0, sizeof(made.workers));
	made.begun = false;
	made.segment = 0;
}

static void begin_generation(const char *line)
{
	unsigned long long number, from, from_epoch;
	uint32_t workers;

	check(sscanf(line, "generation %llu %u %llu %llu", &number, &workers, &from, &from_epoch) ==
							4 &&
					workers <= WORKERS_MAX,
			line);
	end_generation();
	made.manifest = (struct wax_manifest){.flow = "shop",
			.run = 1000 + number,
			.worker_count = workers,
			.hash_version = WAX_HASH_VERSION,
			.hash_seed = WAX_HASH_SEED,
			.generation = number,
			.from_generation = from,
			.from_epoch = from_epoch,
			.steps = made.steps};
}

static void add_step(const char *line)
{
	struct wax_manifest_step step = {.version = 1, .key = "-"};
	char role[WORD_BYTES], kind[WORD_BYTES], key[WORD_BYTES], id[WORD_BYTES];
	bool state = strncmp(line, "step ", 5) == 0;

	if (state)
		check(sscanf(line, "step %u %63s %63s %63s", &step.index, kind, key, id) == 4,
				line);
	else
		check(sscanf(line, "%63s %u %63s %63s", role, &step.index, kind, id) == 4, line);
	step.role = state                           ? WAX_MANIFEST_STATE
			: strcmp(role, "sink") == 0 ? WAX_MANIFEST_SINK
						    : WAX_MANIFEST_SOURCE;
	step.value_bytes = state ? WAX_LOG_ANY_BYTES : 0;
	step.kind = copy(kind);
	step.id = copy(id);
	if (state)
		step.key = copy(key);
	check(made.manifest.step_count < STEPS_MAX, line);
	made.steps[made.manifest.step_count++] = step;
}

static void add_position(const char *line)
{
	struct log_maker_position position;
	char name[WORD_BYTES], at[WORD_BYTES];

	check(sscanf(line, "position %u %u %63s %63s", &position.step, &position.instance, name,
			      at) == 4,
			line);
	struct worker *worker = &made.workers[position.instance];
	position.name = copy(name);
	position.position = copy(at);
	check(worker->position_count < POSITIONS_MAX, line);
	worker->positions[worker->position_count++] = position;
}

static void end_epoch(const char *line)
{
	uint32_t only;
	bool one = sscanf(line, "end %u", &only) == 1;

	for (uint32_t i = 0; i < made.manifest.worker_count; i++) {
		struct worker *worker = &made.workers[i];
		struct wax_log_end end = {.base = worker->base};

		if (one && i != only)
			continue;
		log_maker_end(&worker->maker, end, worker->positions, worker->position_count);
		worker->position_count = 0;
	}
}

static void begin_epoch(const char *line)
{
	unsigned long long epoch;

	check(sscanf(line, "epoch %llu", &epoch) == 1, line);
	begin();
	for (uint32_t i = 0; i < made.manifest.worker_count; i++)
		made.workers[i].maker.epoch = epoch;
}

static void do_line(const char *line)
{
	char key[WORD_BYTES], value[WORD_BYTES];
	unsigned long long base;
	uint32_t index;

	if (strncmp(line, "generation ", 11) == 0)
		begin_generation(line);
	else if (strncmp(line, "epoch ", 6) == 0)
		begin_epoch(line);
	else if (sscanf(line, "state %u %63s %63s", &index, key, value) == 3)
		put_record(false, index, key, value);
	else if (sscanf(line, "gone %u %63s", &index, key) == 2)
		put_record(true, index, key, "");
	else if (sscanf(line, "base %u %llu", &index, &base) == 2)
		made.workers[index].base = base;
	else if (sscanf(line, "clear %u", &index) == 1)
		for (uint32_t i = 0; i < made.manifest.worker_count; i++)
			log_maker_clear(&made.workers[i].maker, index);
	else if (strncmp(line, "position ", 9) == 0)
		add_position(line);
	else if (strncmp(line, "end", 3) == 0)
		end_epoch(line);
	else if (strcmp(line, "segment") == 0) {
		write_segments();
		open_segments();
	} else {
		add_step(line);
	}
}

int main(int argc, char **argv)
{
	char line[512];

	check(argc == 2, "write make_recovery DIR");
	made.dir = argv[1];
	mkdir(made.dir, 0777);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0' && line[0] != '#')
			do_line(line);
	}
	end_generation();
	free_copies();
	return 0;
}
