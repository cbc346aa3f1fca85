/*
** shell: the command line, `ledger`. The parts stand in one unit; this file is the table of commands and main().
** A new command is a row of shell_commands and a cmd_ function in one of the parts.
*/
#include "shell.h"

#include "report.c"
#include "file_commands.c"
#include "row_commands.c"
#include "schema_commands.c"

static const struct command shell_commands[] = {
    {"init",
     "init FILE [--schema=NAME|PATH.sql] [--no-seed] [--lenient]",
     "make a ledger file from a PostgreSQL schema",
     "NAME is full (the default), elon, wallstreet, advancia, smarthub or pe_portal; PATH.sql is a "
     "PostgreSQL\n"
     "schema of your own: DDL, a pg_dump or a migration. The file must not exist.\n"
     "  --no-seed   leave the schema's seed rows out\n"
     "  --lenient   leave out what has no effect on stored rows (functions, triggers that cannot "
     "be translated, GIN\n"
     "              and GiST indexes, grants) and print each, instead of refusing it\n",
     cmd_init,
     true,
     1,
     1,
     {"--schema=", "--no-seed", "--lenient"}},
    {"info",
     "info FILE [--json]",
     "what a file holds: schema, rows, sizes",
     "",
     cmd_info,
     true,
     1,
     1,
     {"--json"}},
    {"schema",
     "schema NAME|PATH.sql [--postgres|--sqlite|--json|--check] [--lenient]",
     "show or check a schema",
     "  --postgres  the normalised PostgreSQL script\n"
     "  --sqlite    the script that makes the SQLite file\n"
     "  --json      the catalog as JSON\n"
     "  --check     only say what is refused, skipped or recorded, all of it; exit status 1 if "
     "anything is refused\n",
     cmd_schema,
     false,
     1,
     1,
     {"--sqlite", "--postgres", "--json", "--check", "--lenient"}},
    {"load",
     "load FILE [--continue] [--batch=N] [--quiet] < CHANGES",
     "apply changes, one JSON object a line",
     "A line is "
     "{\"table\":\"users\",\"op\":\"insert|update|delete|upsert\",\"row\":{...},\"where\":{...}}; "
     "op is insert when\n"
     "it is left out. For each line one line comes out, once it is committed:\n"
     "  {\"line\":1,\"ok\":true,\"row\":{...}} or "
     "{\"line\":1,\"ok\":false,\"sqlstate\":\"23505\",\"message\":...}\n"
     "  --continue  pass over refused lines; without it the first one ends the load and undoes its "
     "transaction\n"
     "  --batch=N   lines of one transaction (10000)\n"
     "  --quiet     print refused lines only\n",
     cmd_load,
     true,
     1,
     1,
     {"--continue", "--batch=", "--quiet"}},
    {"get",
     "get FILE TABLE [QUERY]",
     "rows of a table or view as JSON",
     "QUERY is a PostgREST query: "
     "'select=id,email&status=eq.active&order=created_at.desc&limit=10'.\n"
     "Operators: eq neq gt gte lt lte like ilike match imatch in is isdistinct, not.<op>, "
     "or=(...), and=(...).\n",
     cmd_get,
     true,
     2,
     3,
     {0}},
    {"export",
     "export FILE --full|--schema-only|--data-only|--init [--format=copy|insert] [-o OUT]",
     "write a script that carries the file into PostgreSQL",
     "  --full        schema, rows and sequences, for an empty database\n"
     "  --schema-only what makes an empty database\n"
     "  --data-only   rows, for a database that has the tables; a row that is there already and "
     "equal is skipped\n"
     "  --init        only the schema ledger_sync with its digest() function\n"
     "  --format      copy for psql 15 or later (the default), insert for any client\n"
     "  -o OUT        write to a file, whole or not at all\n"
     "It applies in one transaction or not at all:  ledger export FILE --full | psql \"$MAIN\"\n",
     cmd_export,
     true,
     1,
     1,
     {"--init", "--full", "--schema-only", "--data-only", "--format=", "-o="}},
    {"digest",
     "digest FILE [--table=NAME] [--json]",
     "a digest of each table, to compare with PostgreSQL's",
     "Prints schema|table|rows|sum|xor, as  psql -At -c 'select * from ledger_sync.digest()'  does "
     "on the other side.\n",
     cmd_digest,
     true,
     1,
     1,
     {"--table=", "--json"}},
    {"backup",
     "backup FILE DEST",
     "copy a file while others write to it",
     "DEST must not exist.\n",
     cmd_backup,
     true,
     2,
     2,
     {0}},
};
#define SHELL_COMMANDS ((int)(sizeof shell_commands / sizeof *shell_commands))

