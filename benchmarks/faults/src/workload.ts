/**
 * What is run: a random graph in layers, whose result tells whether any of its tasks was given, or gave, anything wrong.
 * Some tasks wait and some compute; some values are large; some lists are known only when they have been computed.
 */
import { each, type Node } from "weft"
import { type Random, random } from "./random.ts"
import * as tasks from "./tasks.ts"
import * as work from "./work.ts"

/** What makes a number out of numbers. */
interface Step {
  readonly kind: "wait" | "grind" | "large" | "list" | "flaky" | "greedy"
  readonly salt: number
  /** Of numbers that steps before it have made. */
  readonly inputs: ReadonlyArray<number>
  /** For `wait`, `grind`, and each element of `list`, in ms. */
  readonly ms: number
  /** Bytes for `large`, elements for `list`. */
  readonly size: number
}

export interface Workload {
  readonly steps: ReadonlyArray<Step>
  /** The steps of the last layer. */
  readonly last: ReadonlyArray<number>
}

export interface Options {
  readonly layers?: number
  readonly width?: number
  /** The least and most bytes of a large value. */
  readonly bytes?: readonly [number, number]
  /** How many of a hundred steps have a large value. */
  readonly large?: number
  /** How many of a hundred steps throw once. */
  readonly flaky?: number
  /** Whether one step fills its process's heap, once. */
  readonly greedy?: boolean
}

/** What is computed. */
export interface Value {
  readonly numbers: ReadonlyArray<number>
  readonly bytes: Uint8Array
}

const kindOf = (next: Random, { flaky = 0, large = 8 }: Options): Step["kind"] => {
  const at = next() * 100
  if (at < flaky) return "flaky"
  if (at < flaky + large) return "large"
  if (at < flaky + large + 4) return "list"
  return next() < 0.5 ? "wait" : "grind"
}

export const make = (seed: number, options: Options = {}): Workload => {
  const { bytes = [8_000, 60_000], greedy = false, layers = 9, width = 9 } = options
  const next = random(seed)
  const steps: Array<Step> = []
  for (let layer = 0; layer < layers; layer++) {
    for (let i = 0; i < width; i++) {
      const kind = kindOf(next, options)
      const from = Math.max(0, layer - 2) * width
      const count = layer === 0 ? 0 : next.whole(1, 3)
      steps.push({
        kind: greedy && layer === 3 && i === 0 ? "greedy" : kind,
        salt: next.whole(0, 2 ** 30),
        inputs: Array.from({ length: count }, () => next.whole(from, layer * width - 1)),
        ms: next.whole(5, 30),
        size: kind === "large" ? 4 * next.whole(bytes[0] / 4, bytes[1] / 4) : next.whole(2, 8)
      })
    }
  }
  return { steps, last: Array.from({ length: width }, (_, i) => steps.length - width + i) }
}

/** The bytes that are part of the result. */
const RESULT_BYTES = 40_000

/** The nodes. */
export const build = ({ last, steps }: Workload) => {
  const made: Array<Node<number>> = []
  for (const { inputs, kind, ms, salt, size } of steps) {
    const given = inputs.map((input) => made[input]!)
    switch (kind) {
      case "large": {
        const bytes = tasks.blob(size, tasks.fold([salt, ...given]))
        made.push(tasks.fold([tasks.digest(bytes), tasks.digest(bytes)]))
        break
      }
      case "list": {
        const list = tasks.numbers(size, tasks.fold([salt, ...given]))
        made.push(tasks.fold(each(list, (n) => tasks.wait(salt, ms, [n, ...given]))))
        break
      }
      case "wait":
        made.push(tasks.wait(salt, ms, given))
        break
      case "grind":
        made.push(tasks.grind(salt, ms, given))
        break
      case "flaky":
        made.push(tasks.flaky(salt, given))
        break
      case "greedy":
        made.push(tasks.greedy(salt, given))
    }
  }
  const numbers = last.map((step) => made[step]!)
  return { numbers, bytes: tasks.blob(RESULT_BYTES, tasks.fold(numbers)) }
}

/** What has to come out. */
export const evaluate = ({ last, steps }: Workload): Value => {
  const made: Array<number> = []
  for (const { inputs, kind, salt, size } of steps) {
    const given = inputs.map((input) => made[input]!)
    if (kind === "large") {
      const digest = work.digest(work.blob(size, work.mix(0, [salt, ...given])))
      made.push(work.mix(0, [digest, digest]))
    } else if (kind === "list") {
      const list = work.numbers(size, work.mix(0, [salt, ...given]))
      made.push(
        work.mix(
          0,
          list.map((n) => work.mix(salt, [n, ...given]))
        )
      )
    } else made.push(work.mix(salt, given))
  }
  const numbers = last.map((step) => made[step]!)
  return { numbers, bytes: work.blob(RESULT_BYTES, work.mix(0, numbers)) }
}
