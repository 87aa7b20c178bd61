// The system's map of the world file: a network file and what is laid over it.
#include "domain/water/inp_parts.h"

gm_status gm_water_plan_read(const gm_config *config, gm_model *model, gm_arena *arena,
                             water_plan **plan, gm_error *error)
{
    water_plan *read = gm_arena_new(arena, 1, sizeof *read);
    if (read == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the network");
    }
    gm_water_plan_default(read, arena, model);
    const gm_config *file = NULL;
    gm_status status = gm_config_need(config, "network", &file, error);
    if (status == GM_OK) {
        status = gm_water_inp_read(file, read, error);
    }
    if (status == GM_OK) {
        *plan = read;
    }
    return status;
}
