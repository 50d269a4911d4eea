// The admin page: puts its parts together. What it shows is read from where the page came from.
import { Dashboard } from './dashboard.ts'
import { find, setText } from './element.ts'
import { Feed } from './feed.ts'
import { duration, setClock } from './figure.ts'
import { listConnections, listTopics } from './lists.ts'
import { startPublish } from './publish.ts'
import { SignIn } from './sign-in.ts'
import type { Snapshot } from './snapshot.ts'
import { startTheme } from './theme.ts'
import { refusedRows, slowRows, sourceRows } from './trouble.ts'
import { Watch } from './watch.ts'

const STATES = {
  ready: 'ready',
  starting: 'starting',
  source_down: 'source down',
  draining: 'stopping',
} as const

function showState(text: string, kind: 'good' | 'bad' | 'none'): void {
  const state = find('state', HTMLElement)
  // A live region speaks at each change of its text, not each second.
  setText(state, text)
  state.dataset['kind'] = kind
}

function showHead({ node, version, uptime_s, state, overloaded }: Snapshot): void {
  setText(find('node', HTMLElement), node)
  setText(find('version', HTMLElement), version)
  setText(find('uptime', HTMLElement), duration(uptime_s))
  const isGood = state === 'ready' && !overloaded
  showState(overloaded ? 'overloaded' : STATES[state], isGood ? 'good' : 'bad')
}

const dashboard = new Dashboard(find('charts', HTMLElement))
startTheme(() => dashboard.redraw())
const showSources = sourceRows(find('sources', HTMLTableElement))
const showRefused = refusedRows(find('refused', HTMLTableElement))

/** Only when everything has its place: nothing moves from then on. */
function showMain(): void {
  find('main', HTMLElement).hidden = false
}

const signIn = new SignIn(() => feed.open())
const token = (): string => signIn.token
const feed = new Feed({
  token,
  took: (snapshot) => {
    setClock(snapshot.at)
    showHead(snapshot)
    showSources(snapshot)
    showRefused(snapshot)
    showMain()
    dashboard.take(snapshot)
  },
  lost: () => {
    showState('not connected', 'none')
    showMain()
    dashboard.interrupt()
  },
  refused: (why) => {
    showState('not signed in', 'none')
    signIn.ask(why)
  },
})
feed.open()

const watch = new Watch()
startPublish()
listConnections(find('connections', HTMLElement), token)
listTopics(find('topics', HTMLElement), token, (topic) => watch.topic(topic))
slowRows(find('slowest', HTMLTableElement), find('slow-recently', HTMLTableElement), token)
