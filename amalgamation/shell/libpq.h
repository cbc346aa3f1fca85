/*
** libpq: PostgreSQL's client library, loaded when main is first reached. Linked in the usual way it would bring thirty
** libraries (Kerberos, LDAP, TLS) into every command, and cost each of them 4 ms before its first line.
*/
#ifndef LEDGER_LIBPQ_H
#define LEDGER_LIBPQ_H

#include <dlfcn.h>
#include <libpq-fe.h>

/* Every function of it that is called. A new one needs a line here, and its line below. */
#define LIBPQ_FUNCTIONS(X)                                                                         \
  X(PQcancel) \
  X(PQclear) \
  X(PQconnectPoll) \
  X(PQconnectStartParams) \
  X(PQconninfo) \
  X(PQconninfoFree) \
  X(PQconninfoParse) \
  X(PQconsumeInput) \
  X(PQdb) \
  X(PQerrorMessage) \
  X(PQescapeLiteral) \
  X(PQfinish) \
  X(PQflush) \
  X(PQfreeCancel) \
  X(PQfreemem) \
  X(PQgetCancel) \
  X(PQgetCopyData) \
  X(PQgetResult) \
  X(PQgetisnull) \
  X(PQgetvalue) \
  X(PQhost) \
  X(PQisBusy) \
  X(PQnfields) \
  X(PQntuples) \
  X(PQparameterStatus) \
  X(PQport) \
  X(PQputCopyData) \
  X(PQputCopyEnd) \
  X(PQresultErrorField) \
  X(PQresultStatus) \
  X(PQsendQuery) \
  X(PQsendQueryParams) \
  X(PQsetErrorVerbosity) \
  X(PQsetNoticeReceiver) \
  X(PQsetnonblocking) \
  X(PQsocket) \
  X(PQstatus) \
  X(PQtransactionStatus)

static struct {
  bool is_loaded;
#define X(name) __typeof__(name) *name##_;
  LIBPQ_FUNCTIONS(X)
#undef X
} libpq;

/* NULL, or why it cannot be loaded. */
static const char *libpq_load(void) {
  static const struct {
    const char *name;
    void *place;
  } functions[] = {
#define X(name) {#name, &libpq.name##_},
      LIBPQ_FUNCTIONS(X)
#undef X
  };
  if (libpq.is_loaded) return NULL;
  void *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_GLOBAL);
  if (library == NULL) return dlerror();
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    void *function = dlsym(library, functions[i].name);
    if (function == NULL) return dlerror();
    memcpy(functions[i].place, &function, sizeof function); /* POSIX: of the same size */
  }
  libpq.is_loaded = true;
  return NULL;
}

#define PQcancel libpq.PQcancel_
#define PQclear libpq.PQclear_
#define PQconnectPoll libpq.PQconnectPoll_
#define PQconnectStartParams libpq.PQconnectStartParams_
#define PQconninfo libpq.PQconninfo_
#define PQconninfoFree libpq.PQconninfoFree_
#define PQconninfoParse libpq.PQconninfoParse_
#define PQconsumeInput libpq.PQconsumeInput_
#define PQdb libpq.PQdb_
#define PQerrorMessage libpq.PQerrorMessage_
#define PQescapeLiteral libpq.PQescapeLiteral_
#define PQfinish libpq.PQfinish_
#define PQflush libpq.PQflush_
#define PQfreeCancel libpq.PQfreeCancel_
#define PQfreemem libpq.PQfreemem_
#define PQgetCancel libpq.PQgetCancel_
#define PQgetCopyData libpq.PQgetCopyData_
#define PQgetResult libpq.PQgetResult_
#define PQgetisnull libpq.PQgetisnull_
#define PQgetvalue libpq.PQgetvalue_
#define PQhost libpq.PQhost_
#define PQisBusy libpq.PQisBusy_
#define PQnfields libpq.PQnfields_
#define PQntuples libpq.PQntuples_
#define PQparameterStatus libpq.PQparameterStatus_
#define PQport libpq.PQport_
#define PQputCopyData libpq.PQputCopyData_
#define PQputCopyEnd libpq.PQputCopyEnd_
#define PQresultErrorField libpq.PQresultErrorField_
#define PQresultStatus libpq.PQresultStatus_
#define PQsendQuery libpq.PQsendQuery_
#define PQsendQueryParams libpq.PQsendQueryParams_
#define PQsetErrorVerbosity libpq.PQsetErrorVerbosity_
#define PQsetNoticeReceiver libpq.PQsetNoticeReceiver_
#define PQsetnonblocking libpq.PQsetnonblocking_
#define PQsocket libpq.PQsocket_
#define PQstatus libpq.PQstatus_
#define PQtransactionStatus libpq.PQtransactionStatus_

#endif
