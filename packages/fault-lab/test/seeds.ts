/** Runs the scenarios of seeds, and makes those that fail smaller. */
import fc from "fast-check"
import { type Break, Controls, type FaultKind, simulate, type Verdict } from "../src/index.ts"
import { arbitraryScenario } from "./scenario.ts"

/** A scenario: its seed, and if it was made smaller, which of the smaller ones it is. */
export interface Seed {
  readonly seed: number
  readonly path?: string | undefined
}

/** Stores to try the laboratory itself on. */
export const controls = {
  "plain-counter": Controls.plainCounter,
  "ready-twice": Controls.readyTwice,
  forgetful: Controls.forgetful,
  impatient: Controls.impatient,
  untidy: Controls.untidy
} satisfies Record<string, Break>

export type ControlName = keyof typeof controls

export const isControl = (name: string): name is ControlName => Object.hasOwn(controls, name)

interface RunOptions {
  readonly control?: ControlName | undefined
  readonly trace?: boolean | undefined
}

const scenarioOf = ({ path, seed }: Seed) =>
  fc.sample(arbitraryScenario, {
    seed,
    numRuns: 1,
    unbiased: true,
    ...(path === undefined ? {} : { path })
  })[0]!

/** Runs the scenario of a seed. */
export const runSeed = (seed: Seed, { control, trace = false }: RunOptions = {}): Promise<Verdict> =>
  simulate(scenarioOf(seed), { trace, ...(control === undefined ? {} : { broken: controls[control] }) })

/** Shows the scenario of a seed. */
export const showSeed = (seed: Seed): string => fc.stringify(scenarioOf(seed))

/** What many seeds gave. */
export interface Totals {
  seeds: number
  calls: number
  instances: number
  processes: number
  virtualMs: number
  readonly faults: Partial<Record<FaultKind, number>>
  /** The seed that failed, and why. */
  failed: { readonly seed: number; readonly problem: string } | undefined
}

export const noTotals = (): Totals => ({
  seeds: 0,
  calls: 0,
  instances: 0,
  processes: 0,
  virtualMs: 0,
  faults: {},
  failed: undefined
})

export const addTotals = (sum: Totals, more: Totals): void => {
  sum.seeds += more.seeds
  sum.calls += more.calls
  sum.instances += more.instances
  sum.processes += more.processes
  sum.virtualMs += more.virtualMs
  for (const [kind, count] of Object.entries(more.faults) as Array<[FaultKind, number]>)
    sum.faults[kind] = (sum.faults[kind] ?? 0) + count
  if (sum.failed === undefined || (more.failed !== undefined && more.failed.seed < sum.failed.seed))
    sum.failed = more.failed ?? sum.failed
}

export const faultsOf = ({ faults }: Totals): number =>
  Object.values(faults).reduce((sum, count) => sum + count, 0)

/** Runs seeds one after another, up to the first that fails. */
export const runSeeds = async (from: number, count: number, control?: ControlName): Promise<Totals> => {
  const totals = noTotals()
  for (let seed = from; seed < from + count; seed++) {
    const { calls, faults, instances, ms, problem, processes } = await runSeed({ seed }, { control })
    totals.seeds++
    totals.calls += calls
    totals.instances += instances
    totals.processes += processes
    totals.virtualMs += ms
    for (const [kind, times] of faults) totals.faults[kind] = (totals.faults[kind] ?? 0) + times
    if (problem !== undefined) {
      totals.failed = { seed, problem }
      break
    }
  }
  return totals
}

/** The command that runs a scenario again. */
export const replayCommand = ({ path, seed }: Seed, control?: ControlName): string =>
  [
    "npm --prefix packages/fault-lab run lab --",
    `--seed ${seed}`,
    ...(path === undefined ? [] : [`--path ${path}`]),
    ...(control === undefined ? [] : [`--control ${control}`]),
    "--trace"
  ].join(" ")

/** Makes a failing scenario smaller, as long as it fails, for some time at most. */
export const shrink = async (seed: number, control?: ControlName, forMs = 60_000): Promise<Seed> => {
  const property = fc.asyncProperty(arbitraryScenario, async (scenario) => {
    const options = control === undefined ? {} : { broken: controls[control] }
    const { problem } = await simulate(scenario, options)
    if (problem !== undefined) throw new Error(problem)
  })
  const { counterexamplePath } = await fc.check(property, {
    seed,
    numRuns: 1,
    unbiased: true,
    interruptAfterTimeLimit: forMs
  })
  return { seed, path: counterexamplePath ?? undefined }
}
