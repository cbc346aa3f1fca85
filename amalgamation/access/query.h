/*
** query.h: what the files of the query builder share.
*/
#ifndef LEDGER_QUERY_H
#define LEDGER_QUERY_H

struct query; /* a request that is being carried out */

/* Sets the error and, in the answer, PostgREST's own code ("PGRST204"), NULL: the SQLSTATE is the code. Returns `code`. */
LEDGER_PRIVATE int query_refuse(struct query *query, const char *own_code, int code, const char *format, ...)
    PRINTF_LIKE(4, 5);

#endif
