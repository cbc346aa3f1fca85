// @supabase/supabase-js as an application uses it, against a file of full: two people, an administrator, a stranger.
import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { createClient } from '@supabase/supabase-js'
import { assert, end, good, has, need, refused, same, test, unauthenticated } from './tap.mjs'

const url = process.env.LEDGER_URL
const anonKey = process.env.ANON_KEY
const serviceKey = process.env.SERVICE_KEY
const options = { auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false } }
const client = (key = anonKey, more = {}) => createClient(url, key, { ...options, ...more })
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$/
const payload = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url').toString())
const header = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[0], 'base64url').toString())

// A request by hand, where the client has no method or hides what came back.
async function raw(method, path, { key = anonKey, token, body, headers = {} } = {}) {
  const sent = { ...headers }
  if (key) sent.apikey = key
  if (token) sent.authorization = `Bearer ${token}`
  if (body !== undefined && !sent['content-type']) sent['content-type'] = 'application/json'
  const answer = await fetch(url + path, { method, headers: sent, body: typeof body === 'object' ? JSON.stringify(body) : body })
  const text = await answer.text()
  let json = null
  try { json = JSON.parse(text) } catch { /* not JSON: the text says so */ }
  return { status: answer.status, headers: answer.headers, text, json }
}

const service = client(serviceKey)
const stranger = client()
const ada = client()
const bob = client()
const password = 'correct horse 1'
let adaUser, bobUser

// ---- signing up and in

adaUser = await need('signUp: a session and the user', async () => {
  const { user, session } = good(await ada.auth.signUp({ email: 'Ada@Example.com', password, options: { data: { first_name: 'Ada', n: 1 } } }))
  has(session, { token_type: 'bearer', expires_in: 3600, access_token: /^ey[^.]+\.[^.]+\.[^.]+$/, refresh_token: /^.{10,}$/ })
  assert.ok(Math.abs(session.expires_at - Date.now() / 1000 - 3600) < 30, `expires_at ${session.expires_at}`)
  same(session.user.id, user.id)
  return user
})
await test('signUp: the user is as auth-js types it', () => {
  has(adaUser, {
    id: uuid, aud: 'authenticated', role: 'authenticated', email: 'ada@example.com', phone: '', is_anonymous: false,
    email_confirmed_at: moment, confirmed_at: moment, last_sign_in_at: moment, created_at: moment, updated_at: moment,
    app_metadata: { provider: 'email', providers: ['email'] }
  })
  has(adaUser.user_metadata, { first_name: 'Ada', n: 1 })
  same(adaUser.identities.length, 1)
  has(adaUser.identities[0], {
    id: adaUser.id, user_id: adaUser.id, identity_id: uuid, provider: 'email', email: 'ada@example.com', created_at: moment, updated_at: moment
  })
  has(adaUser.identities[0].identity_data, { sub: adaUser.id, email: 'ada@example.com' })
})
await test('signUp: the access token is a JWT with the claims of Supabase', async () => {
  const { session } = good(await ada.auth.getSession())
  has(header(session.access_token), { alg: 'HS256', typ: 'JWT' })
  const claims = payload(session.access_token)
  has(claims, {
    sub: adaUser.id, aud: 'authenticated', role: 'authenticated', email: 'ada@example.com', phone: '', aal: 'aal1', session_id: uuid,
    is_anonymous: false
  })
  has(claims.app_metadata, { provider: 'email', providers: ['email'] })
  has(claims.user_metadata, { first_name: 'Ada' })
  has(claims.amr[0], { method: 'password' })
  same(claims.exp - claims.iat, 3600)
})
await test('signUp: what the schema keeps about a user is made with it', async () => {
  const rows = good(await service.from('users').select('email,user_settings(theme),user_kyc(verification_status),user_roles!fk_user_roles_user_id(roles(name))').eq('id', adaUser.id))
  same(rows, [{
    email: 'ada@example.com', user_settings: { theme: 'dark' }, user_kyc: { verification_status: 'pending' }, user_roles: [{ roles: { name: 'user' } }]
  }])
})
bobUser = await need('signUp: another one', async () => good(await bob.auth.signUp({ email: 'bob@example.com', password })).user)
await test('signUp: the same address again', async () =>
  unauthenticated(await client().auth.signUp({ email: 'ada@example.com', password }), 422, 'user_already_exists', 'User already registered'))
await test('signUp: a short password', async () => {
  const result = await client().auth.signUp({ email: 'short@example.com', password: '12345' })
  unauthenticated(result, 422, 'weak_password', 'Password should be at least 6 characters.')
  same(result.error.name, 'AuthWeakPasswordError')
  same(result.error.reasons, ['length'])
})
await test('signUp: a malformed address', async () =>
  unauthenticated(await client().auth.signUp({ email: 'nobody', password }), 400, 'validation_failed', 'Unable to validate email address: invalid format'))
await test('signUp: no password', async () =>
  unauthenticated(await client().auth.signUp({ email: 'none@example.com', password: '' }), 400, 'validation_failed', 'Signup requires a valid password'))
await test('signInWithPassword', async () => {
  const { user, session } = good(await ada.auth.signInWithPassword({ email: 'ada@example.com', password }))
  same(user.id, adaUser.id)
  same(payload(session.access_token).amr[0].method, 'password')
})
await test('signInWithPassword: another password', async () =>
  unauthenticated(await client().auth.signInWithPassword({ email: 'ada@example.com', password: 'wrong one' }), 400, 'invalid_credentials', 'Invalid login credentials'))
await test('signInWithPassword: nobody has the address: the same words', async () =>
  unauthenticated(await client().auth.signInWithPassword({ email: 'nobody@example.com', password }), 400, 'invalid_credentials', 'Invalid login credentials'))
await test('signInWithPassword: a user without a password', async () =>
  unauthenticated(await client().auth.signInWithPassword({ email: 'admin@ledger.local', password: '!' }), 400, 'invalid_credentials', 'Invalid login credentials'))
await test('a session that is set by hand', async () => {
  const { session } = good(await ada.auth.getSession())
  const other = client()
  const { user } = good(await other.auth.setSession({ access_token: session.access_token, refresh_token: session.refresh_token }))
  same(user.id, adaUser.id)
})

// ---- the user

await test('getUser', async () => has(good(await ada.auth.getUser()).user, { id: adaUser.id, email: 'ada@example.com' }))
await test('getClaims asks the server, since HS256 cannot be verified by a client', async () =>
  has(good(await ada.auth.getClaims()).claims, { sub: adaUser.id, role: 'authenticated' }))
await test('getUser: not a token', async () => unauthenticated(await stranger.auth.getUser('a.b.c'), 403, 'bad_jwt', /^invalid JWT/))
await test('getUser: a token of another signer', async () => {
  const { session } = good(await ada.auth.getSession())
  const [head, body] = session.access_token.split('.')
  unauthenticated(await stranger.auth.getUser(`${head}.${body}.${'A'.repeat(43)}`), 403, 'bad_jwt', /^invalid JWT/)
})
await test('getUser: a token without a user', async () => unauthenticated(await stranger.auth.getUser(anonKey), 403, 'bad_jwt', 'invalid claim: missing sub claim'))
await test('GET /user without a token', async () => {
  const { status, json } = await raw('GET', '/auth/v1/user')
  same([status, json.error_code, json.msg], [401, 'no_authorization', 'This endpoint requires a Bearer token'])
})
await test('updateUser: data is merged', async () => {
  const { user } = good(await ada.auth.updateUser({ data: { n: null, town: 'London' } }))
  same([user.user_metadata.first_name, user.user_metadata.town, user.user_metadata.n ?? null], ['Ada', 'London', null])
})
await test('updateUser: the same password', async () =>
  unauthenticated(await ada.auth.updateUser({ password }), 422, 'same_password', 'New password should be different from the old password.'))
