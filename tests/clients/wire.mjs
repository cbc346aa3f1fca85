// Every row of the tables of what the clients put on the wire: what postgrest-js sends, that it is sent so, and what it makes of the
// answer. The bare PostgrestClient asks without a key; each request is recorded.
import { PostgrestClient } from '@supabase/postgrest-js'
import { createClient } from '@supabase/supabase-js'
import { assert, end, good, has, refused, same, test } from './tap.mjs'

const base = process.env.LEDGER_URL
let sent // the last request: method, path, query (a list of pairs), headers, body, and its answer's status, headers, text
async function recorder(input, init = {}) {
  const url = new URL(String(input))
  const answer = await fetch(input, init)
  const text = await answer.clone().text()
  sent = {
    method: init.method, path: url.pathname, search: url.search, query: [...url.searchParams], headers: new Headers(init.headers), body: init.body,
    status: answer.status, answer: answer.headers, text
  }
  return answer
}
const rest = new PostgrestClient(`${base}/rest/v1`, { fetch: recorder })
const query = (name) => sent.query.filter(([key]) => key === name).map(([, value]) => value)

// A read: the parameter that it sends, and what it gives.
function reads(name, ask, parameter, wanted) {
  return test(name, async () => {
    const data = good(await ask())
    if (parameter) {
      const [key, ...rest] = parameter.split('=')
      same(query(key), [rest.join('=')], `the parameter ${key} in ${sent.search}`)
    }
    same(data, wanted)
  })
}
const cities = () => rest.from('cities').select('name').order('id')
const countries = () => rest.from('countries').select('name').order('id')
const names = (...list) => list.map((name) => ({ name }))

// ---- filters

await reads('eq', () => cities().eq('id', 1), 'id=eq.1', names('Bern'))
await reads('neq', () => cities().neq('id', 1), 'id=neq.1', names('Zug', 'Rome', 'Nowhere'))
await reads('gt', () => cities().gt('id', 3), 'id=gt.3', names('Nowhere'))
await reads('gte', () => cities().gte('id', 3), 'id=gte.3', names('Rome', 'Nowhere'))
await reads('lt', () => cities().lt('id', 2), 'id=lt.2', names('Bern'))
await reads('lte', () => cities().lte('area', 51.6), 'area=lte.51.6', names('Bern', 'Zug'))
await reads('eq of a boolean', () => cities().eq('is_capital', true), 'is_capital=eq.true', names('Bern', 'Rome'))
await reads('eq of null is the text null', () => rest.from('people').select('username').eq('username', null), 'username=eq.null', [])
await reads('eq of a text with a space, a plus, a percent', () => rest.from('people').select('username').eq('username', 'a b+c%d'), 'username=eq.a b+c%d', [])
await reads('eq of a text with a comma and a space', () => rest.from('messages').select('id').eq('message', 'Hi, you'), 'message=eq.Hi, you', [{ id: 2 }])
await reads('like', () => cities().like('name', '%o%'), 'name=like.%o%', names('Rome', 'Nowhere'))
await reads('like with *', () => cities().like('name', '*o*'), 'name=like.*o*', names('Rome', 'Nowhere'))
await reads('like minds case', () => cities().like('name', 'b%'), 'name=like.b%', [])
await reads('ilike', () => cities().ilike('name', 'b%'), 'name=ilike.b%', names('Bern'))
await reads('likeAllOf', () => cities().likeAllOf('name', ['%e%', '%o%']), 'name=like(all).{%e%,%o%}', names('Rome', 'Nowhere'))
await reads('likeAnyOf', () => cities().likeAnyOf('name', ['B%', 'Z%']), 'name=like(any).{B%,Z%}', names('Bern', 'Zug'))
await reads('ilikeAllOf', () => cities().ilikeAllOf('name', ['%E%', 'r%']), 'name=ilike(all).{%E%,r%}', names('Rome'))
await reads('ilikeAnyOf', () => cities().ilikeAnyOf('name', ['b%', 'z%']), 'name=ilike(any).{b%,z%}', names('Bern', 'Zug'))
await reads('eq(any) by filter()', () => cities().filter('id', 'eq(any)', '{1,3}'), 'id=eq(any).{1,3}', names('Bern', 'Rome'))
await reads('gt(all) by filter()', () => cities().filter('id', 'gt(all)', '{1,2}'), 'id=gt(all).{1,2}', names('Rome', 'Nowhere'))
await reads('regexMatch', () => cities().regexMatch('name', '^[BR]'), 'name=match.^[BR]', names('Bern', 'Rome'))
await reads('regexIMatch', () => cities().regexIMatch('name', 'E$'), 'name=imatch.E$', names('Rome', 'Nowhere'))
await reads('is null', () => cities().is('country_id', null), 'country_id=is.null', names('Nowhere'))
await reads('is true', () => cities().is('is_capital', true), 'is_capital=is.true', names('Bern', 'Rome'))
await reads('is false', () => cities().is('is_capital', false), 'is_capital=is.false', names('Zug', 'Nowhere'))
await reads('is not_null', () => cities().filter('country_id', 'is', 'not_null').limit(1), 'country_id=is.not_null', names('Bern'))
await reads('is unknown', () => rest.from('kinds').select('id').filter('flag', 'is', 'unknown'), 'flag=is.unknown', [{ id: 2 }])
await reads('is minds no case', () => cities().filter('country_id', 'is', 'NULL'), 'country_id=is.NULL', names('Nowhere'))
await reads('isDistinct', () => cities().isDistinct('country_id', 1), 'country_id=isdistinct.1', names('Rome', 'Nowhere'))
await reads('isDistinct from null: the text null, as for PostgREST', () => cities().isDistinct('name', null), 'name=isdistinct.null', names('Bern', 'Zug', 'Rome', 'Nowhere'))
await reads('in', () => cities().in('name', ['Bern', 'Zug']), 'name=in.(Bern,Zug)', names('Bern', 'Zug'))
await reads('in: what needs quotes', () => rest.from('messages').select('id').in('message', ['Hi, you', '(x)', 'Hello']), 'message=in.("Hi, you","(x)",Hello)', [{ id: 1 }, { id: 2 }])
await reads('in: each once', () => cities().in('id', [1, 1, 2]), 'id=in.(1,2)', names('Bern', 'Zug'))
await reads('in: none', () => cities().in('id', []), 'id=in.()', [])
await reads('in: a thousand', () => cities().in('id', Array.from({ length: 1000 }, (_, i) => i + 3)), null, names('Rome', 'Nowhere'))
await reads('notIn', () => cities().notIn('id', [1, 2]), 'id=not.in.(1,2)', names('Rome', 'Nowhere'))
await reads('contains: an array', () => cities().contains('tags', ['river', 'old']), 'tags=cs.{river,old}', names('Bern', 'Rome'))
await reads('contains: an object', () => countries().contains('about', { eu: true }), 'about=cs.{"eu":true}', names('Italy'))
await reads('contains: an object in an object', () => countries().contains('about', { area: { km2: 41285 } }), 'about=cs.{"area":{"km2":41285}}', names('Switzerland'))
await reads('containedBy: an array', () => cities().containedBy('tags', ['lake', 'river', 'old']), 'tags=cd.{lake,river,old}', names('Bern', 'Zug', 'Nowhere'))
await reads('containedBy: an object', () => countries().containedBy('about', { eu: true, tags: ['sea'], area: { km2: 301340 }, more: 1 }), null, names('Italy'))
await reads('overlaps', () => cities().overlaps('tags', ['lake', 'large']), 'tags=ov.{lake,large}', names('Zug', 'Rome'))
for (const [method, operator] of [['rangeGt', 'sr'], ['rangeGte', 'nxl'], ['rangeLt', 'sl'], ['rangeLte', 'nxr'], ['rangeAdjacent', 'adj']])
  await test(`${method}: there are no ranges here, and it says so`, async () => {
    const result = await rest.from('cities').select()[method]('id', '[1,2)')
    same(query('id'), [`${operator}.[1,2)`])
    assert.ok(result.error, JSON.stringify(result.data))
    assert.ok([400, 404].includes(result.status), `${result.status}`)
    same(result.error.code, /^(42883|0A000|PGRST100)$/)
  })
