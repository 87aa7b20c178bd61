// Tables of powers and logarithms: num/power_table.h.
#include "num/power_table.h"

/// Middle of a part; the places of a binade follow each other.
static double middle_of(size_t index)
{
    size_t part = index % GM_TABLE_PARTS;
    double in_binade = 1.0 + ((double)part + 0.5) / GM_TABLE_PARTS;
    return ldexp(in_binade, (int)(index / GM_TABLE_PARTS) - GM_TABLE_BINADES / 2);
}

static void fill_inverses(gm_power_table *table)
{
    for (size_t part = 0; part < GM_TABLE_PARTS; part++) {
        table->inverse[part] = 1.0 / (1.0 + ((double)part + 0.5) / GM_TABLE_PARTS);
    }
}

void gm_power_table_fill(gm_power_table *table, double exponent)
{
    fill_inverses(table);
    for (size_t index = 0; index < GM_TABLE_BINADES * GM_TABLE_PARTS; index++) {
        table->value[index] = gm_power(middle_of(index), exponent);
    }
    double coefficient = 1.0;
    for (size_t term = 0; term < GM_TABLE_TERMS; term++) {
        coefficient *= (exponent - (double)term) / (double)(term + 1);
        table->series[term] = coefficient;
    }
}

void gm_log_table_fill(gm_power_table *table)
{
    fill_inverses(table);
    for (size_t index = 0; index < GM_TABLE_BINADES * GM_TABLE_PARTS; index++) {
        table->value[index] = gm_log(middle_of(index));
    }
    for (size_t term = 0; term < GM_TABLE_TERMS; term++) {
        table->series[term] = (term % 2 == 0 ? 1.0 : -1.0) / (double)(term + 1);
    }
}
