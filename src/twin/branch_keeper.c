// Branches on disk: each is kept in the catalogue from the end of the cycle in which it was
// made, so that it survives a restart.
//
// `branch/NAME` holds (codec/pack.h) version u16, parent text, note text, made i64, cycle u64, size
// u64; the state (gm_state_save) follows in `branch-part/NAME/000000` and so on, PART_SIZE bytes
// each.
#include <stdio.h>
#include <string.h>

#include "codec/pack.h"
#include "twin/twin_parts.h"

enum { KEEP_VERSION = 1, PART_SIZE = 3 << 20, KEY_SIZE = 128, PARTS_MAX = 1 << 16 };

static const char head_prefix[] = "branch/";

static void head_key(char key[KEY_SIZE], const char *name)
{
    snprintf(key, KEY_SIZE, "%s%s", head_prefix, name);
}

static void part_key(char key[KEY_SIZE], const char *name, size_t part)
{
    snprintf(key, KEY_SIZE, "branch-part/%s/%06zu", name, part);
}

static gm_status put_parts(gm_twin *twin, const char *name, gm_text bytes, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t part = 0; status == GM_OK && part * PART_SIZE < bytes.size; part++) {
        char key[KEY_SIZE];
        size_t at = part * PART_SIZE, left = bytes.size - at;
        part_key(key, name, part);
        status = gm_catalogue_put(twin->store, key, bytes.data + at,
                                  left < PART_SIZE ? left : PART_SIZE, error);
    }
    return status;
}

static void keep_branch(gm_twin *twin, const gm_branch_status *of, const gm_twin_view *view)
{
    void *bytes = NULL;
    size_t size = 0;
    gm_error error = { 0 };
    gm_status status = gm_state_save(view->state, &bytes, &size, &error);
    gm_string head = { 0 };
    gm_pack_u16(&head, KEEP_VERSION);
    gm_pack_text(&head, gm_text_of(of->parent));
    gm_pack_text(&head, gm_text_of(of->note));
    gm_pack_i64(&head, of->made_ns);
    gm_pack_u64(&head, view->cycle);
    gm_pack_u64(&head, size);
    if (status == GM_OK) {
        status = put_parts(twin, of->name, (gm_text){ bytes, size }, &error);
    }
    char key[KEY_SIZE];
    head_key(key, of->name);
    if (status == GM_OK) { // the head last: it says that the parts are there
        status = head.failed ? GM_MEMORY
                             : gm_catalogue_put(twin->store, key, head.data, head.size, &error);
    }
    if (status != GM_OK) {
        gm_log_write(&twin->log, GM_LOG_WARNING, "twin",
                     "branch '%s' will not survive a restart: %s", of->name, error.text);
    }
    gm_string_free(&head);
    gm_memory_free(bytes);
}

void gm_branches_keep(gm_twin *twin)
{
    for (bool again = twin->store != NULL; again;) {
        gm_branch_status of = { 0 };
        pthread_mutex_lock(&twin->look_lock);
        for (size_t index = 0; index < twin->branch_count; index++) {
            if (twin->branches[index].changed) {
                of = twin->branches[index].status;
                twin->branches[index].changed = false;
                break;
            }
        }
        pthread_mutex_unlock(&twin->look_lock);
        gm_twin_view view;
        again = of.name[0] != '\0';
        if (again && gm_twin_look(twin, of.name, &view, NULL) == GM_OK) {
            keep_branch(twin, &of, &view);
            gm_twin_look_away(twin, &view);
        }
    }
}

void gm_branch_forget(gm_twin *twin, const char *name)
{
    char key[KEY_SIZE];
    void *bytes = NULL;
    size_t size = 0;
    if (twin->store == NULL) {
        return;
    }
    head_key(key, name);
    gm_status status = gm_catalogue_get(twin->store, key, &bytes, &size, NULL);
    gm_unpack in = gm_unpack_of(bytes, size);
    gm_unpack_u16(&in);
    gm_unpack_text(&in);
    gm_unpack_text(&in);
    gm_unpack_i64(&in);
    gm_unpack_u64(&in);
    uint64_t state_size = gm_unpack_u64(&in);
    gm_catalogue_remove(twin->store, key, NULL);
    for (size_t part = 0; status == GM_OK && part < PARTS_MAX && part * PART_SIZE < state_size;
         part++) {
        part_key(key, name, part);
        gm_catalogue_remove(twin->store, key, NULL);
    }
    gm_memory_free(bytes);
}

