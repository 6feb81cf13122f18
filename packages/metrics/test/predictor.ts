// Predictors made from facts.
import { type Facts, Predictor, Summaries } from "../src/index.ts"
import { facts, node, worker } from "./facts.ts"

/** What is known after some runs, each summary stored and read again. */
export const summariesOf = (runs: ReadonlyArray<Facts>, rawMs?: (run: Facts) => number) => {
  const summaries = new Map<string, Summaries.Summary>()
  for (const run of runs) {
    const calibration = rawMs === undefined ? undefined : ({ rawMs: rawMs(run), start: "warm" } as const)
    for (const [key, delta] of Summaries.summarise(run, calibration)) {
      const stored = Summaries.decode(Summaries.encode(Summaries.merge(summaries.get(key), delta)))
      if (stored === undefined) throw new Error(`${key} was not read again`)
      summaries.set(key, stored)
    }
  }
  return summaries
}

/** Predictions after some runs, of a run that begins at `now` (ms since the epoch). */
export const predictorOf = (
  runs: ReadonlyArray<Facts>,
  { engine = "lambda", now = 2_000_000 }: { engine?: string; now?: number } = {}
) => Predictor.make(summariesOf(runs), { engine, signature: "signature", now })

/** A run of calls with a memory size, bytes and time each. */
export const calls = (
  ...all: ReadonlyArray<{ memory?: number; bytes?: number; ms: number; processor?: number; output?: number }>
): Facts =>
  facts({
    workers: all.map(({ memory }) => worker({ memory })),
    nodes: all.map(({ bytes = 0, ms, output = 0, processor }, i) =>
      node({
        instance: i,
        worker: i,
        inputBytes: bytes,
        executionMs: ms,
        processorMs: processor,
        outputBytes: output
      })
    )
  })