for (const [type, operator] of [[undefined, 'fts'], ['plain', 'plfts'], ['phrase', 'phfts'], ['websearch', 'wfts']])
  await test(`textSearch ${operator}: refused, or answered right`, async () => {
    const result = await rest.from('cities').select('name').textSearch('name', 'rome', { type, config: 'english' })
    same(query('name'), [`${operator}(english).rome`])
    if (result.error) {
      assert.ok([400, 404].includes(result.status), `${result.status}`)
      same(result.error.code, /^(42883|0A000|PGRST100)$/)
    } else same(result.data, names('Rome'))
  })
await test('match', async () => {
  same(good(await cities().match({ country_id: 1, is_capital: false })), names('Zug'))
  same([query('country_id'), query('is_capital')], [['eq.1'], ['eq.false']])
})
await reads('not', () => cities().not('country_id', 'is', null), 'country_id=not.is.null', names('Bern', 'Zug', 'Rome'))
await reads('not like', () => cities().not('name', 'like', '%e%'), 'name=not.like.%e%', names('Zug'))
await reads('or', () => cities().or('id.eq.1,name.eq.Rome'), 'or=(id.eq.1,name.eq.Rome)', names('Bern', 'Rome'))
await reads('or with and, not, in, is', () => cities().or('and(id.gt.1,id.lt.3),country_id.is.null,not.and(id.gte.1,id.lte.4),id.in.(9,"10")'), null, names('Zug', 'Nowhere'))
await reads('or with not.or', () => cities().or('not.or(id.eq.1,id.eq.2),name.eq.Bern'), null, names('Bern', 'Rome', 'Nowhere'))
await reads('or with quotes', () => rest.from('messages').select('id').or('message.eq."Hi, you",message.eq.Hello').order('id'), null, [{ id: 1 }, { id: 2 }])
await reads('or in a document', () => countries().or('about->>eu.eq.true,about->area->>km2.eq.41285'), null, names('Switzerland', 'Italy'))
await reads('or of an embedded table', () => rest.from('countries').select('name,cities(name)').or('name.eq.Zug,name.eq.Rome', { referencedTable: 'cities' }).order('id'),
  'cities.or=(name.eq.Zug,name.eq.Rome)', [{ name: 'Switzerland', cities: names('Zug') }, { name: 'Italy', cities: names('Rome') }, { name: 'Norway', cities: [] }])
await reads('filter of an embedded table', () => rest.from('countries').select('name,cities(name)').filter('cities.is_capital', 'eq', true).eq('id', 1),
  'cities.is_capital=eq.true', [{ name: 'Switzerland', cities: names('Bern') }])
await reads('filter of a member', () => countries().filter('about->>eu', 'eq', 'true'), 'about->>eu=eq.true', names('Italy'))
await reads('filter of an element', () => countries().filter('about->tags->>0', 'eq', 'alps'), 'about->tags->>0=eq.alps', names('Switzerland'))
await reads('two of one column are both meant', () => cities().gt('id', 1).lt('id', 4), null, names('Zug', 'Rome'))
await test('and= by hand', async () => {
  const answer = await fetch(`${base}/rest/v1/cities?select=name&and=(id.gt.1,id.lt.3)`)
  same([answer.status, await answer.json()], [200, names('Zug')])
})
await test('not.or= and not.and= by hand', async () => {
  same(await (await fetch(`${base}/rest/v1/cities?select=name&not.or=(id.eq.1,id.eq.2)&order=id`)).json(), names('Rome', 'Nowhere'))
  same(await (await fetch(`${base}/rest/v1/cities?select=name&not.and=(id.gt.1,id.lt.4)&order=id`)).json(), names('Bern', 'Nowhere'))
})

