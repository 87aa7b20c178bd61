// The history's reading side: blocks from disk and rows from memory, merged by time, the right
// version of each, thinned to what was asked for.
//
// Blocks come in order of their first time. Rows before the next block's first time are complete
// and leave at once, so memory holds only what overlaps.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "store/history.h"
#include "store/history_parts.h"

// Of two writes of one version the later wins: blocks by id, in a block by place, memory last.
#define MEMORY_ORDER (UINT64_C(1) << 63)
enum { BLOCK_ORDER_BITS = 20 };

// A row waiting in the merge: which of `rows` it is, and how to tell versions apart.
typedef struct entry {
    int64_t time_ns, known_ns;
    uint64_t order; // of writing, for equal times
    size_t row;
} entry;

// Rows that have not left yet.
typedef struct merge {
    gm_block_rows rows;
    entry *entries; // [rows.count]
    size_t capacity;
    bool sorted;
} merge;

// One bucket of the thinning: rows of smallest and largest first column, and the last one.
typedef struct bucket_rows {
    gm_block_rows rows; // three rows when there are any: smallest, largest, last
    uint64_t index;
} bucket_rows;

typedef struct thinner {
    gm_block_rows rows;
    size_t max_rows, found;
    bool thinned;
    int64_t first_ns, last_ns; // of the time that is divided into buckets
    bucket_rows bucket;
} thinner;

typedef struct history_reading {
    const gm_history_query *query;
    gm_history_series_part *series;
    gm_series_id id;
    size_t columns;
    int64_t look_back_ns;
    gm_block_rows memory; // copied rows that may not be on disk
    int64_t memory_first_ns;
    merge waiting, scratch;
    uint64_t order;
    thinner answer;
} history_reading;

// --- the answer

// Keeps the bucket's rows in order of time, each once.
static bool empty_bucket(thinner *answer)
{
    gm_block_rows *three = &answer->bucket.rows;
    if (three->count == 0) {
        return true;
    }
    size_t low = three->time_ns[0] <= three->time_ns[1] ? 0 : 1, high = 1 - low;
    const size_t order[3] = { low, high, 2 };
    bool done = true;
    for (size_t index = 0; index < 3 && done; index++) {
        gm_history_row row = gm_block_rows_at(three, order[index]);
        bool again = index > 0 && row.time_ns == three->time_ns[order[index - 1]];
        done = again || gm_block_rows_add(&answer->rows, &row);
    }
    three->count = 0;
    return done;
}

static void set_row(gm_block_rows *rows, size_t index, const gm_history_row *row)
{
    size_t count = rows->count;
    rows->count = index;
    gm_block_rows_add(rows, row); // there is room: three rows were reserved
    rows->count = count;
}

static bool thin(thinner *answer, const gm_history_row *row)
{
    uint64_t span = (uint64_t)answer->last_ns - (uint64_t)answer->first_ns;
    uint64_t buckets = answer->max_rows / 3, width = span / buckets;
    width += width < UINT64_MAX;
    uint64_t index = ((uint64_t)row->time_ns - (uint64_t)answer->first_ns) / width;
    // rows may have been written behind the end since it was looked up
    index = index < buckets ? index : buckets - 1;
    gm_block_rows *three = &answer->bucket.rows;
    if (index != answer->bucket.index && !empty_bucket(answer)) {
        return false;
    }
    answer->bucket.index = index;
    if (three->count == 0) {
        return gm_block_rows_add(three, row) && gm_block_rows_add(three, row) &&
               gm_block_rows_add(three, row);
    }
    double value = row->values[0], low = three->values[0], high = three->values[three->columns];
    if (value < low || isnan(low)) {
        set_row(three, 0, row);
    }
    if (value > high || isnan(high)) {
        set_row(three, 1, row);
    }
    set_row(three, 2, row);
    return true;
}

// The answer has grown too long: what it holds goes through the buckets, as will all that follows.
static bool begin_thinning(thinner *answer)
{
    gm_block_rows all = answer->rows;
    answer->rows = (gm_block_rows){ .columns = all.columns };
    answer->thinned = true;
    answer->first_ns = all.time_ns[0];
    bool done = gm_block_rows_reserve(&answer->bucket.rows, 3);
    for (size_t index = 0; index < all.count && done; index++) {
        gm_history_row row = gm_block_rows_at(&all, index);
        done = thin(answer, &row);
    }
    gm_block_rows_free(&all);
    return done;
}