await test('updateUser: a short password', async () => {
  const result = await ada.auth.updateUser({ password: 'x' })
  unauthenticated(result, 422, 'weak_password')
  same(result.error.reasons, ['length'])
})
await test("updateUser: another one's address", async () =>
  unauthenticated(await ada.auth.updateUser({ email: 'bob@example.com' }), 422, 'email_exists', 'A user with this email address has already been registered'))
await test('updateUser: app_metadata is not for users', async () => {
  const { session } = good(await ada.auth.getSession())
  const { status, json } = await raw('PUT', '/auth/v1/user', { token: session.access_token, body: { app_metadata: { role: 'admin' } } })
  same([status, json.error_code], [403, 'not_admin'])
})
await test('updateUser: a role is not for users', async () => {
  const { session } = good(await ada.auth.getSession())
  await raw('PUT', '/auth/v1/user', { token: session.access_token, body: { role: 'service_role', data: {} } })
  same(good(await ada.auth.getUser()).user.role, 'authenticated')
})
await test('updateUser: a new password', async () => {
  good(await bob.auth.updateUser({ password: 'another horse 2' }))
  unauthenticated(await client().auth.signInWithPassword({ email: 'bob@example.com', password }), 400, 'invalid_credentials')
  good(await bob.auth.signInWithPassword({ email: 'bob@example.com', password: 'another horse 2' }))
})
await test('user_metadata comes back as it went', async () => {
  const data = { text: 'Grüße "\\ \u2028 😀', list: [1, null, { a: false }], number: 1.5 }
  const { user } = good(await bob.auth.updateUser({ data }))
  for (const name of Object.keys(data)) same(user.user_metadata[name], data[name])
})

// ---- sessions

await test('refreshSession: a new pair for the same session', async () => {
  const before = good(await ada.auth.getSession()).session
  const after = good(await ada.auth.refreshSession()).session
  assert.notEqual(after.refresh_token, before.refresh_token)
  same(payload(after.access_token).session_id, payload(before.access_token).session_id)
  same(after.user.id, adaUser.id)
})
await test('a refresh token used twice at once gives the same successor', async () => {
  const { session } = good(await client().auth.signInWithPassword({ email: 'ada@example.com', password }))
  const answers = await Promise.all([1, 2, 3].map(() => raw('POST', '/auth/v1/token?grant_type=refresh_token', { body: { refresh_token: session.refresh_token } })))
  same(answers.map((answer) => answer.status), [200, 200, 200])
  same(new Set(answers.map((answer) => answer.json.refresh_token)).size, 1)
})
await test('refreshSession: an unknown token', async () =>
  unauthenticated(await client().auth.refreshSession({ refresh_token: 'nothingoftheki' }), 400, 'refresh_token_not_found', 'Invalid Refresh Token: Refresh Token Not Found'))
await test('refresh: no token', async () => {
  const { status, json } = await raw('POST', '/auth/v1/token?grant_type=refresh_token', { body: {} })
  same([status, json.error_code], [400, 'validation_failed'])
})
const signIn = async () => {
  const one = client()
  good(await one.auth.signInWithPassword({ email: 'ada@example.com', password }))
  return one
}
await test('signOut of the other sessions', async () => {
  const [one, two] = [await signIn(), await signIn()]
  const { session } = good(await two.auth.getSession())
  good(await one.auth.signOut({ scope: 'others' }))
  good(await one.auth.getUser())
  same((await two.auth.getUser()).error.name, 'AuthSessionMissingError')
  unauthenticated(await client().auth.refreshSession(session), 400, 'refresh_token_not_found')
  good(await ada.auth.signInWithPassword({ email: 'ada@example.com', password }))
})
await test('signOut of this session', async () => {
  const [one, two] = [await signIn(), await signIn()]
  const { session } = good(await one.auth.getSession())
  good(await one.auth.signOut({ scope: 'local' }))
  same(good(await one.auth.getSession()).session, null)
  const answer = await raw('GET', '/auth/v1/user', { token: session.access_token })
  same([answer.status, answer.json.error_code], [403, 'session_not_found'])
  good(await two.auth.getUser())
})
await test('a token of a session that was ended reads nothing', async () => {
  const one = await signIn()
  const { session } = good(await one.auth.getSession())
  good(await one.auth.signOut({ scope: 'local' }))
  const answer = await raw('GET', '/rest/v1/users?select=id', { token: session.access_token })
  same(answer.status, 401)
})
await test('signOut everywhere', async () => {
  const [one, two] = [await signIn(), await signIn()]
  good(await one.auth.signOut())
  same((await two.auth.getUser()).error.name, 'AuthSessionMissingError')
  good(await ada.auth.signInWithPassword({ email: 'ada@example.com', password }))
})
await test('logout: no such scope', async () => {
  const { session } = good(await ada.auth.getSession())
  const { status, json } = await raw('POST', '/auth/v1/logout?scope=all', { token: session.access_token })
  same([status, json.error_code, json.msg], [400, 'validation_failed', 'Unsupported logout scope "all"'])
})

// ---- anonymous

await test('signInAnonymously, made permanent afterwards', async () => {
  const guest = client()
  const { user, session } = good(await guest.auth.signInAnonymously({ options: { data: { cart: 3 } } }))
  has(user, { is_anonymous: true, role: 'authenticated', aud: 'authenticated', email: '', identities: [] })
  same(user.user_metadata.cart, 3)
  has(payload(session.access_token), { is_anonymous: true, sub: user.id })
  same(payload(session.access_token).amr[0].method, 'anonymous')
  unauthenticated(await guest.auth.updateUser({ password }), 422, 'validation_failed')
  const named = good(await guest.auth.updateUser({ email: 'guest@example.com' })).user
  has(named, { id: user.id, email: 'guest@example.com', is_anonymous: false })
  good(await guest.auth.updateUser({ password }))
  same(good(await client().auth.signInWithPassword({ email: 'guest@example.com', password })).user.id, user.id)
})

// ---- what needs mail, and what there is not

await test('signInWithOtp: no mail is sent here, and it says so', async () => unauthenticated(await stranger.auth.signInWithOtp({ email: 'ada@example.com' }), 422, 'otp_disabled'))
await test('resetPasswordForEmail likewise, for a user and for nobody', async () => {
  unauthenticated(await stranger.auth.resetPasswordForEmail('ada@example.com'), 422, 'otp_disabled')
  unauthenticated(await stranger.auth.resetPasswordForEmail('nobody@example.com'), 422, 'otp_disabled')
})
await test('resend likewise', async () => unauthenticated(await stranger.auth.resend({ type: 'signup', email: 'ada@example.com' }), 422, 'otp_disabled'))
await test('reauthenticate likewise', async () => unauthenticated(await ada.auth.reauthenticate(), 422, 'otp_disabled'))
await test('verifyOtp: no code was given out', async () =>
  unauthenticated(await stranger.auth.verifyOtp({ email: 'ada@example.com', token: '123456', type: 'email' }), 403, 'otp_expired', 'Token has expired or is invalid'))
