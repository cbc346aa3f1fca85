/*
** quote.c: quoting for PostgreSQL, as quote_ident() and quote_literal() do it.
*/
#include "../internal.h"

/* PostgreSQL 15's key words that are not free for every name: pg_get_keywords() without the
** category U. Sorted. */
/* clang-format off */
static const char *const quote_keywords[] = {
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization",
    "between", "bigint", "binary", "bit", "boolean", "both", "case", "cast", "char", "character",
    "check", "coalesce", "collate", "collation", "column", "concurrently", "constraint", "create",
    "cross", "current_catalog", "current_date", "current_role", "current_schema", "current_time",
    "current_timestamp", "current_user", "dec", "decimal", "default", "deferrable", "desc",
    "distinct", "do", "else", "end", "except", "exists", "extract", "false", "fetch", "float",
    "for", "foreign", "freeze", "from", "full", "grant", "greatest", "group", "grouping", "having",
    "ilike", "in", "initially", "inner", "inout", "int", "integer", "intersect", "interval", "into",
    "is", "isnull", "join", "lateral", "leading", "least", "left", "like", "limit", "localtime",
    "localtimestamp", "national", "natural", "nchar", "none", "normalize", "not", "notnull", "null",
    "nullif", "numeric", "offset", "on", "only", "or", "order", "out", "outer", "overlaps",
    "overlay", "placing", "position", "precision", "primary", "real", "references", "returning",
    "right", "row", "select", "session_user", "setof", "similar", "smallint", "some", "substring",
    "symmetric", "table", "tablesample", "then", "time", "timestamp", "to", "trailing", "treat",
    "trim", "true", "union", "unique", "user", "using", "values", "varchar", "variadic", "verbose",
    "when", "where", "window", "with", "xmlattributes", "xmlconcat", "xmlelement", "xmlexists",
    "xmlforest", "xmlnamespaces", "xmlparse", "xmlpi", "xmlroot", "xmlserialize", "xmltable",
};
/* clang-format on */

static int quote_compare_keyword(const void *name, const void *keyword) {
  return strcmp(name, *(const char *const *)keyword);
}

static bool quote_is_plain(const char *text, size_t length) {
  if (length == 0 || (text[0] >= '0' && text[0] <= '9')) return false;
  for (size_t i = 0; i < length; i++) {
    char c = text[i];
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
  }
  char name[24]; /* longer than any key word */
  if (length >= sizeof name) return true;
  memcpy(name, text, length);
  name[length] = '\0';
  return !bsearch(name, quote_keywords, sizeof quote_keywords / sizeof *quote_keywords,
                  sizeof *quote_keywords, quote_compare_keyword);
}

/* Appends with each `first` and `second` doubled. */
static void quote_doubled(sqlite3_str *out, const char *text, size_t length, char first,
                          char second) {
  size_t start = 0;
  for (size_t i = 0; i < length; i++) {
    if (text[i] != first && text[i] != second) continue;
    sqlite3_str_append(out, text + start, (int)(i - start + 1));
    start = i; /* the character itself goes out once more with what follows */
  }
  sqlite3_str_append(out, text + start, (int)(length - start));
}

void quote_identifier(sqlite3_str *out, const char *text, size_t length) {
  if (quote_is_plain(text, length)) {
    sqlite3_str_append(out, text, (int)length);
    return;
  }
  sqlite3_str_appendchar(out, 1, '"');
  quote_doubled(out, text, length, '"', '"');
  sqlite3_str_appendchar(out, 1, '"');
}

void quote_literal(sqlite3_str *out, const char *text, size_t length) {
  if (length > 0 && memchr(text, '\\', length)) sqlite3_str_appendchar(out, 1, 'E');
  sqlite3_str_appendchar(out, 1, '\'');
  quote_doubled(out, text, length, '\'', '\\');
  sqlite3_str_appendchar(out, 1, '\'');
}
