/**
 * Equal workers: the best placement with one memory size for all, and the preloading that shortens it. What
 * `planner-uniform` plans, and what `planner-report2` begins with.
 */
import { flexible, leastMemory } from "../Assignment.ts"
import type { Model } from "../Model.ts"
import type { Settings } from "../Settings.ts"
import { smallestOfBest } from "./Memory.ts"
import { moves } from "./Moves.ts"
import { type PlacementOptions, place } from "./Placement.ts"
import { preloads } from "./Preloads.ts"
import { budget, type Evaluated, evaluate, isBetter, Search } from "./Search.ts"

/** The memory with which a run of equal workers is shortest; less if more hardly helps. In MiB. */
export const bestMemory = (
  model: Model,
  settings: Pick<Settings, "maxWorkers" | "tasksPerWorker">
): number => {
  const most = leastMemory(model.graph).reduce((a, b) => Math.max(a, b), 0)
  const sizes = model.environment.memorySizes.filter((size) => size >= most)
  if (sizes.length <= 1) return sizes[0] ?? most
  const makespanMs = (memory: number) =>
    evaluate(model, place(model, { ...settings, memory })).timeline.makespanMs
  return smallestOfBest(sizes, makespanMs)
}

/**
 * Places nodes on equal workers: by the rules of `Placement.ts`, in all their variants and with fewer and fewer workers, then
 * by moves along the critical path. Where flexible workers are clearly faster, and not more than there may be, they are
 * taken instead; else not, since what comes after this (preloading, prewarming, less memory) needs names.
 */
export const placed = (model: Model, settings: Settings, memory: number): Evaluated => {
  const options: PlacementOptions = {
    memory,
    maxWorkers: settings.maxWorkers,
    tasksPerWorker: settings.tasksPerWorker
  }
  const all = budget(model.unrolled.size)
  let chosen = options
  const search = new Search(model, evaluate(model, place(model, options)), Math.ceil(all / 2))
  const vary = (by: Partial<PlacementOptions>) => {
    const varied = { ...chosen, ...by }
    if (!search.attempt(place(model, varied), isBetter)) return false
    chosen = varied
    return true
  }
  vary({ fanIn: "soonest" })
  vary({ first: "longest" })
  vary({ worthMs: 0 })
  for (let workers = workersOf(search.best); workers > 1; ) {
    workers = Math.ceil(workers / 2)
    vary({ maxWorkers: workers })
  }
  moves(search, settings.maxWorkers)
  const open = evaluate(model, flexible(model.graph, memory))
  const mayBe = open.timeline.workers.length <= settings.maxWorkers
  const isFaster = open.timeline.makespanMs < search.best.timeline.makespanMs * (1 - CLEARLY)
  return mayBe && isFaster ? open : search.best
}

/** By what share flexible workers have to be faster. */
const CLEARLY = 0.03

const workersOf = ({ assignment: { worker } }: Evaluated): number =>
  worker.reduce((most, own) => Math.max(most, own + 1), 0)

/** Adds preloading where it helps, and moves what that makes worth moving, in turns until nothing is gained. */
export const preloaded = (model: Model, settings: Settings, placed: Evaluated): Evaluated => {
  const search = new Search(model, placed, Math.ceil(budget(model.unrolled.size) / 4))
  for (let before: Evaluated | undefined; search.best !== before && search.left > 0; ) {
    before = search.best
    search.within(search.left / 2, () => preloads(search))
    // Without preloading there is nothing new to be found.
    if (search.best !== before) search.within(search.left / 2, () => moves(search, settings.maxWorkers))
  }
  return search.best
}
