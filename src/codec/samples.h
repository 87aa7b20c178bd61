// The wire form of samples: a JSON array of
//
//     { "series": "t2", "t": "2021-03-04T15:51:00Z", "v": 24.5, "seq": 17 }
//
// series: 1 to 256 bytes. t: ISO 8601, or integer nanoseconds since 1970 UTC; may be missing. v: a
// number, a bool, or a label of at most 256 bytes. seq: an integer from 0 to 2^64 - 1; may be
// missing. The order of keys is free.
//
// A document that is not JSON, or not an array, is refused as a whole with line and column. In a
// document that is, each element stands for itself: one that is not a sample is rejected with a
// reason and does not touch the others.
#ifndef GEMEL_CODEC_SAMPLES_H
#define GEMEL_CODEC_SAMPLES_H

#include <gemel/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"

enum {
    GM_WIRE_SAMPLES_MAX = 1000000,    // elements of one document
    GM_WIRE_BODY_MAX_SIZE = 64 << 20, // bytes of one document
    GM_WIRE_TEXT_MAX_SIZE = 256,      // bytes of a series name or a label
};

typedef enum gm_wire_kind { GM_WIRE_NUMBER = 1, GM_WIRE_BOOL, GM_WIRE_LABEL } gm_wire_kind;

typedef struct gm_wire_sample {
    size_t index;   // of its element in the document, from 0
    gm_text series; // UTF-8 without control characters
    gm_wire_kind kind;
    bool has_time, has_sequence;
    int64_t time_ns; // source time; 0 without one
    double number;   // finite; of a bool 0 or 1; of a label 0
    gm_text label;   // of a label only
    uint64_t sequence;
} gm_wire_sample;

typedef struct gm_wire_reject {
    size_t index;       // of the element in the document, from 0
    const char *reason; // a constant sentence: "v is missing"
    gm_text detail;     // what of the document it is about, printable; empty when there is nothing
} gm_wire_reject;

/// What a document held. Start it with `gm_wire_batch batch = {0};`; used again, it keeps its
/// memory.
typedef struct gm_wire_batch {
    gm_wire_sample *samples; // [sample_count], in the document's order
    size_t sample_count, sample_capacity;
    gm_wire_reject *rejects; // [reject_count], in the document's order
    size_t reject_count, reject_capacity;
} gm_wire_batch;

/// Frees the arrays; texts belong to the body and the arena.
void gm_wire_batch_free(gm_wire_batch *batch);

/// Reads a document. Texts of the result lie in `body`, or in `arena` where escapes were undone.
/// @return GM_OK, also when elements were rejected; GM_INVALID: not a JSON array; GM_LIMIT: more
///         bytes, elements or nesting than the limits say; GM_MEMORY. On an error the batch is
///         empty.
gm_status gm_samples_read(gm_text body, gm_arena *arena, gm_wire_batch *batch, gm_error *error);

/// Appends the samples as a document that gm_samples_read reads back: times as integers, a number
/// that is not finite as null (which is then rejected). Check `out->failed`.
/// @param samples  [count]; texts are UTF-8
void gm_samples_write(gm_string *out, const gm_wire_sample *samples, size_t count);

#endif
