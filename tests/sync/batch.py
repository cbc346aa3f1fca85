#!/usr/bin/env python3
"""Makes batches for tests of the merge, from the description of the format alone: hash, sums and escapes are computed here.

  batch.py STATE DEVICE [OPTION...] <TABLES >SCRIPT

STATE is a folder where the chain of each device is kept: DEVICE.json has the number and hash of its last batch. TABLES has a line of JSON
per table: {"table": "public.users", "columns": [...], "deltas": [...], "rows": [[hlc or null, gone, [delta, ...], value, ...], ...]};
values are strings or null. The script is for psql.
  --seq N, --epoch N, --previous HEX, --schema SHA, --clock N, --careful, --head HEX, --journal N: members of the header
  --keep: the chain does not move on      --insert: INSERT instead of COPY       --no-end: the script stops before its last statements
"""
import argparse, hashlib, json, os, re, sys

def copy_field(text):
  if text is None:
    return '\\N'
  return re.sub(r'[\x00-\x1f\x7f;\\]', lambda m: '\\%03o' % ord(m.group()), text)

def literal(text):
  return 'NULL' if text is None else "'" + text.replace("'", "''") + "'"

def row_hash(fields):
  """PostgreSQL's hashtextextended(text, 0) of the fields with tabs between them: lookup3 by Bob Jenkins."""
  data = '\t'.join('\\N' if f is None else f for f in fields).encode()
  mask = 0xffffffff
  rotate = lambda x, k: ((x << k) | (x >> (32 - k))) & mask
  word = lambda part: int.from_bytes(part, 'little')
  a = b = c = (0x9e3779b9 + len(data) + 3923095) & mask
  while len(data) >= 12:
    a, b, c = (a + word(data[0:4])) & mask, (b + word(data[4:8])) & mask, (c + word(data[8:12])) & mask
    for k1, k2, k3 in ((4, 6, 8), (16, 19, 4)):
      a = (a - c) & mask ^ rotate(c, k1); c = (c + b) & mask
      b = (b - a) & mask ^ rotate(a, k2); a = (a + c) & mask
      c = (c - b) & mask ^ rotate(b, k3); b = (b + a) & mask
    data = data[12:]
  a, b, c = (a + word(data[0:4])) & mask, (b + word(data[4:8])) & mask, (c + (word(data[8:11]) << 8)) & mask
  for k in (14, 11, 25, 16, 4, 14, 24):
    c = ((c ^ b) - rotate(b, k)) & mask
    a, b, c = b, c, a
  # after seven steps the names have turned once: what was folded last is b, the one before it a
  return a << 32 | b

def fields_of(row):
  hlc, gone, deltas, *values = row
  return [None if hlc is None else str(hlc), 't' if gone else 'f', *deltas, *values]

def main():
  parse = argparse.ArgumentParser()
  parse.add_argument('state')
  parse.add_argument('device')
  for name in ('seq', 'epoch', 'clock', 'journal'):
    parse.add_argument('--' + name, type=int)
  for name in ('previous', 'schema', 'head'):
    parse.add_argument('--' + name)
  for name in ('careful', 'keep', 'insert', 'no-end'):
    parse.add_argument('--' + name, action='store_true')
  given = parse.parse_args()

  path = os.path.join(given.state, given.device + '.json')
  chain = {'seq': 0, 'hash': '', 'schema': 'a' * 64, 'epoch': 1}
  if os.path.exists(path):
    with open(path, encoding='utf-8') as file:
      chain.update(json.load(file))

  tables, body, count, latest = [], hashlib.sha256(), 0, 0
  size, lines = 0, []
  for line in sys.stdin:
    if not line.strip():
      continue
    table = json.loads(line)
    schema, name = table['table'].split('.')
    total, rows = 0, []
    for row in table['rows']:
      fields = fields_of(row)
      latest = max(latest, row[0] or 0)
      total += row_hash(fields)
      rows.append(fields)
      text = ('\t'.join(copy_field(f) for f in fields) + '\n').encode()
      body.update(text)
      size += len(text)
    body.update(b'\\.\n')
    size += 3
    count += len(rows)
    lines.append(rows)
    tables.append({'schema': schema, 'table': name, 'columns': table['columns'], 'deltas': table.get('deltas', []),
                   'rows': len(rows), 'sum': str(total % 2**64)})
  seq = chain['seq'] + 1 if given.seq is None else given.seq
  header = json.dumps({
    'ledger_batch': 1, 'device': given.device, 'epoch': chain['epoch'] if given.epoch is None else given.epoch, 'seq': seq,
    'previous': chain['hash'] if given.previous is None else given.previous, 'schema': given.schema or chain['schema'],
    'first': seq, 'last': seq, 'journal': given.journal or 0, 'head': given.head or '', 'rows': count, 'bytes': size,
    'body': body.hexdigest(), 'clock': latest if given.clock is None else given.clock, 'created_at': '2026-11-20T09:00:00.123456Z',
    'careful': given.careful, 'tables': tables}, ensure_ascii=False, separators=(',', ':'))
  hashed = hashlib.sha256(header.encode()).hexdigest()

  out = open(sys.stdout.fileno(), 'w', encoding='utf-8', newline='\n', closefd=False)
  if not given.insert:
    out.write('\\set ON_ERROR_STOP on\n')
  out.write('BEGIN;\n')
  for setting in ("client_encoding = 'UTF8'", 'standard_conforming_strings = on', "datestyle = 'ISO, YMD'", "timezone = 'UTC'",
                  "intervalstyle = 'postgres'", "lock_timeout = '30s'", 'client_min_messages = warning'):
    out.write('SET LOCAL %s;\n' % setting)
  out.write('SELECT ledger_sync.begin_batch(%s, %s);\n' % (literal(header), literal(hashed)))
  for n, rows in enumerate(lines, 1):
    if given.insert:
      for at in range(0, len(rows), 100):
        out.write('INSERT INTO pg_temp.ledger_%d VALUES %s;\n'
                  % (n, ','.join('(' + ','.join(literal(f) for f in row) + ')' for row in rows[at:at + 100])))
    else:
      out.write('COPY pg_temp.ledger_%d FROM stdin;\n' % n)
      for row in rows:
        out.write('\t'.join(copy_field(f) for f in row) + '\n')
      out.write('\\.\n')
  if not given.no_end:
    out.write('SELECT ledger_sync.end_batch();\nCOMMIT;\n')
  out.flush()
  if not given.keep:
    chain.update({'seq': seq, 'hash': hashed})
    with open(path, 'w', encoding='utf-8') as file:
      json.dump(chain, file)

main()
