/** Scenarios at random: workflows, plans, settings, and what goes wrong. Each has a number that makes it again. */
import fc from "fast-check"
import { arbitraryWorkflow } from "../../core/test/randomGraph.ts"
import { arbitraryPlan } from "../../worker/test/arbitraryPlan.ts"
import { held, holding } from "../../worker/test/holding.ts"
import {
  callFaults,
  type Fault,
  type FaultKind,
  invocationFaults,
  messageFaults,
  type Scenario,
  taskFaults,
  timeFaults
} from "../src/index.ts"

const at = (max: number) => fc.oneof(fc.nat(Math.ceil(max / 4)), fc.nat(max))

const fault = (kinds: ReadonlyArray<FaultKind>, max: number): fc.Arbitrary<Fault> =>
  fc.record({
    kind: fc.constantFrom(...kinds),
    at: at(max),
    victim: fc.nat(7),
    forMs: fc.oneof(fc.nat(100), fc.nat(1500), fc.nat(6000))
  })

const faults = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fault(callFaults, 120) },
    { weight: 2, arbitrary: fault(invocationFaults, 12) },
    { weight: 1, arbitrary: fault(messageFaults, 6) },
    { weight: 4, arbitrary: fault(timeFaults, 150) },
    { weight: 2, arbitrary: fault(taskFaults, 20) }
  ),
  { maxLength: 16, size: "max" }
)

const rates = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ calls: 0, invocations: 0, messages: 0 }) },
  {
    weight: 1,
    arbitrary: fc.record({
      calls: fc.constantFrom(0, 0.02, 0.1),
      invocations: fc.constantFrom(0, 0.05, 0.2),
      messages: fc.constantFrom(0, 0.2, 1)
    })
  }
)

/** Invocations that come twice, late or not at all, and nothing worse: as on a service that only promises to try. */
const lossy = fc.record({
  faults: fc.array(fault(["lose-invocation", "double-invocation", "slow-invocation"], 12), { maxLength: 8 }),
  rates: fc.record({
    calls: fc.constant(0),
    invocations: fc.constantFrom(0, 0.1, 0.2),
    messages: fc.constantFrom(0, 0.2)
  })
})

const settings = fc.record({
  parallelism: fc.constantFrom(1, 2, 4),
  places: fc.constantFrom(1, 2, 3, 8, 64),
  fanOut: fc.constantFrom(1, 2, 3, 100),
  idleMs: fc.constantFrom(0, 5, 50, 2000),
  payloadBytes: fc.constantFrom(0, 20, 200, Number.POSITIVE_INFINITY),
  adopts: fc.boolean(),
  begins: fc.boolean(),
  takes: fc.boolean(),
  beatsApart: fc.boolean(),
  watches: fc.boolean(),
  startMs: fc.constantFrom(1, 20, 400),
  taskMs: fc.constantFrom(1, 20, 200),
  leaseMs: fc.constantFrom(300, 1000),
  pollMs: fc.constantFrom(100, 1000),
  latencyMs: fc.constantFrom(1, 5),
  inlineBytes: fc.constantFrom(0, 5, 60, 65_536)
})

export const arbitraryScenario: fc.Arbitrary<Scenario> = fc
  .record({
    workflow: arbitraryWorkflow,
    plan: fc.oneof(arbitraryPlan, holding(arbitraryPlan)),
    settings,
    mischief: fc.oneof(
      { weight: 1, arbitrary: fc.constant({ faults: [], rates: { calls: 0, invocations: 0, messages: 0 } }) },
      { weight: 2, arbitrary: lossy },
      { weight: 9, arbitrary: fc.record({ faults, rates }) }
    ),
    poison: fc.option(
      fc.record({ how: fc.constantFrom("throws" as const, "kills" as const), index: fc.nat(20) }),
      { nil: undefined, freq: 12 }
    ),
    chance: fc.nat()
  })
  .map(({ workflow, ...rest }) => ({
    ...rest,
    behaviours: [held],
    build: workflow.build,
    expected: workflow.expected,
    [fc.toStringMethod]: () => fc.stringify({ workflow, ...rest })
  }))