static bool give(thinner *answer, const gm_history_row *row)
{
    answer->found++;
    if (!answer->thinned && answer->rows.count < answer->max_rows) {
        return gm_block_rows_add(&answer->rows, row);
    }
    return (answer->thinned || begin_thinning(answer)) && thin(answer, row);
}

// --- the merge

static int by_time_and_version(const void *left, const void *right)
{
    const entry *a = left, *b = right;
    if (a->time_ns != b->time_ns) {
        return a->time_ns < b->time_ns ? -1 : 1;
    }
    if (a->known_ns != b->known_ns) {
        return a->known_ns < b->known_ns ? -1 : 1;
    }
    return (a->order > b->order) - (a->order < b->order);
}

static bool add_entry(merge *waiting, const gm_history_row *row, uint64_t order)
{
    if (waiting->rows.count == waiting->capacity) {
        entry *grown = gm_memory_grow(waiting->entries, &waiting->capacity, waiting->rows.count + 1,
                                      sizeof *waiting->entries);
        if (grown == NULL) {
            return false;
        }
        waiting->entries = grown;
    }
    size_t at = waiting->rows.count;
    entry made = { .time_ns = row->time_ns, .known_ns = row->known_ns, .order = order, .row = at };
    if (!gm_block_rows_add(&waiting->rows, row)) {
        return false;
    }
    waiting->sorted =
        at == 0 || (waiting->sorted && by_time_and_version(&waiting->entries[at - 1], &made) <= 0);
    waiting->entries[at] = made;
    return true;
}

static bool wanted(const gm_history_query *query, int64_t time_ns, int64_t known_ns)
{
    return time_ns >= query->from_ns && time_ns <= query->to_ns && known_ns <= query->as_of_ns;
}

static bool add_wanted(history_reading *reading, const gm_block_rows *rows)
{
    bool done = true;
    for (size_t index = 0; index < rows->count && done; index++) {
        gm_history_row row = gm_block_rows_at(rows, index);
        if (wanted(reading->query, row.time_ns, row.known_ns)) {
            done = add_entry(&reading->waiting, &row, reading->order);
        }
        reading->order++;
    }
    return done;
}

// Memory's rows join as soon as one of them could be before rows of disk that leave.
static bool join_memory(history_reading *reading, int64_t before_ns, bool all)
{
    if (reading->memory.count == 0 || (!all && reading->memory_first_ns >= before_ns)) {
        return true;
    }
    reading->order = MEMORY_ORDER;
    bool done = add_wanted(reading, &reading->memory);
    reading->memory.count = 0;
    return done;
}

// Lets the newest version of each time before `before_ns` (or of all) leave; the others stay.
static bool leave(history_reading *reading, int64_t before_ns, bool all)
{
    if (!join_memory(reading, before_ns, all)) {
        return false;
    }
    merge *waiting = &reading->waiting;
    if (waiting->rows.count > 1 && !waiting->sorted) {
        qsort(waiting->entries, waiting->rows.count, sizeof *waiting->entries, by_time_and_version);
    }
    bool done = true;
    size_t index = 0;
    for (; index < waiting->rows.count && done; index++) {
        const entry *at = &waiting->entries[index];
        if (!all && at->time_ns >= before_ns) {
            break;
        }
        bool newest = index + 1 == waiting->rows.count || at[1].time_ns != at->time_ns;
        if (newest) {
            gm_history_row row = gm_block_rows_at(&waiting->rows, at->row);
            done = give(&reading->answer, &row);
        }
    }
    for (; index < waiting->rows.count && done; index++) {
        const entry *at = &waiting->entries[index];
        gm_history_row row = gm_block_rows_at(&waiting->rows, at->row);
        done = add_entry(&reading->scratch, &row, at->order);
    }
    waiting->rows.count = 0;
    merge swap = reading->waiting;
    reading->waiting = reading->scratch;
    reading->scratch = swap;
    return done;
}

// --- from disk

