// Blocks of series: bytes a sample and samples a second, beside 16 raw bytes and a plain Gorilla
// XOR (Pelkonen et al., "Gorilla: a fast, scalable, in-memory time series database", VLDB 2015),
// on made signals and on the reference recordings.
//
// A sample is a time, a value and a quality. Bytes are those of whole blocks with their headers and
// checksums; of Gorilla those of bare streams of the same blocks. Times are CPU time, the median of
// several runs over all blocks of a signal, which stay in the cache as they do where they are used.
// Usage: bench_series_codec
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/require.h"
#include "bench_timing.h"
#include "codec/csv.h"
#include "codec/series_block.h"
#include "gorilla.h"

enum {
    RUNS = 9,
    MADE = 1 << 16,
    SMALL_BLOCK = 512,
    LARGE_BLOCK = 4096,
    FILE_MAX = 1 << 25,
    COLUMNS_MAX = 64
};

typedef struct series {
    size_t count, capacity;
    int64_t *time_ns;
    double *values;
    uint32_t *quality;
} series;

// What a codec needed for one or more signals.
typedef struct figures {
    double bytes, samples;
    double encode_s, decode_s; // for `samples`
} figures;

// --- series

static void add_sample(series *to, int64_t time_ns, double value)
{
    if (to->count == to->capacity) {
        size_t capacity = to->capacity == 0 ? 1024 : 2 * to->capacity;
        to->time_ns = realloc(to->time_ns, capacity * sizeof *to->time_ns);
        to->values = realloc(to->values, capacity * sizeof *to->values);
        to->quality = realloc(to->quality, capacity * sizeof *to->quality);
        GM_REQUIRE(to->time_ns != NULL && to->values != NULL && to->quality != NULL);
        to->capacity = capacity;
    }
    to->time_ns[to->count] = time_ns;
    to->values[to->count] = value;
    to->quality[to->count++] = 0;
}

static void free_series(series *of)
{
    free(of->time_ns);
    free(of->values);
    free(of->quality);
    *of = (series){ 0 };
}

