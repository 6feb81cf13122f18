/**
 * A behaviour that writes down when a worker was in which stage of which node. One file for each worker, into the folder
 * that `WEFT_TIMED` names, when it leaves: so that writing costs the run nothing.
 */
import { writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { annotation, type Behaviour, behaviour } from "@weft/core"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

export type Stage = "start" | "inputs" | "execute" | "publish" | "complete" | "handOff"

/** Times are in ms since the epoch, with fractions. */
export interface Span {
  readonly stage: Stage
  /** `undefined` for the stage `start`. */
  readonly instance: number | string | undefined
  readonly begin: number
  readonly end: number
}

/** A worker's life. */
export interface Life {
  readonly run: string
  readonly worker: string
  /** The id of the environment that it lived in. */
  readonly environment: string
  /** Present for the environment's first worker. */
  readonly cold:
    | { readonly processAt: number; readonly nodeAt: number; readonly importedAt: number }
    | undefined
  readonly spans: ReadonlyArray<Span>
}

const now = () => performance.timeOrigin + performance.now()

const importedAt = now()
let isCold = true
/** One worker lives here at a time. */
let spans: Array<Span> = []

const timed =
  (stage: Stage) =>
  <A, E, R>(context: Behaviour.WorkerContext | Behaviour.NodeContext, next: Effect.Effect<A, E, R>) =>
    Effect.suspend(() => {
      const begin = now()
      const instance = "instance" in context ? context.instance : undefined
      return Effect.ensuring(
        next,
        Effect.sync(() => {
          spans.push({ stage, instance, begin, end: now() })
        })
      )
    })

const writeDown = ({ run, worker }: { readonly run: string; readonly worker: string }) => {
  const folder = process.env.WEFT_TIMED
  if (folder === undefined) throw new Error("WEFT_TIMED must name a folder")
  const { timeOrigin, nodeTiming } = performance
  const cold = isCold
    ? { processAt: timeOrigin, nodeAt: timeOrigin + nodeTiming.bootstrapComplete, importedAt }
    : undefined
  // What /tmp is on AWS lies in a folder that has the environment's id.
  const life: Life = { run, worker, environment: basename(dirname(tmpdir())), cold, spans }
  writeFileSync(join(folder, `${run} ${worker}.json`), JSON.stringify(life))
  isCold = false
  spans = []
}

export const Timed = annotation("timed", Schema.Literal(true))

/** Writes down how long each stage takes. */
export const timing = behaviour(import.meta, Timed, {
  start: timed("start"),
  inputs: timed("inputs"),
  execute: timed("execute"),
  publish: timed("publish"),
  complete: timed("complete"),
  handOff: timed("handOff"),
  stop: (context, next) => Effect.tap(next, () => Effect.sync(() => writeDown(context)))
})