await test('inviteUserByEmail needs mail', async () => unauthenticated(await service.auth.admin.inviteUserByEmail('new@example.com'), 422, 'otp_disabled'))
await test('a code of PKCE: no flow was begun here', async () => {
  const { status, json } = await raw('POST', '/auth/v1/token?grant_type=pkce', { body: { auth_code: 'x', code_verifier: 'y' } })
  same([status, json.error_code], [404, 'flow_state_not_found'])
})
await test('a client that prefers PKCE signs up and in as any other', async () => {
  const one = client(anonKey, { auth: { ...options.auth, flowType: 'pkce' } })
  same(good(await one.auth.signUp({ email: 'pkce@example.com', password })).user.email, 'pkce@example.com')
  good(await one.auth.signInWithPassword({ email: 'pkce@example.com', password }))
  unauthenticated(await one.auth.resetPasswordForEmail('pkce@example.com'), 422, 'otp_disabled')
})
await test('an unknown grant', async () => {
  const { status, json } = await raw('POST', '/auth/v1/token?grant_type=magic', { body: {} })
  same([status, json.error_code, json.msg], [400, 'invalid_credentials', 'unsupported_grant_type'])
})
await test('signInWithIdToken: no provider', async () =>
  unauthenticated(await stranger.auth.signInWithIdToken({ provider: 'google', token: 'x' }), 400, 'provider_disabled'))
await test('signInWithSSO: no provider', async () => unauthenticated(await stranger.auth.signInWithSSO({ domain: 'example.com' }), 404, 'saml_provider_disabled'))
await test('mfa.enroll: there are no second factors', async () =>
  unauthenticated(await ada.auth.mfa.enroll({ factorType: 'totp' }), 422, 'mfa_totp_enroll_not_enabled'))
await test('mfa.listFactors: none', async () => same(good(await ada.auth.mfa.listFactors()).all, []))
await test('GET /authorize of a provider', async () => {
  const { status, json } = await raw('GET', '/auth/v1/authorize?provider=github')
  same([status, json.error_code, json.msg], [400, 'validation_failed', 'Unsupported provider: provider is not enabled'])
})
await test('a path that is not there', async () => same((await raw('GET', '/auth/v1/nothing')).status, 404))
await test('a method that is not there', async () => {
  const answer = await raw('DELETE', '/auth/v1/user')
  same([answer.status, answer.headers.get('allow')], [405, 'OPTIONS, GET, HEAD, PUT'])
})
await test('what else Supabase has is not here, and says so at once', async () => {
  for (const path of ['/realtime/v1/websocket?vsn=2.0.0', '/storage/v1/bucket', '/functions/v1/hello']) same([path, (await raw('GET', path)).status], [path, 404])
  assert.ok((await stranger.storage.listBuckets()).error)
  assert.ok((await stranger.functions.invoke('hello')).error)
})
for (const [name, body] of [['no JSON', '{"email":'], ['text behind it', '{} x'], ['a list', '[]'], ['a NUL', '{"email":"a\\u0000@b.co","password":"123456"}'],
  ['nothing', ''], ['a number as an address', '{"email":7,"password":"123456"}'], ['a text as data', '{"email":"t@example.com","password":"123456","data":"x"}']])
  await test(`a body with ${name}`, async () => {
    const { status, json } = await raw('POST', '/auth/v1/signup', { body, headers: { 'content-type': 'application/json' } })
    same([status, json.error_code], [400, 'bad_json'])
  })

await test('a body that is too long', async () => {
  const post = pad => raw('POST', '/auth/v1/signup', { body: JSON.stringify({ email: 'x', password: '' }).padEnd(pad), headers: { 'content-type': 'application/json' } })
  assert.notEqual((await post(65536)).status, 413)
  const { status, json } = await post(65537)
  same([status, json.error_code], [413, 'request_too_large'])
})

const odd = ['', ' ', 'x'.repeat(20000), "'; DROP TABLE users;--", '" OR "1"="1', '\u202e\u0007', '😀', '%00', '../../etc/passwd', null, 0, -1, 1e308, true, [], [[]], {}, { a: { b: [null] } }]
await test('no body whatever makes a server’s fault of it', async () => {
  const paths = ['signup', 'token?grant_type=password', 'token?grant_type=refresh_token', 'token?grant_type=pkce', 'verify', 'otp', 'recover', 'admin/users', 'admin/generate_link', 'invite', 'logout', 'factors']
  const members = ['email', 'password', 'data', 'refresh_token', 'token_hash', 'type', 'user_metadata', 'ban_duration', 'id', 'role']
  const faults = []
  for (const path of paths)
    for (const member of members)
      await Promise.all(odd.map(async (value) => {
        const body = { email: 'odd@example', password, token_hash: 'x', type: 'magiclink', [member]: value }
        const answer = await raw('POST', `/auth/v1/${path}`, { key: serviceKey, token: serviceKey, body })
        if (answer.status >= 500 || answer.json === null) faults.push(`${path} ${member} ${JSON.stringify(value)?.slice(0, 40)}: ${answer.status} ${answer.text.slice(0, 100)}`)
      }))
  same(faults, [])
})

// ---- how errors look with and without the version of the interface

await test('an error by X-Supabase-Api-Version 2024-01-01: code and message', async () => {
  const answer = await raw('POST', '/auth/v1/token?grant_type=password', {
    body: { email: 'a@b.co', password: 'nothing' }, headers: { 'x-supabase-api-version': '2024-01-01' }
  })
  same([answer.status, answer.json], [400, { code: 'invalid_credentials', message: 'Invalid login credentials' }])
  same(answer.headers.get('x-supabase-api-version'), '2024-01-01')
  same(answer.headers.get('x-sb-error-code'), 'invalid_credentials')
})
await test('an error without it: code, error_code and msg', async () => {
  const answer = await raw('POST', '/auth/v1/token?grant_type=password', { body: { email: 'a@b.co', password: 'nothing' } })
  same([answer.status, answer.json], [400, { code: 400, error_code: 'invalid_credentials', msg: 'Invalid login credentials' }])
  same(answer.headers.get('x-supabase-api-version'), null)
})
await test('a browser may read what the client reads', async () => {
  const answer = await raw('OPTIONS', '/auth/v1/token', {
    headers: { origin: 'https://app.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,apikey,x-client-info,x-supabase-api-version,content-type' }
  })
  assert.ok(answer.status === 200 || answer.status === 204, `status ${answer.status}`)
  assert.ok(['*', 'https://app.example'].includes(answer.headers.get('access-control-allow-origin')))
  same(answer.headers.get('access-control-allow-headers'), /x-supabase-api-version/i)
  const list = await raw('GET', '/auth/v1/admin/users', { key: serviceKey, token: serviceKey, headers: { origin: 'https://app.example' } })
  same(list.headers.get('access-control-expose-headers'), /x-total-count/i)
  same(list.headers.get('access-control-expose-headers'), /link/i)
  same(list.headers.get('access-control-expose-headers'), /x-supabase-api-version/i)
})

// ---- settings, health, keys

await test('GET /settings', async () => {
  const { status, json } = await raw('GET', '/auth/v1/settings')
  same(status, 200)
  has(json, { disable_signup: false, mailer_autoconfirm: true, phone_autoconfirm: false, saml_enabled: false })
  has(json.external, { email: true, anonymous_users: true, phone: false, google: false, github: false })
})
await test('GET /health', async () => {
  const { status, json } = await raw('GET', '/auth/v1/health')
  same([status, Object.keys(json).sort(), json.name], [200, ['description', 'name', 'version'], 'GoTrue'])
})
await test('GET /.well-known/jwks.json: HS256 has no public keys', async () => {
  const { status, json } = await raw('GET', '/auth/v1/.well-known/jwks.json')
  same([status, json], [200, { keys: [] }])
})

// ---- administration

