// Lines of [RULES]: IF premises THEN actions ELSE actions PRIORITY. In the file's units, but times
// in seconds.
#include <string.h>

#include "domain/water/inp_parts.h"

// What a premise may ask of whom
typedef struct variable {
    const char *word;
    water_quantity quantity;
    bool system, node, link;
    bool tank; // of nodes only tanks and reservoirs
} variable;

static const variable variables[] = {
    { "DEMAND", WATER_DEMAND, true, true, false, false },
    { "HEAD", WATER_HEAD, false, true, false, false },
    { "GRADE", WATER_HEAD, false, true, false, false },
    { "LEVEL", WATER_LEVEL, false, true, false, false },
    { "PRESSURE", WATER_PRESSURE, false, true, false, false },
    { "FLOW", WATER_FLOW, false, false, true, false },
    { "STATUS", WATER_STATUS, false, false, true, false },
    { "SETTING", WATER_SETTING, false, false, true, false },
    { "TIME", WATER_TIME, true, false, false, false },
    { "CLOCKTIME", WATER_CLOCK, true, false, false, false },
    { "FILLTIME", WATER_FILL_TIME, false, true, false, true },
    { "DRAINTIME", WATER_DRAIN_TIME, false, true, false, true },
};

static const struct {
    const char *word;
    water_relation relation;
} relations[] = {
    { "=", WATER_EQUAL },       { "<>", WATER_UNEQUAL },  { "<=", WATER_AT_MOST },
    { ">=", WATER_AT_LEAST },   { "<", WATER_LESS },      { ">", WATER_GREATER },
    { "IS", WATER_EQUAL },      { "NOT", WATER_UNEQUAL }, { "BELOW", WATER_LESS },
    { "ABOVE", WATER_GREATER },
};

static const char *const state_words[] = {
    [WATER_CLOSED] = "CLOSED", [WATER_OPEN] = "OPEN", [WATER_ACTIVE] = "ACTIVE", NULL
};

static water_rule *current(const inp_reader *in)
{
    return &in->plan->rules[in->plan->rule_count - 1];
}

// Whose quantity, which one: tokens 1 to 2 or 3. @param at  out, the relation's token
static gm_status take_subject(inp_reader *in, water_premise *premise, size_t *at)
{
    static const char *const words[] = { "SYSTEM", "JUNC", "RESER", "TANK",  "NODE",
                                         "LINK",   "PIPE", "PUMP",  "VALVE", NULL };
    enum { FIRST_NODE = 1, FIRST_LINK = 5 };
    int word = gm_inp_one_of(in->line.tokens[1], words);
    if (word < 0) {
        return gm_inp_refuse(in, 1,
                             "expected SYSTEM, NODE, JUNCTION, TANK, RESERVOIR, LINK, PIPE, "
                             "PUMP or VALVE");
    }
    premise->subject = word < FIRST_NODE   ? WATER_SYSTEM
                       : word < FIRST_LINK ? WATER_NODE
                                           : WATER_LINK;
    *at = premise->subject == WATER_SYSTEM ? 3 : 4;
    gm_status status = GM_OK;
    if (premise->subject == WATER_NODE) {
        status = gm_inp_node(in, 2, &premise->index);
    } else if (premise->subject == WATER_LINK) {
        status = gm_inp_link(in, 2, &premise->index);
    }
    if (status != GM_OK) {
        return status;
    }
    gm_text text = in->line.tokens[*at - 1];
    for (size_t index = 0; index < sizeof variables / sizeof *variables; index++) {
        const variable *known = &variables[index];
        bool fits = premise->subject == WATER_SYSTEM ? known->system
                    : premise->subject == WATER_NODE ? known->node
                                                     : known->link;
        if (gm_inp_is(text, known->word) && fits) {
            bool tank = premise->subject == WATER_NODE &&
                        in->plan->nodes[premise->index].kind != WATER_JUNCTION;
            if (known->tank && !tank) {
                return gm_inp_refuse(in, 2, "%s is asked of tanks only", known->word);
            }
            premise->quantity = known->quantity;
            return GM_OK;
        }
    }
    static const char *const expected[] = {
        [WATER_SYSTEM] = "DEMAND, TIME or CLOCKTIME",
        [WATER_NODE] = "DEMAND, HEAD, LEVEL, PRESSURE, FILLTIME or DRAINTIME",
        [WATER_LINK] = "FLOW, STATUS or SETTING",
    };
    return gm_inp_refuse(in, *at - 1, "expected %s, got '%.*s'", expected[premise->subject],
                         gm_inp_quoted(text), text.data);
}

static gm_status take_relation(const inp_reader *in, size_t token, water_relation *relation)
{
    for (size_t index = 0; index < sizeof relations / sizeof *relations; index++) {
        if (gm_inp_is(in->line.tokens[token], relations[index].word)) {
            *relation = relations[index].relation;
            return GM_OK;
        }
    }
    return gm_inp_refuse(in, token, "expected =, <>, <, <=, >, >=, IS, NOT, BELOW or ABOVE");
}

