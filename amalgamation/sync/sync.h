/*
** sync: what leaves the file for PostgreSQL. Private prototypes, seen by the front door.
*/
#ifndef LEDGER_SYNC_H
#define LEDGER_SYNC_H

/* ---- script.c */

#define SCRIPT_BUFFER (64 * 1024)
struct script {
  int (*write)(void *context, const void *bytes, size_t length);
  void *context;
  size_t length;
  int rc; /* LEDGER_IO once write() refused */
  char bytes[SCRIPT_BUFFER];
};
LEDGER_PRIVATE void script_start(struct script *script, int (*write)(void *, const void *, size_t), void *context);
LEDGER_PRIVATE int script_end(struct script *script); /* flushes; LEDGER_OK or LEDGER_IO */
LEDGER_PRIVATE void script_bytes(struct script *script, const char *bytes, size_t length);
LEDGER_PRIVATE void script_text(struct script *script, const char *text);
LEDGER_PRIVATE void script_name(struct script *script, const char *name);
LEDGER_PRIVATE void script_table(struct script *script, const char *schema, const char *name);
LEDGER_PRIVATE void script_literal(struct script *script, const char *text, size_t length);
/* One COPY field. False: it has bytes that are not ASCII, or a NUL, and is to be checked. */
LEDGER_PRIVATE bool script_copy_field(struct script *script, const char *text, size_t length);

/* ---- export.c, digest.c: see ledger_export() and ledger_digest() */

LEDGER_PRIVATE int export_script(ledger *db, enum ledger_export_part part, enum ledger_export_format format,
                                 int (*write)(void *context, const void *bytes, size_t length), void *context);
LEDGER_PRIVATE int digest_tables(ledger *db, const char *table, ledger_rows **out);

#endif