let carol
await test('admin.createUser', async () => {
  const { user } = good(await service.auth.admin.createUser({
    email: 'carol@example.com', password, email_confirm: true, user_metadata: { first_name: 'Carol' }, app_metadata: { plan: 'gold' }
  }))
  carol = user
  has(user, { email: 'carol@example.com', email_confirmed_at: moment, role: 'authenticated', user_metadata: { first_name: 'Carol' } })
  has(user.app_metadata, { plan: 'gold', provider: 'email' })
})
await test('admin.createUser: an address twice', async () =>
  unauthenticated(await service.auth.admin.createUser({ email: 'carol@example.com', password }), 422, 'email_exists', 'A user with this email address has already been registered'))
await test('admin.createUser: neither address nor phone', async () =>
  unauthenticated(await service.auth.admin.createUser({ password }), 400, 'validation_failed', 'Cannot create a user without either an email or phone'))
await test('admin.createUser: with an id', async () => {
  const id = '11111111-2222-4333-8444-555555555555'
  same(good(await service.auth.admin.createUser({ id, email: 'dave@example.com', password, email_confirm: true })).user.id, id)
  unauthenticated(await service.auth.admin.createUser({ id: 'no uuid', email: 'eve@example.com' }), 400, 'validation_failed')
})
await test('admin.createUser: with a hash of bcrypt', async () => {
  // crypt_blowfish's own test vector
  good(await service.auth.admin.createUser({ email: 'hash@example.com', email_confirm: true, password_hash: '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW' }))
  good(await client().auth.signInWithPassword({ email: 'hash@example.com', password: 'U*U' }))
})
await test('admin.getUserById', async () => same(good(await service.auth.admin.getUserById(carol.id)).user.email, 'carol@example.com'))
await test('admin.getUserById: nobody', async () =>
  unauthenticated(await service.auth.admin.getUserById('00000000-0000-4000-8000-0000000000aa'), 404, 'user_not_found', 'User not found'))
await test('admin: an id that is none', async () => {
  const { status, json } = await raw('GET', '/auth/v1/admin/users/a%40b.co', { key: serviceKey, token: serviceKey })
  same([status, json.error_code, json.msg], [404, 'validation_failed', 'user_id must be an UUID'])
})
await test('admin.updateUserById', async () => {
  const { user } = good(await service.auth.admin.updateUserById(carol.id, { user_metadata: { town: 'Paris' }, app_metadata: { plan: 'tin' }, email: 'carola@example.com' }))
  has(user, { email: 'carola@example.com', user_metadata: { first_name: 'Carol', town: 'Paris' } })
  has(user.app_metadata, { plan: 'tin', provider: 'email' })
})
await test('admin: a ban', async () => {
  const one = client()
  good(await one.auth.signInWithPassword({ email: 'carola@example.com', password }))
  const { user } = good(await service.auth.admin.updateUserById(carol.id, { ban_duration: '24h' }))
  assert.ok(Date.parse(user.banned_until) > Date.now() + 23 * 3600e3, user.banned_until)
  unauthenticated(await client().auth.signInWithPassword({ email: 'carola@example.com', password }), 400, 'user_banned', 'User is banned')
  unauthenticated(await one.auth.refreshSession(), 400, 'user_banned')
  good(await service.auth.admin.updateUserById(carol.id, { ban_duration: 'none' }))
  good(await client().auth.signInWithPassword({ email: 'carola@example.com', password }))
})
await test('admin: a ban that is no duration', async () =>
  unauthenticated(await service.auth.admin.updateUserById(carol.id, { ban_duration: 'forever' }), 400, 'validation_failed', /^invalid format for ban duration/))
await test('admin: a new password', async () => {
  good(await service.auth.admin.updateUserById(carol.id, { password: 'set by the office' }))
  good(await client().auth.signInWithPassword({ email: 'carola@example.com', password: 'set by the office' }))
})
await test('admin.listUsers: pages', async () => {
  const all = good(await service.auth.admin.listUsers())
  assert.ok(all.users.length >= 6)
  const page = good(await service.auth.admin.listUsers({ page: 1, perPage: 2 }))
  same([page.users.length, page.aud, page.nextPage, page.lastPage, page.total], [2, 'authenticated', 2, Math.ceil(all.users.length / 2), all.users.length])
  const last = good(await service.auth.admin.listUsers({ page: page.lastPage, perPage: 2 }))
  same(last.nextPage, null)
  const ids = new Set()
  for (let number = 1; number <= page.lastPage; number++)
    for (const user of good(await service.auth.admin.listUsers({ page: number, perPage: 2 })).users) ids.add(user.id)
  same(ids.size, all.users.length)
})
await test('admin.listUsers: a page that is none', async () => {
  const { status, json } = await raw('GET', '/auth/v1/admin/users?page=x', { key: serviceKey, token: serviceKey })
  same([status, json.error_code], [400, 'validation_failed'])
})
await test('admin is for administrators: anonymous', async () => unauthenticated(await stranger.auth.admin.listUsers(), 403, 'not_admin', 'User not allowed'))
await test('admin is for administrators: a user', async () => {
  const { session } = good(await ada.auth.getSession())
  for (const [method, path, body] of [['GET', ''], ['POST', '', { email: 'x@example.com' }], ['GET', `/${bobUser.id}`], ['PUT', `/${bobUser.id}`, { password: 'mine now' }], ['DELETE', `/${bobUser.id}`, {}]]) {
    const answer = await raw(method, `/auth/v1/admin/users${path}`, { token: session.access_token, body })
    same([method, answer.status, answer.json.error_code, answer.json.msg], [method, 403, 'not_admin', 'User not allowed'])
  }
})
await test("admin.signOut of a user's sessions", async () => {
  const one = await signIn()
  const { session } = good(await one.auth.getSession())
  good(await service.auth.admin.signOut(session.access_token, 'local'))
  same((await one.auth.getUser()).error.name, 'AuthSessionMissingError')
})
await test('admin.generateLink: a link that works once', async () => {
  const { properties, user } = good(await service.auth.admin.generateLink({ type: 'magiclink', email: 'ada@example.com', options: { redirectTo: 'https://app.example/in' } }))
  same(user.id, adaUser.id)
  has(properties, { verification_type: 'magiclink', redirect_to: 'https://app.example/in', hashed_token: /^.{20,}$/, action_link: /\/auth\/v1\/verify\?/ })
  const one = client()
  const signed = good(await one.auth.verifyOtp({ token_hash: properties.hashed_token, type: 'magiclink' }))
  same(signed.user.id, adaUser.id)
  same(payload(signed.session.access_token).amr[0].method, 'otp')
  same(good(await one.from('users').select('id')), [{ id: adaUser.id }])
  unauthenticated(await client().auth.verifyOtp({ token_hash: properties.hashed_token, type: 'magiclink' }), 403, 'otp_expired')
})
await test('admin.generateLink: the link itself, followed by a browser', async () => {
  const { properties } = good(await service.auth.admin.generateLink({ type: 'recovery', email: 'ada@example.com', options: { redirectTo: 'https://app.example/in?x=1' } }))
  same((await fetch(properties.action_link, { method: 'HEAD' })).status, 405) // a look does not use it up
  const answer = await fetch(properties.action_link, { redirect: 'manual' })
  const to = new URL(answer.headers.get('location'))
  same([answer.status, to.origin + to.pathname + to.search], [303, 'https://app.example/in?x=1'])
  const values = Object.fromEntries(new URLSearchParams(to.hash.slice(1)))
  has(values, { token_type: 'bearer', expires_in: '3600', type: 'recovery' })
  same(good(await stranger.auth.getUser(values.access_token)).user.id, adaUser.id)
  const again = await fetch(properties.action_link, { redirect: 'manual' })
  same([again.status, again.headers.get('location'), (await again.json()).error_code], [403, null, 'otp_expired'])
})
await test('admin.generateLink: two that follow one link at once: one gets in', async () => {
  const { properties } = good(await service.auth.admin.generateLink({ type: 'magiclink', email: 'ada@example.com' }))
  const answers = await Promise.all([1, 2, 3, 4].map(() => raw('POST', '/auth/v1/verify', { body: { token_hash: properties.hashed_token, type: 'magiclink' } })))
  same(answers.map((answer) => answer.status).sort(), [200, 403, 403, 403])
})
await test('admin.generateLink: its token is no key of the interface', async () => {
  const { properties } = good(await service.auth.admin.generateLink({ type: 'recovery', email: 'ada@example.com' }))
  const answer = await raw('GET', '/rest/v1/users?select=id', { key: properties.hashed_token })
  same([answer.status, answer.json.code], [403, '42501'])
  unauthenticated(await client().auth.verifyOtp({ token_hash: properties.hashed_token, type: 'invite' }), 403, 'otp_expired')
})
await test('admin.generateLink: nobody to recover', async () =>
  unauthenticated(await service.auth.admin.generateLink({ type: 'recovery', email: 'nobody@example.com' }), 404, 'user_not_found'))
