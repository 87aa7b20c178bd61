// The history's writing side: rows gather in memory per series and leave as blocks.

#include "store/history.h"

#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "base/hash.h"
#include "codec/pack.h"
#include "store/history_parts.h"
#include "store/store_parts.h"

enum {
    ROWS_IN_MEMORY = 4 << 20, // over all series, as far as blocks of LEAST_BLOCK_ROWS allow
    LEAST_BLOCK_ROWS = 16,
    FIRST_SLOTS = 64,
    SPILL_PORTION = 256, // series looked at without letting others at the lock
};

// --- series by name

static size_t slot_of(const gm_history *history, const char *branch, const char *name)
{
    uint64_t hash = gm_hash(name, strlen(name), gm_hash(branch, strlen(branch), 0));
    return (size_t)hash & (history->slot_count - 1);
}

gm_history_series_part *gm_history_find(gm_history *history, const char *branch, const char *name)
{
    if (history->slot_count == 0) {
        return NULL;
    }
    size_t slot = slot_of(history, branch, name);
    while (history->slots[slot] != 0) {
        gm_history_series_part *series = history->series[history->slots[slot] - 1];
        if (strcmp(series->definition.name, name) == 0 &&
            strcmp(series->definition.branch, branch) == 0) {
            return series;
        }
        slot = (slot + 1) & (history->slot_count - 1);
    }
    return NULL;
}

static void put_in_slot(gm_history *history, gm_series_id id)
{
    const gm_series_definition *definition = &history->series[id - 1]->definition;
    size_t slot = slot_of(history, definition->branch, definition->name);
    while (history->slots[slot] != 0) {
        slot = (slot + 1) & (history->slot_count - 1);
    }
    history->slots[slot] = id;
}

