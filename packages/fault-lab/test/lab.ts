/**
 * The laboratory's command: runs many seeds on several processes, or one again.
 *
 *     npm run lab -- --seeds 100000 --from 1 --jobs 2
 *     npm run lab -- --seed 123 --trace
 */
import { fork } from "node:child_process"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import {
  addTotals,
  type ControlName,
  controls,
  faultsOf,
  isControl,
  noTotals,
  replayCommand,
  runSeed,
  runSeeds,
  type Seed,
  showSeed,
  shrink,
  type Totals
} from "./seeds.ts"

const HELP = `Usage: npm run lab -- [options]

  --seeds N      how many seeds (default 10000)
  --from N       the first one (default 1)
  --jobs N       processes (default: one for each core)
  --seed N       runs one seed again
  --path P       ... the smaller scenario that was found for it
  --trace        ... and shows what happened
  --control C    a broken store, to try the laboratory itself: ${Object.keys(controls).join(", ")}
`

/** How many seeds a process is given at once. */
const PIECE = 250

/** What a process is asked to run. */
interface Piece {
  readonly from: number
  readonly count: number
  readonly control: ControlName | undefined
}

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "10000" },
      from: { type: "string", default: "1" },
      jobs: { type: "string", default: String(availableParallelism()) },
      seed: { type: "string" },
      path: { type: "string" },
      trace: { type: "boolean", default: false },
      control: { type: "string" },
      help: { type: "boolean", default: false }
    }
  })
  const [seeds, from, jobs] = [values.seeds, values.from, values.jobs].map(Number)
  const isWrong =
    [seeds, from, jobs, Number(values.seed ?? 1)].some((count) => !Number.isInteger(count) || count! < 1) ||
    (values.control !== undefined && !isControl(values.control))
  if (values.help || isWrong) {
    console.log(HELP)
    return isWrong ? 2 : 0
  }
  const control = values.control as ControlName | undefined
  if (values.seed !== undefined)
    return one({ seed: Number(values.seed), path: values.path }, control, values.trace)
  return many({ from: from!, count: seeds!, control }, jobs!)
}

const one = async (seed: Seed, control: ControlName | undefined, trace: boolean): Promise<number> => {
  console.log(showSeed(seed))
  const verdict = await runSeed(seed, { control, trace })
  for (const line of verdict.trace) console.log(line)
  console.log(`\n${verdict.problem ?? "all as promised"}`)
  return verdict.problem === undefined ? 0 : 1
}

const many = async ({ control, count, from }: Piece, jobs: number): Promise<number> => {
  const beganAt = performance.now()
  const totals = noTotals()
  let next = from
  let shownAt = beganAt
  const take = (): Piece | undefined => {
    if (next >= from + count || totals.failed !== undefined) return
    const piece = { from: next, count: Math.min(PIECE, from + count - next), control }
    next += piece.count
    return piece
  }
  const show = () => {
    const seconds = (performance.now() - beganAt) / 1000
    console.log(
      `${totals.seeds} seeds, ${(totals.seeds / seconds).toFixed(0)} a second, ` +
        `${(faultsOf(totals) / totals.seeds).toFixed(1)} faults, ${(totals.calls / totals.seeds).toFixed(0)} calls and ` +
        `${(totals.processes / totals.seeds).toFixed(1)} processes a seed`
    )
  }
  await Promise.all(
    Array.from({ length: jobs }, () =>
      job(take, (more) => {
        addTotals(totals, more)
        if (performance.now() - shownAt < 5000) return
        shownAt = performance.now()
        show()
      })
    )
  )
  show()
  for (const [kind, times] of Object.entries(totals.faults).toSorted())
    console.log(`  ${kind.padEnd(18)} ${times}`)
  const { failed } = totals
  if (failed === undefined) {
    console.log("all as promised")
    return 0
  }
  console.log(
    `\nseed ${failed.seed} fails: ${failed.problem}\n  ${replayCommand(failed, control)}\n\nmaking it smaller …`
  )
  const smallest = await shrink(failed.seed, control)
  const { problem } = await runSeed(smallest, { control })
  console.log(`${showSeed(smallest)}\nfails: ${problem}\n  ${replayCommand(smallest, control)}`)
  return 1
}

/** A process that runs pieces until there are none. */
const job = (take: () => Piece | undefined, add: (totals: Totals) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = fork(import.meta.filename, { execArgv: process.execArgv })
    const give = () => {
      const piece = take()
      if (piece === undefined) child.disconnect()
      else child.send(piece)
    }
    child.on("message", (totals) => {
      add(totals as Totals)
      give()
    })
    child.on("error", reject)
    child.on("exit", (code) => {
      if (code === 0) resolve()
      else reject(new Error(`a process ended with ${code}`))
    })
    give()
  })

if (process.send === undefined) process.exitCode = await main()
else {
  process.on("message", ({ control, count, from }: Piece) => {
    void runSeeds(from, count, control).then((totals) => process.send?.(totals))
  })
}