await test('a user with a phone signs in by it', async () => {
  const { user } = good(await service.auth.admin.createUser({ email: 'phone@example.com', phone: '+44 20 7946 0000', password, email_confirm: true, phone_confirm: true }))
  same(user.phone, '442079460000')
  const signed = good(await client().auth.signInWithPassword({ phone: '+442079460000', password })).user
  has(signed, { id: user.id, phone: '442079460000' })
  unauthenticated(await service.auth.admin.createUser({ phone: '442079460000', password }), 422, 'phone_exists')
})
await test('signUp by phone: no messages are sent here', async () => unauthenticated(await client().auth.signUp({ phone: '442079460001', password }), 422, 'phone_provider_disabled'))
await test('admin.deleteUser', async () => {
  same(good(await service.auth.admin.deleteUser('11111111-2222-4333-8444-555555555555')).user.email, 'dave@example.com')
  unauthenticated(await service.auth.admin.getUserById('11111111-2222-4333-8444-555555555555'), 404, 'user_not_found')
  unauthenticated(await service.auth.admin.deleteUser('11111111-2222-4333-8444-555555555555'), 404, 'user_not_found')
})
await test('admin.deleteUser: softly', async () => {
  const { user } = good(await service.auth.admin.createUser({ email: 'soft@example.com', password, email_confirm: true }))
  const one = client()
  good(await one.auth.signInWithPassword({ email: 'soft@example.com', password }))
  good(await service.auth.admin.deleteUser(user.id, true))
  unauthenticated(await client().auth.signInWithPassword({ email: 'soft@example.com', password }), 400, 'invalid_credentials')
  assert.ok((await one.auth.getUser()).error)
})

// ---- rows, and whose they are

await test('each sees their own user', async () => {
  same(good(await ada.from('users').select('id,email')), [{ id: adaUser.id, email: 'ada@example.com' }])
  same(good(await bob.from('users').select('id')), [{ id: bobUser.id }])
  same(good(await stranger.from('users').select('id')), [])
})
await test("another one's row is not there: by key, in counts, with every operator", async () => {
  same(good(await ada.from('users').select().eq('id', bobUser.id)), [])
  same((await ada.from('users').select('*', { count: 'exact', head: true })).count, 1)
  for (const operator of ['like', 'ilike', 'match', 'gte']) same(good(await ada.from('users').select('id').filter('email', operator, operator === 'match' ? '^bob' : 'bob*')).length, 0)
  same(good(await ada.from('users').select('id').or(`id.eq.${bobUser.id},email.eq.bob@example.com`)), [])
})
await test('insert of an own row', async () => {
  const result = await ada.from('entities').insert({ entity_type: 'contract', name: 'Lease', owner_id: adaUser.id, data: { rent: 900.5, rooms: [1, 2] } })
  same([result.status, result.data, result.error], [201, null, null])
})
await test('insert of several, given back', async () => {
  const rows = good(await ada.from('entities').insert([{ entity_type: 'note', name: 'one', owner_id: adaUser.id }, { entity_type: 'note', name: 'two', owner_id: adaUser.id }]).select('name,data'))
  same(rows, [{ name: 'one', data: {} }, { name: 'two', data: {} }])
})
await test("insert of another one's row", async () =>
  refused(await ada.from('entities').insert({ entity_type: 'note', name: 'trap', owner_id: bobUser.id }), {
    status: 403, code: '42501', message: 'new row violates row-level security policy for table "entities"', details: null, hint: null
  }))
await test('insert by a stranger', async () =>
  refused(await stranger.from('entities').insert({ entity_type: 'note', name: 'trap' }), {
    status: 401, code: '42501', message: 'new row violates row-level security policy for table "entities"'
  }))
await test('anybody may write to us, and not read it', async () => {
  const result = await stranger.from('contacts').insert({ email: 'x@example.com', message: 'Hello' })
  same([result.status, result.error], [201, null])
  same(good(await stranger.from('contacts').select()), [])
})
await test('a row that may be inserted but not seen is not given back', async () =>
  refused(await stranger.from('contacts').insert({ email: 'x@example.com', message: 'Hello' }).select(), { status: 401, code: '42501' }))
await test('bob sees none of it', async () => same(good(await bob.from('entities').select()), []))
await test('update of own rows', async () => {
  const rows = good(await ada.from('entities').update({ data: { done: true } }).eq('name', 'one').select('name,data'))
  same(rows, [{ name: 'one', data: { done: true } }])
})
await test("update of another one's rows changes none", async () => {
  same(good(await bob.from('entities').update({ name: 'mine' }).eq('name', 'one').select()), [])
  same(good(await ada.from('entities').select('name').eq('name', 'one')).length, 1)
})
await test('an own row may not be given away', async () =>
  refused(await ada.from('entities').update({ owner_id: bobUser.id }).eq('name', 'one'), { status: 403, code: '42501' }))
await test('upsert: an insert, then an update', async () => {
  const row = { id: 'aaaaaaaa-0000-4000-8000-000000000001', entity_type: 'note', name: 'three', owner_id: adaUser.id }
  same((await ada.from('entities').upsert(row)).status, 201)
  const again = await ada.from('entities').upsert({ ...row, name: 'four' }).select('name').single()
  same([again.status, again.data], [200, { name: 'four' }])
})
await test('upsert by another key', async () => {
  const rows = good(await ada.from('user_settings').upsert({ user_id: adaUser.id, theme: 'light' }, { onConflict: 'user_id' }).select('theme,language'))
  same(rows, [{ theme: 'light', language: 'en' }])
})
await test('upsert that passes over what is there', async () => {
  const rows = good(await ada.from('user_settings').upsert({ user_id: adaUser.id, theme: 'auto' }, { onConflict: 'user_id', ignoreDuplicates: true }).select('theme'))
  same(rows, [])
})
await test("upsert onto another one's row", async () =>
  refused(await bob.from('entities').upsert({ id: 'aaaaaaaa-0000-4000-8000-000000000001', entity_type: 'note', name: 'mine', owner_id: bobUser.id }), { status: 403, code: '42501' }))
