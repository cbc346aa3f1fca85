/*
** held FILE COMMAND...: runs the command and writes into FILE the most memory that it held, in kilobytes. It is small itself, for the
** kernel counts what stood in the process before the command, too.
*/
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **words) {
  struct rusage usage;
  int status = 0;
  if (count < 3) return 2;
  pid_t child = fork();
  if (child == 0) {
    execvp(words[2], words + 2);
    _exit(127);
  }
  if (child < 0 || wait4(child, &status, 0, &usage) != child) return 2;
  FILE *file = fopen(words[1], "w");
  if (file == NULL || fprintf(file, "%ld\n", usage.ru_maxrss) < 0 || fclose(file) != 0) return 2;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
