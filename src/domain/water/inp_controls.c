// Lines of [CONTROLS]: one link, one status or setting, one condition. In the file's units.
#include "domain/water/inp_parts.h"

enum { DAY_S = 86400 };

// Token 2: what the link is told.
static gm_status take_command(const inp_reader *in, water_control *control)
{
    static const char *const words[] = { "OPEN", "CLOSED", NULL };
    const water_link *link = &in->plan->links[control->link];
    int word = gm_inp_one_of(in->line.tokens[2], words);
    if (word >= 0) {
        control->has_status = true;
        control->status = word == 0 ? WATER_OPEN : WATER_CLOSED;
        control->setting = link->kind == WATER_PUMP && word == 0 ? 1.0 : 0.0;
        return GM_OK;
    }
    if (link->valve == WATER_GPV) {
        return gm_inp_refuse(in, 2, "expected OPEN or CLOSED for a GPV");
    }
    gm_status status =
        link->kind == WATER_VALVE
            ? gm_inp_number(in, 2, "the setting (or OPEN, CLOSED)", &control->setting)
            : gm_inp_not_negative(in, 2, "the setting (or OPEN, CLOSED)", &control->setting);
    if (status != GM_OK) {
        return status;
    }
    // a number opens or closes a pipe, and zero stops a pump
    control->has_status =
        link->kind == WATER_PIPE || (link->kind == WATER_PUMP && control->setting == 0.0);
    control->has_setting = !control->has_status;
    control->status = control->setting > 0.0 ? WATER_OPEN : WATER_CLOSED;
    return GM_OK;
}

static gm_status take_moment(const inp_reader *in, size_t count, water_control *control)
{
    gm_text unit = count > 6 ? in->line.tokens[6] : (gm_text){ "", 0 };
    double hours = 0.0;
    bool is_time = count > 5 && gm_inp_hours(in->line.tokens[5], unit, &hours);
    gm_status status = gm_inp_check_hours(in, 5, is_time, hours);
    if (status != GM_OK) {
        return status;
    }
    control->time_s = (int64_t)(3600.0 * hours);
    if (control->kind == WATER_AT_CLOCK) {
        control->time_s %= DAY_S;
    }
    return GM_OK;
}

static gm_status take_level(const inp_reader *in, size_t count, water_control *control)
{
    static const char *const words[] = { [WATER_BELOW] = "BELOW", [WATER_ABOVE] = "ABOVE", NULL };
    if (count < 8) {
        return gm_inp_refuse(in, count,
                             "expected LINK name setting IF NODE name BELOW level, or "
                             "ABOVE");
    }
    gm_status status = gm_inp_node(in, 5, &control->node);
    if (status != GM_OK) {
        return status;
    }
    int word = gm_inp_one_of(in->line.tokens[6], words);
    if (word < 0) {
        return gm_inp_refuse(in, 6, "expected BELOW or ABOVE");
    }
    control->kind = (water_control_kind)word;
    return gm_inp_number(in, 7, "the level or pressure", &control->limit_m);
}

gm_status gm_inp_control(inp_reader *in)
{
    water_plan *plan = in->plan;
    water_control control = { .place = gm_inp_place(in, 0), .node = WATER_NONE };
    gm_status status =
        gm_inp_need(in, 6, "LINK name setting IF NODE name BELOW level, or AT TIME, AT CLOCKTIME");
    if (status == GM_OK) {
        status = gm_inp_link(in, 1, &control.link);
    }
    if (status != GM_OK) {
        return status;
    }
    size_t count = in->line.count;
    bool disabled = gm_inp_is(in->line.tokens[count - 1], "DISABLED");
    count -= disabled;
    if (plan->links[control.link].check_valve) {
        return gm_inp_refuse(in, 1, "'%.60s' cannot be controlled: it has a check valve",
                             plan->links[control.link].name);
    }
    status = take_command(in, &control);
    if (status != GM_OK) {
        return status;
    }
    bool at_time = gm_inp_is(in->line.tokens[4], "TIME");
    bool at_clock = gm_inp_is(in->line.tokens[4], "CLOCKTIME");
    control.kind = at_clock ? WATER_AT_CLOCK : WATER_AT_TIME;
    status =
        at_time || at_clock ? take_moment(in, count, &control) : take_level(in, count, &control);
    if (status != GM_OK || disabled) {
        return status;
    }
    if (plan->control_count == WATER_TABLES_MAX) {
        return gm_error_set(in->error, GM_LIMIT, "more than %d controls", WATER_TABLES_MAX);
    }
    water_control *controls = gm_water_grow(plan->arena, plan->controls, &plan->control_capacity,
                                            plan->control_count, sizeof *controls);
    if (controls == NULL) {
        return gm_inp_no_memory(in);
    }
    plan->controls = controls;
    plan->controls[plan->control_count++] = control;
    return GM_OK;
}
