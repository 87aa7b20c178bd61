// Native files: the one a system names ("network: town.inp"), and one that is a world by itself.
#include <string.h>

#include "world/world_reader.h"

static bool is_same_letter(char a, char b)
{
    char low_a = a >= 'A' && a <= 'Z' ? (char)(a + ('a' - 'A')) : a;
    char low_b = b >= 'A' && b <= 'Z' ? (char)(b + ('a' - 'A')) : b;
    return low_a == low_b;
}

static bool ends_as(const char *text, const char *suffix)
{
    size_t size = strlen(text), end = strlen(suffix);
    bool same = size > end;
    for (size_t at = 0; same && at < end; at++) {
        same = is_same_letter(text[size - end + at], suffix[at]);
    }
    return same;
}

// ---- what was read is kept ----

static const gm_kept_file *find_kept(const gm_world *world, gm_file_kind kind, const char *name)
{
    for (size_t index = 0; index < world->kept_count; index++) {
        const gm_kept_file *file = &world->kept[index];
        if (file->kind == kind && strcmp(file->name, name) == 0) {
            return file;
        }
    }
    return NULL;
}

static gm_status keep(gm_world *world, const gm_kept_file *file, gm_error *error)
{
    gm_kept_file *grown =
        gm_memory_grow(world->kept, &world->kept_capacity, world->kept_count + 1, sizeof *grown);
    const char *name = gm_arena_text(world->arena, file->name, strlen(file->name));
    char *bytes = gm_arena_new(world->arena, file->size + 1, 1);
    world->kept = grown != NULL ? grown : world->kept;
    if (grown == NULL || name == NULL || bytes == NULL) {
        return gm_world_no_memory(error);
    }
    memcpy(bytes, file->bytes, file->size);
    world->kept[world->kept_count++] = (gm_kept_file){ file->kind, name, bytes, file->size };
    return GM_OK;
}

static gm_status read_and_keep(void *context, gm_file_kind kind, const char *name, void **bytes,
                               size_t *size, gm_error *error)
{
    const gm_keeping *keeping = context;
    void *read = NULL;
    size_t read_size = 0;
    gm_status status =
        keeping->from->read(keeping->from->context, kind, name, &read, &read_size, error);
    if (status == GM_OK && find_kept(keeping->world, kind, name) == NULL) {
        status = keep(keeping->world, &(gm_kept_file){ kind, name, read, read_size }, error);
    }
    if (status != GM_OK) {
        gm_memory_free(read);
        return status;
    }
    *bytes = read;
    *size = read_size;
    return GM_OK;
}

// Of a variant: what the world it varies was read with.
static gm_status read_kept(void *context, gm_file_kind kind, const char *name, void **bytes,
                           size_t *size, gm_error *error)
{
    const gm_kept_file *file = find_kept(context, kind, name);
    void *copy = file != NULL ? gm_memory_new(file->size + 1, 1) : NULL;
    if (file == NULL) {
        return gm_error_set(error, GM_NOT_FOUND,
                            "'%.80s' is not among the files that the world was read with", name);
    }
    if (copy == NULL) {
        return gm_world_no_memory(error);
    }
    memcpy(copy, file->bytes, file->size);
    *bytes = copy;
    *size = file->size;
    return GM_OK;
}

gm_files gm_kept_files(const gm_world *world)
{
    return (gm_files){ .context = (void *)(uintptr_t)world, .read = read_kept };
}

gm_files gm_keeping_files(gm_keeping *keeping)
{
    bool none = keeping->from->read == NULL;
    return (gm_files){ .context = keeping, .read = none ? NULL : read_and_keep };
}

gm_status gm_native_load(gm_world_reader *reader, const gm_config *named, gm_config *file,
                         gm_error *error)
{
    const gm_files *files = &reader->options->files;
    const char *name = NULL;
    gm_status status = gm_config_text(named, &name, error);
    if (status == GM_OK && files->read == NULL) {
        status = gm_error_at(error, GM_INVALID, named->place, "%s: files are not offered here",
                             named->key);
    }
    const gm_kept_file *kept =
        status == GM_OK ? find_kept(reader->world, GM_FILE_DATA, name) : NULL;
    if (status == GM_OK && kept == NULL) {
        void *bytes = NULL;
        size_t size = 0;
        gm_error why = { 0 };
        status = files->read(files->context, GM_FILE_DATA, name, &bytes, &size, &why);
        gm_memory_free(bytes);
        if (status != GM_OK) {
            return gm_error_at(error, status, named->place, "%s: %s", named->key, why.text);
        }
        kept = find_kept(reader->world, GM_FILE_DATA, name);
    }
    if (status == GM_OK) {
        *file = (gm_config){ .kind = GM_CONFIG_FILE,
                             .key = named->key,
                             .key_place = named->key_place,
                             .text = kept->bytes,
                             .size = kept->size,
                             .place = { kept->name, 1, 0 },
                             .units = named->units };
    }
    return status;
}

