// The program; all it does is in command_table.c.
#include "cli/command.h"

int main(int count, char **words)
{
    return gm_cli_main(count, words);
}
