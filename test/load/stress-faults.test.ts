// Deaths of shards, a stop, a freeze, clocks that are set and a Redis that is lost, in short; `make stress` is longer.
import { playShort } from '../stress/kit/short.ts'
import { ofFaults } from '../stress/scenarios.ts'

playShort('faults', ofFaults)