await reads('a list in a document', () => countries().contains('about->tags', '["alps"]'), 'about->tags=cs.["alps"]', names('Switzerland'))
await reads('a number in a document', () => countries().gt('about->area->km2', 50000), 'about->area->km2=gt.50000', names('Italy'))
const kinds = () => rest.from('kinds').select('id')
for (const [name, ask] of [
  ['numeric, whatever the zeros', () => kinds().eq('exact', 100.5)], ['numeric from a text', () => kinds().eq('exact', '1.005e2')], ['uuid, whatever the case', () => kinds().eq('key', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11')],
  ['a moment of JavaScript', () => kinds().eq('instant', new Date('2026-01-02T01:04:05.120Z').toISOString())], ['a moment in another zone', () => kinds().eq('instant', '2026-01-02 03:04:05.12+02')],
  ['a day', () => kinds().gte('day', '2026-02-28').lt('day', '2026-03-01')], ['a bigint beyond 2^53', () => kinds().eq('large', 9007199254740993n)], ['an enum', () => kinds().eq('feeling', 'curious')],
  ['an enum in its order', () => kinds().gt('feeling', 'calm').lt('feeling', 'cross')], ['an address', () => kinds().eq('address', '10.0.0.1/32')], ['bytes', () => kinds().eq('bytes', '\\x00FF10')], ['an interval', () => kinds().eq('span', '26 hours')],
  ['a list of texts', () => kinds().eq('list', '{x,NULL,"a,b"}')], ['a list of numbers', () => kinds().contains('numbers', [3, 1])], ['a fixed text without its spaces', () => kinds().eq('fixed', 'ab')], ['a boolean', () => kinds().eq('flag', true)],
  ['a whole document', () => kinds().eq('document', '{"a":[1.5,null],"b":1.0}')], ['a double', () => kinds().eq('twice', 0.1)], ['a time', () => kinds().eq('clock', '04:05:06.700')]
])
  await reads(`equal: ${name}`, ask, null, [{ id: 1 }])
for (const [column, value, code] of [['feeling', 'x', '22P02'], ['day', '2026-02-30', '22008'], ['instant', 'then', '22007'], ['small', '40000', '22003'], ['key', 'x', '22P02'], ['flag', 'perhaps', '22P02'], ['exact', 'x', '22P02'], ['address', 'x', '22P02'], ['list', 'x', '22P02'], ['document', '{', '22P02'], ['span', 'x', '22007']])
  await test(`no value of its type: ${column}`, async () => refused(await rest.from('kinds').select('id').eq(column, value), { status: 400, code }))

// ---- order, limit, range

await reads('order ascending', () => rest.from('cities').select('name').order('name'), 'order=name.asc', names('Bern', 'Nowhere', 'Rome', 'Zug'))
await reads('order descending', () => rest.from('cities').select('name').order('name', { ascending: false }), 'order=name.desc', names('Zug', 'Rome', 'Nowhere', 'Bern'))
await reads('order with nulls first', () => rest.from('cities').select('name').order('country_id', { nullsFirst: true }).order('id'), 'order=country_id.asc.nullsfirst,id.asc', names('Nowhere', 'Bern', 'Zug', 'Rome'))
await reads('order with nulls last', () => rest.from('cities').select('name').order('country_id', { ascending: false, nullsFirst: false }).order('id'), 'order=country_id.desc.nullslast,id.asc', names('Rome', 'Bern', 'Zug', 'Nowhere'))
await reads('order: nulls are largest', () => rest.from('cities').select('name').order('area', { ascending: false }), 'order=area.desc', names('Nowhere', 'Rome', 'Bern', 'Zug'))
await reads('order of an embedded table', () => rest.from('countries').select('cities(name)').order('name', { referencedTable: 'cities', ascending: false }).eq('id', 1), 'cities.order=name.desc', [{ cities: names('Zug', 'Bern') }])
await reads('order by an embedded row', () => rest.from('cities').select('name,countries(name)').order('countries(name)', { ascending: false }).order('id').limit(2), null,
  [{ name: 'Nowhere', countries: null }, { name: 'Bern', countries: { name: 'Switzerland' } }])
await reads('order by a member', () => rest.from('countries').select('name').order('about->area->km2', { ascending: false, nullsFirst: false }), null, names('Italy', 'Switzerland', 'Norway'))
await reads('limit', () => cities().limit(2), 'limit=2', names('Bern', 'Zug'))
await reads('limit of an embedded table', () => rest.from('countries').select('name,cities(name)').eq('id', 1).limit(1, { referencedTable: 'cities' }).order('id', { referencedTable: 'cities' }), 'cities.limit=1', [{ name: 'Switzerland', cities: names('Bern') }])
await test('range', async () => {
  same(good(await cities().range(1, 2)), names('Zug', 'Rome'))
  same([query('offset'), query('limit'), sent.headers.get('range')], [['1'], ['2'], null])
})
await test('range of an embedded table', async () => {
  same(good(await rest.from('countries').select('cities(name)').eq('id', 1).order('id', { referencedTable: 'cities' }).range(1, 1, { referencedTable: 'cities' })), [{ cities: names('Zug') }])
  same([query('cities.offset'), query('cities.limit')], [['1'], ['1']])
})
await test('a Range header, as older clients send it', async () => {
  const answer = await fetch(`${base}/rest/v1/cities?select=name&order=id`, { headers: { 'range-unit': 'items', range: '1-2' } })
  same([answer.status, await answer.json(), answer.headers.get('content-range')], [200, names('Zug', 'Rome'), '1-2/*'])
})
await reads('limit 0', () => cities().limit(0), 'limit=0', [])

// ---- select

await reads('select: all columns', () => rest.from('languages').select().eq('id', 1), 'select=*', [{ id: 1, name: 'German' }])
await reads('select: white space goes', () => rest.from('languages').select(' id , name ').eq('id', 1), 'select=id,name', [{ id: 1, name: 'German' }])
await reads('select: another name', () => rest.from('languages').select('tongue:name').eq('id', 1), 'select=tongue:name', [{ tongue: 'German' }])
await reads('select: a cast', () => rest.from('languages').select('id::text').eq('id', 1), 'select=id::text', [{ id: '1' }])
await reads('select: a member as JSON and as text', () => rest.from('countries').select('about->area->km2,size:about->area->>km2,first:about->tags->0,last:about->tags->>-1').eq('id', 1), null,
  [{ km2: 41285, size: '41285', first: 'alps', last: 'lakes' }])
await reads('select: names that need quotes', () => rest.from('odd_name').select('"Key","order","select"'), 'select="Key","order","select"', [{ Key: 1, order: 'x', select: 'y' }])
await reads('select: count of rows', () => rest.from('cities').select('count()'), 'select=count()', [{ count: 4 }])
await reads('select: aggregates in groups', () => rest.from('cities').select('country_id,area.sum(),id.count(),top:area.max(),low:area.min()').order('country_id'), null,
  [{ country_id: 1, sum: 73.2, count: 2, top: 51.6, low: 21.6 }, { country_id: 2, sum: 1285, count: 1, top: 1285, low: 1285 }, { country_id: null, sum: null, count: 1, top: null, low: null }])
await reads('select: an average, cast', () => rest.from('cities').select('mean:id.avg()::float8'), null, [{ mean: 2.5 }])
await reads('select: an aggregate of embedded rows', () => rest.from('countries').select('name,cities(area.sum())').eq('id', 1), null, [{ name: 'Switzerland', cities: [{ sum: 73.2 }] }])
await reads('select: count, as applications write it', () => rest.from('cities').select('count'), 'select=count', [{ count: 4 }])
await reads('embedding: count, as applications write it', () => rest.from('countries').select('name,cities(count)').order('id'), null,
  [{ name: 'Switzerland', cities: [{ count: 2 }] }, { name: 'Italy', cities: [{ count: 1 }] }, { name: 'Norway', cities: [{ count: 0 }] }])
await reads('embedding: to one', () => rest.from('cities').select('name,countries(name)').order('id').limit(1), null, [{ name: 'Bern', countries: { name: 'Switzerland' } }])
await reads('embedding: to one that is not there', () => rest.from('cities').select('name,countries(name)').eq('id', 4), null, [{ name: 'Nowhere', countries: null }])
await reads('embedding: to many', () => rest.from('countries').select('name,cities(name)').order('id').order('id', { referencedTable: 'cities' }), null,
  [{ name: 'Switzerland', cities: names('Bern', 'Zug') }, { name: 'Italy', cities: names('Rome') }, { name: 'Norway', cities: [] }])
await reads('embedding: one to one', () => rest.from('people').select('username,profiles(motto)').order('username').limit(2), null,
  [{ username: 'ada', profiles: { motto: 'Look before' } }, { username: 'bob', profiles: null }])
await reads('embedding: many to many', () => rest.from('countries').select('name,languages(name)').order('id', { referencedTable: 'languages' }).in('id', [1, 2]).order('id'), null,
  [{ name: 'Switzerland', languages: names('German', 'Italian', 'French') }, { name: 'Italy', languages: names('Italian') }])
await reads('embedding: to any depth', () => rest.from('languages').select('name,country_languages(share,countries(name,cities(name)))').eq('id', 3), null,
  [{ name: 'French', country_languages: [{ share: 23, countries: { name: 'Switzerland', cities: names('Bern', 'Zug') } }] }])
await reads('embedding: another name', () => rest.from('cities').select('name,land:countries(name)').eq('id', 1), null, [{ name: 'Bern', land: { name: 'Switzerland' } }])
await reads('embedding: by the column of the key', () => rest.from('cities').select('name,country_id(name)').eq('id', 1), null, [{ name: 'Bern', country_id: { name: 'Switzerland' } }])
await reads('embedding: a hint by column', () => rest.from('messages').select('message,from:people!sender(username),to:people!receiver(status)').eq('id', 1), null, [{ message: 'Hello', from: { username: 'ada' }, to: { status: 'OFFLINE' } }])
await reads('embedding: a hint by constraint', () => rest.from('messages').select('from:people!messages_sender_fkey(username)').eq('id', 1), null, [{ from: { username: 'ada' } }])
await reads('embedding: itself, up and down', () => rest.from('people').select('username,boss:manager(username),team:people!manager(username)').order('username').order('username', { referencedTable: 'team' }), null, [
  { username: 'ada', boss: null, team: [{ username: 'bob' }, { username: 'cleo' }] }, { username: 'bob', boss: { username: 'ada' }, team: [] }, { username: 'cleo', boss: { username: 'ada' }, team: [] }
])
await reads('embedding: !inner filters the parents', () => rest.from('countries').select('name,cities!inner(name)').eq('cities.name', 'Zug'), null, [{ name: 'Switzerland', cities: names('Zug') }])
await reads('embedding: !left does not', () => rest.from('countries').select('name,cities!left(name)').eq('cities.name', 'Zug').order('id').limit(2), null, [{ name: 'Switzerland', cities: names('Zug') }, { name: 'Italy', cities: [] }])
await reads('embedding: parents without children', () => rest.from('countries').select('name,cities()').is('cities', null), null, names('Norway'))
await reads('embedding: parents with children', () => rest.from('countries').select('name,cities()').not('cities', 'is', null).order('id'), null, names('Switzerland', 'Italy'))
await reads('embedding: spread', () => rest.from('cities').select('name,...countries(country:name,code)').eq('id', 1), null, [{ name: 'Bern', country: 'Switzerland', code: 'CH' }])
await reads('embedding: spread of many', () => rest.from('countries').select('name,...cities(towns:name)').eq('id', 1), null, [{ name: 'Switzerland', towns: ['Bern', 'Zug'] }])
await reads('embedding: a view', () => rest.from('capitals').select('name,countries(name)').order('id'), null, [{ name: 'Bern', countries: { name: 'Switzerland' } }, { name: 'Rome', countries: { name: 'Italy' } }])
await test('embedding: ambiguous', async () =>
  refused(await rest.from('messages').select('people(username)'), {
    status: 300, code: 'PGRST201', message: "Could not embed because more than one relationship was found for 'messages' and 'people'",
    hint: /^Try changing 'people' to one of the following: /
  }))
await test('embedding: ambiguous: the relationships are listed', async () => {
  const { error } = await rest.from('messages').select('people(username)')
  assert.ok(Array.isArray(error.details) && error.details.length === 2, JSON.stringify(error.details))
  has(error.details[0], { cardinality: 'many-to-one', embedding: 'messages with people', relationship: /^messages_(sender|receiver)_fkey using messages\(/ })
})

for (const [name, ask, wanted] of [
  ['the same one twice', () => rest.from('messages').select('people!sender(username),people!receiver(username)'), { status: 400, code: '42712', message: 'table name "messages_people_1" specified more than once', details: null, hint: null }],
  ['a column that is not there', () => rest.from('countries').select('cities(nothing)'), { status: 400, code: '42703', message: 'column cities_1.nothing does not exist' }],
  ['an aggregate of a column that is not there', () => rest.from('cities').select('other:nothing.count()'), { status: 400, code: '42703', message: 'column cities.nothing does not exist' }],
  ['a table that is not related', () => rest.from('cities').select('profiles(motto)'), {
    status: 400, code: 'PGRST200', message: "Could not find a relationship between 'cities' and 'profiles' in the schema cache",
    details: "Searched for a foreign key relationship between 'cities' and 'profiles' in the schema 'public', but no matches were found."
  }],
  ['a hint that is none', () => rest.from('messages').select('people!nothing(username)'), {
    status: 400, code: 'PGRST200', details: "Searched for a foreign key relationship between 'messages' and 'people' using the hint 'nothing' in the schema 'public', but no matches were found."
  }],
  ['a filter of what is not embedded', () => rest.from('countries').select('name').eq('cities.name', 'Zug'), {
    status: 400, code: 'PGRST108', message: "'cities' is not an embedded resource in this request", details: null, hint: "Verify that 'cities' is included in the 'select' query parameter."
  }],
  ['an order by many', () => rest.from('countries').select('name,cities(name)').order('cities(name)'), {
    status: 400, code: 'PGRST118', message: "A related order on 'cities' is not possible", details: "'countries' and 'cities' do not form a many-to-one or one-to-one relationship", hint: null
  }],
  ['a filter of the whole that is not is.null', () => rest.from('countries').select('name,cities(name)').eq('cities', 1), {
    status: 400, code: 'PGRST120', message: "Bad operator on the 'cities' embedded resource", details: 'Only is null or not is null filters are allowed on embedded resources', hint: null
  }]
])
  await test(`embedding: ${name}`, async () => refused(await ask(), wanted))
for (const [name, search, code] of [
  ['no operator', 'id=1', 'PGRST100'], ['an operator that is none', 'id=equals.1', 'PGRST100'], ['an or that is open', 'or=(id.eq.1', 'PGRST100'], ['an or of nothing', 'or=()', 'PGRST100'],
  ['a select that is open', 'select=id,cities(', 'PGRST100'], ['an order that is none', 'order=id.upwards', 'PGRST100'], ['is of something else', 'id=is.seven', 'PGRST100'],
  ['an escape that is none', 'id=eq.%zz', null]
])
  await test(`a query with ${name}`, async () => {
    const answer = await fetch(`${base}/rest/v1/countries?${search}`)
    const json = await answer.json()
    same(answer.status, 400)
    same(Object.keys(json).sort(), ['code', 'details', 'hint', 'message'])
    if (code) same([json.code, json.message.length > 0, json.details !== null], [code, true, true])
  })
await test('a limit below zero', async () =>
  refused(await rest.from('countries').select().limit(-1), { status: 416, code: 'PGRST103', message: 'Requested range not satisfiable', details: 'Limit should be greater than or equal to zero.' }))
await test('a Range that ends before it begins', async () => {
  const answer = await fetch(`${base}/rest/v1/countries`, { headers: { range: '5-2' } })
  has(await answer.json(), { code: 'PGRST103', details: 'The lower boundary must be lower than or equal to the upper boundary in the Range header.' })
  same(answer.status, 416)
})

// ---- methods

await test('select: 200 and a list', async () => {
  const result = await rest.from('languages').select('id')
  same([result.status, result.statusText, result.count, result.data.length], [200, 'OK', null, 3])
  same([sent.method, sent.path, sent.answer.get('content-type'), sent.answer.get('content-range')], ['GET', '/rest/v1/languages', 'application/json; charset=utf-8', '0-2/*'])
})
for (const [count, status] of [['exact', 206], ['planned', 206], ['estimated', 206]])
  await test(`count=${count}: 206 when partial`, async () => {
    const result = await rest.from('cities').select('name', { count }).limit(2).order('id')
    same([result.status, result.count, result.data], [status, 4, names('Bern', 'Zug')])
    same([sent.headers.get('prefer'), sent.answer.get('content-range')], [`count=${count}`, '0-1/4'])
    same(sent.answer.get('preference-applied'), `count=${count}`)
  })
await test('count=exact: 200 when it is all', async () => {
  const result = await rest.from('cities').select('name', { count: 'exact' })
  same([result.status, result.count, sent.answer.get('content-range')], [200, 4, '0-3/4'])
})
await test('count of nothing', async () => {
  const result = await rest.from('cities').select('name', { count: 'exact' }).eq('id', 99)
  same([result.status, result.count, result.data, sent.answer.get('content-range')], [200, 0, [], '*/0'])
})
await test('no count of nothing', async () => {
  same(good(await rest.from('cities').select('name').eq('id', 99)), [])
  same(sent.answer.get('content-range'), '*/*')
})
await test('an offset past the end', async () =>
  refused(await rest.from('cities').select('name', { count: 'exact' }).range(9, 10), { status: 416, code: 'PGRST103', message: 'Requested range not satisfiable', details: 'An offset of 9 was requested, but there are only 4 rows.', hint: null }))
await test('an offset past the end without a count is empty', async () => same(good(await rest.from('cities').select('name').range(9, 10)), []))
await test('head', async () => {
  const result = await rest.from('cities').select('*', { head: true, count: 'exact' })
  same([sent.method, result.status, result.data, result.count, sent.text], ['HEAD', 200, null, 4, ''])
})
await test('single', async () => {
  same(good(await cities().eq('id', 1).single()), { name: 'Bern' })
  same([sent.headers.get('accept'), sent.answer.get('content-type')], ['application/vnd.pgrst.object+json', 'application/vnd.pgrst.object+json; charset=utf-8'])
})
await test('single: none', async () => refused(await cities().eq('id', 99).single(), { status: 406, code: 'PGRST116', message: 'Cannot coerce the result to a single JSON object', details: 'The result contains 0 rows', hint: null }))
await test('single: several', async () => refused(await cities().single(), { status: 406, code: 'PGRST116', details: 'The result contains 4 rows' }))
await test('maybeSingle: one, none, several', async () => {
  same(good(await cities().eq('id', 1).maybeSingle()), { name: 'Bern' })
  same(good(await cities().eq('id', 99).maybeSingle()), null)
  has((await cities().maybeSingle()).error, { code: 'PGRST116' })
})
await test('maybeSingle of clients 1.9 to 2.100: 406 with "0 rows"', async () => {
  const answer = await fetch(`${base}/rest/v1/cities?id=eq.99`, { method: 'PATCH', headers: { accept: 'application/vnd.pgrst.object+json', prefer: 'return=representation', 'content-type': 'application/json' }, body: '{"name":"x"}' })
  same(answer.status, 406)
  same((await answer.json()).details, /0 rows/)
})
await test('csv', async () => {
  same(good(await rest.from('languages').select('id,name').order('id').csv()), 'id,name\n1,German\n2,Italian\n3,French')
  same([sent.headers.get('accept'), sent.answer.get('content-type')], ['text/csv', 'text/csv; charset=utf-8'])
})
await test('csv: quotes, nulls, commas', async () => same(good(await rest.from('messages').select('id,message').order('id').csv()), 'id,message\n1,Hello\n2,"Hi, you"\n3,'))
await test('stripNulls: a list', async () => {
  same(good(await rest.from('messages').select('id,message').eq('id', 3).stripNulls()), [{ id: 3 }])
  same(sent.headers.get('accept'), 'application/vnd.pgrst.array+json;nulls=stripped')
})
await test('stripNulls: one', async () => {
  same(good(await rest.from('messages').select('id,message').eq('id', 3).single().stripNulls()), { id: 3 })
  same(sent.headers.get('accept'), 'application/vnd.pgrst.object+json;nulls=stripped')
})
await test('explain: not for everybody', async () => {
  const result = await rest.from('cities').select().explain()
  same(sent.headers.get('accept'), /^application\/vnd\.pgrst\.plan\+text; for="application\/json"; options=;/)
  has({ status: result.status, code: result.error?.code }, { status: 406, code: 'PGRST107' })
})
await test('geojson: there is no geometry', async () => {
  const result = await rest.from('cities').select().geojson()
  same(sent.headers.get('accept'), 'application/geo+json')
  has({ status: result.status, code: result.error?.code }, { status: 406, code: 'PGRST107' })
})
await test('a form that is not known', async () => {
  const answer = await fetch(`${base}/rest/v1/cities`, { headers: { accept: 'image/png' } })
  same([answer.status, (await answer.json()).code], [406, 'PGRST107'])
})
await test('a list of forms, as browsers send it', async () => {
  const answer = await fetch(`${base}/rest/v1/languages?select=id&id=eq.1`, { headers: { accept: 'text/html,application/json;q=0.9,*/*;q=0.8' } })
  same([answer.status, await answer.json()], [200, [{ id: 1 }]])
})
await test('insert: one', async () => {
  const result = await rest.from('languages').insert({ id: 10, name: 'Dutch' })
  same([sent.method, sent.search, sent.headers.get('prefer'), sent.headers.get('content-type'), sent.body], ['POST', '', null, 'application/json', '{"id":10,"name":"Dutch"}'])
  same([result.status, result.data, result.statusText, sent.text, sent.answer.get('content-type')], [201, null, 'Created', '', null])
  same(sent.answer.get('content-range'), '*/*')
})
await test('insert: several: the columns are named', async () => {
  const result = await rest.from('languages').insert([{ id: 11, name: 'Danish' }, { name: 'Polish', id: 12 }])
  same([result.status, query('columns')], [201, ['"id","name"']])
})
await test('insert and select', async () => {
  const result = await rest.from('languages').insert({ id: 13, name: 'Czech' }).select()
  same([sent.headers.get('prefer'), query('select'), result.status, result.data], ['return=representation', ['*'], 201, [{ id: 13, name: 'Czech' }]])
  same(sent.answer.get('preference-applied'), 'return=representation')
})
await test('insert, counted', async () => {
  const result = await rest.from('languages').insert([{ id: 14, name: 'Thai' }, { id: 15, name: 'Lao' }], { count: 'exact' })
  same([sent.headers.get('prefer'), result.count, sent.answer.get('content-range')], ['count=exact', 2, '*/2'])
})
await test('insert: what a row lacks is null', async () =>
  same(good(await rest.from('cities').insert([{ id: 20, name: 'A', area: 1 }, { id: 21, name: 'B' }]).select('id,area')), [{ id: 20, area: 1 }, { id: 21, area: null }]))
await test('insert: what a row lacks is its default, when asked for', async () => {
  const rows = [{ id: 22, name: 'C', tags: ['x'] }, { id: 23, name: 'D' }]
  refused(await rest.from('cities').insert(rows), { status: 400, code: '23502', message: 'null value in column "tags" of relation "cities" violates not-null constraint' })
  same(good(await rest.from('cities').insert(rows, { defaultToNull: false }).select('id,tags')), [{ id: 22, tags: ['x'] }, { id: 23, tags: [] }])
  same(sent.headers.get('prefer'), 'missing=default, return=representation')
})
await test('insert with embedding', async () =>
  same(good(await rest.from('cities').insert({ id: 24, name: 'Basel', country_id: 1 }).select('name,countries(code)')), [{ name: 'Basel', countries: { code: 'CH' } }]))
await test('insert: where it is, on request', async () => {
  const answer = await fetch(`${base}/rest/v1/languages`, { method: 'POST', headers: { prefer: 'return=headers-only', 'content-type': 'application/json' }, body: '{"id":16,"name":"Urdu"}' })
  same([answer.status, answer.headers.get('location'), await answer.text()], [201, '/languages?id=eq.16', ''])
})
await test('insert: CSV', async () => {
  const answer = await fetch(`${base}/rest/v1/languages?select=id,name`, { method: 'POST', headers: { prefer: 'return=representation', 'content-type': 'text/csv' }, body: 'id,name\n17,"Hindi, spoken"\n18,Tamil\n' })
  same([answer.status, await answer.json()], [201, [{ id: 17, name: 'Hindi, spoken' }, { id: 18, name: 'Tamil' }]])
})
await test('insert: a form', async () => {
  const answer = await fetch(`${base}/rest/v1/languages`, { method: 'POST', headers: { prefer: 'return=representation', 'content-type': 'application/x-www-form-urlencoded' }, body: 'id=19&name=Old+Norse' })
  same([answer.status, await answer.json()], [201, [{ id: 19, name: 'Old Norse' }]])
})
await test('insert: nothing', async () => {
  const result = await rest.from('languages').insert([])
  same([result.status, result.error], [201, null])
})
await test('insert: keys that differ, without columns', async () => {
  const answer = await fetch(`${base}/rest/v1/languages`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '[{"id":90,"name":"x"},{"id":91}]' })
  has(await answer.json(), { code: 'PGRST102', message: 'All object keys must match' })
  same(answer.status, 400)
})
await test('insert: no JSON', async () => {
  const answer = await fetch(`${base}/rest/v1/languages`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"id":' })
  has(await answer.json(), { code: 'PGRST102' })
  same(answer.status, 400)
})
await test('upsert: an update is 200, an insert 201', async () => {
  const both = await rest.from('languages').upsert([{ id: 10, name: 'Flemish' }, { id: 30, name: 'Maltese' }]).select('name')
  same([both.status, sent.headers.get('prefer'), both.data], [201, 'resolution=merge-duplicates, return=representation', names('Flemish', 'Maltese')])
  const update = await rest.from('languages').upsert({ id: 10, name: 'Dutch' })
  same([update.status, sent.headers.get('prefer')], [200, 'resolution=merge-duplicates'])
  same(sent.answer.get('preference-applied'), 'resolution=merge-duplicates')
})
await test('upsert by another key', async () => {
  same(good(await rest.from('languages').upsert({ id: 31, name: 'Maltese' }, { onConflict: 'name' }).select('id,name')), [{ id: 31, name: 'Maltese' }])
  same(query('on_conflict'), ['name'])
})
await test('upsert by a key of two columns', async () => {
  const rows = [{ country_id: 1, language_id: 1, share: 63 }, { country_id: 3, language_id: 1, share: 1 }]
  same(good(await rest.from('country_languages').upsert(rows, { onConflict: 'country_id,language_id' }).select()), rows)
  good(await rest.from('country_languages').delete().eq('country_id', 3))
  good(await rest.from('country_languages').update({ share: 62 }).match({ country_id: 1, language_id: 1 }))
})
await test('upsert by columns that are no key', async () =>
  refused(await rest.from('languages').upsert({ id: 10, name: 'x' }, { onConflict: 'id,name' }), { status: 400, code: '42P10', message: 'there is no unique or exclusion constraint matching the ON CONFLICT specification' }))
await test('upsert: a row twice', async () =>
  refused(await rest.from('languages').upsert([{ id: 10, name: 'a' }, { id: 10, name: 'b' }]), { status: 500, code: '21000', message: 'ON CONFLICT DO UPDATE command cannot affect row a second time' }))
await test('upsert that ignores duplicates', async () => {
  same(good(await rest.from('languages').upsert([{ id: 10, name: 'x' }, { id: 32, name: 'Irish' }], { ignoreDuplicates: true }).select('name')), names('Irish'))
  same(sent.headers.get('prefer'), 'resolution=ignore-duplicates, return=representation')
})
await test('update', async () => {
  const result = await rest.from('languages').update({ name: 'Nederlands' }).eq('id', 10)
  same([sent.method, result.status, result.data, sent.text, sent.answer.get('content-type')], ['PATCH', 204, null, '', null])
  same(sent.answer.get('content-range'), '0-0/*')
})
await test('update and select', async () => {
  const result = await rest.from('languages').update({ name: 'Dutch' }).eq('id', 10).select()
  same([result.status, result.data], [200, [{ id: 10, name: 'Dutch' }]])
})
await test('update of none', async () => {
  const result = await rest.from('languages').update({ name: 'x' }).eq('id', 999)
  same([result.status, sent.answer.get('content-range')], [204, '*/*'])
  same(good(await rest.from('languages').update({ name: 'x' }).eq('id', 999).select()), [])
})
await test('update, counted', async () => {
  const result = await rest.from('languages').update({ name: 'Dutch' }, { count: 'exact' }).eq('id', 10)
  same([result.count, sent.answer.get('content-range')], [1, '0-0/1'])
})
await test('update of one, of which there are several', async () => {
  refused(await rest.from('people').update({ status: 'AWAY' }).eq('manager', 'ada').select().single(), { status: 406, code: 'PGRST116', details: 'The result contains 2 rows' })
  same(good(await rest.from('people').select('username').eq('status', 'AWAY')), [])
})
await test('update of everything', async () => refused(await rest.from('languages').update({ name: 'x' }), { status: 400, code: '21000', message: 'UPDATE requires a WHERE clause' }))
await test('delete', async () => {
  const result = await rest.from('languages').delete().eq('id', 11)
  same([sent.method, sent.headers.get('content-type'), sent.body, result.status, sent.text, sent.answer.get('content-range')], ['DELETE', 'application/json', undefined, 204, '', '*/*'])
})
await test('delete and select', async () => {
  const result = await rest.from('languages').delete().eq('id', 12).select()
  same([result.status, result.data], [200, [{ id: 12, name: 'Polish' }]])
})
await test('delete, counted', async () => {
  const result = await rest.from('languages').delete({ count: 'exact' }).in('id', [13, 14])
  same([result.count, sent.answer.get('content-range')], [2, '*/2'])
})
await test('delete of what is referred to', async () =>
  refused(await rest.from('languages').delete().eq('id', 1), {
    status: 409, code: '23503', message: 'update or delete on table "languages" violates foreign key constraint "country_languages_language_id_fkey" on table "country_languages"',
    details: 'Key (id)=(1) is still referenced from table "country_languages".'
  }))
await test('delete of everything', async () => refused(await rest.from('languages').delete(), { status: 400, code: '21000', message: 'DELETE requires a WHERE clause' }))
await test('maxAffected: within', async () => {
  const result = await rest.from('languages').update({ name: 'Lao' }).eq('id', 15).maxAffected(1)
  same([result.status, sent.headers.get('prefer')], [204, 'handling=strict, max-affected=1'])
  same(sent.answer.get('preference-applied'), 'handling=strict, max-affected=1')
})
await test('maxAffected: exceeded, and undone', async () => {
  refused(await rest.from('languages').delete().in('id', [15, 16]).maxAffected(1), {
    status: 400, code: 'PGRST124', message: 'Query result exceeds max-affected preference constraint', details: 'The query affects 2 rows', hint: null
  })
  same(good(await rest.from('languages').select('id').in('id', [15, 16])).length, 2)
})
await test('rollback', async () => {
  const result = await rest.from('languages').insert({ id: 40, name: 'Elvish' }).select().rollback()
  same([sent.headers.get('prefer'), result.status, result.data], ['return=representation, tx=rollback', 201, [{ id: 40, name: 'Elvish' }]])
  same(sent.answer.get('preference-applied'), 'return=representation, tx=rollback')
  same(good(await rest.from('languages').select('id').eq('id', 40)), [])
})
await test('handling=strict and a preference that is not known', async () => {
  const answer = await fetch(`${base}/rest/v1/languages`, { headers: { prefer: 'handling=strict, anything=else' } })
  has(await answer.json(), { code: 'PGRST122', message: 'Invalid preferences given with handling=strict', details: 'Invalid preferences: anything=else' })
  same(answer.status, 400)
})
await test('PUT of one row', async () => {
  const send = (query, body) => fetch(`${base}/rest/v1/languages?${query}`, { method: 'PUT', headers: { 'content-type': 'application/json', prefer: 'return=representation' }, body: JSON.stringify(body) })
  const made = await send('id=eq.50', { id: 50, name: 'Welsh' })
  same([made.status, await made.json()], [201, [{ id: 50, name: 'Welsh' }]])
  const changed = await send('id=eq.50', { id: 50, name: 'Cymraeg' })
  same([changed.status, await changed.json()], [200, [{ id: 50, name: 'Cymraeg' }]])
  const codes = []
  for (const [search, row] of [['name=eq.x', { id: 50, name: 'x' }], ['id=eq.50&limit=1', { id: 50, name: 'x' }], ['id=eq.51', { id: 50, name: 'x' }]]) {
    const answer = await send(search, row)
    codes.push([answer.status, (await answer.json()).code])
  }
  same(codes, [[405, 'PGRST105'], [400, 'PGRST114'], [400, 'PGRST115']])
})
await test('rpc: arguments in the body', async () => {
  const result = await rest.rpc('nothing', { a: 1 })
  same([sent.method, sent.path, sent.body], ['POST', '/rest/v1/rpc/nothing', '{"a":1}'])
  refused(result, { status: 404, code: 'PGRST202', message: 'Could not find the function public.nothing(a) in the schema cache' })
})
await test('rpc: none', async () => {
  const result = await rest.rpc('nothing')
  same(sent.body, '{}')
  refused(result, { status: 404, code: 'PGRST202', message: 'Could not find the function public.nothing without parameters in the schema cache' })
})
await test('rpc: by GET', async () => {
  await rest.rpc('nothing', { a: 1, b: [1, 2] }, { get: true })
  same([sent.method, query('a'), query('b'), sent.status], ['GET', ['1'], ['{1,2}'], 404])
})
await test('rpc: by HEAD', async () => {
  const result = await rest.rpc('nothing', { a: 1 }, { head: true })
  same([sent.method, sent.status, sent.text, result.status], ['HEAD', 404, '', 204]) // the client takes an empty 404 for a 204
})
await test('schema: the one there is', async () => {
  same(good(await rest.schema('public').from('languages').select('id').eq('id', 1)), [{ id: 1 }])
  same([sent.headers.get('accept-profile'), sent.answer.get('content-profile')], ['public', 'public'])
})
await test('schema: of a write', async () => {
  good(await rest.schema('public').from('languages').delete().eq('id', 9999))
  same([sent.headers.get('content-profile'), sent.headers.get('accept-profile')], ['public', null])
})
await test('schema: another', async () => refused(await rest.schema('secret').from('languages').select(), { status: 406, code: 'PGRST106', message: 'Invalid schema: secret', hint: 'Only the following schemas are exposed: public' }))
await test('getOpenApiSpec', async () => {
  const answer = await fetch(`${base}/rest/v1/`, { headers: { accept: 'application/openapi+json' } })
  same([answer.status, answer.headers.get('content-type')], [200, 'application/openapi+json; charset=utf-8'])
  const document = await answer.json()
  same(document.swagger, '2.0')
  assert.ok(document.paths['/countries'].get && document.paths['/countries'].post, 'no path /countries')
  same(document.definitions.countries.properties.name.type, 'string')
  assert.ok(!document.paths['/closed'], 'a table that is not for the role is shown')
})
await test('OPTIONS of a table', async () => {
  const answer = await fetch(`${base}/rest/v1/languages`, { method: 'OPTIONS' })
  same([answer.status, answer.headers.get('allow')], [200, 'OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE'])
})
await test('a preflight of a browser', async () => {
  const answer = await fetch(`${base}/rest/v1/languages`, { method: 'OPTIONS', headers: { origin: 'https://app.example', 'access-control-request-method': 'PATCH', 'access-control-request-headers': 'apikey,authorization,content-profile,content-type,prefer,x-client-info' } })
  assert.ok([200, 204].includes(answer.status))
  same(answer.headers.get('access-control-allow-methods'), /PATCH/)
  same(answer.headers.get('access-control-allow-headers'), /content-profile/i)
  same(answer.headers.get('access-control-max-age'), '86400')
  const read = await fetch(`${base}/rest/v1/languages?limit=1`, { headers: { origin: 'https://app.example', prefer: 'count=exact' } })
  same(read.headers.get('access-control-expose-headers'), /content-range/i)
})

// ---- what the clients do with what comes back

await test('an error has exactly four members', async () => {
  const answer = await fetch(`${base}/rest/v1/nothing`)
  same([answer.status, answer.headers.get('content-type')], [404, 'application/json; charset=utf-8'])
  same(Object.keys(await answer.json()).sort(), ['code', 'details', 'hint', 'message'])
  same(answer.headers.get('proxy-status'), /error=PGRST205/)
})
await test('throwOnError', async () => assert.rejects(async () => rest.from('nothing').select().throwOnError(), { name: 'PostgrestError', code: 'PGRST205' }))
await test('a table that is not for the role', async () => refused(await rest.from('closed').select(), { status: 401, code: '42501', message: 'permission denied for table closed' }))
await test('a method that is none', async () => same((await fetch(`${base}/rest/v1/languages`, { method: 'PURGE' }).catch((error) => ({ status: error.name }))).status, 405))
await test('a path that is none', async () => same((await fetch(`${base}/rest/v1/languages/1`)).status, 404))
await test('a request of 60 KB', async () => {
  const list = Array.from({ length: 6500 }, (_, i) => 100000 + i)
  same(good(await cities().in('id', list)), [])
})
await test('supabase-js sends the key twice, as a key and as a token', async () => {
  const one = createClient(base, process.env.ANON_KEY, { global: { fetch: recorder }, auth: { persistSession: false, autoRefreshToken: false } })
  same(good(await one.from('languages').select('id').eq('id', 1)), [{ id: 1 }])
  same([sent.headers.get('apikey'), sent.headers.get('authorization'), sent.headers.get('accept-profile')], [process.env.ANON_KEY, `Bearer ${process.env.ANON_KEY}`, 'public'])
  same(sent.headers.get('x-client-info'), /^supabase-js/)
})
await test('X-Retry-Count and other headers that are not known are no matter', async () => {
  const answer = await fetch(`${base}/rest/v1/languages?select=id&id=eq.1`, { headers: { 'x-retry-count': '1', 'x-client-info': 'postgrest-js/2.119.0', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' } })
  same([answer.status, await answer.json()], [200, [{ id: 1 }]])
})
await test('a permanent fault is never 503, which would be tried again', async () => {
  const begin = Date.now()
  await rest.from('nothing').select()
  await rest.rpc('nothing', {}, { get: true })
  assert.ok(Date.now() - begin < 3000, 'it was tried again')
})

// ---- text that means to be SQL

await test('SQL in every place is text, or refused', async () => {
  const before = (await (await fetch(`${base}/rest/v1/cities?select=id`)).json()).length
  const faults = []
  const tried = []
  for (const text of ["'; DROP TABLE cities;--", '" OR 1=1 --', ')) UNION SELECT sql FROM sqlite_master --', "x' AND randomblob(1e9) --", '\\', '\u0000', "%", '*', '(((', ',,,', '::', '->>', '..', '{', '["', "$1", "?1"]) {
    const sql = encodeURIComponent(text)
    for (const path of [
      `cities?select=${sql}`, `cities?select=name,${sql}`, `cities?select=x:${sql}`, `cities?select=name::${sql}`, `cities?select=name->${sql}`, `cities?select=countries(${sql})`, `cities?select=countries!${sql}(id)`,
      `cities?${sql}=eq.1`, `cities?name=${sql}`, `cities?name=eq.${sql}`, `cities?id=eq.${sql}`, `cities?name=like.${sql}`, `cities?name=match.${sql}`, `cities?id=in.(${sql})`, `cities?tags=cs.${sql}`, `cities?or=(${sql})`,
      `cities?or=(name.eq.${sql})`, `cities?order=${sql}`, `cities?order=name.${sql}`, `cities?limit=${sql}`, `cities?offset=${sql}`, `countries?select=cities(name)&cities.${sql}=eq.1`, `${sql}?select=id`, `rpc/${sql}`, `rpc/balance_at?account=${sql}`
    ])
      tried.push([text, path, {}])
    for (const name of ['accept-profile', 'prefer', 'range', 'accept', 'apikey']) tried.push([text, 'cities?select=id', { headers: { [name]: sql } }])
    for (const [method, path, body] of [['POST', `languages?columns=${sql}`, { id: 900 }], ['POST', `languages?on_conflict=${sql}`, { id: 900, name: text }], ['POST', 'languages', { [text]: 1 }], ['POST', 'rpc/transfer', { from: text, to: text, amount: text }], ['PATCH', 'cities?id=eq.900', { name: text, area: text }], ['DELETE', `cities?name=eq.${sql}&id=eq.900`]])
      tried.push([text, path, { method, headers: { 'content-type': 'application/json', prefer: 'tx=rollback, resolution=merge-duplicates' }, body: body && JSON.stringify(body) }])
  }
  for (const [text, path, init] of tried) {
    const answer = await fetch(`${base}/rest/v1/${path}`, init).catch((error) => ({ status: error.cause?.code, text: async () => '' }))
    if (!(answer.status < 500)) faults.push(`${path} ${JSON.stringify(text)}: ${answer.status} ${(await answer.text()).slice(0, 150)}`)
  }
  same(faults, [])
  same((await (await fetch(`${base}/rest/v1/cities?select=id`)).json()).length, before)
})

// ---- values

await test('values as PostgreSQL writes them', async () => {
  const { data } = await rest.from('kinds').select().order('id').limit(1)
  has(data[0], {
    id: 1, flag: true, small: -7, single: 1.5, twice: 0.1, exact: 100.5, free: 1.1, words: 'Grüße', letters: 'ten', fixed: 'ab  ',
    key: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', day: '2026-02-28', clock: '04:05:06.7', moment: '2026-01-02T03:04:05', instant: '2026-01-02T01:04:05.12+00:00',
    span: '1 day 02:00:00', bytes: '\\x00ff10', document: { a: [1.5, null], b: 1 }, plain: { b: 1, a: 2 }, list: ['x', null, 'a,b'], numbers: [1, 2, 3],
    feeling: 'curious', address: '10.0.0.1'
  })
  same(sent.text, /"large":9007199254740993[,}]/)
  same(sent.text, /"exact":100\.50[,}]/)
  same(sent.text, /"free":1\.10[,}]/)
})
await test('values: null', async () => same(Object.values(good(await rest.from('kinds').select().eq('id', 2).single())).filter((value) => value !== null), [2]))
await test('values: written as they were read', async () => {
  const row = good(await rest.from('kinds').select('*,large::text').eq('id', 1).single())
  const again = good(await rest.from('kinds').insert({ ...row, id: 3 }).select('*,large::text').single())
  same({ ...again, id: 1 }, row)
})
await test('values: rows are separated as json_agg separates them', async () => {
  good(await rest.from('languages').select('id').lte('id', 2).order('id'))
  same(sent.text, '[{"id":1}, \n {"id":2}]')
})

end()