static gm_status take_block(history_reading *reading, sqlite3 *reader, sqlite3_stmt *statement,
                            gm_error *error)
{
    int64_t block = sqlite3_column_int64(statement, 0);
    uint64_t hash = (uint64_t)sqlite3_column_int64(statement, 2);
    gm_text bytes = { .data = sqlite3_column_blob(statement, 3) };
    bytes.size = (size_t)sqlite3_column_bytes(statement, 3);
    int result = sqlite3_errcode(reader);
    if (bytes.data == NULL && result != SQLITE_OK && result != SQLITE_ROW) {
        return gm_database_status(reader, result, "reading", error);
    }
    if (bytes.data == NULL || gm_hash(bytes.data, bytes.size, (uint64_t)block) != hash) {
        return gm_error_set(error, GM_CORRUPT,
                            "world.db: block %lld of series '%s' is damaged: its checksum does not "
                            "fit",
                            (long long)block, reading->series->definition.name);
    }
    gm_block_rows rows = { .columns = reading->columns };
    gm_status status = gm_block_decode(bytes, &rows, error);
    if (status == GM_OK && !add_wanted(reading, &rows)) {
        status = gm_error_set(error, GM_MEMORY, "no memory to read history");
    } else if (status != GM_OK) {
        gm_error_prefix(error, "world.db: block %lld of series '%s': ", (long long)block,
                        reading->series->definition.name);
    }
    gm_block_rows_free(&rows);
    return status;
}

static void bind_range(const history_reading *reading, sqlite3_stmt *statement)
{
    int64_t earliest;
    if (__builtin_sub_overflow(reading->query->from_ns, reading->look_back_ns, &earliest)) {
        earliest = INT64_MIN;
    }
    sqlite3_bind_int64(statement, 1, reading->id);
    sqlite3_bind_int64(statement, 2, earliest);
    sqlite3_bind_int64(statement, 3, reading->query->from_ns);
    sqlite3_bind_int64(statement, 4, reading->query->to_ns);
    sqlite3_bind_int64(statement, 5, reading->query->as_of_ns);
}

#define BLOCKS_ASKED_FOR                                                                           \
    " FROM block WHERE series = ?1 AND first_ns >= ?2 AND first_ns <= ?4 AND last_ns >= ?3"        \
    " AND known_ns <= ?5 "

// Where the data end: buckets are laid out up to there.
static gm_status read_extent(history_reading *reading, sqlite3 *reader, gm_error *error)
{
    sqlite3_stmt *statement = NULL;
    gm_status status =
        gm_database_prepare(reader, "SELECT max(last_ns)" BLOCKS_ASKED_FOR, &statement, error);
    if (status == GM_OK) {
        bind_range(reading, statement);
        int result = sqlite3_step(statement);
        status = gm_database_status(reader, result, "reading", error);
        int64_t last_ns = INT64_MIN;
        if (result == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL) {
            last_ns = sqlite3_column_int64(statement, 0);
        }
        reading->memory_first_ns = INT64_MAX;
        for (size_t row = 0; row < reading->memory.count; row++) {
            int64_t time_ns = reading->memory.time_ns[row], *first = &reading->memory_first_ns;
            last_ns = time_ns > last_ns ? time_ns : last_ns;
            *first = time_ns < *first ? time_ns : *first;
        }
        int64_t to_ns = reading->query->to_ns;
        reading->answer.last_ns = last_ns < to_ns ? last_ns : to_ns;
    }
    sqlite3_finalize(statement);
    return status;
}

static gm_status read_blocks(history_reading *reading, sqlite3 *reader, gm_error *error)
{
    sqlite3_stmt *statement = NULL;
    gm_status status = gm_database_prepare(
        reader, "SELECT id, first_ns, hash, bytes" BLOCKS_ASKED_FOR "ORDER BY first_ns, id",
        &statement, error);
    if (status != GM_OK) {
        return status;
    }
    bind_range(reading, statement);
    int result;
    while (status == GM_OK && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        if (!leave(reading, sqlite3_column_int64(statement, 1), false)) {
            status = gm_error_set(error, GM_MEMORY, "no memory to read history");
        } else {
            reading->order = (uint64_t)sqlite3_column_int64(statement, 0) << BLOCK_ORDER_BITS;
            status = take_block(reading, reader, statement, error);
        }
    }
    if (status == GM_OK) {
        status = gm_database_status(reader, result, "reading", error);
    }
    sqlite3_finalize(statement);
    return status;
}

// --- from memory

static bool copy_wanted(const gm_history_query *query, const gm_block_rows *from, gm_block_rows *to)
{
    bool done = true;
    for (size_t index = 0; index < from->count && done; index++) {
        gm_history_row row = gm_block_rows_at(from, index);
        if (wanted(query, row.time_ns, row.known_ns)) {
            done = gm_block_rows_add(to, &row);
        }
    }
    return done;
}

