/*
** access: who may see and do what, and the query builder. Private prototypes, seen by sync and the front door.
*/
#ifndef LEDGER_ACCESS_H
#define LEDGER_ACCESS_H

/* ---- query.c: a PostgREST query string over a table or view, as ledger_select() describes it */

LEDGER_PRIVATE int query_select(ledger *db, const char *table, const char *query,
                                ledger_rows **out);

#endif
