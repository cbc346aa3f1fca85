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
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The exit status of every command. 130 after Ctrl-C, as a shell reports it. */
enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

#define OPTION_MAX 48
#define ARGUMENT_MAX 513 /* ledger receive: DSN and the bundles; ledger post: FILE and the legs, LEDGER_LEG_MAX */
#define OPTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Of a command that posts an operation: which of the operation's members its arguments behind FILE are, as the options of the
** same names are; NO_MEMBER behind the last. An argument is not needed, and not taken, where the option is given. */
struct operation_form {
  enum ledger_operation_kind kind;
  int members[8];
};
#define NO_MEMBER (-1)

/* What a command accepts; the first argument of those with takes_file may stand in $LEDGER_FILE. */
struct command {
  const char *name;    /* one word, or two as in "account open" */
  const char *usage;   /* behind "ledger " */
  const char *summary; /* one line for `ledger help` */
  const char *help;    /* the rest of `ledger help NAME` */
  int (*run)(const struct command *command, char **arguments, char **values);
  bool takes_file;
  int argument_min, argument_max; /* FILE included */
  /* "--schema=" takes a value, "--json" none, "-o=" is a short one with a value; an underscore may be given as a hyphen. The
  ** last is NULL. values[i] is what option i was given, "" for one without a value, NULL when it is not there. */
  const char *const *options;
  const struct operation_form *form; /* or NULL */
};

static volatile sig_atomic_t shell_interrupted;

#endif