static gm_status take_value(inp_reader *in, water_premise *premise)
{
    size_t last = in->line.count - 1;
    gm_text none = { "", 0 };
    if (premise->quantity == WATER_TIME || premise->quantity == WATER_CLOCK) {
        gm_text unit = in->line.count == 6 ? in->line.tokens[5] : none;
        double hours = 0.0;
        bool is_time = gm_inp_hours(in->line.tokens[4], unit, &hours);
        premise->value = hours * 3600.0;
        return gm_inp_check_hours(in, 4, is_time, hours);
    }
    int word = gm_inp_one_of(in->line.tokens[last], state_words);
    if (premise->quantity == WATER_STATUS && word < 0) {
        double number = 0.0;
        gm_status status = gm_inp_number(in, last, "the status (or OPEN, CLOSED, ACTIVE)", &number);
        if (status == GM_OK) {
            gm_inp_warn(in, last,
                        "a status is never a number: this premise is never true, as in "
                        "EPANET");
            premise->status = WATER_STATUSES;
        }
        premise->relation = WATER_EQUAL;
        return status;
    }
    if (word >= 0 && premise->quantity != WATER_STATUS) {
        return gm_inp_refuse(in, last, "OPEN, CLOSED and ACTIVE are values of STATUS");
    }
    if (word >= 0) {
        premise->status = (water_status)word;
        if (premise->relation != WATER_EQUAL && premise->relation != WATER_UNEQUAL) {
            gm_inp_warn(in, last,
                        "a status is or is not: this premise is never true, as in EPANET");
            premise->relation = WATER_EQUAL;
            premise->status = WATER_STATUSES;
        }
        return GM_OK;
    }
    gm_status status = gm_inp_number(in, last, "the value", &premise->value);
    if (premise->quantity == WATER_FILL_TIME || premise->quantity == WATER_DRAIN_TIME) {
        premise->value *= 3600.0;
    }
    return status;
}

static gm_status take_premise(inp_reader *in, bool is_or)
{
    water_premise premise = { .is_or = is_or, .index = WATER_NONE };
    size_t relation = 0;
    water_rule *rule = current(in);
    if (in->line.count != 5 && in->line.count != 6) {
        return gm_inp_refuse(in, 0,
                             "expected IF, AND or OR, then NODE or LINK and its name, what of "
                             "it, a relation and a value; or SYSTEM, TIME ...");
    }
    gm_status status = take_subject(in, &premise, &relation);
    if (status == GM_OK) {
        status = take_relation(in, relation, &premise.relation);
    }
    if (status == GM_OK && relation + 1 >= in->line.count) {
        status = gm_inp_refuse(in, in->line.count, "a value is missing");
    }
    if (status == GM_OK) {
        status = take_value(in, &premise);
    }
    if (status == GM_OK && rule->premise_count == WATER_PREMISES_MAX) {
        status = gm_inp_refuse(in, 0, "more than %d premises in one rule", WATER_PREMISES_MAX);
    }
    if (status != GM_OK) {
        return status;
    }
    water_premise *premises = gm_water_grow(in->plan->arena, rule->premises, &in->premise_capacity,
                                            rule->premise_count, sizeof *premises);
    if (premises == NULL) {
        return gm_inp_no_memory(in);
    }
    rule->premises = premises;
    rule->premises[rule->premise_count++] = premise;
    return GM_OK;
}

// What a link is told: token 5. @param idle  out: EPANET takes no action on it
static gm_status take_command(inp_reader *in, water_action *action, bool *idle)
{
    const water_link *link = &in->plan->links[action->link];
    int word = gm_inp_one_of(in->line.tokens[5], state_words);
    *idle = word == WATER_ACTIVE;
    if (word >= 0) {
        action->status = (water_status)word;
        action->setting = link->kind == WATER_PUMP && word == WATER_OPEN ? 1.0 : 0.0;
        if (*idle) {
            gm_inp_warn(in, 5,
                        "no link is told to be ACTIVE: this action is not used, as in EPANET");
        }
        return GM_OK;
    }
    gm_status status =
        gm_inp_not_negative(in, 5, "the setting (or OPEN, CLOSED)", &action->setting);
    if (status == GM_OK && link->valve == WATER_GPV) {
        return gm_inp_refuse(in, 5, "expected OPEN or CLOSED for a GPV");
    }
    action->has_setting =
        link->kind == WATER_VALVE || (link->kind == WATER_PUMP && action->setting > 0.0);
    action->status = action->setting > 0.0 ? WATER_OPEN : WATER_CLOSED;
    return status;
}