await test('delete of own rows', async () => {
  same(good(await ada.from('entities').delete().eq('name', 'two').select('name')), [{ name: 'two' }])
  same((await ada.from('entities').delete().eq('name', 'two')).status, 204)
})
await test("delete of another one's rows deletes none", async () => {
  same((await bob.from('entities').delete().eq('name', 'one')).status, 204)
  same(good(await ada.from('entities').select('name').eq('name', 'one')).length, 1)
})

// ---- a user who is an administrator

await test('an administrator, by the schema’s own policies, sees everybody', async () => {
  const { data: { user } } = await service.auth.admin.createUser({ email: 'root@example.com', password, email_confirm: true })
  const { id } = good(await service.from('roles').select('id').eq('name', 'admin').single())
  good(await service.from('user_roles').insert({ user_id: user.id, role_id: id }))
  const root = client()
  good(await root.auth.signInWithPassword({ email: 'root@example.com', password }))
  assert.ok(good(await root.from('users').select('id')).length > 3)
  same(good(await root.from('users').update({ status: 'suspended' }).eq('id', bobUser.id).select('status')), [{ status: 'suspended' }])
  same((await bob.from('users').select('id')).error !== null || good(await bob.from('users').select('id')).length === 1, true)
  good(await root.from('users').update({ status: 'active' }).eq('id', bobUser.id))
  unauthenticated(await root.auth.admin.listUsers(), 403, 'not_admin')
})

// ---- the book, and embedding

let checking, savings
await test('the office opens accounts and pays in', async () => {
  const rows = good(await service.from('accounts').insert([
    { user_id: adaUser.id, account_number: 'ADA-1', account_type: 'checking' },
    { user_id: bobUser.id, account_number: 'BOB-1', account_type: 'savings' }
  ]).select('id,account_number,balance'));
  [checking, savings] = rows.map((row) => row.id)
  same(rows.map((row) => row.balance), [0, 0])
  good(await service.rpc('deposit', { to: 'ADA-1', amount: '100.00', reference: 'D-1' }))
})
await test('embedding: a user with settings, accounts and their transactions', async () => {
  const rows = good(await ada.from('users').select('email,user_settings(theme),accounts(account_number,balance,transactions(amount,transaction_type))'))
  same(rows, [{
    email: 'ada@example.com', user_settings: { theme: 'light' },
    accounts: [{ account_number: 'ADA-1', balance: 100, transactions: [{ amount: 100, transaction_type: 'deposit' }] }]
  }])
})
await test('embedding: inner, renamed, filtered, spread', async () => {
  const rows = good(await service.from('accounts').select('number:account_number,owner:users!inner(email),...users(first:id)').eq('users.email', 'bob@example.com'))
  same(rows, [{ number: 'BOB-1', owner: { email: 'bob@example.com' }, first: bobUser.id }])
})
await test('embedding shows no hidden row', async () =>
  same(good(await bob.from('accounts').select('account_number,users(email)')), [{ account_number: 'BOB-1', users: { email: 'bob@example.com' } }]))
await test('hidden rows do not show in what is embedded, counted, summed, ordered', async () => {
  same(good(await ada.from('accounts').select('account_number,users!inner(email)').eq('users.email', 'bob@example.com')), [])
  same(good(await ada.from('users').select('count')), [{ count: 1 }])
  same(good(await ada.from('accounts').select('balance.sum(),id.count()')), [{ sum: 100, count: 1 }])
  same(good(await ada.from('users').select('email').order('email', { ascending: false }).range(0, 0)), [{ email: 'ada@example.com' }])
  same(good(await ada.from('roles').select('name,user_roles(users!fk_user_roles_user_id(email))').eq('name', 'user')), [{ name: 'user', user_roles: [{ users: { email: 'ada@example.com' } }] }])
  same((await ada.from('accounts').select('*', { count: 'planned', head: true })).count, 1)
  same((await ada.from('accounts').select('*', { count: 'estimated', head: true })).count, 1)
  same((await ada.from('accounts').update({ status: 'frozen' }, { count: 'exact' }).neq('id', checking)).count, 0)
  same((await ada.from('entities').delete({ count: 'exact' }).neq('owner_id', adaUser.id)).count, 0)
})
await test('a view asks as its caller', async () =>
  same(good(await ada.from('account_summaries').select('account_number,balance,transaction_count')), [{ account_number: 'ADA-1', balance: 100, transaction_count: 1 }]))
await test('rpc: a transfer from an own account', async () => {
  good(await ada.rpc('transfer', { from: 'ADA-1', to: 'BOB-1', amount: '30.25', reference: 'T-1' }))
  same(good(await bob.from('accounts').select('balance').single()), { balance: 30.25 })
})
await test("rpc: a transfer from another one's account", async () => {
  const result = await bob.rpc('transfer', { from: 'ADA-1', to: 'BOB-1', amount: '1.00', reference: 'T-2' })
  assert.ok(result.error)
  assert.ok([403, 404].includes(result.status), `status ${result.status}`)
  same(good(await ada.from('accounts').select('balance').single()), { balance: 69.75 })
})
await test('rpc: more than there is', async () => refused(await ada.rpc('transfer', { from: 'ADA-1', to: 'BOB-1', amount: '1000.00', reference: 'T-3' }), { status: 409, code: 'LG001' }))
await test('rpc: what is for the office', async () => {
  const result = await ada.rpc('deposit', { to: 'ADA-1', amount: '1000.00', reference: 'D-2' })
  refused(result, { status: 403, code: '42501' })
})
await test('rpc: a stranger', async () => refused(await stranger.rpc('transfer', { from: 'ADA-1', to: 'BOB-1', amount: '1.00', reference: 'T-4' }), { status: 401, code: '42501' }))
await test('rpc: by GET, where it only reads', async () => {
  const value = good(await ada.rpc('balance_at', { account: 'ADA-1', time: new Date(Date.now() + 60000).toISOString() }, { get: true }))
  same(JSON.stringify(value), /69\.75/)
})
await test('rpc: by GET, where it writes', async () => refused(await service.rpc('deposit', { to: 'ADA-1', amount: '1.00', reference: 'D-3' }, { get: true }), { status: 405, code: '25006' }))
await test('rpc: the same key again gives the first result', async () => {
  const body = { from: 'ADA-1', to: 'BOB-1', amount: '1.00' }
  const { session } = good(await ada.auth.getSession())
  const send = (more) => raw('POST', '/rest/v1/rpc/transfer', { token: session.access_token, body: { ...body, ...more }, headers: { 'idempotency-key': '"5f1c"' } })
  const [first, second] = [await send({}), await send({})]
  same([first.status, second.status, second.text], [200, 200, first.text])
  same(good(await ada.from('accounts').select('balance').single()), { balance: 68.75 })
  same((await send({ amount: '2.00' })).status, 422)
})
await test('balances are the book’s: nobody writes them', async () =>
  refused(await service.from('accounts').update({ balance: 1000000 }).eq('id', checking), { status: 403, code: '42501' }))

// ---- the usual mistakes; with row-level security the details are kept back, as PostgreSQL does