// ---- a file alone ----

const gm_domain *gm_native_domain(const gm_world_options *options, const char *file)
{
    for (size_t index = 0; file != NULL && index < options->domain_count; index++) {
        const gm_domain *domain = options->domains[index];
        if (domain->file_suffix != NULL && ends_as(file, domain->file_suffix)) {
            return domain;
        }
    }
    return NULL;
}

// "some/Net 3.inp" -> "Net_3". NULL when out of memory
static const char *name_of(const gm_world *world, const char *suffix)
{
    const char *slash = strrchr(world->file, '/');
    const char *base = slash != NULL ? slash + 1 : world->file;
    size_t size = strlen(base) - strlen(suffix);
    size = size < GM_NAME_MAX ? size : GM_NAME_MAX - 1;
    char *name = gm_arena_text(world->arena, base, size);
    for (char *at = name; at != NULL && *at != '\0'; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                     (*at >= '0' && *at <= '9') || strchr("_-.:", *at) != NULL;
        *at = plain ? *at : '_';
    }
    return name != NULL && size == 0 ? "world" : name;
}

gm_status gm_native_tree(gm_world *world, const gm_domain *domain, gm_text bytes,
                         const gm_config **tree, gm_error *error)
{
    enum { ROOT, WORLD, LANES, SYSTEMS, SYSTEM, MODEL, NETWORK, NODES };
    gm_config *nodes = gm_arena_new(world->arena, NODES, sizeof *nodes);
    char *content = gm_arena_new(world->arena, bytes.size + 1, 1);
    const char *name = name_of(world, domain->file_suffix);
    if (nodes == NULL || content == NULL || name == NULL) {
        return gm_world_no_memory(error);
    }
    memcpy(content, bytes.data, bytes.size);
    for (size_t index = 0; index < NODES; index++) {
        gm_place place = { world->file, 1, 0 };
        nodes[index] =
            (gm_config){ .text = "", .place = place, .key_place = place, .units = world->units };
    }
    static const struct {
        size_t node, child, count;
        const char *key;
    } maps[] = { { ROOT, WORLD, 3, NULL },
                 { SYSTEMS, SYSTEM, 1, "systems" },
                 { SYSTEM, MODEL, 2, NULL } };
    for (size_t index = 0; index < sizeof maps / sizeof *maps; index++) {
        gm_config *map = &nodes[maps[index].node];
        map->kind = GM_CONFIG_MAP;
        map->key = maps[index].key;
        map->children = &nodes[maps[index].child];
        map->count = maps[index].count;
    }
    nodes[SYSTEM].key = name;
    const struct {
        size_t node;
        const char *key, *text;
    } texts[] = { { WORLD, "world", name },
                  { LANES, "lanes", "1" },
                  { MODEL, "model", domain->name } };
    for (size_t index = 0; index < sizeof texts / sizeof *texts; index++) {
        nodes[texts[index].node].kind = GM_CONFIG_SCALAR;
        nodes[texts[index].node].key = texts[index].key;
        nodes[texts[index].node].text = texts[index].text;
    }
    nodes[NETWORK].kind = GM_CONFIG_FILE;
    nodes[NETWORK].key = domain->file_key;
    nodes[NETWORK].text = content;
    nodes[NETWORK].size = bytes.size;
    *tree = &nodes[ROOT];
    return GM_OK;
}

// ---- what the systems say of themselves ----

gm_status gm_world_warn(gm_world *world, const char *line, gm_error *error)
{
    const char **grown = gm_memory_grow(world->warnings, &world->warning_capacity,
                                        world->warning_count + 1, sizeof *grown);
    const char *copy = gm_arena_text(world->arena, line, strlen(line));
    world->warnings = grown != NULL ? grown : world->warnings;
    if (grown == NULL || copy == NULL) {
        return gm_world_no_memory(error);
    }
    world->warnings[world->warning_count++] = copy;
    return GM_OK;
}

size_t gm_world_warning_count(const gm_world *world)
{
    return world->warning_count;
}

const char *gm_world_warning_at(const gm_world *world, size_t index)
{
    return world->warnings[index];
}

int64_t gm_world_length_ns(const gm_world *world)
{
    int64_t length_ns = -1;
    for (size_t index = 0; index < world->system_count; index++) {
        int64_t own_ns = gm_model_length_ns(world->models[index]);
        length_ns = own_ns > length_ns ? own_ns : length_ns;
    }
    return length_ns;
}

int64_t gm_world_every_ns(const gm_world *world)
{
    int64_t every_ns = 0;
    for (size_t index = 0; index < world->system_count; index++) {
        int64_t own_ns = gm_model_every_ns(world->models[index]);
        every_ns = own_ns > 0 && (every_ns == 0 || own_ns < every_ns) ? own_ns : every_ns;
    }
    return every_ns;
}