/// Splitmix (Steele, Lea, Flood, OOPSLA 2014), in [0, 1).
static double uniform(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

typedef enum made_kind { QUANTISED, FULL, KELVIN, SINGLE, SMOOTH, BEAT, CONSTANT, KINDS } made_kind;

static const char *const made_names[KINDS] = {
    [QUANTISED] = "0.01 steps, ms stamps +-5 ms", [FULL] = "full precision, the same stamps",
    [KELVIN] = "0.01 degC turned into K",         [SINGLE] = "float32",
    [SMOOTH] = "a smooth estimate, on the beat",  [BEAT] = "0.01 steps, on the beat",
    [CONSTANT] = "constant, on the beat",
};

// A day of a temperature at 1 Hz: the sun, slow weather, noise of 0.03 K.
static series make(made_kind kind)
{
    series made = { 0 };
    uint64_t seed = 7;
    double weather = 0.0;
    for (size_t index = 0; index < MADE; index++) {
        int64_t jitter_ms = (int64_t)(uniform(&seed) * 11.0) - 5;
        bool beat = kind >= SMOOTH;
        int64_t time_ns = INT64_C(1700000000) * GM_SECOND_NS + (int64_t)index * GM_SECOND_NS;
        time_ns += beat ? 0 : jitter_ms * 1000000;
        weather += 0.002 * (uniform(&seed) - 0.5);
        double noise = 0.0;
        for (int part = 0; part < 12; part++) {
            noise += uniform(&seed);
        }
        double sun = 18.0 + 6.0 * sin(2.0 * M_PI * (double)index / 86400.0);
        double value = sun + weather + 0.03 * (noise - 6.0), hundredth = round(value * 100.0) / 100;
        value = kind == QUANTISED || kind == BEAT ? hundredth : value;
        value = kind == KELVIN ? hundredth + 273.15 : value;
        value = kind == SINGLE ? (double)(float)value : value;
        value = kind == SMOOTH ? sun : value;
        add_sample(&made, time_ns, kind == CONSTANT ? 21.5 : value);
    }
    return made;
}

// --- codecs over a series, block by block

typedef struct coded {
    gm_string bytes;
    size_t ends[MADE]; // of each block
    size_t block_count;
} coded;

static void encode_all(const series *from, size_t rows, coded *to)
{
    to->bytes.size = 0;
    to->block_count = 0;
    for (size_t at = 0; at < from->count; at += rows) {
        size_t count = from->count - at < rows ? from->count - at : rows;
        gm_series_rows block = { .count = count,
                                 .columns = 1,
                                 .time_ns = from->time_ns + at,
                                 .quality = from->quality + at,
                                 .values = from->values + at };
        gm_series_encode(&block, &to->bytes);
        to->ends[to->block_count++] = to->bytes.size;
    }
}

static void decode_all(const coded *from, size_t rows, series *to)
{
    size_t at = 0;
    for (size_t block = 0; block < from->block_count; block++) {
        gm_text bytes = { from->bytes.data + at, from->ends[block] - at };
        gm_series_room room = { .capacity = rows,
                                .time_ns = to->time_ns,
                                .quality = to->quality,
                                .values = { to->values } };
        GM_REQUIRE(gm_series_decode(bytes, &room, NULL, NULL) == GM_OK);
        at = from->ends[block];
    }
}

static void encode_gorilla(const series *from, size_t rows, coded *to)
{
    to->bytes.size = 0;
    to->block_count = 0;
    for (size_t at = 0; at < from->count; at += rows) {
        size_t count = from->count - at < rows ? from->count - at : rows;
        gorilla_encode(from->time_ns + at, from->values + at, count, &to->bytes);
        to->ends[to->block_count++] = to->bytes.size;
    }
}

static void decode_gorilla(const coded *from, size_t rows, series *to)
{
    size_t at = 0;
    for (size_t block = 0; block < from->block_count; block++) {
        size_t count = to->count - block * rows < rows ? to->count - block * rows : rows;
        gorilla_decode((const unsigned char *)from->bytes.data + at, count, to->time_ns,
                       to->values);
        at = from->ends[block];
    }
}

typedef struct codec {
    void (*encode)(const series *from, size_t rows, coded *to);
    void (*decode)(const coded *from, size_t rows, series *to);
} codec;

static const codec ours = { encode_all, decode_all };
static const codec gorilla = { encode_gorilla, decode_gorilla };

static figures measure(const codec *by, const series *of, size_t rows)
{
    static coded blocks;
    series back = { .count = of->count };
    back.time_ns = gm_memory_new(rows, sizeof(int64_t));
    back.values = gm_memory_new(rows, sizeof(double));
    back.quality = gm_memory_new(rows, sizeof(uint32_t));
    GM_REQUIRE(back.time_ns != NULL && back.values != NULL && back.quality != NULL);
    double encode_s[RUNS], decode_s[RUNS];
    for (int run = 0; run < RUNS; run++) {
        double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
        by->encode(of, rows, &blocks);
        double middle = seconds(CLOCK_PROCESS_CPUTIME_ID);
        by->decode(&blocks, rows, &back);
        encode_s[run] = middle - start;
        decode_s[run] = seconds(CLOCK_PROCESS_CPUTIME_ID) - middle;
    }
    size_t last = (of->count - 1) / rows * rows;
    GM_REQUIRE(memcmp(back.values, of->values + last, (of->count - last) * sizeof(double)) == 0);
    GM_REQUIRE(memcmp(back.time_ns, of->time_ns + last, (of->count - last) * sizeof(int64_t)) == 0);
    gm_memory_free(back.time_ns);
    gm_memory_free(back.values);
    gm_memory_free(back.quality);
    return (figures){ .bytes = (double)blocks.bytes.size,
                      .samples = (double)of->count,
                      .encode_s = median(encode_s, RUNS),
                      .decode_s = median(decode_s, RUNS) };
}

static void add_figures(figures *to, figures more)
{
    to->bytes += more.bytes;
    to->samples += more.samples;
    to->encode_s += more.encode_s;
    to->decode_s += more.decode_s;
}

static void print_line(const char *name, size_t rows, const figures *gemel, const figures * xor)
{
    double million = gemel->samples * 1e-6;
    printf("%-34s %5zu %9.2f %8.0f %8.0f %12.2f %8.0f %8.0f\n", name, rows,
           gemel->bytes / gemel->samples, million / gemel->encode_s, million / gemel->decode_s,
           xor->bytes / xor->samples, million / xor->encode_s, million / xor->decode_s);
}

static void run_made(void)
{
    static const size_t sizes[] = { SMALL_BLOCK, LARGE_BLOCK };
    for (made_kind kind = 0; kind < KINDS; kind++) {
        series made = make(kind);
        for (size_t at = 0; at < sizeof sizes / sizeof *sizes; at++) {
            figures gemel = measure(&ours, &made, sizes[at]);
            figures xor = measure(&gorilla, &made, sizes[at]);
            print_line(made_names[kind], sizes[at], &gemel, &xor);
        }
        free_series(&made);
    }
}

// --- recordings

typedef struct recording {
    const char *name, *folder, *only; // files of the folder whose path ends so
    bool decimal_comma;
} recording;

static const recording recordings[] = {
    { "incubator", "incubator", ".csv", false },
    { "SKAB", "machine/skab", ".csv", false },
    { "NAB", "signals/nab/data", ".csv", false },
    { "L-TOWN flows", "water/battledim", "2019_SCADA_Flows.csv.gz", true },
    { "L-TOWN level", "water/battledim", "2019_SCADA_Levels.csv.gz", true },
};

// Seconds or nanoseconds since 1970, or a calendar time.
static bool read_time(gm_text cell, int64_t *time_ns)
{
    double time_s;
    if (gm_text_to_i64(cell, time_ns)) {
        return true;
    }
    return gm_text_to_f64(cell, &time_s) ? gm_ns_from_s(time_s, time_ns)
                                         : gm_time_parse(cell, time_ns);
}

static bool read_value(const gm_csv *csv, gm_text cell, double *value)
{
    if (gm_csv_f64(csv, cell, value)) {
        return true;
    }
    *value = gm_text_equal(cell, "True") ? 1.0 : 0.0;
    return gm_text_equal(cell, "True") || gm_text_equal(cell, "False");
}

// Every column of numbers behind the first one is a series. @return how many
static size_t read_columns(gm_csv *csv, series *columns)
{
    gm_csv_got got = GM_CSV_MORE;
    gm_csv_row row = { 0 };
    size_t width = 0;
    bool header = true;
    while (gm_csv_next(csv, &got, &row, NULL) == GM_OK && got == GM_CSV_ROW) {
        int64_t time_ns;
        if (header || !read_time(row.cells[0], &time_ns)) {
            header = false;
            continue;
        }
        width = row.count < COLUMNS_MAX ? row.count : COLUMNS_MAX;
        for (size_t column = 1; column < width; column++) {
            double value;
            if (read_value(csv, row.cells[column], &value)) {
                add_sample(&columns[column], time_ns, value);
            }
        }
    }
    return width;
}

static void measure_file(const char *path, bool decimal_comma, figures *gemel, figures * xor)
{
    static char bytes[FILE_MAX];
    series columns[COLUMNS_MAX] = { 0 };
    char command[FILENAME_MAX + 20];
    bool packed = strcmp(path + strlen(path) - 3, ".gz") == 0;
    snprintf(command, sizeof command, "gzip -dc '%s'", path);
    FILE *file = packed ? popen(command, "r") : fopen(path, "rb");
    GM_REQUIRE(file != NULL);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    packed ? pclose(file) : fclose(file);
    gm_csv_options options = gm_default_csv();
    options.decimal_comma = decimal_comma;
    gm_csv *csv = NULL;
    GM_REQUIRE(gm_csv_create(&options, &csv, NULL) == GM_OK);
    gm_csv_feed(csv, bytes, size, true);
    size_t width = read_columns(csv, columns);
    for (size_t column = 1; column < width; column++) {
        if (columns[column].count > 0) {
            add_figures(gemel, measure(&ours, &columns[column], SMALL_BLOCK));
            add_figures(xor, measure(&gorilla, &columns[column], SMALL_BLOCK));
        }
        free_series(&columns[column]);
    }
    gm_csv_close(csv);
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static void measure_folder(const char *folder, const recording *what, figures *gemel, figures * xor)
{
    DIR *listing = opendir(folder);
    for (struct dirent *entry; listing != NULL && (entry = readdir(listing)) != NULL;) {
        char path[FILENAME_MAX];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            measure_folder(path, what, gemel, xor);
        } else if (entry->d_type == DT_REG && ends_with(path, what->only)) {
            measure_file(path, what->decimal_comma, gemel, xor);
        }
    }
    if (listing != NULL) {
        closedir(listing);
    }
}

static void run_recordings(void)
{
    for (size_t at = 0; at < sizeof recordings / sizeof *recordings; at++) {
        const recording *what = &recordings[at];
        figures gemel = { 0 }, xor = {
            0
        };
        char folder[FILENAME_MAX];
        snprintf(folder, sizeof folder, "%s/%s", GEMEL_REFERENCE_DATA, what->folder);
        measure_folder(folder, what, &gemel, &xor);
        if (gemel.samples == 0.0) {
            printf("%-34s skipped: no reference data\n", what->name);
        } else {
            print_line(what->name, SMALL_BLOCK, &gemel, &xor);
        }
    }
}

int main(void)
{
    printf("16 bytes a sample as they are%18s %27s\n", "gemel", "Gorilla XOR");
    printf("%-34s  rows %9s %8s %8s %12s %8s %8s\n", "", "bytes", "in M/s", "out M/s", "bytes",
           "in M/s", "out M/s");
    run_made();
    run_recordings();
    return 0;
}