static void shell_help(FILE *out) {
  fputs("ledger: an application's PostgreSQL database in one file\n\nusage: ledger COMMAND ...\n\n",
        out);
  for (int i = 0; i < SHELL_COMMANDS; i++)
    fprintf(out, "  %-10s %s\n", shell_commands[i].name, shell_commands[i].summary);
  fputs("  help       this, or of one command: ledger help COMMAND\n  version\n\n"
        "FILE may stand in $LEDGER_FILE. Exit status: 0 done, 1 refused, 2 usage or could not run, "
        "130 interrupted.\n",
        out);
}

static const struct command *shell_find(const char *name) {
  for (int i = 0; i < SHELL_COMMANDS; i++)
    if (strcmp(name, shell_commands[i].name) == 0) return &shell_commands[i];
  return NULL;
}

static int shell_help_command(const char *name) {
  const struct command *command = shell_find(name);
  if (!command) {
    fprintf(stderr, "ledger help: no such command: %s\n", name);
    return EXIT_USAGE;
  }
  printf("usage: ledger %s\n%s\n%s%s", command->usage, command->summary,
         command->help[0] ? "\n" : "", command->help);
  return EXIT_DONE;
}

/* The index of an option, or -1; *value is "" or what stands behind its '=', or in the next word. */
static int shell_option(const struct command *command, char **words, int count, int *at,
                        char **value) {
  static char empty[] = "";
  for (int i = 0; i < OPTION_MAX && command->options[i]; i++) {
    const char *option = command->options[i];
    size_t length = strlen(option);
    bool takes_value = option[length - 1] == '=';
    if (takes_value) length--;
    if (strncmp(words[*at], option, length) != 0) continue;
    if (words[*at][length] == 0 && !takes_value) {
      *value = empty;
      return i;
    }
    if (!takes_value) continue;
    if (words[*at][length] == '=') {
      *value = words[*at] + length + 1;
      return i;
    }
    if (words[*at][length] == 0 && *at + 1 < count) {
      *value = words[++*at];
      return i;
    }
  }
  return -1;
}

static int shell_run(const struct command *command, char **words, int count) {
  char *arguments[ARGUMENT_MAX + 1] = {NULL}, *values[OPTION_MAX] = {NULL};
  int argument_count = 0;
  bool options_end = false;
  for (int at = 0; at < count; at++) {
    if (!options_end && strcmp(words[at], "--") == 0) {
      options_end = true;
    } else if (!options_end && words[at][0] == '-' && words[at][1]) {
      char *value = NULL;
      if (strcmp(words[at], "--help") == 0 || strcmp(words[at], "-h") == 0)
        return shell_help_command(command->name);
      const char *word = words[at];
      int option = shell_option(command, words, count, &at, &value);
      char problem[160];
      snprintf(problem, sizeof problem, "%.100s: no such option, or its value is missing", word);
      if (option < 0) return report_usage(command, problem);
      values[option] = value;
    } else {
      if (argument_count == command->argument_max)
        return report_usage(command, "too many arguments");
      arguments[argument_count++] = words[at];
    }
  }
  char *file = getenv("LEDGER_FILE");
  if (command->takes_file && argument_count < command->argument_min && file && file[0]) {
    memmove(arguments + 1, arguments, (size_t)argument_count * sizeof *arguments);
    arguments[0] = file;
    argument_count++;
  }
  if (argument_count < command->argument_min)
    return report_usage(command, "an argument is missing");
  return report_flush(command->name, command->run(command, arguments, values));
}

static void shell_on_interrupt(int signal_number) {
  (void)signal_number;
  shell_interrupted = 1;
}

int main(int count, char **words) {
  struct sigaction action = {.sa_handler = shell_on_interrupt};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  signal(SIGPIPE, SIG_IGN); /* a closed pipe is a write error, reported as one */
  if (count < 2) {
    shell_help(stderr);
    return EXIT_USAGE;
  }
  if (strcmp(words[1], "help") == 0 || strcmp(words[1], "--help") == 0 ||
      strcmp(words[1], "-h") == 0) {
    if (count > 2) return shell_help_command(words[2]);
    shell_help(stdout);
    return report_flush("help", EXIT_DONE);
  }
  if (strcmp(words[1], "version") == 0 || strcmp(words[1], "--version") == 0) {
    puts("ledger " LEDGER_VERSION);
    return report_flush("version", EXIT_DONE);
  }
  const struct command *command = shell_find(words[1]);
  if (!command) {
    fputs("ledger: no such command: ", stderr);
    report_words(stderr, words[1]);
    fputs(" (ledger help lists them)\n", stderr);
    return EXIT_USAGE;
  }
  return shell_run(command, words + 2, count - 2);
}
