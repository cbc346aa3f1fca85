/*
** program: the smallest application: makes a file, adds a row, reads it back as JSON. C and C++ alike.
**   program FILE
*/
#include "ledger.h"

#include <stdio.h>
#include <string.h>

static int program_run(ledger *db) {
  const char *const columns[] = {"email", "first_name", "last_name", "password_hash"};
  const char *const texts[] = {"ada@example.com", "Ada", "Lovelace", "!"};
  ledger_value values[4];
  ledger_rows *rows = NULL;
  memset(values, 0, sizeof values);
  for (int i = 0; i < 4; i++) {
    values[i].kind = LEDGER_TEXT;
    values[i].text = texts[i];
    values[i].length = strlen(texts[i]);
  }
  int rc = ledger_insert(db, "users", 4, columns, values, NULL);
  if (rc == LEDGER_OK)
    rc = ledger_select(db, "users", "select=email,first_name&first_name=eq.Ada", &rows);
  if (rc == LEDGER_OK) rc = ledger_rows_next(rows);
  if (rc == LEDGER_ROW) puts(ledger_rows_json(rows, NULL));
  ledger_rows_free(rows);
  return rc;
}

int main(int count, char **words) {
  ledger *db = NULL;
  if (count != 2) return 2;
  int rc = ledger_create(words[1], ledger_schema("wallstreet"), 0, &db);
  if (rc == LEDGER_OK) rc = program_run(db);
  if (rc != LEDGER_ROW)
    fprintf(stderr, "%s [%s]\n", ledger_error_of(db)->message, ledger_error_of(db)->sqlstate);
  ledger_close(db);
  return rc != LEDGER_ROW;
}