const settings = () => ({ user_id: adaUser.id })
for (const [name, ask, wanted] of [
  ['23505', () => ada.from('user_settings').insert(settings()), {
    status: 409, code: '23505', message: 'duplicate key value violates unique constraint "uq_user_settings_user_id"', details: null, hint: null
  }],
  ['23505, of who sees all rows', () => service.from('user_settings').insert(settings()), {
    status: 409, code: '23505', message: 'duplicate key value violates unique constraint "uq_user_settings_user_id"', details: () => `Key (user_id)=(${adaUser.id}) already exists.`, hint: null
  }],
  ['23503', () => service.from('user_settings').insert({ user_id: '00000000-0000-4000-8000-0000000000aa' }), {
    status: 409, code: '23503', message: 'insert or update on table "user_settings" violates foreign key constraint "fk_user_settings_user_id"',
    details: 'Key (user_id)=(00000000-0000-4000-8000-0000000000aa) is not present in table "users".', hint: null
  }],
  ['23502', () => ada.from('entities').insert({ entity_type: 'note', owner_id: adaUser.id }), {
    status: 400, code: '23502', message: 'null value in column "name" of relation "entities" violates not-null constraint', details: null, hint: null
  }],
  ['23502, of who sees all rows', () => service.from('entities').insert({ entity_type: 'note', owner_id: adaUser.id }), {
    status: 400, code: '23502', message: 'null value in column "name" of relation "entities" violates not-null constraint', details: /^Failing row contains \(/, hint: null
  }],
  ['23514', () => ada.from('user_settings').update({ theme: 'pink' }).eq('user_id', adaUser.id), {
    status: 400, code: '23514', message: 'new row for relation "user_settings" violates check constraint "ck_user_settings_theme"', details: null, hint: null
  }],
  ['23514, of who sees all rows', () => service.from('user_settings').update({ theme: 'pink' }).eq('user_id', adaUser.id), {
    status: 400, code: '23514', message: 'new row for relation "user_settings" violates check constraint "ck_user_settings_theme"', details: /^Failing row contains \(/, hint: null
  }],
  ['22P02: a uuid', () => ada.from('users').select().eq('id', 'x'), { status: 400, code: '22P02', message: 'invalid input syntax for type uuid: "x"', details: null, hint: null }],
  ['22P02: a uuid that is written', () => ada.from('entities').insert({ id: 'x', entity_type: 'a', name: 'b', owner_id: adaUser.id }), { status: 400, code: '22P02', message: 'invalid input syntax for type uuid: "x"' }],
  ['22P02: an integer', () => ada.from('user_settings').update({ auto_logout_minutes: 'soon' }).eq('user_id', adaUser.id), { status: 400, code: '22P02', message: 'invalid input syntax for type integer: "soon"' }],
  ['22007: a time', () => ada.from('users').select().gt('created_at', 'yesterday noon'), { status: 400, code: '22007' }],
  ['22001: too long', () => ada.from('entities').insert({ entity_type: 'x'.repeat(101), name: 'b', owner_id: adaUser.id }), { status: 400, code: '22001', message: 'value too long for type character varying(100)' }],
  ['22003: too large', () => ada.from('user_settings').update({ auto_logout_minutes: 3000000000 }).eq('user_id', adaUser.id), { status: 400, code: '22003' }],
  ['42703: a column of select', () => ada.from('users').select('nothing'), { status: 400, code: '42703', message: 'column users.nothing does not exist', details: null, hint: null }],
  ['42703: a column of a filter', () => ada.from('users').select('id').eq('nothing', 1), { status: 400, code: '42703', message: 'column users.nothing does not exist' }],
  ['42703: a column of an order', () => ada.from('users').select('id').order('nothing'), { status: 400, code: '42703', message: 'column users.nothing does not exist' }],
  ['PGRST116: none', () => ada.from('users').select().eq('id', bobUser.id).single(), { status: 406, code: 'PGRST116', message: 'Cannot coerce the result to a single JSON object', details: 'The result contains 0 rows', hint: null }],
  ['PGRST116: several', () => service.from('roles').select().single(), { status: 406, code: 'PGRST116', message: 'Cannot coerce the result to a single JSON object', details: 'The result contains 6 rows', hint: null }],
  ['PGRST200', () => ada.from('users').select('id,testimonies(id)'), {
    status: 400, code: 'PGRST200', message: "Could not find a relationship between 'users' and 'testimonies' in the schema cache",
    details: "Searched for a foreign key relationship between 'users' and 'testimonies' in the schema 'public', but no matches were found."
  }],
  ['PGRST204', () => ada.from('entities').insert({ nothing: 1 }), { status: 400, code: 'PGRST204', message: "Could not find the 'nothing' column of 'entities' in the schema cache", details: null, hint: null }],
  ['PGRST205', () => ada.from('entitie').select(), {
    status: 404, code: 'PGRST205', message: "Could not find the table 'public.entitie' in the schema cache", details: null, hint: "Perhaps you meant the table 'public.entities'"
  }],
  ['PGRST202', () => ada.rpc('nothing', { a: 1, b: 2 }), {
    status: 404, code: 'PGRST202', message: 'Could not find the function public.nothing(a, b) in the schema cache',
    details: 'Searched for the function public.nothing with parameters a, b or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache.', hint: null
  }],
  ['PGRST100', () => ada.from('users').select('id').filter('id', 'is_like', 'x'), { status: 400, code: 'PGRST100' }],
  ['PGRST106', () => ada.schema('secret').from('users').select(), { status: 406, code: 'PGRST106', message: 'Invalid schema: secret', hint: 'Only the following schemas are exposed: public' }],
  ['PGRST103', () => ada.from('users').select('id', { count: 'exact' }).range(10, 20), {
    status: 416, code: 'PGRST103', message: 'Requested range not satisfiable', details: 'An offset of 10 was requested, but there are only 1 rows.'
  }],
  ['PGRST124', () => ada.from('entities').update({ data: {} }).eq('owner_id', adaUser.id).maxAffected(1), {
    status: 400, code: 'PGRST124', message: 'Query result exceeds max-affected preference constraint', details: /^The query affects \d+ rows$/
  }],
  ['21000: an update of everything', () => ada.from('entities').update({ name: 'x' }), { status: 400, code: '21000', message: 'UPDATE requires a WHERE clause' }],
  ['21000: a delete of everything', () => ada.from('entities').delete(), { status: 400, code: '21000', message: 'DELETE requires a WHERE clause' }],
  ['2201B: a regular expression', () => ada.from('users').select('id').regexMatch('email', '('), { status: 400, code: '2201B', message: 'invalid regular expression: parentheses () not balanced', details: null, hint: null }]
])
  await test(`mistake ${name}`, async () => {
    const result = await ask()
    refused(result, { ...wanted, ...(typeof wanted.details === 'function' ? { details: wanted.details() } : {}) })
  })
await test('a table whose rows are only read: an update finds none', async () =>
  same(good(await ada.from('transactions').update({ status: 'failed' }).eq('amount', 100).select()), []))
await test('maybeSingle: none is null', async () => same(good(await ada.from('users').select().eq('id', bobUser.id).maybeSingle()), null))
await test('mistake PGRST301: not a token', async () => {
  const { status, json, headers } = await raw('GET', '/rest/v1/users', { token: 'a.b.c' })
  same([status, json.code, Object.keys(json).sort()], [401, 'PGRST301', ['code', 'details', 'hint', 'message']])
  same(headers.get('www-authenticate'), /^Bearer/)
})

// ---- tokens that others made

const now = () => Math.floor(Date.now() / 1000)
const part = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
function forge(claims, { alg = 'HS256', hash = 'sha256', secret = process.env.JWT_SECRET, head = { alg, typ: 'JWT' } } = {}) {
  const text = `${part(head)}.${part(claims)}`
  return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`
}
const own = (more) => ({ role: 'authenticated', sub: adaUser.id, aud: 'authenticated', iat: now(), exp: now() + 600, ...more })
const asks = (token) => raw('GET', '/rest/v1/users?select=id', { token })
await test('a token that who knows the secret has made', async () => {
  const answer = await asks(forge(own()))
  same([answer.status, answer.json], [200, [{ id: adaUser.id }]])
})
await test('a token without a role is a stranger’s', async () => same((await asks(forge(own({ role: undefined })))).text, '[]'))
await test('a token that has expired within the skew', async () => same((await asks(forge(own({ exp: now() - 10 })))).status, 200))
for (const [name, token, status, code, message] of [
  ['PGRST303: expired', () => forge(own({ exp: now() - 60 })), 401, 'PGRST303', 'JWT expired'],
  ['PGRST303: not yet', () => forge(own({ nbf: now() + 600 })), 401, 'PGRST303', 'JWT not yet valid'],
  ['PGRST303: made later', () => forge(own({ iat: now() + 600 })), 401, 'PGRST303', 'JWT issued at future'],
  ['a time that is none', () => forge(own({ exp: 'never' })), 401, /^PGRST30[13]$/],
  ['of another secret', () => forge(own(), { secret: 'super-secret-jwt-token-with-at-least-32-characters-long' }), 401, 'PGRST301'],
  ['of another hash', () => forge(own(), { alg: 'HS512', hash: 'sha512' }), 401, 'PGRST301'],
  ['of no signature', () => `${part({ alg: 'none', typ: 'JWT' })}.${part(own({ role: 'service_role' }))}.`, 401, 'PGRST301'],
  ['that says none and is signed', () => forge(own(), { alg: 'none' }), 401, 'PGRST301'],
  ['with an extension that must be understood', () => forge(own(), { head: { alg: 'HS256', crit: ['exp2'], exp2: 1 } }), 401, 'PGRST301'],
  ['of two parts', () => forge(own()).split('.').slice(0, 2).join('.'), 401, 'PGRST301'],
  ['of four parts', () => `${forge(own())}.x`, 401, 'PGRST301'],
  ['with a byte more', () => `${forge(own())}A`, 401, 'PGRST301'],
  ['that is no JSON', () => forge('{"role":'), 401, 'PGRST301'],
  ['that is a list', () => forge('["service_role"]'), 401, 'PGRST301'],
  ['of a role that is not there', () => forge(own({ role: 'nobody' })), 401, '22023', 'role "nobody" does not exist'],
  ['of the owner', () => forge(own({ role: 'postgres' })), 401, '22023', 'role "postgres" does not exist'],
  ['of a session that is not there', () => forge(own({ session_id: '00000000-0000-4000-8000-0000000000aa' })), 401],
  ['of 20 KB', () => forge(own({ more: 'x'.repeat(20000) })), 401]
])
  await test(`a token ${name}`, async () => {
    const answer = await asks(token())
    same(answer.status, status)
    same(Object.keys(answer.json).sort(), ['code', 'details', 'hint', 'message'])
    if (code) same(answer.json.code, code)
    if (message) same(answer.json.message, message)
    same(answer.headers.get('www-authenticate'), /^Bearer/)
  })
await test('getUser: an expired token', async () => unauthenticated(await stranger.auth.getUser(forge(own({ exp: now() - 60 }))), 403, 'bad_jwt', /token is expired$/))
await test('getUser: of nobody', async () =>
  unauthenticated(await stranger.auth.getUser(forge(own({ sub: '00000000-0000-4000-8000-0000000000aa' }))), 403, 'user_not_found', 'User from sub claim in JWT does not exist'))
await test('a bad token does not keep one from signing in', async () => {
  const answer = await raw('POST', '/auth/v1/token?grant_type=password', { token: 'a.b.c', body: { email: 'ada@example.com', password } })
  same(answer.status, 200)
})
await test('a token of service_role administers', async () => {
  const answer = await raw('GET', '/auth/v1/admin/users', { token: forge({ role: 'service_role', iat: now(), exp: now() + 60 }) })
  same([answer.status, answer.json.users.length > 1], [200, true])
})
await test('a bad token beside the secret key administers nothing', async () => {
  const answer = await raw('GET', '/auth/v1/admin/users', { key: serviceKey, token: 'a.b.c' })
  same([answer.status, answer.json.error_code], [403, 'bad_jwt'])
})
await test('a key that is none', async () => same((await raw('GET', '/rest/v1/users', { key: 'sb_publishable_wrong', token: 'sb_publishable_wrong' })).status, 401))
await test('an error says which in Proxy-Status', async () => {
  const { headers } = await raw('GET', '/rest/v1/nothing')
  same(headers.get('proxy-status'), /error=PGRST205/)
})

// ---- keys of the newer form, and of programs

const ledger = (...words) => execFileSync(process.env.LEDGER, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
const file = process.env.LEDGER_FILE
await test('a publishable key is a stranger’s, until one signs in', async () => {
  const one = client(ledger('key', 'create', file, '--role=anon'))
  same(one.supabaseKey, /^sb_publishable_/)
  same(good(await one.from('accounts').select('id')), [])
  unauthenticated(await one.auth.admin.listUsers(), 403, 'not_admin')
  good(await one.auth.signInWithPassword({ email: 'ada@example.com', password }))
  same(good(await one.from('accounts').select('account_number')), [{ account_number: 'ADA-1' }])
})
await test('a secret key sees and administers all', async () => {
  const one = client(ledger('key', 'create', file, '--role=service_role'))
  same(one.supabaseKey, /^sb_secret_/)
  same(good(await one.from('accounts').select('id')).length, 2)
  assert.ok(good(await one.auth.admin.listUsers()).users.length > 1)
})
await test('a key that was withdrawn', async () => {
  const { id, key } = JSON.parse(ledger('key', 'create', file, '--role=service_role', '--json'))
  good(await client(key).from('accounts').select('id'))
  ledger('key', 'revoke', file, id)
  const until = Date.now() + 5000 // another process did it: the server looks again at least every half second
  while ((await client(key).from('accounts').select('id')).status === 200) assert.ok(Date.now() < until, 'it is still good')
  same((await client(key).from('accounts').select('id')).status, 401)
  unauthenticated(await client(key).auth.admin.listUsers(), 401, 'no_authorization')
})
await test('a key of a user’s program: what it is for, and no more', async () => {
  const key = ledger('key', 'create', file, 'ada@example.com', '--permissions={"read:accounts":true}')
  const ask = (path, init = {}) => raw(init.method ?? 'GET', `/rest/v1/${path}`, { key, ...init })
  same((await ask('accounts?select=account_number')).json, [{ account_number: 'ADA-1' }])
  for (const path of ['entities', 'accounts?select=id,transactions(id)', 'accounts?select=id,users(id)']) same([path, (await ask(path)).status, (await ask(path)).json.code], [path, 403, '42501'])
  same((await ask('entities', { method: 'POST', body: { entity_type: 'a', name: 'b', owner_id: adaUser.id } })).status, 403)
  same((await ask('rpc/transfer', { method: 'POST', body: { from: 'ADA-1', to: 'BOB-1', amount: '1.00' } })).status, 403)
  for (const [method, path] of [['GET', 'user'], ['GET', 'admin/users'], ['POST', 'logout']]) {
    const { status } = await raw(method, `/auth/v1/${path}`, { key })
    assert.ok(status === 401 || status === 403, `${path} ${status}`)
  }
})
await test('a key of a user’s program may ask so often a minute', async () => {
  const key = ledger('key', 'create', file, 'ada@example.com', '--rate-limit=3')
  const answers = []
  for (let i = 0; i < 4; i++) answers.push(await raw('GET', '/rest/v1/accounts?select=id', { key }))
  same(answers.map((answer) => answer.status), [200, 200, 200, 429])
  assert.ok(Number(answers[3].headers.get('retry-after')) > 0)
  same(answers[3].headers.get('ratelimit-policy'), /q=3;w=60/)
})

end()
