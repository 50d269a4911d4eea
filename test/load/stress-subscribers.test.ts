// Subscribers that stall, trickle, leave together, come and go, in short; `make stress` is longer.
import { playShort } from '../stress/kit/short.ts'
import { ofSubscribers } from '../stress/scenarios.ts'

playShort('subscribers that misbehave', ofSubscribers)
