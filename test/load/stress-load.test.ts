// Floods, 16,000 subscribers and a mixed load over time, in short; `make stress` is longer.
import { playShort } from '../stress/kit/short.ts'
import { ofLoad } from '../stress/scenarios.ts'

playShort('load', ofLoad)
