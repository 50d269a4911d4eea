// The scenarios that `make test` plays in their short form and `make stress` in their long one. In
// several lists: a test file has five minutes.
import { churn } from './churn.ts'
import { clockBack, clockForward } from './clock.ts'
import { death } from './death.ts'
import { exodus } from './exodus.ts'
import { flood } from './flood.ts'
import { freeze } from './freeze.ts'
import type { Play } from './kit/scenario.ts'
import { multitude } from './multitude.ts'
import { redis } from './redis.ts'
import { soak } from './soak.ts'
import { stalled } from './stalled.ts'
import { stop } from './stop.ts'
import { trickling } from './trickling.ts'

/** What subscribers do. */
export const ofSubscribers: readonly Play[] = [stalled, trickling, exodus, churn]

/** How much there is of everything. */
export const ofLoad: readonly Play[] = [flood, multitude, soak]

/** What befalls the server. */
export const ofFaults: readonly Play[] = [death, stop, freeze, clockForward, clockBack, redis]

export const scenarios: readonly Play[] = [...ofSubscribers, ...ofLoad, ...ofFaults]
