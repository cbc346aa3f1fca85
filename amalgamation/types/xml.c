/*
** xml.c: what PostgreSQL's output function of xml leaves of the XML declaration. A document is stored as it was given and is
** not parsed; the server keeps it so, too, but prints it without its encoding, and without a declaration that then says
** nothing more than version 1.0.
*/
#include "../internal.h"

struct xml_reader {
  const char *at, *end;
};

struct xml_declaration {
  const char *version;
  int version_length;
  int standalone; /* 1 yes, 0 no, -1 not said */
};

static bool xml_skip_spaces(struct xml_reader *reader) {
  const char *start = reader->at;
  while (reader->at < reader->end && *reader->at != 0 && strchr(" \t\r\n", *reader->at) != NULL)
    reader->at++;
  return reader->at > start;
}

static bool xml_take(struct xml_reader *reader, const char *word) {
  size_t length = strlen(word);
  if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
    return false;
  reader->at += length;
  return true;
}

/* Space, the name, an equals sign and a quoted value. 0: it is not there, and nothing is taken; -1: it is malformed. */
static int xml_attribute(struct xml_reader *reader, const char *name, const char **value,
                         int *length) {
  struct xml_reader start = *reader;
  bool spaced = xml_skip_spaces(reader);
  if (!xml_take(reader, name)) {
    *reader = start;
    return 0;
  }
  xml_skip_spaces(reader);
  if (!spaced || !xml_take(reader, "=")) return -1;
  xml_skip_spaces(reader);
  if (reader->at == reader->end || (*reader->at != '"' && *reader->at != '\'')) return -1;
  const char *open = reader->at++;
  const char *close = memchr(reader->at, *open, (size_t)(reader->end - reader->at));
  if (close == NULL) return -1;
  *value = open + 1;
  *length = (int)(close - open - 1);
  reader->at = close + 1;
  return 1;
}

/* Reads a declaration and stands behind it. false: there is none, or not one that the server would read. */
static bool xml_read(struct xml_reader *reader, struct xml_declaration *out) {
  const char *value;
  int length;
  if (!xml_take(reader, "<?xml")) return false;
  if (xml_attribute(reader, "version", &out->version, &out->version_length) != 1) return false;
  if (xml_attribute(reader, "encoding", &value, &length) < 0) return false;
  int standalone = xml_attribute(reader, "standalone", &value, &length);
  if (standalone < 0) return false;
  if (standalone == 1) {
    if (length == 3 && memcmp(value, "yes", 3) == 0)
      out->standalone = 1;
    else if (length == 2 && memcmp(value, "no", 2) == 0)
      out->standalone = 0;
    else
      return false;
  }
  xml_skip_spaces(reader);
  return xml_take(reader, "?>");
}

LEDGER_PRIVATE void xml_print(sqlite3_str *out, const char *text, size_t length) {
  struct xml_reader reader = {text, text + length};
  struct xml_declaration declaration = {.standalone = -1};
  if (!xml_read(&reader, &declaration)) {
    reader.at = text;
    declaration = (struct xml_declaration){.standalone = -1};
    if (length > 5 && memcmp(text, "<?xml", 5) == 0) { /* malformed, or another instruction */
      sqlite3_str_append(out, text, (int)length);
      return;
    }
  }
  bool is_1_0 = declaration.version == NULL ||
                (declaration.version_length == 3 && memcmp(declaration.version, "1.0", 3) == 0);
  if (!is_1_0 || declaration.standalone >= 0) {
    sqlite3_str_appendall(out, "<?xml version=\"");
    sqlite3_str_append(out, declaration.version, declaration.version_length);
    sqlite3_str_appendall(out, declaration.standalone == 1   ? "\" standalone=\"yes\"?>"
                               : declaration.standalone == 0 ? "\" standalone=\"no\"?>"
                                                             : "\"?>");
  } else {
    xml_take(&reader, "\n");
  }
  sqlite3_str_append(out, reader.at, (int)(reader.end - reader.at));
}
