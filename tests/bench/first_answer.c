/*
** first_answer.c: milliseconds from the exec of a server to the end of its first answer of 200.
**
**   first_answer RUNS PORT PATH COMMAND...
**
** PORT 0: the command prints "listening on http://127.0.0.1:N". PATH is asked for every half millisecond until it is answered so. In the
** words of the command % becomes the number of the run. For each run a line: the milliseconds, and the server's CPU until then.
*/
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1000 + (double)time.tv_nsec / 1e6;
}

/* One try: is it answered with 200? */
static bool ask(int port, const char *path) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  char text[4096];
  bool is_good = false;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int peer = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(peer, (struct sockaddr *)&address, sizeof address) == 0) {
    int length = snprintf(text, sizeof text,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", path);
    if (write(peer, text, (size_t)length) == length) {
      ssize_t got = read(peer, text, sizeof text - 1);
      is_good = got > 12 && memcmp(text + 9, "200", 3) == 0;
      while (got > 0) got = read(peer, text, sizeof text);
    }
  }
  close(peer);
  return is_good;
}

/* What the process's threads have had of the processors, from /proc. */
static double cpu_ms(pid_t process) {
  char path[300];
  double spent_ns = 0;
  snprintf(path, sizeof path, "/proc/%d/task", (int)process);
  DIR *threads = opendir(path);
  for (struct dirent *thread; threads != NULL && (thread = readdir(threads)) != NULL;) {
    double ns;
    snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)process, thread->d_name);
    FILE *file = thread->d_name[0] == '.' ? NULL : fopen(path, "r");
    if (file != NULL && fscanf(file, "%lf", &ns) == 1) spent_ns += ns;
    if (file != NULL) fclose(file);
  }
  if (threads != NULL) closedir(threads);
  return spent_ns / 1e6;
}

static int run(int number, int port, const char *path, char **words) {
  char *command[64] = {NULL}, line[512];
  int output[2];
  for (int i = 0; words[i] != NULL && i < 63; i++) {
    char *mark = strchr(words[i], '%');
    command[i] = words[i];
    if (mark == NULL) continue;
    command[i] = malloc(strlen(words[i]) + 16);
    sprintf(command[i], "%.*s%d%s", (int)(mark - words[i]), words[i], number, mark + 1);
  }
  if (pipe(output) != 0) return 2;
  double start = now_ms();
  pid_t process = fork();
  if (process == 0) {
    dup2(output[1], STDOUT_FILENO);
    close(output[0]);
    close(output[1]);
    execvp(command[0], command);
    _exit(127);
  }
  close(output[1]);
  FILE *said = fdopen(output[0], "r");
  while (port == 0 && fgets(line, sizeof line, said) != NULL) {
    char *at = strstr(line, "://127.0.0.1:");
    if (at != NULL) port = atoi(at + strlen("://127.0.0.1:"));
  }
  bool is_good = false;
  while (port != 0 && !(is_good = ask(port, path)) && now_ms() - start < 20000) usleep(500);
  double took = now_ms() - start;
  if (is_good) printf("%.2f %.1f\n", took, cpu_ms(process));
  kill(process, SIGTERM);
  waitpid(process, NULL, 0);
  fclose(said);
  return is_good ? 0 : 1;
}

int main(int count, char **words) {
  if (count < 5) return 2;
  signal(SIGPIPE, SIG_IGN);
  for (int i = 1; i <= atoi(words[1]); i++) {
    int rc = run(i, atoi(words[2]), words[3], words + 4);
    if (rc != 0) return rc;
  }
  return 0;
}
