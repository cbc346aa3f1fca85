/*
** What the parts of the command line share. The shell knows the library by ledger.h alone, and the schema compiler by
** its compiler.h.
*/
#ifndef LEDGER_SHELL_H
#define LEDGER_SHELL_H

#include "../../ledger.h"
#include "../../schema/compiler/compiler.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The exit status of every command. 130 after Ctrl-C, as a shell reports it. */
enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

#define OPTION_MAX 8
#define ARGUMENT_MAX 3

/* What a command accepts; the first argument of those with takes_file may stand in $LEDGER_FILE. */
struct command {
  const char *name;
  const char *usage;   /* behind "ledger " */
  const char *summary; /* one line for `ledger help` */
  const char *help;    /* the rest of `ledger help NAME` */
  int (*run)(const struct command *command, char **arguments, char **values);
  bool takes_file;
  int argument_min, argument_max; /* FILE included */
  /* "--schema=" takes a value, "--json" none, "-o=" is a short one with a value. values[i] is what option i was given,
  ** "" for one without a value, NULL when it is not there. */
  const char *options[OPTION_MAX];
};

static volatile sig_atomic_t shell_interrupted;

#endif
