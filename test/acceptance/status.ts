// Statements about /admin/status.json, which a server may close to us: it shows clients' addresses.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { below, Stream } from '../kit/stream.ts'
import { LIMIT_MS, must, once } from './statement.ts'

/** By which we find ourselves among the connections. */
const USER_AGENT = `carillon-acceptance/${randomUUID()}`
const PATH = '/subscribe/details/1F680'
/** Tells seconds from milliseconds, whatever the two clocks are apart. */
const DAY_SECONDS = 86_400

type Fields = Record<string, unknown>

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
  /** Where the body is a JSON object; else without fields. */
  readonly document: Fields
  /** The row of our own connection. */
  readonly own: Fields | undefined
}

async function ask(base: URL): Promise<Answer> {
  const signal = AbortSignal.timeout(LIMIT_MS)
  const late = `not within ${LIMIT_MS} ms: GET /admin/status.json MUST answer`
  const failed = (error: Error): never =>
    assert.fail(signal.aborted ? late : String(error.cause ?? error))
  const response = await fetch(below(base, '/admin/status.json'), { signal }).catch(failed)
  const body = await response.text().catch(failed)
  let document: Fields = {}
  try {
    document = Object(JSON.parse(body))
  } catch {
    // That it is JSON is a statement of its own.
  }
  const rows = Array.isArray(document['connections']) ? (document['connections'] as Fields[]) : []
  const own = rows.find((row) => row['user_agent'] === USER_AGENT)
  const type = response.headers.get('content-type') ?? ''
  return { status: response.status, type, body, document, own }
}

/** Asks until our connection is in it: behind a balancer others may answer first. */
async function askForOwn(base: URL): Promise<Answer> {
  const stream = new Stream(below(base, PATH), LIMIT_MS, { headers: { 'User-Agent': USER_AGENT } })
  const end = performance.now() + LIMIT_MS
  try {
    for (;;) {
      const answer = await ask(base)
      const hasRows = Array.isArray(answer.document['connections'])
      if (answer.own !== undefined || !hasRows || performance.now() > end) return answer
      await delay(200)
    }
  } finally {
    stream.close()
  }
}

/** A server of others may close its status to us. Other faults are left to the statements. */
export async function closesStatus(base: URL): Promise<boolean> {
  const status = await ask(base).then(
    (answer) => answer.status,
    () => 0,
  )
  return status === 401 || status === 403
}

export function statusStatements(base: URL, isClosed: boolean): void {
  describe('GET /admin/status.json', () => {
    if (isClosed) {
      must('MAY be closed to us', (t) => {
        t.diagnostic('NOT CHECKED: the status is closed to us; it may answer on the server itself')
      })
    } else openStatements(once(() => askForOwn(base)))
  })
}

function openStatements(asked: () => Promise<Answer>): void {
  const row = async (): Promise<Fields> => {
    const { own } = await asked()
    return own ?? assert.fail(`no connection has the user_agent ${USER_AGENT}`)
  }
  const time = async (name: string): Promise<number> => unixSeconds((await asked()).document, name)

  must('MUST answer with status 200', async () => assert.equal((await asked()).status, 200))
  must('SHOULD send Content-Type: application/json', async () =>
    assert.match((await asked()).type, /^application\/json *(;|$)/i),
  )
  must('MUST be a JSON object', async () => {
    const { body } = await asked()
    assert.equal(typeof JSON.parse(body), 'object')
  })
  must('MUST report the node name, of kind, environment and host', async () => {
    // The original requires the host to be a Heroku dyno, such as web.1.
    assert.match(textOf((await asked()).document, 'node'), /^\w+-\w+-\S+$/)
  })
  must('SHOULD have the status OK', async () =>
    assert.equal((await asked()).document['status'], 'OK'),
  )
  must('SHOULD have the time of the report as reported_at', () =>
    time('reported_at').then(() => {}),
  )
  must('SHOULD have the time of the start as startup_time', async () => {
    const [started, reported] = [await time('startup_time'), await time('reported_at')]
    assert.ok(started <= reported, `${started} is after the report, ${reported}`)
  })
  must('SHOULD count the messages as msgs_broadcast', async () =>
    assertCount((await asked()).document, 'msgs_broadcast'),
  )
  must('MUST have the active connections as an array', async () => {
    const { connections } = (await asked()).document
    assert.ok(Array.isArray(connections), `connections is ${connections}, not an array`)
  })

  must('SHOULD have our own connection, with its user_agent', async () => {
    assert.equal((await row())['user_agent'], USER_AGENT)
  })
  must('MUST have the request_path of a connection', async () => {
    // Behind a prefix the server may see one or not.
    const path = textOf(await row(), 'request_path')
    assert.ok(path.endsWith(PATH), `${path} is not ${PATH}`)
  })
  must('MUST have the namespace of a connection', async () =>
    assert.equal((await row())['namespace'], PATH.replace('/subscribe', '')),
  )
  must('MUST have the time of a connection as created_at', async () => {
    const created = unixSeconds(await row(), 'created_at')
    const [started, reported] = [await time('startup_time'), await time('reported_at')]
    // One may be rounded where the other is cut.
    const isWithin = started - 1 <= created && created <= reported + 1
    assert.ok(isWithin, `${created} is not from ${started} to ${reported}`)
  })
  must('SHOULD have the client_ip of a connection', async () => {
    // The original adds the port.
    assert.match(textOf(await row(), 'client_ip'), /^[\da-f.:[\]]{3,}$/i)
  })
  must('SHOULD count the messages of a connection as msgs_sent', async () =>
    assertCount(await row(), 'msgs_sent'),
  )
}

function textOf(fields: Fields, name: string): string {
  const value = fields[name]
  assert.ok(typeof value === 'string', `${name} is ${value}, not a text`)
  return value
}

function assertCount(fields: Fields, name: string): void {
  const value = fields[name]
  assert.ok(Number.isInteger(value) && (value as number) >= 0, `${name} is ${value}, not a count`)
}

/** Not before 2010, when there was no such server, and not after today. */
function unixSeconds(fields: Fields, name: string): number {
  const value = fields[name]
  const most = Date.now() / 1000 + DAY_SECONDS
  assert.ok(
    typeof value === 'number' && value > 1_262_304_000 && value < most,
    `${name} is ${value}, not a Unix time in seconds`,
  )
  return value
}