// Reading back

/// The heads found, to be loaded after the listing: the store must not be read while it lists.
typedef struct heads {
    gm_branch_status found[GM_TWIN_BRANCHES_MAX];
    uint64_t cycles[GM_TWIN_BRANCHES_MAX], sizes[GM_TWIN_BRANCHES_MAX];
    size_t count;
} heads;

static void take_text(char *to, size_t size, gm_text text)
{
    snprintf(to, size, "%.*s", (int)text.size, text.data != NULL ? text.data : "");
}

static void take_head(void *context, const char *key, const void *bytes, size_t size)
{
    heads *all = context;
    if (all->count == GM_TWIN_BRANCHES_MAX - 1) {
        return;
    }
    gm_branch_status *status = &all->found[all->count];
    gm_unpack in = gm_unpack_of(bytes, size);
    bool known = gm_unpack_u16(&in) == KEEP_VERSION;
    take_text(status->parent, sizeof status->parent, gm_unpack_text(&in));
    take_text(status->note, sizeof status->note, gm_unpack_text(&in));
    status->made_ns = gm_unpack_i64(&in);
    all->cycles[all->count] = gm_unpack_u64(&in);
    all->sizes[all->count] = gm_unpack_u64(&in);
    snprintf(status->name, sizeof status->name, "%s", key + sizeof head_prefix - 1);
    all->count += known && gm_unpack_done(&in);
}

static gm_status get_parts(gm_twin *twin, const char *name, uint64_t size, gm_string *out,
                           gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t part = 0; status == GM_OK && part < PARTS_MAX && out->size < size; part++) {
        char key[KEY_SIZE];
        void *bytes = NULL;
        size_t part_size = 0;
        part_key(key, name, part);
        status = gm_catalogue_get(twin->store, key, &bytes, &part_size, error);
        if (status == GM_OK) {
            gm_string_add(out, bytes, part_size);
        }
        gm_memory_free(bytes);
    }
    bool whole = status == GM_OK && !out->failed && out->size == size;
    return whole || status != GM_OK ? status
                                    : gm_error_set(error, GM_CORRUPT, "its state is not whole");
}

static gm_status load_branch(gm_twin *twin, const heads *all, size_t index, gm_error *error)
{
    gm_string bytes = { 0 };
    gm_state *state = NULL;
    gm_status status = get_parts(twin, all->found[index].name, all->sizes[index], &bytes, error);
    if (status == GM_OK) {
        status = gm_state_load(twin->shown_layout, bytes.data, bytes.size, &state, error);
    }
    gm_string_free(&bytes);
    gm_held *held = status == GM_OK ? gm_held_make(state, error) : NULL;
    gm_state_close(state);
    if (held == NULL) {
        return status == GM_OK ? GM_MEMORY : status;
    }
    held->cycle = all->cycles[index];
    twin->branches[twin->branch_count++] = (gm_branch){ .status = all->found[index], .held = held };
    return GM_OK;
}

gm_status gm_branches_open(gm_twin *twin, gm_error *error)
{
    if (twin->store == NULL) {
        return GM_OK;
    }
    heads *all = gm_memory_new(1, sizeof *all);
    if (all == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for branches");
    }
    gm_status status = gm_catalogue_list(twin->store, head_prefix, take_head, all, error);
    for (size_t index = 0; status == GM_OK && index < all->count; index++) {
        gm_error why = { 0 };
        if (load_branch(twin, all, index, &why) != GM_OK) {
            // one branch that is lost is no reason to keep the twin from its work
            gm_log_write(&twin->log, GM_LOG_WARNING, "twin", "branch '%s' is left out: %s",
                         all->found[index].name, why.text);
        }
    }
    gm_memory_free(all);
    return status;
}