// Memory first, disk afterwards: a row on its way from one to the other is seen at least once.
static gm_status read_memory(history_reading *reading, gm_history *history, gm_error *error)
{
    const gm_history_query *query = reading->query;
    gm_status status = GM_OK;
    pthread_mutex_lock(&history->lock);
    reading->series = gm_history_find(history, query->branch, query->series);
    if (reading->series == NULL) {
        status = gm_error_set(error, GM_NOT_FOUND, "branch '%s' has no series '%s'", query->branch,
                              query->series);
    } else {
        reading->id = gm_history_id(history, reading->series);
        reading->columns = reading->series->open.columns;
        reading->look_back_ns = reading->series->span_ns;
        reading->memory.columns = reading->columns;
        if (!copy_wanted(query, &reading->series->sealed, &reading->memory) ||
            !copy_wanted(query, &reading->series->open, &reading->memory)) {
            status = gm_error_set(error, GM_MEMORY, "no memory to read history");
        }
    }
    pthread_mutex_unlock(&history->lock);
    reading->waiting.rows.columns = reading->columns;
    reading->scratch.rows.columns = reading->columns;
    reading->answer.rows.columns = reading->columns;
    reading->answer.bucket.rows.columns = reading->columns;
    return status;
}

static void release(history_reading *reading)
{
    gm_block_rows_free(&reading->memory);
    gm_block_rows_free(&reading->waiting.rows);
    gm_block_rows_free(&reading->scratch.rows);
    gm_memory_free(reading->waiting.entries);
    gm_memory_free(reading->scratch.entries);
    gm_block_rows_free(&reading->answer.rows);
    gm_block_rows_free(&reading->answer.bucket.rows);
}

static gm_status check_query(const gm_history_query *query, gm_error *error)
{
    if (query->branch == NULL || query->series == NULL) {
        return gm_error_set(error, GM_INVALID, "a history query needs a branch and a series");
    }
    if (query->from_ns > query->to_ns) {
        return gm_error_set(error, GM_INVALID, "a history query's from must not be after its to");
    }
    if (query->max_rows > GM_HISTORY_ROWS_MAX || (query->max_rows > 0 && query->max_rows < 3)) {
        return gm_error_set(error, GM_INVALID, "max_rows must be 3 to %d, or 0 for %d",
                            GM_HISTORY_ROWS_MAX, GM_HISTORY_ROWS_MAX);
    }
    return GM_OK;
}

gm_history_query gm_default_history_query(void)
{
    return (gm_history_query){ .from_ns = INT64_MIN, .to_ns = INT64_MAX, .as_of_ns = INT64_MAX };
}

gm_status gm_history_read(gm_history *history, const gm_history_query *query, gm_history_rows *rows,
                          gm_error *error)
{
    gm_status status = check_query(query, error);
    if (status != GM_OK) {
        return status;
    }
    history_reading reading = { .query = query };
    reading.answer.max_rows = query->max_rows == 0 ? GM_HISTORY_ROWS_MAX : query->max_rows;
    status = read_memory(&reading, history, error);
    if (status == GM_OK) {
        sqlite3 *reader = gm_world_file_lock_reader(history->world);
        status = read_extent(&reading, reader, error);
        if (status == GM_OK) {
            status = read_blocks(&reading, reader, error);
        }
        gm_world_file_unlock_reader(history->world);
    }
    if (status == GM_OK) {
        if (!leave(&reading, 0, true) || !empty_bucket(&reading.answer)) {
            status = gm_error_set(error, GM_MEMORY, "no memory to read history");
        }
    }
    if (status == GM_OK) {
        gm_block_rows *found = &reading.answer.rows;
        *rows = (gm_history_rows){ .count = found->count,
                                   .columns = reading.columns,
                                   .time_ns = found->time_ns,
                                   .known_ns = found->known_ns,
                                   .quality = found->quality,
                                   .values = found->values,
                                   .rows_found = reading.answer.found,
                                   .thinned = reading.answer.thinned };
        *found = (gm_block_rows){ .columns = reading.columns };
    }
    release(&reading);
    return status;
}

void gm_history_rows_free(gm_history_rows *rows)
{
    if (rows == NULL) {
        return;
    }
    gm_memory_free(rows->time_ns);
    gm_memory_free(rows->known_ns);
    gm_memory_free(rows->quality);
    gm_memory_free(rows->values);
    *rows = (gm_history_rows){ 0 };
}
