/*
** output_file: what a command writes with -o OUT: aside and then renamed, so that OUT is there whole or not at all. Without -o it
** is standard output.
*/
#include "shell.h"

struct output_file {
  const struct command *command;
  const char *path; /* NULL: standard output */
  FILE *file;
  int problem; /* errno of a write that failed */
  char aside[PATH_MAX];
};

/* A reader that has seen enough and closes the pipe (| head) needs no words. */
static int output_problem(const struct output_file *output, const char *hint) {
  int problem = output->problem ? output->problem : errno;
  if (output->path || problem != EPIPE)
    report_problem(output->command->name, output->path ? output->path : "standard output", "58030",
                   strerror(problem), hint);
  if (output->file) clearerr(output->file); /* it is said */
  return EXIT_REFUSED;
}

/* Is the file that stands there a database or a key? A slip such as  export app.db -o app.db  would be the end of it. */
static bool output_is_precious(const char *path) {
  char head[132];
  FILE *file = fopen(path, "rb");
  if (!file) return false;
  size_t length = fread(head, 1, sizeof head - 1, file);
  fclose(file);
  head[length] = 0;
  if (length >= 16 && memcmp(head, "SQLite format 3", 16) == 0) return true;
  size_t digits = strspn(head, "0123456789abcdef");
  return (digits == 64 || digits == 128) && digits + 1 == length && head[digits] == '\n';
}

static int output_open(struct output_file *output, const struct command *command,
                       const char *path) {
  *output = (struct output_file){.command = command, .path = path, .file = stdout};
  if (!path) return EXIT_DONE;
  if (output_is_precious(path)) {
    report_problem(command->name, path, "58P02", "a database or a key stands there", "not written");
    return EXIT_USAGE;
  }
  int length = snprintf(output->aside, sizeof output->aside, "%s.part-%ld", path, (long)getpid());
  if (length >= (int)sizeof output->aside) return report_usage(command, "the path is too long");
  output->file = fopen(output->aside, "wbx");
  if (output->file) return EXIT_DONE;
  output_problem(output, NULL);
  return EXIT_USAGE;
}

/* Fits the writers of the library; its context is the output. */
static int output_write(void *context, const void *bytes, size_t length) {
  struct output_file *output = context;
  if (shell_interrupted) return 1;
  if (fwrite(bytes, 1, length, output->file) == length) return 0;
  output->problem = errno;
  return 1;
}

/* Did writing fail? */
static bool output_failed(const struct output_file *output) {
  return ferror(output->file) != 0;
}

/* Ends it with the status that the command has come to: OUT gets its name only if all went well. */
static int output_end(struct output_file *output, int status) {
  if (!output->path) return report_flush(output->command->name, status);
  if (status == EXIT_DONE && (fflush(output->file) != 0 || fsync(fileno(output->file)) != 0))
    status = output_problem(output, "nothing was written");
  if (fclose(output->file) != 0 && status == EXIT_DONE)
    status = output_problem(output, "nothing was written");
  if (status == EXIT_DONE && rename(output->aside, output->path) != 0)
    status = output_problem(output, NULL);
  if (status != EXIT_DONE) unlink(output->aside);
  return status;
}

/* The same, where there turned out to be nothing to write. */
static void output_drop(struct output_file *output) {
  fclose(output->file);
  unlink(output->aside);
}
