/** Stores that lose values, as if the workers that had them were gone. */
import type { InstanceId } from "@weft/core"
import type { Coordination, Kept } from "@weft/storage"
import * as Effect from "effect/Effect"
import type { Settings } from "./harness.ts"

/**
 * Loses the values for which `loses` says so, whoever keeps them; only what was asked for is never lost.
 *
 * @param loses asked once for each value that is kept
 */
export const forgetful = (loses: (instance: InstanceId) => boolean): Pick<Settings, "coordination"> => ({
  coordination: (real) => {
    let targets: ReadonlySet<InstanceId> = new Set()
    const stays = ({ instance }: Kept) => targets.has(instance) || !loses(instance)
    const lossy: Coordination["Service"] = {
      ...real,
      begin: (spec, worker) => {
        targets = new Set(spec.targets)
        return real.begin(spec, worker)
      },
      complete: (run, worker, completions) =>
        real.complete(
          run,
          worker,
          completions.map((one) => ({ ...one, keep: one.keep.filter(stays) }))
        ),
      keep: (run, worker, values) => real.keep(run, worker, values.filter(stays))
    }
    return lossy
  }
})

/** A worker's call of coordination fails, the first time: the engine takes the worker for lost. */
export const losing = (fails: (worker: string) => boolean): Pick<Settings, "coordination"> => ({
  coordination: (real) => ({
    ...real,
    complete: (run, worker, completions) =>
      Effect.suspend(() => {
        if (completions.length > 0 && fails(worker)) throw new Error("this worker breaks")
        return real.complete(run, worker, completions)
      })
  })
})