static bool make_slots(gm_history *history)
{
    if (history->slot_count > 2 * history->count) {
        return true;
    }
    size_t wanted = history->slot_count == 0 ? FIRST_SLOTS : history->slot_count * 4;
    uint32_t *slots = gm_memory_new(wanted, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    gm_memory_free(history->slots);
    history->slots = slots;
    history->slot_count = wanted;
    for (size_t index = 0; index < history->count; index++) {
        put_in_slot(history, (gm_series_id)(index + 1));
    }
    return true;
}

static const char *keep_text(gm_history *history, const char *text)
{
    return gm_arena_text(history->names, text, strlen(text));
}

static size_t count_columns(const char *columns)
{
    size_t count = 1;
    for (const char *at = columns; *at != '\0'; at++) {
        count += *at == ',';
    }
    return count;
}

// Adds a series to memory alone; NULL without memory.
static gm_history_series_part *add_series(gm_history *history,
                                          const gm_series_definition *definition)
{
    gm_history_series_part **array = history->series;
    if (history->count == history->capacity) {
        array = gm_memory_grow(array, &history->capacity, history->count + 1, sizeof(void *));
        if (array == NULL) {
            return NULL;
        }
        history->series = array;
    }
    if (!make_slots(history)) {
        return NULL;
    }
    gm_history_series_part *series = gm_arena_new(history->names, 1, sizeof *series);
    gm_series_definition kept = { .branch = keep_text(history, definition->branch),
                                  .name = keep_text(history, definition->name),
                                  .columns = keep_text(history, definition->columns),
                                  .unit = keep_text(history, definition->unit) };
    if (series == NULL || kept.branch == NULL || kept.name == NULL || kept.columns == NULL ||
        kept.unit == NULL) {
        return NULL;
    }
    series->definition = kept;
    series->open.columns = count_columns(kept.columns);
    series->sealed.columns = series->open.columns;
    array[history->count++] = series;
    put_in_slot(history, (gm_series_id)history->count);
    return series;
}

static gm_status check_text(const char *what, const char *text, gm_error *error)
{
    gm_text slice = gm_text_of(text);
    if (slice.size == 0 || slice.size > GM_HISTORY_NAME_MAX || !gm_text_is_utf8(slice)) {
        return gm_error_set(error, GM_INVALID, "a series' %s must be 1 to %d bytes of UTF-8", what,
                            GM_HISTORY_NAME_MAX);
    }
    return GM_OK;
}

static gm_status check_definition(const gm_series_definition *definition, gm_error *error)
{
    gm_status status = check_text("branch", definition->branch, error);
    if (status == GM_OK) {
        status = check_text("name", definition->name, error);
    }
    if (status == GM_OK) {
        status = check_text("columns", definition->columns, error);
    }
    if (status == GM_OK) {
        status = check_text("unit", definition->unit, error);
    }
    if (status == GM_OK && count_columns(definition->columns) > GM_HISTORY_COLUMNS_MAX) {
        status = gm_error_set(error, GM_INVALID, "series '%s' has more than %d columns",
                              definition->name, GM_HISTORY_COLUMNS_MAX);
    }
    return status;
}

// The scratch for one record. A string that failed once stays so: then it starts anew.
static gm_string *start_record(gm_history *history)
{
    if (history->record.failed || history->block.failed) {
        gm_string_free(&history->record);
        gm_string_free(&history->block);
        history->record = (gm_string){ 0 };
        history->block = (gm_string){ 0 };
    }
    history->record.size = 0;
    history->block.size = 0;
    return &history->record;
}

static gm_status append_record(gm_history *history, gm_world_kind kind, uint64_t *number)
{
    const gm_string *record = &history->record;
    return record->failed || history->block.failed
               ? GM_MEMORY
               : gm_group_append(gm_world_file_group(history->world), (uint16_t)kind, record->data,
                                 record->size, number);
}

// Makes the row of table `series`; nothing refers to it before it is in the queue.
static gm_status record_series(gm_history *history, gm_series_id id,
                               const gm_series_definition *definition)
{
    gm_string *record = start_record(history);
    gm_pack_i64(record, id);
    gm_pack_text(record, gm_text_of(definition->branch));
    gm_pack_text(record, gm_text_of(definition->name));
    gm_pack_text(record, gm_text_of(definition->columns));
    gm_pack_text(record, gm_text_of(definition->unit));
    return append_record(history, GM_WORLD_SERIES, NULL);
}

static gm_status make_series(gm_history *history, const gm_series_definition *definition,
                             gm_series_id *id, gm_error *error)
{
    if (history->count == GM_HISTORY_SERIES_MAX) {
        return gm_error_set(error, GM_LIMIT, "more than %d series", GM_HISTORY_SERIES_MAX);
    }
    gm_series_id made = (gm_series_id)(history->count + 1);
    if (add_series(history, definition) == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for series '%s'", definition->name);
    }
    gm_status status = record_series(history, made, definition);
    if (status != GM_OK) {
        // the last one added: out of its slot again, so that a later try finds nothing of it
        size_t slot = slot_of(history, definition->branch, definition->name);
        while (history->slots[slot] != made) {
            slot = (slot + 1) & (history->slot_count - 1);
        }
        history->slots[slot] = 0;
        history->count--;
        return gm_error_set(error, status, "series '%s': world.db cannot take it now",
                            definition->name);
    }
    *id = made;
    return GM_OK;
}

gm_series_id gm_history_id(const gm_history *history, const gm_history_series_part *series)
{
    const gm_series_definition *definition = &series->definition;
    size_t slot = slot_of(history, definition->branch, definition->name);
    while (history->series[history->slots[slot] - 1] != series) {
        slot = (slot + 1) & (history->slot_count - 1);
    }
    return history->slots[slot];
}

gm_status gm_history_series(gm_history *history, const gm_series_definition *definition,
                            gm_series_id *series, gm_error *error)
{
    gm_status status = check_definition(definition, error);
    if (status != GM_OK) {
        return status;
    }
    pthread_mutex_lock(&history->lock);
    gm_history_series_part *found = gm_history_find(history, definition->branch, definition->name);
    if (found == NULL) {
        status = make_series(history, definition, series, error);
    } else if (strcmp(found->definition.columns, definition->columns) != 0 ||
               strcmp(found->definition.unit, definition->unit) != 0) {
        status = gm_error_set(error, GM_EXISTS,
                              "series '%s' of branch '%s' holds %s in %s already, not %s in %s",
                              definition->name, definition->branch, found->definition.columns,
                              found->definition.unit, definition->columns, definition->unit);
    } else {
        *series = gm_history_id(history, found);
    }
    pthread_mutex_unlock(&history->lock);
    return status;
}

void gm_history_list(gm_history *history, const char *branch,
                     void (*visit)(void *context, const gm_series_definition *definition),
                     void *context)
{
    for (size_t index = 0;; index++) {
        pthread_mutex_lock(&history->lock);
        bool more = index < history->count;
        gm_series_definition definition = { 0 };
        if (more) {
            definition = history->series[index]->definition;
        }
        pthread_mutex_unlock(&history->lock);
        if (!more) {
            return;
        }
        if (branch == NULL || strcmp(branch, definition.branch) == 0) {
            visit(context, &definition);
        }
    }
}

// --- from memory to world.db's queue

static void extent_of(const gm_block_rows *rows, int64_t *first, int64_t *last, int64_t *known)
{
    *first = *last = rows->time_ns[0];
    *known = rows->known_ns[0];
    for (size_t row = 1; row < rows->count; row++) {
        *first = rows->time_ns[row] < *first ? rows->time_ns[row] : *first;
        *last = rows->time_ns[row] > *last ? rows->time_ns[row] : *last;
        *known = rows->known_ns[row] < *known ? rows->known_ns[row] : *known;
    }
}

// Readers look back from a time by the longest block: they must know it before the block is there.
static gm_status record_span(gm_history *history, gm_series_id id, gm_history_series_part *series,
                             uint64_t span_ns)
{
    if (span_ns <= (uint64_t)series->span_ns) {
        return GM_OK;
    }
    int64_t span = span_ns > INT64_MAX ? INT64_MAX : (int64_t)span_ns;
    gm_string *record = start_record(history);
    gm_pack_i64(record, id);
    gm_pack_i64(record, span);
    gm_status status = append_record(history, GM_WORLD_SPAN, NULL);
    if (status == GM_OK) {
        series->span_ns = span;
    }
    return status;
}

// Hands all rows of `open` to world.db's thread, as a block or in place of its shorter self.
static gm_status hand_over(gm_history *history, gm_series_id id, uint64_t *number)
{
    gm_history_series_part *series = history->series[id - 1];
    int64_t first, last, known;
    extent_of(&series->open, &first, &last, &known);
    gm_status status = record_span(history, id, series, (uint64_t)last - (uint64_t)first);
    if (status != GM_OK) {
        return status;
    }
    int64_t block = series->block != 0 ? series->block : history->next_block;
    gm_string *record = start_record(history);
    gm_block_encode(&series->open, &history->block);
    gm_pack_i64(record, block);
    gm_pack_i64(record, id);
    gm_pack_i64(record, first);
    gm_pack_i64(record, last);
    gm_pack_i64(record, known);
    gm_pack_i64(record, (int64_t)series->open.count);
    gm_pack_u64(record, gm_hash(history->block.data, history->block.size, (uint64_t)block));
    gm_pack_text(record, (gm_text){ history->block.data, history->block.size });
    status = append_record(history, GM_WORLD_BLOCK, number);
    if (status == GM_OK) {
        history->next_block += block == history->next_block;
        series->block = block;
        series->spilled = series->open.count;
        series->waited_s = 0;
    }
    return status;
}

// Seals a full `open`, unless the earlier sealed rows or the queue still wait for the disk.
static void seal(gm_history *history, gm_series_id id)
{
    gm_history_series_part *series = history->series[id - 1];
    if (series->sealed.count > 0 &&
        gm_group_durable(gm_world_file_group(history->world)) < series->sealed_record) {
        return;
    }
    if (hand_over(history, id, &series->sealed_record) != GM_OK) {
        return;
    }
    gm_block_rows full = series->open;
    series->open = series->sealed;
    series->open.count = 0;
    series->sealed = full;
    series->block = 0;
    series->spilled = 0;
}

static size_t rows_per_block(const gm_history *history)
{
    size_t rows = ROWS_IN_MEMORY / history->count;
    return rows > GM_HISTORY_BLOCK_ROWS ? GM_HISTORY_BLOCK_ROWS
           : rows < LEAST_BLOCK_ROWS    ? LEAST_BLOCK_ROWS
                                        : rows;
}

gm_status gm_history_append(gm_history *history, gm_series_id series, const gm_history_row *row,
                            gm_error *error)
{
    gm_status status = GM_OK;
    pthread_mutex_lock(&history->lock);
    if (series == 0 || series > history->count) {
        status = gm_error_set(error, GM_NOT_FOUND, "the history has no series %u", series);
    } else {
        gm_history_series_part *part = history->series[series - 1];
        if (part->open.count >= rows_per_block(history)) {
            seal(history, series);
        }
        if (part->open.count >= GM_HISTORY_BACKLOG_ROWS) {
            status = gm_error_set(error, GM_BUSY,
                                  "series '%s': %d rows wait for the disk, which is too slow",
                                  part->definition.name, GM_HISTORY_BACKLOG_ROWS);
        } else if (!gm_block_rows_add(&part->open, row)) {
            status = gm_error_set(error, GM_MEMORY, "no memory for history");
        }
    }
    pthread_mutex_unlock(&history->lock);
    return status;
}

// Spills rows that waited for at least `age_s`, starting with series *id; stops after a portion or
// when the queue is full. *id is where to go on, 0 when done; *last the last record handed over.
static gm_status spill_portion(gm_history *history, uint32_t age_s, gm_series_id *id,
                               uint64_t *last)
{
    gm_status status = GM_OK;
    pthread_mutex_lock(&history->lock);
    size_t end = *id - 1 + SPILL_PORTION;
    while (status == GM_OK && *id <= history->count && *id <= end) {
        gm_history_series_part *series = history->series[*id - 1];
        if (series->open.count > series->spilled && series->waited_s++ >= age_s) {
            status = hand_over(history, *id, last);
        }
        *id += status == GM_OK;
    }
    if (*id > history->count) {
        *id = 0;
    }
    pthread_mutex_unlock(&history->lock);
    return status;
}

// On world.db's thread: about every second, spill what has waited for long.
static void spill_old(void *context)
{
    gm_history *history = context;
    int64_t now_ns = gm_clock_monotonic_ns();
    if (now_ns - history->spilled_at_ns < GM_SECOND_NS) {
        return;
    }
    history->spilled_at_ns = now_ns;
    uint64_t last;
    gm_series_id id = 1;
    while (id != 0 && spill_portion(history, GM_HISTORY_SPILL_S, &id, &last) == GM_OK) {
    }
}

gm_status gm_history_flush(gm_history *history, int64_t deadline_ns, gm_error *error)
{
    gm_group *group = gm_world_file_group(history->world);
    gm_series_id id = 1;
    while (id != 0) {
        uint64_t last;
        gm_status status = spill_portion(history, 0, &id, &last);
        if (status == GM_BUSY) {
            // the queue is full: go on when what waits in it is on disk
            status = gm_group_wait(group, gm_group_next(group) - 1, deadline_ns, error);
            if (status != GM_OK) {
                return status;
            }
        } else if (status != GM_OK) {
            return gm_error_set(error, status, "no memory to write history");
        }
    }
    // also what others handed over before: sealed blocks are rows of the history too
    return gm_group_wait(group, gm_group_next(group) - 1, deadline_ns, error);
}

// --- opening and closing

static gm_status load_series(gm_history *history, sqlite3_stmt *statement, gm_error *error)
{
    gm_series_definition definition = {
        .branch = (const char *)sqlite3_column_text(statement, 1),
        .name = (const char *)sqlite3_column_text(statement, 2),
        .columns = (const char *)sqlite3_column_text(statement, 3),
        .unit = (const char *)sqlite3_column_text(statement, 4),
    };
    if (definition.branch == NULL || definition.name == NULL || definition.columns == NULL ||
        definition.unit == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the history's series");
    }
    gm_status status = check_definition(&definition, NULL);
    if (status != GM_OK || sqlite3_column_int64(statement, 0) != (int64_t)history->count + 1 ||
        gm_history_find(history, definition.branch, definition.name) != NULL) {
        return gm_error_set(error, GM_CORRUPT, "world.db: its table of series is damaged");
    }
    gm_history_series_part *series = add_series(history, &definition);
    if (series == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the history's series");
    }
    series->span_ns = sqlite3_column_int64(statement, 5);
    return GM_OK;
}

static gm_status load(gm_history *history, sqlite3 *reader, gm_error *error)
{
    sqlite3_stmt *series = NULL, *block = NULL;
    gm_status status = gm_database_prepare(
        reader, "SELECT id, branch, name, columns, unit, span_ns FROM series ORDER BY id", &series,
        error);
    int result = SQLITE_DONE;
    while (status == GM_OK && (result = sqlite3_step(series)) == SQLITE_ROW) {
        status = load_series(history, series, error);
    }
    if (status == GM_OK) {
        status = gm_database_status(reader, result, "reading", error);
    }
    if (status == GM_OK) {
        status =
            gm_database_prepare(reader, "SELECT ifnull(max(id), 0) + 1 FROM block", &block, error);
    }
    if (status == GM_OK) {
        result = sqlite3_step(block);
        status = gm_database_status(reader, result, "reading", error);
        history->next_block = sqlite3_column_int64(block, 0);
    }
    sqlite3_finalize(series);
    sqlite3_finalize(block);
    return status;
}

static void release(gm_history *history)
{
    for (size_t index = 0; index < history->count; index++) {
        gm_block_rows_free(&history->series[index]->open);
        gm_block_rows_free(&history->series[index]->sealed);
    }
    gm_string_free(&history->record);
    gm_string_free(&history->block);
    gm_memory_free(history->series);
    gm_memory_free(history->slots);
    gm_arena_close(history->names);
    pthread_mutex_destroy(&history->lock);
    gm_memory_free(history);
}

gm_status gm_history_open(gm_world_file *world, gm_history **history, gm_error *error)
{
    gm_history *made = gm_memory_new(1, sizeof *made);
    if (made == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the history");
    }
    pthread_mutex_init(&made->lock, NULL);
    made->world = world;
    made->spilled_at_ns = gm_clock_monotonic_ns();
    made->names = gm_arena_create(0);
    gm_status status =
        made->names != NULL ? GM_OK : gm_error_set(error, GM_MEMORY, "no memory for the history");
    if (status == GM_OK) {
        status = load(made, gm_world_file_lock_reader(world), error);
        gm_world_file_unlock_reader(world);
    }
    if (status != GM_OK) {
        release(made);
        return status;
    }
    gm_world_file_on_rest(world, spill_old, made);
    *history = made;
    return GM_OK;
}

void gm_history_close(gm_history *history)
{
    if (history == NULL) {
        return;
    }
    gm_world_file_on_rest(history->world, NULL, NULL);
    uint64_t last;
    gm_series_id id = 1;
    while (id != 0 && spill_portion(history, 0, &id, &last) == GM_OK) {
    }
    release(history);
}