static gm_status take_action(inp_reader *in)
{
    water_rule *rule = current(in);
    bool then = in->clause == INP_THEN, idle = false;
    water_action **actions = then ? &rule->then : &rule->otherwise;
    size_t *count = then ? &rule->then_count : &rule->otherwise_count;
    water_action action = { 0 };
    if (in->line.count != 6) {
        return gm_inp_refuse(in, 0,
                             "expected THEN, ELSE or AND, then LINK, its name, STATUS or "
                             "SETTING, IS and a value");
    }
    gm_status status = gm_inp_link(in, 2, &action.link);
    if (status == GM_OK && in->plan->links[action.link].check_valve) {
        status = gm_inp_refuse(in, 2, "'%.60s' cannot be controlled: it has a check valve",
                               in->plan->links[action.link].name);
    }
    if (status == GM_OK) {
        status = take_command(in, &action, &idle);
    }
    if (status == GM_OK && *count == WATER_PREMISES_MAX) {
        status = gm_inp_refuse(in, 0, "more than %d actions in one rule", WATER_PREMISES_MAX);
    }
    if (status != GM_OK || idle) {
        return status;
    }
    water_action *grown =
        gm_water_grow(in->plan->arena, *actions,
                      then ? &in->then_capacity : &in->otherwise_capacity, *count, sizeof *grown);
    if (grown == NULL) {
        return gm_inp_no_memory(in);
    }
    *actions = grown;
    grown[(*count)++] = action;
    return GM_OK;
}

gm_status gm_inp_rules_end(inp_reader *in)
{
    water_plan *plan = in->plan;
    if (in->clause == INP_NO_RULE) {
        return GM_OK;
    }
    water_rule *rule = current(in);
    bool idle = rule->then_count == 0 && rule->otherwise_count == 0;
    if (idle && !in->rule_disabled) {
        gm_water_warn(plan, rule->place, "rule '%.60s' is not used: it has no action", rule->name);
    }
    if (idle || in->rule_disabled) {
        plan->rules[--plan->rule_count] = (water_rule){ 0 };
    }
    in->clause = INP_NO_RULE;
    in->rule_disabled = false;
    in->premise_capacity = in->then_capacity = in->otherwise_capacity = 0;
    return GM_OK;
}

static gm_status start_rule(inp_reader *in)
{
    water_plan *plan = in->plan;
    if (in->line.count != 2) {
        return gm_inp_refuse(in, 0, "expected RULE and a name");
    }
    gm_status status = gm_inp_rules_end(in);
    if (status == GM_OK && plan->rule_count == WATER_TABLES_MAX) {
        status = gm_error_set(in->error, GM_LIMIT, "more than %d rules", WATER_TABLES_MAX);
    }
    if (status != GM_OK) {
        return status;
    }
    gm_text name = in->line.tokens[1];
    water_rule *rules = gm_water_grow(plan->arena, plan->rules, &plan->rule_capacity,
                                      plan->rule_count, sizeof *rules);
    char *copy = gm_arena_text(plan->arena, name.data, name.size);
    if (rules == NULL || copy == NULL) {
        return gm_inp_no_memory(in);
    }
    plan->rules = rules;
    rules[plan->rule_count++] = (water_rule){ .name = copy, .place = gm_inp_place(in, 0) };
    in->clause = INP_RULE;
    return GM_OK;
}

static gm_status take_priority(inp_reader *in)
{
    return gm_inp_need(in, 2, "PRIORITY and a number") == GM_OK
               ? gm_inp_number(in, 1, "the priority", &current(in)->priority)
               : GM_INVALID;
}

gm_status gm_inp_rule_line(inp_reader *in)
{
    enum { RULE, IF, AND, OR, THEN, ELSE, PRIORITY, DISABLED };
    static const char *const words[] = { "RULE", "IF",   "AND",      "OR", "THEN",
                                         "ELSE", "PRIO", "DISABLED", NULL };
    int word = gm_inp_one_of(in->line.tokens[0], words);
    bool acting = in->clause == INP_THEN || in->clause == INP_ELSE;
    if (word == RULE) {
        return start_rule(in);
    }
    if (word == IF && in->clause == INP_RULE) {
        in->clause = INP_IF;
        return take_premise(in, false);
    }
    if ((word == AND || word == OR) && in->clause == INP_IF) {
        return take_premise(in, word == OR);
    }
    if (word == AND && acting) {
        return take_action(in);
    }
    if ((word == THEN && in->clause == INP_IF) || (word == ELSE && in->clause == INP_THEN)) {
        in->clause = word == THEN ? INP_THEN : INP_ELSE;
        return take_action(in);
    }
    if (word == PRIORITY && acting) {
        in->clause = INP_PRIORITY;
        return take_priority(in);
    }
    if (word == DISABLED && (acting || in->clause == INP_PRIORITY)) {
        in->rule_disabled = true;
        return GM_OK;
    }
    gm_text text = in->line.tokens[0];
    return word < 0 ? gm_inp_refuse(in, 0,
                                    "expected RULE, IF, AND, OR, THEN, ELSE or PRIORITY, got "
                                    "'%.*s'",
                                    gm_inp_quoted(text), text.data)
                    : gm_inp_refuse(in, 0,
                                    "%.*s cannot stand here: a rule is RULE, IF, AND or OR, "
                                    "THEN, AND, ELSE, AND, PRIORITY in this order",
                                    gm_inp_quoted(text), text.data);
}
